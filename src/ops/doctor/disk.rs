//! The check of the disk that the vault lies on.

use std::path::Path;

use rustix::fs::StatVfsMountFlags;

use super::facts::DiskFact;
use super::finding::{Fact, Finding, Remedy};
use crate::file_system;

/// The free space in bytes below which a disk is reported as nearly full.
const LITTLE: u64 = 1024 * 1024;

/// The free space in bytes without which a refresh may not begin: it reserves 64 KiB for the answer,
/// and SQLite's log and shared memory take as much again.
const NEEDED: u64 = 160 * 1024;

/// Checks the file system of `path`: local, writable, not full. Returns nothing if the path does not
/// exist.
pub(crate) fn disk(path: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !path.exists() {
        return findings;
    }
    if let Some(kind) = file_system::remote_type(path) {
        findings
            .push(Finding::to_mend(Fact::Disk(DiskFact::Network { kind }), Remedy::UseLocalDisk));
    }
    match rustix::fs::statvfs(path) {
        Ok(found) if found.f_flag.contains(StatVfsMountFlags::RDONLY) => {
            findings.push(Finding::to_mend(Fact::Disk(DiskFact::ReadOnly), Remedy::UseLocalDisk));
        }
        Ok(found) if found.f_bavail.saturating_mul(found.f_frsize) < LITTLE => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let fact = DiskFact::Full { free, refreshes: free >= NEEDED };
            let folder = path.parent().unwrap_or(path).to_owned();
            findings.push(Finding::to_mend(Fact::Disk(fact), Remedy::MakeRoom(folder)));
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
