//! How many entries could not be written: one byte for each, in a file of its own.
//!
//! What a process could not write, it can't remember either once it has ended; so it leaves a byte
//! where no chain has to be followed and no long lock waited for. On a disk that is full or
//! read-only that fails too, and such entries are counted by nobody. The count is as good as the
//! file's permissions; once it stands in an entry, it is part of the chain.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::private_file;
use crate::store::file::VaultFile;

const POLL: Duration = Duration::from_micros(500);

/// How often the file is found locked before one more entry goes uncounted.
const TRIES: u32 = 40;

/// Entries that were missed and are about to be told. Others wait with theirs meanwhile.
pub(super) struct MissedEntries {
    pub(super) count: u64,
    file: Option<File>,
}

/// Counts `more` entries as far as that is possible.
pub(super) fn add(vault: &VaultFile, more: usize) {
    let Ok(file) = private_file::open_or_create_no_follow(&path(vault)) else { return };
    // Held by others for no longer than it takes to write one line, unless they were stopped.
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

/// What was counted so far, to be told in the next entry.
pub(super) fn take(vault: &VaultFile) -> MissedEntries {
    let path = path(vault);
    let none = MissedEntries { count: 0, file: None };
    // Nearly always there is nothing.
    if !std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0) {
        return none;
    }
    let Ok(file) = private_file::open_or_create_no_follow(&path) else { return none };
    if file.try_lock().is_err() {
        return none;
    }
    let count = file.metadata().map_or(0, |metadata| metadata.len());
    MissedEntries { count, file: Some(file) }
}

impl MissedEntries {
    /// They were told.
    pub(super) fn reset(self) {
        if let Some(file) = self.file {
            let _ = file.set_len(0);
        }
    }
}

fn path(vault: &VaultFile) -> PathBuf {
    vault.audit().with_extension("missed")
}
