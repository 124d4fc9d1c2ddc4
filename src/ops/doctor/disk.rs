//! Whether the vault's disk is fit for it.

use std::path::Path;

use rustix::fs::StatVfsMountFlags;

use super::facts::DiskFact;
use super::finding::{Fact, Finding, Remedy};
use crate::file_system;

/// A refresh makes sure of 64 KiB before it begins; less than this is a disk about to be full.
const LITTLE: u64 = 1024 * 1024;

/// Looks at the file system of `path`, if that is there.
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
