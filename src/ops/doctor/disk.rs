//! Whether the vault's disk is fit for it.

use std::path::Path;

use rustix::fs::StatVfsMountFlags;

use super::facts::DiskFact;
use super::finding::{Fact, Finding, Remedy};

/// A refresh makes sure of 64 KiB before it begins; less than this is a disk about to be full.
const LITTLE: u64 = 1024 * 1024;

/// Looks at the file system of `path`, if that is there.
pub(crate) fn disk(path: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !path.exists() {
        return findings;
    }
    if let Some(kind) = remote(path) {
        findings
            .push(Finding::to_mend(Fact::Disk(DiskFact::Network { kind }), Remedy::UseLocalDisk));
    }
    match rustix::fs::statvfs(path) {
        Ok(found) if found.f_flag.contains(StatVfsMountFlags::RDONLY) => {
            findings.push(Finding::hint(Fact::Disk(DiskFact::ReadOnly), Remedy::UseLocalDisk));
        }
        Ok(found) if found.f_bavail.saturating_mul(found.f_frsize) < LITTLE => {
            findings.push(Finding::to_mend(Fact::Disk(DiskFact::Full), Remedy::MakeRoom));
        }
        Ok(_) => {}
        Err(error) => {
            findings.push(Finding::unknown(Fact::Disk(DiskFact::NotAsked(error.into()))));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::fine(Fact::Disk(DiskFact::Fit)));
    }
    findings
}

/// The kind of a file system that is another machine's.
#[cfg(target_os = "linux")]
fn remote(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let device = std::fs::metadata(path).ok()?.dev();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let device = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    kind_of(&mounts, &device).filter(|kind| is_remote(kind)).map(ToOwned::to_owned)
}

#[cfg(target_os = "macos")]
fn remote(path: &Path) -> Option<String> {
    // MNT_LOCAL of sys/mount.h.
    const LOCAL: u32 = 0x1000;
    let found = rustix::fs::statfs(path).ok()?;
    (found.f_flags & LOCAL == 0).then(|| "not MNT_LOCAL".to_owned())
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn remote(_path: &Path) -> Option<String> {
    None
}

/// The type of the file system on `device` (proc_pid_mountinfo(5)): it stands after a dash.
#[cfg(target_os = "linux")]
fn kind_of<'a>(mounts: &'a str, device: &str) -> Option<&'a str> {
    mounts.lines().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        (mount.split(' ').nth(2) == Some(device)).then(|| source.split(' ').next())?
    })
}

#[cfg(target_os = "linux")]
fn is_remote(kind: &str) -> bool {
    const KINDS: [&str; 17] = [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "davfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "orangefs",
        "smb3",
        "smbfs",
        "sshfs",
        "virtiofs",
    ];
    // What programs of their own provide: those that fetch from elsewhere.
    const PROGRAMS: [&str; 9] = [
        "sshfs",
        "rclone",
        "davfs",
        "s3fs",
        "glusterfs",
        "gcsfuse",
        "gvfsd-fuse",
        "curlftpfs",
        "ceph",
    ];
    match kind.strip_prefix("fuse.") {
        Some(program) => PROGRAMS.contains(&program),
        None => KINDS.contains(&kind),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn another_machines_file_systems_are_known() {
        let mounts = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n\
                      97 36 0:45 / /home/x/far rw,nosuid shared:2 - fuse.sshfs x@far: rw\n\
                      98 36 0:46 / /srv rw - nfs4 far:/srv rw\n";
        for (device, kind, remote) in
            [("98:0", "ext3", false), ("0:45", "fuse.sshfs", true), ("0:46", "nfs4", true)]
        {
            assert_eq!(kind_of(mounts, device), Some(kind));
            assert_eq!(is_remote(kind), remote, "{kind}");
        }
        assert_eq!(kind_of(mounts, "98:1"), None);
        assert!(!is_remote("fuse.encfs") && !is_remote("overlay"));
    }
}
