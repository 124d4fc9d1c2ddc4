//! From a slot's secret to the vault's data key.

use super::error::Error;
use crate::secret::Passphrase;
use crate::store::{self, Store, header, slots};
use crate::vault::Key;
use crate::vault::keychain::{self, EntryName, Patience};
use crate::vault::seal::{DataKey, VaultId};
pub(crate) use crate::vault::slot::SlotKind;
use crate::vault::slot::{self, KeySlot, SlotId, SlotSecret};

/// Where a slot's secret comes from.
#[derive(Debug, Clone)]
pub(crate) enum Unlocking {
    /// The operating system's keychain, asked when it is needed.
    Keychain(Patience),
    /// The key of a `key` slot.
    Key(Key),
    /// The passphrase of a `passphrase` slot.
    Passphrase(Passphrase),
    /// The key of a `recovery` slot.
    Recovery(Key),
}

impl Unlocking {
    pub(crate) fn kind(&self) -> SlotKind {
        match self {
            Self::Keychain(_) => SlotKind::Keychain,
            Self::Key(_) => SlotKind::Key,
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::Recovery(_) => SlotKind::Recovery,
        }
    }

    /// The secret of `slot`, of the kind that this is for.
    fn secret(&self, vault: VaultId, slot: SlotId) -> Result<SlotSecret, keychain::Error> {
        match self {
            Self::Key(key) | Self::Recovery(key) => Ok(SlotSecret::Random(key.clone())),
            Self::Passphrase(passphrase) => Ok(SlotSecret::Passphrase(passphrase.clone())),
            Self::Keychain(patience) => {
                keychain::read(&entry_name(vault, slot), patience).map(SlotSecret::Random)
            }
        }
    }
}

/// Unlocks the vault.
///
/// Another process may change slots and keychain in between; so before the vault is said to be
/// locked or damaged, the slots are read again, and if they changed, tried again.
pub(crate) fn unlock(store: &Store, with: &Unlocking) -> Result<DataKey, Error> {
    let mut seen = read(store)?;
    loop {
        let error = match open_any(seen.0, &seen.1, with) {
            Ok(key) => return Ok(key),
            Err(error) => error,
        };
        store.look_again()?;
        let now = read(store)?;
        if now == seen {
            return Err(error);
        }
        seen = now;
    }
}

/// Whether `with` gives the secret of `slot`, in the vault that `key` opens.
pub(super) fn opens(with: &Unlocking, slot: &KeySlot, key: &DataKey) -> Result<bool, Error> {
    if with.kind() != slot.kind {
        return Ok(false);
    }
    let secret = match with.secret(key.vault, slot.id) {
        Ok(secret) => secret,
        Err(keychain::Error::Missing) => return Ok(false),
        Err(source) => return Err(Error::Keychain { source, slots: Vec::new() }),
    };
    match slot.unwrap(&secret, key.vault, key.generation) {
        Ok(_) => Ok(true),
        Err(slot::Error::WrongSecret) => Ok(false),
        Err(slot::Error::Tampered) => Err(Error::TamperedSlot { id: slot.id }),
    }
}

/// The name of a slot's entry in the keychain.
pub(super) fn entry_name(vault: VaultId, slot: SlotId) -> EntryName {
    EntryName::new(&vault.hex(), &slot.to_string())
}

fn read(store: &Store) -> Result<(header::Header, Vec<KeySlot>), Error> {
    let transaction = store.read()?;
    let header = header::read(&transaction)?
        .ok_or_else(|| store::Error::NoVault { path: store.file().path().to_owned() })?;
    Ok((header, slots::read(&transaction)?))
}

/// Opens the first slot of the right kind that the secret fits.
fn open_any(header: header::Header, slots: &[KeySlot], with: &Unlocking) -> Result<DataKey, Error> {
    let kind = with.kind();
    let kinds = || slots.iter().map(|slot| slot.kind).collect::<Vec<_>>();
    let mut failure = Error::NoSuchSlot { kind, slots: kinds() };
    for slot in slots.iter().filter(|slot| slot.kind == kind) {
        let secret = match with.secret(header.vault, slot.id) {
            Ok(secret) => secret,
            Err(source) => {
                failure = Error::Keychain { source, slots: kinds() };
                continue;
            }
        };
        match slot.unwrap(&secret, header.vault, header.generation) {
            Ok(key) => return Ok(key),
            Err(slot::Error::Tampered) => return Err(Error::TamperedSlot { id: slot.id }),
            Err(slot::Error::WrongSecret) => {
                failure = Error::WrongSecret { kind, slots: kinds() };
            }
        }
    }
    Err(failure)
}
