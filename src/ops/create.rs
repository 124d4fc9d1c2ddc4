//! The creation of a vault with its first key slot.
//!
//! Keychain and vault cannot be changed in one transaction. So the name of the keychain entry is
//! written to the vault first, then the entry to the keychain, then the slot to the vault. A crash
//! in between leaves a file without a slot, which counts as no vault, and an entry whose name is
//! known, so that it can be deleted.

use std::path::Path;
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::error::Error;
use crate::store::{FirstSlot, OpenVault, Vault};
use crate::vault::Key;
use crate::vault::keychain;
use crate::vault::slot::KeyMaterial;
use crate::vault::slot_secret::SlotSecret;

/// The time to wait for another process that creates the vault. That process may be waiting for
/// its keychain, which may be waiting for a person.
const PATIENCE: Duration = Duration::from_secs(70);

/// Opens the vault at `path` with the secret `with`. If there is no vault yet, creates one whose
/// first key slot opens with that secret.
///
/// A vault that already has a key slot gets no other slot here, and its data key stays. Fails with
/// [`Error::WrongSecret`] or [`Error::NoSuchSlot`] where `with` does not open it.
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
        // No slot uses the entry. If it can't be deleted now, its name is still in the vault, and
        // a later command deletes it.
        let _ = keychain::delete(&entry, &patience);
    }
    finished
}

/// Returns the material that the first slot is made with. For a keychain slot, generates a secret
/// and writes it to the keychain.
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
