//! Keychain entries that do not belong to a key slot yet, or no longer.
//!
//! The vault lists each of them, sealed, until it has a slot or is deleted. An attacker who can edit
//! the file can't have the entry of another vault deleted, because its name is made from this
//! vault's id; nor one that a backup needs, because the attacker can't make the seal.

use super::clock::Clock;
use super::error::{Error, SlotError};
use crate::store::OpenVault;
use crate::vault::Key;
use crate::vault::keychain::{self, Patience};
use crate::vault::slot::SlotId;

/// Generates a secret for the new slot `slot`, writes it to the keychain and reads it back. The
/// entry's name is committed to the vault before that; but not while the keychain is locked, since
/// there would be nothing to delete, and the name would stay for as long.
pub(super) fn create(
    vault: &OpenVault,
    slot: SlotId,
    patience: &Patience,
    clock: Clock,
) -> Result<Key, Error> {
    keychain::prepare(patience).map_err(SlotError::NotKept)?;
    vault.add_intent(slot, clock())?;
    let secret = Key::generate()?;
    keychain::create(&vault.entry_name(slot), &secret, patience).map_err(SlotError::NotKept)?;
    Ok(secret)
}

/// The result of [`sweep`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Swept {
    /// The number of names whose entries the keychain did not delete.
    pub(super) left: usize,
    /// The number of deleted entries that had the name of another one.
    pub(super) doubles: usize,
    /// Whether what was deleted lies in the keychain's recycle bin.
    pub(super) in_recycle_bin: bool,
}

/// Deletes the entries that the vault lists and no slot uses: those of a process that died, and of
/// slots that were replaced.
///
/// The caller holds the lock that keeps other processes from changing keys.
pub(super) fn sweep(vault: &OpenVault, patience: &Patience, clock: Clock) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    for (slot, is_there) in vault.confirm_intents(clock())? {
        // An entry that a slot uses is never deleted, even if the vault lists it.
        if !is_there {
            let Ok(deleted) = keychain::delete(&vault.entry_name(slot), patience) else {
                swept.left += 1;
                continue;
            };
            swept.doubles += deleted.count.saturating_sub(1);
            swept.in_recycle_bin |= deleted.in_recycle_bin;
        }
        vault.remove_intent(slot)?;
    }
    Ok(swept)
}
