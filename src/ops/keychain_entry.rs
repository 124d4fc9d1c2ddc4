//! Entries in the keychain that a slot is about to have, or no longer has.
//!
//! Each is named in the file, under a seal, for as long as it has no slot. Whoever can edit the
//! file can neither have another vault's entry deleted, since the name is made from this vault's
//! id, nor one that a backup needs, since the seal is missing.

use super::clock::Clock;
use super::error::{Error, SlotError};
use super::open_vault::OpenVault;
use super::unlock::entry_name;
use crate::store::{intents, slots};
use crate::vault::Key;
use crate::vault::keychain::{self, Patience};
use crate::vault::seal::VaultId;
use crate::vault::slot::SlotId;

/// Makes a secret for the coming slot `slot`: its name is committed, then it is written under that
/// new name and read back.
pub(super) fn create(
    vault: &mut OpenVault,
    slot: SlotId,
    patience: &Patience,
    clock: Clock,
) -> Result<Key, Error> {
    let entry = entry_name(vault.key().vault, slot);
    vault.write(|transaction, key| intents::put(transaction, key, &entry.to_string(), clock()))?;
    let secret = Key::generate()?;
    keychain::create(&entry, &secret, patience).map_err(SlotError::NotKept)?;
    Ok(secret)
}

/// Deletes the entries that are named in the file and have no slot: what a process left that died,
/// or what a slot left that was replaced. Returns how many the keychain did not delete.
///
/// Nobody else may be changing keys meanwhile.
pub(super) fn sweep(
    vault: &mut OpenVault,
    patience: &Patience,
    clock: Clock,
) -> Result<usize, Error> {
    // Written anew and committed first: if the commit before this failed at the disk, nobody could
    // say which slots the file will turn out to have, until another one is through.
    let (names, current) = vault.write(|transaction, key| {
        let names = intents::sealed(transaction, key)?;
        for name in &names {
            intents::put(transaction, key, name, clock())?;
        }
        let current = slots::list(transaction)?.iter().map(|slot| slot.id).collect::<Vec<_>>();
        Ok((names, current))
    })?;
    let mut left = 0;
    for name in names {
        let Some(slot) = slot_of(vault.key().vault, &name) else { continue };
        // An entry that a slot needs is never a leftover, whatever is written down of it.
        if !current.contains(&slot)
            && keychain::delete(&entry_name(vault.key().vault, slot), patience).is_err()
        {
            left += 1;
            continue;
        }
        vault.write(|transaction, _| intents::remove(transaction, &name))?;
    }
    Ok(left)
}

/// The slot whose entry in the keychain has this name; `None` for any other text.
fn slot_of(vault: VaultId, name: &str) -> Option<SlotId> {
    let (_, slot) = name.split_once('/')?;
    let id = data_encoding::HEXLOWER.decode(slot.as_bytes()).ok()?;
    let slot = SlotId(id.try_into().ok()?);
    (entry_name(vault, slot).to_string() == name).then_some(slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_of_this_vault_is_one() {
        let (vault, slot) = (VaultId([0xab; 16]), SlotId([0xcd; 8]));
        let name = entry_name(vault, slot).to_string();
        assert_eq!(slot_of(vault, &name), Some(slot));
        assert_eq!(slot_of(VaultId([3; 16]), &name), None);
        for other in ["", "/", "x/cdcdcdcdcdcdcdcd", &name.to_uppercase(), &name[..name.len() - 2]]
        {
            assert_eq!(slot_of(vault, other), None, "{other}");
        }
    }
}
