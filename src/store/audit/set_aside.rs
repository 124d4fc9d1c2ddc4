//! The audit of a vault that was there before.

use std::fs;

use crate::store::file::VaultFile;
use crate::vault::seal::VaultId;

/// Moves a file out of the way that an earlier vault of the same name left, whose key is gone: its
/// entries would look forged. `new` is the vault that is about to be.
pub(crate) fn set_aside(vault: &VaultFile, new: VaultId) {
    let path = vault.audit();
    // There hardly ever is one; and one that can't be moved is told of by whoever verifies it.
    let _ = fs::rename(&path, path.with_extension(format!("before-{}.jsonl", new.hex())));
}
