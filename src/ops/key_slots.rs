//! Key slots: which there are, one more, one less.

use std::time::Instant;

use rusqlite::Transaction;

use super::clock::Clock;
use super::error::{Error, SlotError};
use super::keychain_entry;
use super::open_vault::OpenVault;
use super::refresh::WAIT;
use super::unlock::{self, Unlocking, entry_name};
use crate::store::locks::Guard;
use crate::store::slots::Listed;
use crate::store::{self, Store, header, intents, locks, slots};
use crate::vault::keychain::{self, Patience};
use crate::vault::seal::DataKey;
use crate::vault::slot::{KeySlot, SlotId, SlotKind, SlotSecret};

/// What a new slot is to be opened with.
#[derive(Debug, Clone)]
pub(crate) enum NewSecret {
    /// A secret that is still to be made, in the keychain.
    Keychain(Patience),
    /// A secret that somebody else keeps.
    Given(SlotKind, SlotSecret),
}

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

/// The slots of a vault, oldest first. Needs no key, and nothing of it is verified.
pub(crate) fn list(store: &Store) -> Result<Vec<Listed>, Error> {
    let view = store.read()?;
    header::read(&view)?.ok_or_else(|| no_vault(store))?;
    Ok(slots::list(&view)?)
}

/// The slots of an open vault.
pub(crate) fn of(vault: &OpenVault) -> Result<Vec<Listed>, Error> {
    list(&*vault.store()?)
}

fn no_vault(store: &Store) -> store::Error {
    store::Error::NoVault { path: store.file().path().to_owned() }
}

/// Whether `with` opens the slot `id`.
pub(crate) fn opens(vault: &OpenVault, id: SlotId, with: &Unlocking) -> Result<bool, Error> {
    let slots = slots::read(&*vault.store()?.read()?)?;
    let slot = slots.iter().find(|slot| slot.id == id).ok_or(SlotError::Unknown { id })?;
    unlock::opens(with, slot, vault.key())
}

/// Whether `secret` is what opens the slot `id` already.
pub(crate) fn has(vault: &OpenVault, id: SlotId, secret: &NewSecret) -> Result<bool, Error> {
    let NewSecret::Given(kind, secret) = secret else { return Ok(false) };
    let slots = slots::read(&*vault.store()?.read()?)?;
    let key = vault.key();
    Ok(slots.iter().any(|slot| {
        (slot.id, slot.kind) == (id, *kind)
            && slot.unwrap(secret, key.vault, key.generation).is_ok()
    }))
}

/// Adds a slot to an open vault.
pub(crate) fn add(
    vault: &mut OpenVault,
    secret: NewSecret,
    patience: &Patience,
    clock: Clock,
) -> Result<Changed<SlotId>, Error> {
    let _changes = begin(vault, patience, clock)?;
    let id = SlotId::generate()?;
    let added = secret_of(vault, id, secret, clock).and_then(|(kind, secret)| {
        vault.write(|transaction, key| {
            header::check(transaction, key)?;
            let slot = KeySlot::wrap(id, kind, &secret, key)?;
            slots::insert(transaction, &slot, clock())?;
            intents::remove(transaction, &entry_name(key.vault, id).to_string())
        })
    });
    finish(vault, added.map(|()| id), patience, clock)
}

/// Takes the slot `id` away from an open vault.
pub(crate) fn remove(
    vault: &mut OpenVault,
    id: SlotId,
    patience: &Patience,
    clock: Clock,
) -> Result<Changed<SlotKind>, Error> {
    let _changes = begin(vault, patience, clock)?;
    let slots = list(&*vault.store()?)?;
    let slot = slots.iter().find(|slot| slot.id == id).ok_or(SlotError::Unknown { id })?;
    if slots.len() == 1 {
        return Err(SlotError::Last { id }.into());
    }
    let removed = vault.write(|transaction, key| {
        header::check(transaction, key)?;
        slots::remove(transaction, id)?;
        retire(transaction, key, slot.kind, id, clock)
    });
    finish(vault, removed.map(|()| slot.kind), patience, clock)
}

/// Waits until nobody uses or changes the keys, and keeps it so; and sweeps what an earlier change
/// left.
pub(super) fn begin(
    vault: &mut OpenVault,
    patience: &Patience,
    clock: Clock,
) -> Result<[Guard; 2], Error> {
    let changes = locks::key_changes(vault.file(), Instant::now() + WAIT)?;
    // What can't be deleted now is left to the end.
    keychain_entry::sweep(vault, patience, clock)?;
    Ok(changes)
}

/// The secret of the coming slot `id`, made and kept where that is for tokctl to do.
pub(super) fn secret_of(
    vault: &mut OpenVault,
    id: SlotId,
    secret: NewSecret,
    clock: Clock,
) -> Result<(SlotKind, SlotSecret), Error> {
    match secret {
        NewSecret::Given(kind, secret) => Ok((kind, secret)),
        NewSecret::Keychain(patience) => {
            let secret = keychain_entry::create(vault, id, &patience, clock)?;
            Ok((SlotKind::Keychain, SlotSecret::Random(secret)))
        }
    }
}

/// Writes down that the entry of a slot is to go, if it has one.
pub(super) fn retire(
    transaction: &Transaction<'_>,
    key: &DataKey,
    kind: SlotKind,
    id: SlotId,
    clock: Clock,
) -> Result<(), store::Error> {
    match kind {
        SlotKind::Keychain => {
            intents::put(transaction, key, &entry_name(key.vault, id).to_string(), clock())
        }
        SlotKind::Key | SlotKind::Passphrase | SlotKind::Recovery => Ok(()),
    }
}

/// Clears up after a change that was committed, or failed.
pub(super) fn finish<T>(
    vault: &mut OpenVault,
    changed: Result<T, Error>,
    patience: &Patience,
    clock: Clock,
) -> Result<Changed<T>, Error> {
    let swept = keychain_entry::sweep(vault, patience, clock);
    let done = changed?;
    // The change is committed: what could not be cleared up is told, and no failure.
    Ok(Changed {
        done,
        entries_left: swept.unwrap_or(1),
        log_emptied: vault.store().and_then(|store| store.empty_log()).unwrap_or(false),
    })
}

/// Reads the secret of a slot that was just made from the keychain once more.
pub(super) fn kept(
    vault: &OpenVault,
    id: SlotId,
    patience: &Patience,
) -> Result<SlotSecret, Error> {
    keychain::read(&entry_name(vault.key().vault, id), patience)
        .map(SlotSecret::Random)
        .map_err(|source| SlotError::NotKept(source).into())
}
