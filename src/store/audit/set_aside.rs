//! The audit of a vault that was there before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::file::LockedFile;
use crate::store::file::VaultFile;
use crate::vault::seal::VaultId;

/// Moves a file out of the way that an earlier vault of the same name left, whose key is gone: its
/// entries would look forged. `new` is the vault that is about to be.
pub(crate) fn set_aside(vault: &VaultFile, new: VaultId) {
    let path = vault.audit();
    // There hardly ever is one; and one that can't be moved is told of by whoever verifies it.
    let _ = fs::rename(&path, aside_path(&path, &new.hex()));
}

/// Moves the file of another copy of the vault out of the way.
pub(super) fn set_copy_aside(locked: &LockedFile) -> io::Result<()> {
    let mut name = [0; 8];
    getrandom::fill(&mut name).map_err(io::Error::other)?;
    fs::rename(&locked.path, aside_path(&locked.path, &HEXLOWER.encode(&name)))
}

fn aside_path(path: &Path, before: &str) -> PathBuf {
    path.with_extension(format!("before-{before}.jsonl"))
}
