//! Network file systems, on which a vault is not safe.
//!
//! One table answers two questions. [`lacks_shared_memory`] is quick: every command that opens a
//! vault asks it, and refuses a file system that is known to break one. [`remote_type`] is
//! thorough: `doctor` asks it, and warns of every remote file system.

use std::path::Path;

/// A type of network file system.
#[cfg(target_os = "linux")]
struct Remote {
    /// The name in mountinfo, see `proc_pid_mountinfo(5)`.
    name: &'static str,
    /// The number in `statfs(2)`, from `linux/magic.h` and the drivers' sources, if two machines
    /// that mount the file system share no memory. SQLite's write-ahead log needs shared memory.
    lacks_shared_memory: Option<u32>,
}

#[cfg(target_os = "linux")]
const REMOTE: [Remote; 17] = [
    // In WSL, a drive of Windows is of this type too.
    Remote { name: "9p", lacks_shared_memory: Some(0x0102_1997) },
    Remote { name: "afs", lacks_shared_memory: Some(0x5346_414F) },
    Remote { name: "beegfs", lacks_shared_memory: None },
    Remote { name: "ceph", lacks_shared_memory: Some(0x00C3_6400) },
    Remote { name: "cifs", lacks_shared_memory: Some(0xFF53_4D42) },
    Remote { name: "davfs", lacks_shared_memory: None },
    Remote { name: "glusterfs", lacks_shared_memory: None },
    Remote { name: "gpfs", lacks_shared_memory: None },
    Remote { name: "lustre", lacks_shared_memory: None },
    Remote { name: "ncpfs", lacks_shared_memory: None },
    Remote { name: "nfs", lacks_shared_memory: Some(0x6969) },
    Remote { name: "nfs4", lacks_shared_memory: Some(0x6969) },
    Remote { name: "orangefs", lacks_shared_memory: None },
    // SMB2 and later.
    Remote { name: "smb3", lacks_shared_memory: Some(0xFE53_4D42) },
    Remote { name: "smbfs", lacks_shared_memory: Some(0x517B) },
    Remote { name: "sshfs", lacks_shared_memory: None },
    Remote { name: "virtiofs", lacks_shared_memory: None },
];

/// Programs that provide a network file system through FUSE.
#[cfg(target_os = "linux")]
const REMOTE_PROGRAMS: [&str; 9] =
    ["sshfs", "rclone", "davfs", "s3fs", "glusterfs", "gcsfuse", "gvfsd-fuse", "curlftpfs", "ceph"];

/// Whether `path` is on a file system whose machines share no memory; costs one system call.
///
/// SQLite itself refuses a write-ahead log where processes can't share memory, but it does not
/// notice that a second machine uses the file.
#[cfg(target_os = "linux")]
pub(crate) fn lacks_shared_memory(path: &Path) -> bool {
    // The width of the type differs between platforms; all numbers fit into 32 bits.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    rustix::fs::statfs(path).is_ok_and(|found| {
        REMOTE.iter().any(|kind| kind.lacks_shared_memory == Some(found.f_type as u32))
    })
}

/// Whether the file may be on a network file system: such a one lies on no block device. What is
/// asked costs nothing, since its metadata are known.
#[cfg(target_os = "linux")]
pub(crate) fn may_be_remote(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    rustix::fs::major(metadata.dev()) == 0
}

/// Always true: this system does not tell by a file's metadata.
#[cfg(not(target_os = "linux"))]
pub(crate) fn may_be_remote(_metadata: &std::fs::Metadata) -> bool {
    true
}

/// Always false: this system has no table of numbers.
#[cfg(not(target_os = "linux"))]
pub(crate) fn lacks_shared_memory(_path: &Path) -> bool {
    false
}

/// Returns the type of the file system of `path`, looked up among all mounts, if it is a network
/// file system; `None` otherwise.
#[cfg(target_os = "linux")]
pub(crate) fn remote_type(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let device = std::fs::metadata(path).ok()?.dev();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let device = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    type_on_device(&mounts, &device).filter(|kind| is_remote(kind)).map(ToOwned::to_owned)
}

/// Returns a text for a file system that macOS does not call local; `None` otherwise.
#[cfg(target_os = "macos")]
pub(crate) fn remote_type(path: &Path) -> Option<String> {
    // MNT_LOCAL of sys/mount.h.
    const LOCAL: u32 = 0x1000;
    let found = rustix::fs::statfs(path).ok()?;
    (found.f_flags & LOCAL == 0).then(|| "not MNT_LOCAL".to_owned())
}

/// Always `None`: this system can't be asked.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(crate) fn remote_type(_path: &Path) -> Option<String> {
    None
}

/// Returns the type of the file system on `device` (`major:minor`) from the text of mountinfo,
/// where it follows ` - `.
#[cfg(target_os = "linux")]
fn type_on_device<'a>(mounts: &'a str, device: &str) -> Option<&'a str> {
    mounts.lines().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        (mount.split(' ').nth(2) == Some(device)).then(|| source.split(' ').next())?
    })
}

#[cfg(target_os = "linux")]
fn is_remote(kind: &str) -> bool {
    match kind.strip_prefix("fuse.") {
        Some(program) => REMOTE_PROGRAMS.contains(&program),
        None => REMOTE.iter().any(|remote| remote.name == kind),
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
            assert_eq!(type_on_device(mounts, device), Some(kind));
            assert_eq!(is_remote(kind), remote, "{kind}");
        }
        assert_eq!(type_on_device(mounts, "98:1"), None);
        assert!(!is_remote("fuse.encfs") && !is_remote("overlay"));
        assert!(!lacks_shared_memory(Path::new("/proc")));
    }
}
