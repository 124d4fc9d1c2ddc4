//! Renaming the audit's file of another vault, to begin a new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::file::LockedFile;
use crate::store::file::VaultFile;
use crate::vault::seal::VaultId;

/// Renames the file that an earlier vault at the same path left. Its key is gone, so its entries
/// would look forged. `new` is the vault that is being created.
pub(crate) fn set_aside(vault: &VaultFile, new: VaultId) {
    let path = vault.audit();
    // There is rarely such a file. If it can't be renamed, verifying the audit reports it.
    let _ = fs::rename(&path, aside_path(&path, &new.hex()));
}

/// Renames the file of another copy of the vault.
pub(super) fn set_copy_aside(locked: &LockedFile) -> io::Result<()> {
    let mut name = [0; 8];
    getrandom::fill(&mut name).map_err(io::Error::other)?;
    fs::rename(&locked.path, aside_path(&locked.path, &HEXLOWER.encode(&name)))
}

fn aside_path(path: &Path, before: &str) -> PathBuf {
    path.with_extension(format!("before-{before}.jsonl"))
}
