//! The first key slot: how a vault comes to be.
//!
//! Keychain and file have no common commit, so an intent goes into the file first, the keychain
//! second, and the slot last: a crash in between leaves a vault that was never there, and a
//! keychain entry whose name is known.

use std::path::Path;
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::error::Error;
use super::open_vault::OpenVault;
use super::unlock::{Unlocking, entry_name};
use crate::store::header::Header;
use crate::store::{Store, audit, header, intents, locks, slots};
use crate::vault::Key;
use crate::vault::keychain::{self, EntryName};
use crate::vault::seal::{DataKey, VaultId};
use crate::vault::slot::{KeySlot, SlotId, SlotSecret};

/// How long to wait for another process that creates the vault; it may be asking its keychain.
const PATIENCE: Duration = Duration::from_secs(70);

/// Opens the vault at `path`, which is made with a slot for `with` if there is none yet.
///
/// A slot is never added to a vault that has one: its keys are never made anew over credentials.
pub(crate) fn open_or_create(
    path: &Path,
    with: Unlocking,
    clock: Clock,
) -> Result<OpenVault, Error> {
    let mut store = Store::open_or_create(path)?;
    if header::read(&*store.read()?)?.is_some() {
        return OpenVault::unlock(store, with);
    }
    let _changes = locks::key_changes(store.file(), Instant::now() + PATIENCE)?;
    if header::read(&*store.read()?)?.is_some() {
        return OpenVault::unlock(store, with);
    }
    let vault = VaultId::generate()?;
    let slot = SlotId::generate()?;
    let entry = entry_name(vault, slot);
    let made = first_secret(&mut store, &with, &entry, clock)
        .and_then(|secret| first_slot(&mut store, vault, slot, &with, &secret, clock));
    match (made, &with) {
        (Ok(key), _) => OpenVault::unlocked(store, with, key),
        (Err(error), Unlocking::Keychain(patience)) => {
            // Nothing depends on the entry; if it can't be deleted, its name is written down.
            let _ = keychain::delete(&entry, patience);
            Err(error)
        }
        (Err(error), _) => Err(error),
    }
}

/// The secret of the first slot; one for the keychain is made, and written there.
fn first_secret(
    store: &mut Store,
    with: &Unlocking,
    entry: &EntryName,
    clock: Clock,
) -> Result<SlotSecret, Error> {
    let patience = match with {
        Unlocking::Key(key) | Unlocking::Recovery(key) => {
            return Ok(SlotSecret::Random(key.clone()));
        }
        Unlocking::Passphrase(passphrase) => return Ok(SlotSecret::Passphrase(passphrase.clone())),
        Unlocking::Keychain(patience) => patience,
    };
    let transaction = store.write()?;
    intents::insert(&transaction, &entry.to_string(), clock())?;
    transaction.commit()?;
    let secret = Key::generate()?;
    keychain::create(entry, &secret, patience)
        .map_err(|source| Error::Keychain { source, slots: Vec::new() })?;
    Ok(SlotSecret::Random(secret))
}

/// Makes the data key, wraps it in its first slot, and stores both: now the vault is there.
fn first_slot(
    store: &mut Store,
    vault: VaultId,
    slot: SlotId,
    with: &Unlocking,
    secret: &SlotSecret,
    clock: Clock,
) -> Result<DataKey, Error> {
    let key = DataKey::generate(vault, 1)?;
    let slot = KeySlot::wrap(slot, with.kind(), secret, &key)?;
    let now = clock();
    audit::set_aside(store.file(), vault);
    let transaction = store.write()?;
    header::insert(&transaction, Header { vault, generation: key.generation }, now)?;
    slots::insert(&transaction, &slot, now)?;
    audit::seal(&transaction, &key, None, None)?;
    intents::remove(&transaction, &entry_name(vault, slot.id).to_string())?;
    transaction.commit()?;
    Ok(key)
}
