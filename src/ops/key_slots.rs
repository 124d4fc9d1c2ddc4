//! Key slots: which there are, one more, one less.

use std::time::Instant;

use super::clock::Clock;
use super::error::{Error, SlotError};
use super::keychain_entry;
use super::refresh::WAIT;
use crate::store::{KeysTurn, OpenVault};
use crate::vault::keychain;
pub(crate) use crate::vault::keychain::Patience;
pub(crate) use crate::vault::slot::SlotId;
use crate::vault::slot::{KeyMaterial, SlotKind};
use crate::vault::slot_secret::SlotSecret;

/// What became of a change.
#[derive(Debug)]
pub(crate) struct Changed<T> {
    pub(crate) done: T,
    /// Entries that nobody needs, and that the keychain did not delete: the next change tries again.
    pub(crate) entries_left: usize,
    /// Whether what was overwritten is gone from the write-ahead log as well: not while somebody
    /// is still reading it.
    pub(crate) log_emptied: bool,
}

/// Whether `with` opens the slot `id`.
pub(crate) fn opens(vault: &OpenVault, id: SlotId, with: &SlotSecret) -> Result<bool, Error> {
    Ok(vault.opens(id, with)?.ok_or(SlotError::Unknown { id })?)
}

/// Whether `secret` is what opens the slot `id` already. One in the keychain is made anew, and
/// never is.
pub(crate) fn has(vault: &OpenVault, id: SlotId, secret: &SlotSecret) -> Result<bool, Error> {
    match secret {
        SlotSecret::Keychain(_) => Ok(false),
        SlotSecret::Key(_) | SlotSecret::Passphrase(_) | SlotSecret::Recovery(_) => {
            match vault.opens(id, secret) {
                Ok(opens) => Ok(opens.unwrap_or(false)),
                Err(crate::store::Error::TamperedSlot { .. }) => Ok(false),
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// Adds a slot to an open vault.
pub(crate) fn add(
    vault: &OpenVault,
    secret: &SlotSecret,
    patience: &Patience,
    clock: Clock,
) -> Result<Changed<SlotId>, Error> {
    let _turn = begin(vault, patience, clock)?;
    let id = SlotId::generate()?;
    let added = material_of(vault, id, secret, clock)
        .and_then(|material| Ok(vault.add_slot(id, secret.kind(), &material, clock())?));
    finish(vault, added.map(|()| id), patience, clock)
}

/// Takes the slot `id` away from an open vault.
pub(crate) fn remove(
    vault: &OpenVault,
    id: SlotId,
    patience: &Patience,
    clock: Clock,
) -> Result<Changed<SlotKind>, Error> {
    let _turn = begin(vault, patience, clock)?;
    let slots = vault.slots()?;
    let slot = slots.iter().find(|slot| slot.id == id).ok_or(SlotError::Unknown { id })?;
    if slots.len() == 1 {
        return Err(SlotError::Last { id }.into());
    }
    let removed = vault.remove_slot(id, slot.kind, clock()).map_err(Error::from);
    finish(vault, removed.map(|()| slot.kind), patience, clock)
}

/// Waits until nobody uses or changes the keys, and keeps it so; and sweeps what an earlier change
/// left.
pub(super) fn begin(
    vault: &OpenVault,
    patience: &Patience,
    clock: Clock,
) -> Result<KeysTurn, Error> {
    let turn = vault.keys_turn(Instant::now() + WAIT)?;
    // What can't be deleted now is left to the end.
    keychain_entry::sweep(vault, patience, clock)?;
    Ok(turn)
}

/// What the coming slot `id` is made with; a secret for the keychain is made, and kept there.
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

/// Clears up after a change that was committed, or failed.
pub(super) fn finish<T>(
    vault: &OpenVault,
    changed: Result<T, Error>,
    patience: &Patience,
    clock: Clock,
) -> Result<Changed<T>, Error> {
    let swept = keychain_entry::sweep(vault, patience, clock);
    let done = changed?;
    // The change is committed: what could not be cleared up is told, and no failure.
    Ok(Changed { done, entries_left: swept.unwrap_or(1), log_emptied: vault.empty_log() })
}

/// Reads the secret of a slot that was just made from the keychain once more.
pub(super) fn kept(
    vault: &OpenVault,
    id: SlotId,
    patience: &Patience,
) -> Result<KeyMaterial, Error> {
    keychain::read(&vault.entry_name(id), patience)
        .map(KeyMaterial::Random)
        .map_err(|source| SlotError::NotKept(source).into())
}
