//! Key slots, as in LUKS: each one wraps the vault's data key under a secret of its own.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::cipher::{self, AssociatedData, Key};
use super::kdf;
pub(crate) use super::kdf::Cost;
use super::passphrase_forms;
use super::seal::{DataKey, Generation, VaultId};
use crate::secret::{Passphrase, SecretText};

/// The random name of a key slot, 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SlotId(pub(crate) [u8; 8]);

impl SlotId {
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut id = [0; 8];
        getrandom::fill(&mut id)?;
        Ok(Self(id))
    }
}

impl FromStr for SlotId {
    type Err = NoSlotId;

    fn from_str(text: &str) -> Result<Self, NoSlotId> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes());
        bytes.ok().and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(NoSlotId)
    }
}

/// The failure to parse a [`SlotId`].
#[derive(Debug, thiserror::Error)]
#[error("it is 16 hexadecimal digits")]
pub(crate) struct NoSlotId;

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// The kind of a key slot: where its secret comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotKind {
    /// The secret is 256 random bits in the operating system's keychain.
    Keychain,
    /// The secret is 256 random bits that `tokctl key generate` printed.
    Key,
    /// The secret is a passphrase that a person chose.
    Passphrase,
    /// The secret is 256 random bits that were printed once, to be kept on paper.
    Recovery,
}

impl SlotKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::Key => "key",
            Self::Passphrase => "passphrase",
            Self::Recovery => "recovery",
        }
    }

    /// Returns the cost of a new slot of this kind.
    fn cost(self) -> Cost {
        match self {
            Self::Keychain | Self::Key | Self::Recovery => Cost::LIGHT,
            Self::Passphrase => Cost::HEAVY,
        }
    }
}

impl FromStr for SlotKind {
    type Err = NoSlotKind;

    fn from_str(text: &str) -> Result<Self, NoSlotKind> {
        [Self::Keychain, Self::Key, Self::Passphrase, Self::Recovery]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(NoSlotKind)
    }
}

/// The failure to parse a [`SlotKind`].
#[derive(Debug, thiserror::Error)]
#[error("is one of keychain, key, passphrase and recovery")]
pub(crate) struct NoSlotKind;

impl fmt::Display for SlotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The secret from which a slot's wrapping key is derived.
#[derive(Debug, Clone)]
pub(crate) enum KeyMaterial {
    /// 256 random bits.
    Random(Key),
    Passphrase(Passphrase),
}

impl KeyMaterial {
    /// Returns the form with which a new slot is made.
    fn prepared(&self) -> Self {
        match self {
            Self::Random(key) => Self::Random(key.clone()),
            Self::Passphrase(typed) => Self::Passphrase(passphrase_forms::prepared(typed)),
        }
    }

    /// Returns the forms with which a slot may have been made.
    fn forms(&self) -> Vec<Self> {
        match self {
            Self::Random(key) => vec![Self::Random(key.clone())],
            Self::Passphrase(typed) => {
                passphrase_forms::all(typed).into_iter().map(Self::Passphrase).collect()
            }
        }
    }
}

/// A wrapped data key, as the vault's file stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeySlot {
    pub(crate) id: SlotId,
    pub(crate) kind: SlotKind,
    pub(crate) cost: Cost,
    pub(crate) salt: [u8; 16],
    /// The key check value, which tells a wrong secret from a slot that was tampered with.
    pub(crate) check: [u8; 16],
    pub(crate) wrapped: Vec<u8>,
}

/// The reason why a key slot did not open.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Error {
    /// The secret is not this slot's: the caller may ask for the right one.
    #[error("the secret is not the one of this key slot")]
    WrongSecret,
    /// The slot was changed: somebody edited the file.
    #[error("the key slot was tampered with")]
    Tampered,
}

