//! The count of entries that could not be written: a file of its own with one byte for each.
//!
//! A process that could not write an entry adds a byte, which needs neither the chain nor a long
//! wait for a lock. On a full or read-only disk that fails too, and the entry is not counted. The
//! file is protected only by its permissions; once the count is in an entry, it is part of the
//! chain.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::private_file;
use crate::store::file::VaultFile;

const POLL: Duration = Duration::from_micros(500);

/// The number of tries to lock the file before an entry stays uncounted.
const TRIES: u32 = 40;

/// The count of missed entries, with the lock on its file, while the next entry is written.
pub(super) struct MissedEntries {
    pub(super) count: u64,
    file: Option<File>,
}

/// Adds `more` to the count; ignores failures.
pub(super) fn add(vault: &VaultFile, more: usize) {
    let Ok(file) = private_file::open_or_create(&path(vault)) else { return };
    // Others hold the lock only while they write one line, unless they were stopped (SIGSTOP).
    let mut tries = 0;
    while file.try_lock().is_err() {
        tries += 1;
        if tries == TRIES {
            return;
        }
        std::thread::sleep(POLL);
    }
    let Ok(length) = file.metadata().map(|metadata| metadata.len()) else { return };
    let _ = file.write_all_at(&vec![b'.'; more], length);
}

/// Reads the count for the next entry, and locks the file if the count is not 0.
pub(super) fn take(vault: &VaultFile) -> MissedEntries {
    let path = path(vault);
    let none = MissedEntries { count: 0, file: None };
    // Nearly always the count is 0.
    if !std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0) {
        return none;
    }
    let Ok(file) = private_file::open_or_create(&path) else { return none };
    if file.try_lock().is_err() {
        return none;
    }
    let count = file.metadata().map_or(0, |metadata| metadata.len());
    MissedEntries { count, file: Some(file) }
}

impl MissedEntries {
    /// Sets the count to 0, since an entry carries it now.
    pub(super) fn reset(self) {
        if let Some(file) = self.file {
            let _ = file.set_len(0);
        }
    }
}

fn path(vault: &VaultFile) -> PathBuf {
    vault.audit().with_extension("missed")
}
