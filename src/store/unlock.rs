//! From a slot's secret to the vault's data key.

use super::engine::Engine;
use super::error::Error;
use super::sqlite::header::{self, Header};
use super::sqlite::slots;
use super::vault::Vault;
use crate::vault::seal::DataKey;
use crate::vault::slot::{self, KeySlot};
use crate::vault::slot_secret::SlotSecret;

impl Vault {
    /// Makes the next look one at the vault as it is by then.
    pub(crate) fn look_again(&self) -> Result<(), Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.look_again()
    }

    pub(super) fn header_and_slots(&self) -> Result<(Header, Vec<KeySlot>), Error> {
        let Engine::Sqlite(file) = &self.engine;
        file.read(|view| {
            let header = header::read(view)?.ok_or_else(|| self.no_vault())?;
            Ok((header, slots::read(view)?))
        })
    }
}

/// The data key of `vault`.
///
/// Another process may change slots and keychain in between; so before the vault is said to be
/// locked or damaged, the slots are read again, and if they changed, tried again.
pub(super) fn data_key(vault: &Vault, with: &SlotSecret) -> Result<DataKey, Error> {
    let mut seen = vault.header_and_slots()?;
    loop {
        let error = match open_any(seen.0, &seen.1, with) {
            Ok(key) => return Ok(key),
            Err(error) => error,
        };
        vault.look_again()?;
        let now = vault.header_and_slots()?;
        if now == seen {
            return Err(error);
        }
        seen = now;
    }
}

/// Opens the first slot of the right kind that the secret fits.
fn open_any(header: Header, slots: &[KeySlot], with: &SlotSecret) -> Result<DataKey, Error> {
    let kind = with.kind();
    let kinds = || slots.iter().map(|slot| slot.kind).collect::<Vec<_>>();
    let mut failure = Error::NoSuchSlot { kind, slots: kinds() };
    for slot in slots.iter().filter(|slot| slot.kind == kind) {
        let material = match with.material(header.vault, slot.id) {
            Ok(material) => material,
            Err(source) => {
                failure = Error::Keychain { source, slots: kinds() };
                continue;
            }
        };
        match slot.unwrap(&material, header.vault, header.generation) {
            Ok(key) => return Ok(key),
            Err(slot::Error::Tampered) => return Err(Error::TamperedSlot { id: slot.id }),
            Err(slot::Error::WrongSecret) => {
                failure = Error::WrongSecret { kind, slots: kinds() };
            }
        }
    }
    Err(failure)
}
