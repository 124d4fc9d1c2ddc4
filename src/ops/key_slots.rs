//! Adding and removing key slots, and the steps around each change of the vault's keys.
//!
//! [`rotation`](super::rotation) uses the same steps: [`begin`] locks and clears up, [`finish`]
//! clears up again.

use std::time::Instant;

use super::clock::Clock;
use super::error::{Error, MOST_PASSPHRASES, SlotError};
use super::keychain_entry::{self, Swept};
use super::refresh::WAIT;
use crate::store::{self, MOST_SLOTS, OpenVault, Turn};
use crate::vault::keychain;
pub(crate) use crate::vault::keychain::Patience;
pub(crate) use crate::vault::slot::SlotId;
use crate::vault::slot::{KeyMaterial, SlotKind};
use crate::vault::slot_secret::SlotSecret;

/// The result of a committed change of the keys.
#[derive(Debug)]
pub(crate) struct Changed<T> {
    /// The result of the operation itself.
    pub(crate) done: T,
    /// The number of unused entries that the keychain did not delete. The next change tries again.
    pub(crate) entries_left: usize,
    /// The number of deleted entries that had the name of another one: a person, or a keychain that
    /// synchronises with another, can make such a second entry.
    pub(crate) doubles_deleted: usize,
    /// Whether the deleted entries lie in the keychain's recycle bin, from where they can come back.
    pub(crate) in_recycle_bin: bool,
    /// Whether the write-ahead log was emptied, so that the overwritten keys are gone from the disk.
    /// It can't be emptied while another process reads the vault.
    pub(crate) log_emptied: bool,
}

/// Returns whether `with` opens the slot `id`. Fails with [`SlotError::Unknown`] if the vault has
/// no such slot.
pub(crate) fn opens(vault: &OpenVault, id: SlotId, with: &SlotSecret) -> Result<bool, Error> {
    Ok(vault.opens(id, with)?.ok_or(SlotError::Unknown { id })?)
}

