//! The first key slot: how a vault comes to be.
//!
//! Keychain and vault have no common commit, so the entry's name goes into the vault first, the
//! keychain second, and the slot last: a crash in between leaves a vault that was never there, and
//! a keychain entry whose name is known.

use std::path::Path;
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::error::Error;
use crate::store::{FirstSlot, OpenVault, Vault};
use crate::vault::Key;
use crate::vault::keychain;
use crate::vault::slot::KeyMaterial;
use crate::vault::slot_secret::SlotSecret;

/// How long to wait for another process that creates the vault; it may be asking its keychain.
const PATIENCE: Duration = Duration::from_secs(70);

/// Opens the vault at `path`, which is made with a slot for `with` if there is none yet.
///
/// A slot is never added to a vault that has one: its keys are never made anew over credentials.
pub(crate) fn open_or_create(
    path: &Path,
    with: SlotSecret,
    clock: Clock,
) -> Result<OpenVault, Error> {
    let vault = Vault::open_or_create(path)?;
    if vault.is_finished()? {
        return Ok(vault.unlock(with)?);
    }
    let _turn = vault.keys_turn(Instant::now() + PATIENCE)?;
    if vault.is_finished()? {
        return Ok(vault.unlock(with)?);
    }
    let slot = FirstSlot::generate()?;
    let entry = slot.entry();
    let patience = match &with {
        SlotSecret::Keychain(patience) => Some(patience.clone()),
        SlotSecret::Key(_) | SlotSecret::Passphrase(_) | SlotSecret::Recovery(_) => None,
    };
    let finished = first_material(&vault, &slot, &with, clock)
        .and_then(|material| Ok(vault.finish(slot, with, &material, clock())?));
    if let (Err(_), Some(patience)) = (&finished, patience) {
        // Nothing depends on the entry; if it can't be deleted, its name is written down.
        let _ = keychain::delete(&entry, &patience);
    }
    finished
}

/// What the first slot is made with; a secret for the keychain is made, and written there.
fn first_material(
    vault: &Vault,
    slot: &FirstSlot,
    with: &SlotSecret,
    clock: Clock,
) -> Result<KeyMaterial, Error> {
    let patience = match with {
        SlotSecret::Key(key) | SlotSecret::Recovery(key) => {
            return Ok(KeyMaterial::Random(key.clone()));
        }
        SlotSecret::Passphrase(passphrase) => {
            return Ok(KeyMaterial::Passphrase(passphrase.clone()));
        }
        SlotSecret::Keychain(patience) => patience,
    };
    vault.add_first_intent(slot, clock())?;
    let secret = Key::generate()?;
    keychain::create(&slot.entry(), &secret, patience)
        .map_err(|source| Error::Keychain { source, slots: Vec::new() })?;
    Ok(KeyMaterial::Random(secret))
}