impl KeySlot {
    /// Makes a slot that wraps `data_key` under `secret`, with a fresh salt. A passphrase opens it
    /// however a keyboard writes it.
    pub(crate) fn wrap(
        id: SlotId,
        kind: SlotKind,
        secret: &KeyMaterial,
        data_key: &DataKey,
    ) -> Result<Self, getrandom::Error> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)?;
        let mut slot =
            Self { id, kind, cost: kind.cost(), salt, check: [0; 16], wrapped: Vec::new() };
        let (wrapping_key, check) = slot.derive(&secret.prepared(), data_key.vault);
        slot.check = check;
        let bound_to = slot.bound_to(data_key.vault, data_key.generation);
        slot.wrapped = cipher::seal(&wrapping_key, &bound_to, data_key.key.expose())?;
        Ok(slot)
    }

    /// Unwraps the data key of `vault` at `generation` with `secret`.
    pub(crate) fn unwrap(
        &self,
        secret: &KeyMaterial,
        vault: VaultId,
        generation: Generation,
    ) -> Result<DataKey, Error> {
        // The cost comes from the file. This check comes before the derivation, because a huge cost
        // must not be paid and a weak one must not be trusted.
        if !self.cost.is_allowed(self.kind.cost()) {
            return Err(Error::Tampered);
        }
        let mut opened = Err(Error::WrongSecret);
        for form in secret.forms() {
            opened = self.unwrap_with(&form, vault, generation);
            if opened.as_ref().err() != Some(&Error::WrongSecret) {
                break;
            }
        }
        opened
    }

    fn unwrap_with(
        &self,
        secret: &KeyMaterial,
        vault: VaultId,
        generation: Generation,
    ) -> Result<DataKey, Error> {
        let (wrapping_key, check) = self.derive(secret, vault);
        let bound_to = self.bound_to(vault, generation);
        let opened = cipher::open(&wrapping_key, &bound_to, &self.wrapped);
        if !bool::from(check.ct_eq(&self.check)) {
            // The right secret opens the slot, so it is the check value that was edited; or the
            // cost, which is the same for all slots of a kind.
            let usual = Self { cost: self.kind.cost(), ..self.clone() };
            let edited = opened.is_ok()
                || (self.cost != usual.cost
                    && bool::from(usual.derive(secret, vault).1.ct_eq(&self.check)));
            return Err(if edited { Error::Tampered } else { Error::WrongSecret });
        }
        let key = opened.map_err(|_| Error::Tampered)?;
        let key = Key::from_bytes(&key).ok_or(Error::Tampered)?;
        Ok(DataKey { vault, generation, key })
    }

    /// Derives the wrapping key and the key check value.
    ///
    /// For 256 random bits, the check value is an HMAC under the secret alone, so that an edited
    /// salt or cost does not look like a wrong key. For a passphrase, such a value would make
    /// guessing cheap; there it is the second half of the bytes that were derived at full cost.
    fn derive(&self, secret: &KeyMaterial, vault: VaultId) -> (Key, [u8; 16]) {
        match secret {
            KeyMaterial::Random(key) => {
                let derived = kdf::derive(key.expose(), &self.salt, self.cost);
                let mac = Hmac::<Sha256>::new_from_slice(key.expose())
                    .expect("HMAC takes keys of any length")
                    .chain_update(b"tokctl key check v1")
                    .chain_update(vault.0)
                    .chain_update(self.id.0)
                    .finalize()
                    .into_bytes();
                (first_key(derived.as_slice()), first_16(&mac))
            }
            KeyMaterial::Passphrase(passphrase) => {
                let derived = kdf::derive(passphrase.expose().as_bytes(), &self.salt, self.cost);
                (first_key(derived.as_slice()), first_16(&derived[32..]))
            }
        }
    }

    fn bound_to(&self, vault: VaultId, generation: Generation) -> AssociatedData {
        AssociatedData::new("key slot")
            .field(&vault.0)
            .number(generation)
            .field(&self.id.0)
            .field(self.kind.as_str().as_bytes())
            .number(self.cost.memory.into())
            .number(self.cost.passes.into())
            .number(self.cost.lanes.into())
            .field(&self.salt)
    }
}

fn first_key(bytes: &[u8]) -> Key {
    Key::from_bytes(&bytes[..32]).expect("32 bytes are a key")
}

