//! Entries in the keychain that a slot is about to have, or no longer has.
//!
//! Each is named in the vault, under a seal, for as long as it has no slot. Whoever can edit the
//! file can neither have another vault's entry deleted, since the name is made from this vault's
//! id, nor one that a backup needs, since the seal is missing.

use super::clock::Clock;
use super::error::{Error, SlotError};
use crate::store::OpenVault;
use crate::vault::Key;
use crate::vault::keychain::{self, Patience};
use crate::vault::slot::SlotId;

/// Makes a secret for the coming slot `slot`: its name is committed, then it is written under that
/// new name and read back.
pub(super) fn create(
    vault: &OpenVault,
    slot: SlotId,
    patience: &Patience,
    clock: Clock,
) -> Result<Key, Error> {
    vault.add_intent(slot, clock())?;
    let secret = Key::generate()?;
    keychain::create(&vault.entry_name(slot), &secret, patience).map_err(SlotError::NotKept)?;
    Ok(secret)
}

/// Deletes the entries that are named in the vault and have no slot: what a process left that died,
/// or what a slot left that was replaced. Returns how many the keychain did not delete.
///
/// Nobody else may be changing keys meanwhile.
pub(super) fn sweep(vault: &OpenVault, patience: &Patience, clock: Clock) -> Result<usize, Error> {
    let mut left = 0;
    for (slot, is_there) in vault.confirm_intents(clock())? {
        // An entry that a slot needs is never a leftover, whatever is written down of it.
        if !is_there && keychain::delete(&vault.entry_name(slot), patience).is_err() {
            left += 1;
            continue;
        }
        vault.remove_intent(slot)?;
    }
    Ok(left)
}
