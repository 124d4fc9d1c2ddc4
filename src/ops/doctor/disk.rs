//! Whether the vault's disk is fit for it.

use std::path::Path;

use rustix::fs::StatVfsMountFlags;

use super::report::{Check, Remedy, Told};
use crate::file_system;
use crate::untrusted::printable;

/// A refresh makes sure of 64 KiB before it begins; less than this is a disk about to be full.
const LITTLE: u64 = 1024 * 1024;

/// Looks at the file system of `path`, if that is there.
pub(crate) fn disk(path: &Path) -> Vec<Told> {
    let mut told = Vec::new();
    if !path.exists() {
        return told;
    }
    if let Some(kind) = file_system::remote_type(path) {
        told.push(Told::finding(
            Check::Disk,
            format!("the vault is on a network file system ({}), whose locks and shared memory may not hold", printable(&kind)),
            Remedy::UseLocalDisk,
        ));
    }
    match rustix::fs::statvfs(path) {
        Ok(found) if found.f_flag.contains(StatVfsMountFlags::RDONLY) => told.push(Told::hint(
            Check::Disk,
            "the disk is read-only: tokens can be read, and none refreshed",
            Remedy::UseLocalDisk,
        )),
        Ok(found) if found.f_bavail.saturating_mul(found.f_frsize) < LITTLE => {
            told.push(Told::finding(
                Check::Disk,
                "the disk is full: nothing can be refreshed",
                Remedy::MakeRoom,
            ));
        }
        Ok(_) => {}
        Err(error) => {
            let why = std::io::Error::from(error);
            told.push(Told::unknown(Check::Disk, format!("how full the disk is: {why}")));
        }
    }
    if told.is_empty() {
        told.push(Told::fine(Check::Disk, "the disk is a local one, and has room"));
    }
    told
}