fn first_16(bytes: &[u8]) -> [u8; 16] {
    *bytes.first_chunk().expect("at least 16 bytes were derived")
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: VaultId = VaultId([3; 16]);

    fn random() -> KeyMaterial {
        KeyMaterial::Random(Key::generate().unwrap())
    }

    fn passphrase(text: &str) -> KeyMaterial {
        KeyMaterial::Passphrase(Passphrase::from_trusted(text.into()))
    }

    fn slot(kind: SlotKind, secret: &KeyMaterial) -> (KeySlot, DataKey) {
        let data_key = DataKey::generate(VAULT, 1).unwrap();
        let slot = KeySlot::wrap(SlotId::generate().unwrap(), kind, secret, &data_key).unwrap();
        (slot, data_key)
    }

    #[test]
    fn a_slot_gives_the_data_key_back() {
        for (kind, secret) in [
            (SlotKind::Key, random()),
            (SlotKind::Recovery, random()),
            (SlotKind::Passphrase, passphrase("made up")),
        ] {
            let (slot, data_key) = slot(kind, &secret);
            let unwrapped = slot.unwrap(&secret, VAULT, 1).unwrap();
            assert_eq!(unwrapped.key.expose(), data_key.key.expose());
        }
    }

    #[test]
    fn a_passphrase_opens_its_slot_however_it_is_written() {
        let (composed, apart) =
            (passphrase("caf\u{e9} made up"), passphrase("cafe\u{301} made\u{a0}up"));
        for secret in [&composed, &apart] {
            let (slot, _) = slot(SlotKind::Passphrase, secret);
            for typed in [&composed, &apart] {
                assert!(slot.unwrap(typed, VAULT, 1).is_ok());
            }
        }
        // Older programs made a slot of what was typed, as it was.
        for text in ["cafe\u{301} made up", "caf\u{e9} made\u{a0}up"] {
            let secret = passphrase(text);
            let (mut old, data_key) = slot(SlotKind::Passphrase, &secret);
            let (wrapping_key, check) = old.derive(&secret, VAULT);
            old.check = check;
            old.wrapped =
                cipher::seal(&wrapping_key, &old.bound_to(VAULT, 1), data_key.key.expose())
                    .unwrap();
            assert!(old.unwrap(&secret, VAULT, 1).is_ok());
        }
    }

    #[test]
    fn a_wrong_secret_is_told_from_tampering() {
        let secret = random();
        let (slot, _) = slot(SlotKind::Key, &secret);
        assert_eq!(slot.unwrap(&random(), VAULT, 1).unwrap_err(), Error::WrongSecret);

        let mut changed = slot.clone();
        changed.wrapped[30] ^= 1;
        let mut resalted = slot.clone();
        resalted.salt[0] ^= 1;
        let mut relabelled = slot.clone();
        relabelled.kind = SlotKind::Keychain;
        let mut dearer = slot.clone();
        dearer.cost.passes = 2;
        let mut rechecked = slot.clone();
        rechecked.check[0] ^= 1;
        for tampered in [changed, resalted, relabelled, dearer, rechecked] {
            assert_eq!(tampered.unwrap(&secret, VAULT, 1).unwrap_err(), Error::Tampered);
        }
        assert_eq!(slot.unwrap(&secret, VAULT, 2).unwrap_err(), Error::Tampered);
    }

    #[test]
    fn absurd_and_weak_costs_are_refused_before_they_are_paid() {
        let secret = passphrase("made up");
        let (slot, _) = slot(SlotKind::Passphrase, &secret);
        assert_eq!(slot.unwrap(&passphrase("made-up"), VAULT, 1).unwrap_err(), Error::WrongSecret);
        for cost in [Cost::LIGHT, Cost { memory: u32::MAX, ..Cost::HEAVY }] {
            let edited = KeySlot { cost, ..slot.clone() };
            assert_eq!(edited.unwrap(&secret, VAULT, 1).unwrap_err(), Error::Tampered);
        }
    }
}
