//! The secret of a key slot, wherever it is kept.

use super::cipher::Key;
use super::keychain::{self, EntryName, Patience};
use super::seal::VaultId;
use super::slot::{KeyMaterial, SlotId, SlotKind};
use crate::secret::Passphrase;

/// A secret that opens a key slot, or the slot that is made with it.
#[derive(Debug, Clone)]
pub(crate) enum SlotSecret {
    /// Random bytes in the operating system's keychain, which is read when they are needed.
    Keychain(Patience),
    /// The key of a `key` slot.
    Key(Key),
    /// The passphrase of a `passphrase` slot.
    Passphrase(Passphrase),
    /// The code of a `recovery` slot.
    Recovery(Key),
}

impl SlotSecret {
    /// Returns the kind of slot that this secret opens.
    pub(crate) fn kind(&self) -> SlotKind {
        match self {
            Self::Keychain(_) => SlotKind::Keychain,
            Self::Key(_) => SlotKind::Key,
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::Recovery(_) => SlotKind::Recovery,
        }
    }

    /// Returns the bytes that may open the slot `slot` of `vault`, at least one. Reads the keychain
    /// if they are there, which may have several entries of the slot's name.
    pub(crate) fn materials(
        &self,
        vault: VaultId,
        slot: SlotId,
    ) -> Result<Vec<KeyMaterial>, keychain::Error> {
        match self {
            Self::Key(key) | Self::Recovery(key) => Ok(vec![KeyMaterial::Random(key.clone())]),
            Self::Passphrase(passphrase) => Ok(vec![KeyMaterial::Passphrase(passphrase.clone())]),
            Self::Keychain(patience) => {
                let secrets = keychain::read_all(&entry_name(vault, slot), patience)?;
                Ok(secrets.into_iter().map(KeyMaterial::Random).collect())
            }
        }
    }
}

/// Returns the name of a slot's entry in the keychain.
pub(crate) fn entry_name(vault: VaultId, slot: SlotId) -> EntryName {
    EntryName::new(&vault.hex(), &slot.to_string())
}

/// Returns the slot of `vault` whose keychain entry is called `name`; `None` for any other text.
pub(crate) fn slot_of_entry(vault: VaultId, name: &str) -> Option<SlotId> {
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
        assert_eq!(slot_of_entry(vault, &name), Some(slot));
        assert_eq!(slot_of_entry(VaultId([3; 16]), &name), None);
        for other in ["", "/", "x/cdcdcdcdcdcdcdcd", &name.to_uppercase(), &name[..name.len() - 2]]
        {
            assert_eq!(slot_of_entry(vault, other), None, "{other}");
        }
    }
}
