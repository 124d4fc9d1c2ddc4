//! The vault's data key, and what it seals.
//!
//! A seal is bound to the vault, the generation of its key, and the place in it; so a row that was
//! copied, swapped, renamed or kept from an older generation does not open.

use zeroize::Zeroizing;

use super::cipher::{self, AssociatedData, Broken, Key};
pub(crate) use super::cipher::{Nonce, Opened};

/// A vault's random name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VaultId(pub(crate) [u8; 16]);

impl VaultId {
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        Ok(Self(id))
    }

    pub(crate) fn hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

/// The number of data keys that the vault has had, this one among them.
pub(crate) type Generation = u64;

/// The unlocked data key with what every seal under it is bound to.
#[derive(Debug, Clone)]
pub(crate) struct DataKey {
    pub(crate) vault: VaultId,
    pub(crate) generation: Generation,
    pub(super) key: Key,
}

/// The place of a seal in the vault: what it seals, and for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// A credential in its row, at one revision, under a seal that does not cover the columns
    /// beside it. Rows are no longer sealed like this, and those that are can still be opened.
    Credential { provider: &'a str, user: &'a str, revision: u64 },
    /// A credential in its row, at one revision, under a seal that covers the columns beside it.
    Row { provider: &'a str, user: &'a str, revision: u64, clear: &'a [u8] },
    /// The answer to one refresh of a credential, which could not be stored in its row.
    Spill { provider: &'a str, user: &'a str, revision: u64, attempt: &'a [u8; 16] },
    /// The key of the audit's chain, and how the audit is kept.
    AuditKey,
    /// The last entry of the audit that the vault remembers.
    AuditHead,
    /// The content of a bundle, which is a vault of its own, under its header as it is written.
    Bundle { header: &'a [u8] },
    /// The name of a keychain entry that has no key slot: nothing is in it.
    Intent { entry: &'a str },
}

/// The version of a seal that covers the columns beside it.
const COVERING: u8 = 2;

/// Whether a row's seal claims to cover the columns beside it: if not, they have to be compared.
/// A seal whose claim was edited does not open.
pub(crate) fn covers_the_clear_copy(sealed: &[u8]) -> bool {
    sealed.first() == Some(&COVERING)
}

impl DataKey {
    /// A new random data key.
    pub(crate) fn generate(
        vault: VaultId,
        generation: Generation,
    ) -> Result<Self, getrandom::Error> {
        Ok(Self { vault, generation, key: Key::generate()? })
    }

    pub(crate) fn seal(
        &self,
        place: Place<'_>,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, getrandom::Error> {
        cipher::seal(&self.key, &self.bound_to(place), plaintext)
    }

    pub(crate) fn open(
        &self,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Broken> {
        cipher::open(&self.key, &self.bound_to(place), sealed)
    }

    /// Opens `sealed` without a copy, for what is to be sealed again.
    pub(crate) fn open_in_place(
        &self,
        place: Place<'_>,
        sealed: Vec<u8>,
    ) -> Result<Opened, Broken> {
        cipher::open_in_place(&self.key, &self.bound_to(place), sealed)
    }

    /// Seals what was opened in place.
    pub(crate) fn seal_again(&self, place: Place<'_>, nonce: Nonce, opened: Opened) -> Vec<u8> {
        cipher::seal_in_place(&self.key, &self.bound_to(place), nonce, opened)
    }

    fn bound_to(&self, place: Place<'_>) -> AssociatedData {
        let in_vault = |data: AssociatedData| data.field(&self.vault.0).number(self.generation);
        let vault = |purpose: &str| in_vault(AssociatedData::new(purpose));
        let within = |purpose: &str, provider: &str, user: &str, revision: u64| {
            vault(purpose).field(provider.as_bytes()).field(user.as_bytes()).number(revision)
        };
        match place {
            Place::Credential { provider, user, revision } => {
                within("credential", provider, user, revision)
            }
            Place::Row { provider, user, revision, clear } => {
                in_vault(AssociatedData::of_version(COVERING, "row"))
                    .field(provider.as_bytes())
                    .field(user.as_bytes())
                    .number(revision)
                    .field(clear)
            }
            Place::Spill { provider, user, revision, attempt } => {
                within("spill", provider, user, revision).field(attempt)
            }
            Place::AuditKey => vault("audit key"),
            Place::AuditHead => vault("audit head"),
            Place::Bundle { header } => vault("bundle").field(header),
            Place::Intent { entry } => vault("intent").field(entry.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_opens_only_in_its_own_place() {
        let vault = VaultId([1; 16]);
        let key = DataKey::generate(vault, 1).unwrap();
        let place = Place::Credential { provider: "jira", user: "x", revision: 4 };
        let sealed = key.seal(place, b"made up").unwrap();
        assert_eq!(**key.open(place, &sealed).unwrap(), *b"made up");

        for elsewhere in [
            Place::Credential { provider: "jira", user: "y", revision: 4 },
            Place::Credential { provider: "jirax", user: "", revision: 4 },
            Place::Credential { provider: "jira", user: "x", revision: 5 },
            Place::Row { provider: "jira", user: "x", revision: 4, clear: b"" },
            Place::Spill { provider: "jira", user: "x", revision: 4, attempt: &[0; 16] },
            Place::AuditKey,
            Place::AuditHead,
            Place::Bundle { header: b"x" },
            Place::Intent { entry: "x" },
        ] {
            assert!(key.open(elsewhere, &sealed).is_err(), "{elsewhere:?}");
        }
        let older = DataKey { generation: 2, ..key.clone() };
        assert!(older.open(place, &sealed).is_err());
        let copied = DataKey { vault: VaultId([2; 16]), ..key };
        assert!(copied.open(place, &sealed).is_err());
    }

    #[test]
    fn a_seal_that_covers_the_columns_does_not_pass_for_one_that_does_not() {
        let key = DataKey::generate(VaultId([1; 16]), 1).unwrap();
        let earlier = Place::Credential { provider: "jira", user: "x", revision: 4 };
        let row = |clear| Place::Row { provider: "jira", user: "x", revision: 4, clear };
        let mut sealed = key.seal(row(b"active"), b"made up").unwrap();
        assert!(covers_the_clear_copy(&sealed));
        assert_eq!(**key.open(row(b"active"), &sealed).unwrap(), *b"made up");
        assert!(key.open(row(b"inactive"), &sealed).is_err());
        assert!(key.open(earlier, &sealed).is_err());
        sealed[0] = 1;
        assert!(!covers_the_clear_copy(&sealed));
        assert!(key.open(earlier, &sealed).is_err());
        assert!(key.open(row(b"active"), &sealed).is_err());

        let mut sealed = key.seal(earlier, b"made up").unwrap();
        assert!(!covers_the_clear_copy(&sealed));
        sealed[0] = COVERING;
        assert!(key.open(row(b""), &sealed).is_err());
    }
}
