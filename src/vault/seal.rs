//! The vault's data key and the seals under it.
//!
//! Every seal is bound to the vault, to the generation of its data key, and to a [`SealContext`]: a
//! row that was copied, swapped, renamed or kept from an older generation does not open.

use zeroize::Zeroizing;

use super::cipher::{self, AssociatedData, BrokenSeal, Key};
pub(crate) use super::cipher::{Nonce, OpenedSeal};

/// The random name of a vault, 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VaultId(pub(crate) [u8; 16]);

impl VaultId {
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        Ok(Self(id))
    }

    /// Returns the name in lower-case hexadecimal.
    pub(crate) fn hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

/// The number of data keys that the vault has had, this one among them.
pub(crate) type Generation = u64;

/// The data key of a vault, with the vault's name and the key's generation, to which every seal
/// under it is bound.
#[derive(Debug, Clone)]
pub(crate) struct DataKey {
    pub(crate) vault: VaultId,
    pub(crate) generation: Generation,
    pub(super) key: Key,
}

/// The purpose of a seal and the location of the sealed bytes. They open only in the same context.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SealContext<'a> {
    /// A credential in its row, at one revision, under a seal that does not cover the columns
    /// beside it. Rows are no longer sealed like this, and those that are can still be opened.
    Credential { provider: &'a str, user: &'a str, revision: u64 },
    /// A credential in its row, at one revision, under a seal that covers the columns beside it.
    Row { provider: &'a str, user: &'a str, revision: u64, clear: &'a [u8] },
    /// The answer to one refresh of a credential, which could not be stored in its row.
    Spill { provider: &'a str, user: &'a str, revision: u64, attempt: &'a [u8; 16] },
    /// The key of the audit's chain, with the audit's settings.
    AuditKey,
    /// The head of the audit: the last entry that the vault remembers.
    AuditHead,
    /// The content of a bundle, bound to the bytes of the bundle's header.
    Bundle { header: &'a [u8] },
    /// The name of a keychain entry that has no key slot. The plaintext is empty: the seal only
    /// proves that tokctl wrote the name.
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
    /// Returns a new random data key.
    pub(crate) fn generate(
        vault: VaultId,
        generation: Generation,
    ) -> Result<Self, getrandom::Error> {
        Ok(Self { vault, generation, key: Key::generate()? })
    }

    /// Seals `plaintext` for `context`.
    pub(crate) fn seal(
        &self,
        context: SealContext<'_>,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, getrandom::Error> {
        cipher::seal(&self.key, &self.bound_to(context), plaintext)
    }

    /// Opens bytes that were sealed for `context`.
    pub(crate) fn open(
        &self,
        context: SealContext<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BrokenSeal> {
        cipher::open(&self.key, &self.bound_to(context), sealed)
    }

    /// Opens `sealed` without a copy, for what is to be sealed again.
    pub(crate) fn open_in_place(
        &self,
        context: SealContext<'_>,
        sealed: Vec<u8>,
    ) -> Result<OpenedSeal, BrokenSeal> {
        cipher::open_in_place(&self.key, &self.bound_to(context), sealed)
    }

    /// Seals a buffer for `context` that [`DataKey::open_in_place`] returned.
    pub(crate) fn seal_again(
        &self,
        context: SealContext<'_>,
        nonce: Nonce,
        opened: OpenedSeal,
    ) -> Vec<u8> {
        cipher::seal_in_place(&self.key, &self.bound_to(context), nonce, opened)
    }

    fn bound_to(&self, context: SealContext<'_>) -> AssociatedData {
        let in_vault = |data: AssociatedData| data.field(&self.vault.0).number(self.generation);
        let vault = |purpose: &str| in_vault(AssociatedData::new(purpose));
        let within = |purpose: &str, provider: &str, user: &str, revision: u64| {
            vault(purpose).field(provider.as_bytes()).field(user.as_bytes()).number(revision)
        };
        match context {
            SealContext::Credential { provider, user, revision } => {
                within("credential", provider, user, revision)
            }
            SealContext::Row { provider, user, revision, clear } => {
                in_vault(AssociatedData::of_version(COVERING, "row"))
                    .field(provider.as_bytes())
                    .field(user.as_bytes())
                    .number(revision)
                    .field(clear)
            }
            SealContext::Spill { provider, user, revision, attempt } => {
                within("spill", provider, user, revision).field(attempt)
            }
            SealContext::AuditKey => vault("audit key"),
            SealContext::AuditHead => vault("audit head"),
            SealContext::Bundle { header } => vault("bundle").field(header),
            SealContext::Intent { entry } => vault("intent").field(entry.as_bytes()),
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
        let context = SealContext::Credential { provider: "jira", user: "x", revision: 4 };
        let sealed = key.seal(context, b"made up").unwrap();
        assert_eq!(**key.open(context, &sealed).unwrap(), *b"made up");

        for elsewhere in [
            SealContext::Credential { provider: "jira", user: "y", revision: 4 },
            SealContext::Credential { provider: "jirax", user: "", revision: 4 },
            SealContext::Credential { provider: "jira", user: "x", revision: 5 },
            SealContext::Row { provider: "jira", user: "x", revision: 4, clear: b"" },
            SealContext::Spill { provider: "jira", user: "x", revision: 4, attempt: &[0; 16] },
            SealContext::AuditKey,
            SealContext::AuditHead,
            SealContext::Bundle { header: b"x" },
            SealContext::Intent { entry: "x" },
        ] {
            assert!(key.open(elsewhere, &sealed).is_err(), "{elsewhere:?}");
        }
        let older = DataKey { generation: 2, ..key.clone() };
        assert!(older.open(context, &sealed).is_err());
        let copied = DataKey { vault: VaultId([2; 16]), ..key };
        assert!(copied.open(context, &sealed).is_err());
    }

    #[test]
    fn a_seal_that_covers_the_columns_does_not_pass_for_one_that_does_not() {
        let key = DataKey::generate(VaultId([1; 16]), 1).unwrap();
        let earlier = SealContext::Credential { provider: "jira", user: "x", revision: 4 };
        let row = |clear| SealContext::Row { provider: "jira", user: "x", revision: 4, clear };
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