/// Returns whether the slot `id` opens with the secret that opened the vault.
pub(crate) fn has_now(vault: &OpenVault, id: SlotId) -> Result<bool, Error> {
    match vault.opens(id, vault.slot_secret()?) {
        Ok(opens) => Ok(opens.unwrap_or(false)),
        Err(store::Error::TamperedSlot { .. } | store::Error::Keychain { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Returns whether `secret` already opens the slot `id`, so that replacing the slot's secret by it
/// would change nothing. Always `false` for the keychain, where each slot gets a generated secret.
pub(crate) fn has(vault: &OpenVault, id: SlotId, secret: &SlotSecret) -> Result<bool, Error> {
    match secret {
        SlotSecret::Keychain(_) => Ok(false),
        SlotSecret::Key(_) | SlotSecret::Passphrase(_) | SlotSecret::Recovery(_) => {
            match vault.opens(id, secret) {
                Ok(opens) => Ok(opens.unwrap_or(false)),
                Err(store::Error::TamperedSlot { .. }) => Ok(false),
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// Adds a slot that `secret` opens, and returns the new slot's id. Fails with [`SlotError::TooMany`]
/// if the vault has all the passphrases that it may have, and with [`SlotError::Opens`] if the secret
/// opens a slot already: two slots of one secret are lost together.
pub(crate) fn add(
    vault: &OpenVault,
    secret: &SlotSecret,
    patience: &Patience,
    clock: Clock,
) -> Result<Changed<SlotId>, Error> {
    let _turn = begin(vault, patience, clock)?;
    let slots = vault.slots()?;
    for slot in slots.iter().filter(|slot| slot.kind == secret.kind()) {
        if has(vault, slot.id, secret)? {
            return Err(SlotError::Opens { id: slot.id }.into());
        }
    }
    if slots.len() >= MOST_SLOTS {
        return Err(SlotError::Full.into());
    }
    let passphrases = slots.iter().filter(|slot| slot.kind == SlotKind::Passphrase).count();
    if secret.kind() == SlotKind::Passphrase && passphrases >= MOST_PASSPHRASES {
        return Err(SlotError::TooMany.into());
    }
    let id = SlotId::generate()?;
    let added = material_of(vault, id, secret, clock)
        .and_then(|material| Ok(vault.add_slot(id, secret.kind(), &material, clock())?));
    finish(vault, added.map(|()| id), patience, clock)
}

/// Removes the slots `ids`, and returns the kind of each. Fails with [`SlotError::Last`] if the vault
/// has no other slots. The data key stays: who kept a slot and its secret opens the vault with them.
pub(crate) fn remove(
    vault: &OpenVault,
    ids: &[SlotId],
    patience: &Patience,
    clock: Clock,
) -> Result<Changed<Vec<(SlotId, SlotKind)>>, Error> {
    let _turn = begin(vault, patience, clock)?;
    let slots = vault.slots()?;
    if let Some(&id) = ids.iter().find(|id| slots.iter().all(|slot| slot.id != **id)) {
        return Err(SlotError::Unknown { id }.into());
    }
    let going: Vec<_> = slots.iter().filter(|slot| ids.contains(&slot.id)).collect();
    if going.len() == slots.len() {
        return Err(SlotError::Last { id: slots[0].id }.into());
    }
    let removed = going.iter().try_for_each(|slot| vault.remove_slot(slot.id, slot.kind, clock()));
    let kinds = going.iter().map(|slot| (slot.id, slot.kind)).collect();
    finish(vault, removed.map(|()| kinds).map_err(Error::from), patience, clock)
}

/// Waits until no other process uses or changes the keys, and deletes the keychain entries that an
/// earlier change left. Other processes stay locked out until the returned [`Turn`] is dropped.
pub(super) fn begin(vault: &OpenVault, patience: &Patience, clock: Clock) -> Result<Turn, Error> {
    let turn = vault.keys_turn(Instant::now() + WAIT)?;
    // What can't be deleted now is tried again by `finish`.
    keychain_entry::sweep(vault, patience, clock)?;
    Ok(turn)
}

/// Deletes the keychain entries that an interrupted change of keys left, and returns how many are still
/// written down: the keychain did not delete them, or nobody can tell whether this vault made them.
pub(crate) fn clear_leftovers(
    vault: &OpenVault,
    patience: &Patience,
    clock: Clock,
) -> Result<usize, Error> {
    vault.open_for_writing()?;
    let _turn = vault.keys_turn(Instant::now() + WAIT)?;
    keychain_entry::sweep(vault, patience, clock)?;
    vault.look_again()?;
    Ok(vault.leftover_intents()?.own.len())
}

/// Forgets the keychain entries that an interrupted change of keys left and that [`clear_leftovers`]
/// could not delete: whatever is there of them stays in that keychain.
pub(crate) fn forget_leftovers(vault: &OpenVault, clock: Clock) -> Result<(), Error> {
    vault.open_for_writing()?;
    let _turn = vault.keys_turn(Instant::now() + WAIT)?;
    for (slot, _) in vault.confirm_intents(clock())? {
        vault.remove_intent(slot)?;
    }
    vault.look_again()?;
    // Those that carry no seal, as an older program or somebody else wrote them.
    for name in vault.leftover_intents()?.own {
        let slot = name.rsplit('/').next().and_then(|id| id.parse::<SlotId>().ok());
        if let Some(slot) = slot.filter(|slot| vault.entry_name(*slot).to_string() == name) {
            vault.remove_intent(slot)?;
        }
    }
    Ok(())
}

/// Returns the material that the new slot `id` is made with. For a keychain slot, generates a secret
/// and writes it to the keychain.
pub(super) fn material_of(
    vault: &OpenVault,
    id: SlotId,
    secret: &SlotSecret,
    clock: Clock,
) -> Result<KeyMaterial, Error> {
    match secret {
        SlotSecret::Key(key) | SlotSecret::Recovery(key) => Ok(KeyMaterial::Random(key.clone())),
        SlotSecret::Passphrase(passphrase) => Ok(KeyMaterial::Passphrase(passphrase.clone())),
        SlotSecret::Keychain(patience) => {
            keychain_entry::create(vault, id, patience, clock).map(KeyMaterial::Random)
        }
    }
}

/// Deletes the keychain entries that are not used any more, and empties the write-ahead log, after
/// a change of the keys that was committed. After one that failed, only deletes the entries.
pub(super) fn finish<T>(
    vault: &OpenVault,
    changed: Result<T, Error>,
    patience: &Patience,
    clock: Clock,
) -> Result<Changed<T>, Error> {
    let swept = keychain_entry::sweep(vault, patience, clock);
    let done = changed?;
    // The change is committed. So entries that could not be deleted are reported, not an error.
    let swept = swept.unwrap_or(Swept { left: 1, ..Swept::default() });
    Ok(Changed {
        done,
        entries_left: swept.left,
        doubles_deleted: swept.doubles,
        in_recycle_bin: swept.in_recycle_bin,
        log_emptied: vault.empty_log(),
    })
}

/// Reads the secret of the new slot `id` back from the keychain. Fails with [`SlotError::NotKept`]
/// if it is not there.
pub(super) fn read_back(
    vault: &OpenVault,
    id: SlotId,
    patience: &Patience,
) -> Result<KeyMaterial, Error> {
    keychain::read(&vault.entry_name(id), patience)
        .map(KeyMaterial::Random)
        .map_err(|source| SlotError::NotKept(source).into())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::ops::create::open_or_create;
    use crate::vault::Key;

    #[test]
    fn what_an_interrupted_change_left_can_be_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("v/tokens.db");
        let secret = SlotSecret::Key(Key::generate().unwrap());
        let clock = || Timestamp::UNIX_EPOCH;
        let vault = open_or_create(&path, secret, clock).unwrap();
        vault.add_intent(SlotId::generate().unwrap(), clock()).unwrap();
        assert_eq!(vault.leftover_intents().unwrap().own.len(), 1);
        forget_leftovers(&vault, clock).unwrap();
        assert!(vault.leftover_intents().unwrap().own.is_empty());
    }
}
