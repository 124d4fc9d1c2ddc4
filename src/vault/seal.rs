//! The vault's data key and the seals under it.
//!
//! Every seal is bound to the vault, to the generation of its data key, and to a [`SealContext`]: a
//! row that was copied, swapped, renamed or kept from an older generation does not open.

#[cfg(feature = "postgres")]
use hmac::{Hmac, KeyInit, Mac};
#[cfg(feature = "postgres")]
use sha2::Sha256;
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
    /// beside it. Only rows of early vaults are sealed like this.
    Credential { provider: &'a str, user: &'a str, revision: u64 },
    /// A credential in its row, at one revision, under a seal that covers the columns beside it,
    /// in a vault whose evidence had no code yet.
    EarlierRow { provider: &'a str, user: &'a str, revision: u64, clear: &'a [u8] },
    /// A credential in its row, at one revision, under a seal that covers the columns beside it.
    /// Its evidence has a code of its own.
    Row { provider: &'a str, user: &'a str, revision: u64, clear: &'a [u8] },
    /// The sealed part of the vault's header, bound to the bytes of the columns beside it.
    Header { clear: &'a [u8] },
    /// The answer to one refresh of a credential, which could not be stored in its row.
    Spill { provider: &'a str, user: &'a str, revision: u64, attempt: &'a [u8; 16] },
    /// The end of the pause that a server asked one client for, whose name this is.
    Pause { client: &'a [u8; 16] },
    /// The key of the audit's chain, with the audit's settings, in an early vault.
    AuditKey,
    /// The head of the audit, the last entry that the vault remembers, in an early vault.
    AuditHead,
    /// The content of a bundle, bound to the bytes of the bundle's header.
    Bundle { header: &'a [u8] },
    /// The credential in the row `row` of a shared vault, at one revision.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    SharedSecret { row: &'a [u8; 32], revision: u64 },
    /// The part that `list` shows of the credential in the row `row` of a shared vault, at one revision.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    SharedLabel { row: &'a [u8; 32], revision: u64 },
    /// The record of the last request about the credential in the row `row` of a shared vault.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    SharedEvidence { row: &'a [u8; 32], revision: u64 },
    /// The name of the member who made one attempt to refresh the credential in the row `row` of a
    /// shared vault.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    SharedHolder { row: &'a [u8; 32], attempt: &'a [u8; 16] },
    /// The text of a bundle that was handed over by a shared vault and is not known to be in place.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    SharedBundle { bundle: &'a [u8; 16] },
    /// The name of a keychain entry that has no key slot. The plaintext is empty: the seal only
    /// proves that tokctl wrote the name.
    Intent { entry: &'a str },
}

/// The version of a row's seal that covers the columns beside it.
const COVERING: u8 = 2;

/// The version of a row's seal that stands beside evidence with a code.
const BESIDE_EVIDENCE: u8 = 3;

/// The form of a row's seal, as the seal claims. A seal whose claim was edited does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowSeal {
    /// The seal of [`SealContext::Credential`]: the columns beside it have to be compared.
    Comparing,
    /// The seal of [`SealContext::EarlierRow`].
    Covering,
    /// The seal of [`SealContext::Row`], which all rows have that today's program writes.
    BesideEvidence,
}

impl RowSeal {
    /// Returns the form that the first byte of `sealed` claims.
    pub(crate) fn of(sealed: &[u8]) -> Self {
        match sealed.first() {
            Some(&BESIDE_EVIDENCE) => Self::BesideEvidence,
            Some(&COVERING) => Self::Covering,
            Some(_) | None => Self::Comparing,
        }
    }
}

impl DataKey {
    /// Returns a new random data key.
    pub(crate) fn generate(
        vault: VaultId,
        generation: Generation,
    ) -> Result<Self, getrandom::Error> {
        Ok(Self { vault, generation, key: Key::generate()? })
    }

    /// Returns the key under which a member of the shared `vault` seals what stays on this machine.
    /// It has no generation, and so survives a rotation of the vault's own key.
    #[cfg(feature = "postgres")]
    pub(crate) fn of_machine(vault: VaultId, key: Key) -> Self {
        Self { vault, generation: 0, key }
    }

    /// Returns a key that is derived from this one for one `purpose`.
    #[cfg(feature = "postgres")]
    pub(crate) fn derived(&self, purpose: &str) -> Key {
        let code = Hmac::<Sha256>::new_from_slice(self.key.expose());
        let code = code.expect("HMAC takes keys of any length").chain_update(purpose);
        let derived = Zeroizing::new(<[u8; 32]>::from(code.finalize().into_bytes()));
        Key::from_bytes(derived.as_slice()).expect("32 bytes are a key")
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
        let row = |version, provider: &str, user: &str, revision, clear: &[u8]| {
            in_vault(AssociatedData::of_version(version, "row"))
                .field(provider.as_bytes())
                .field(user.as_bytes())
                .number(revision)
                .field(clear)
        };
        match context {
            SealContext::Credential { provider, user, revision } => {
                within("credential", provider, user, revision)
            }
            SealContext::EarlierRow { provider, user, revision, clear } => {
                row(COVERING, provider, user, revision, clear)
            }
            SealContext::Row { provider, user, revision, clear } => {
                row(BESIDE_EVIDENCE, provider, user, revision, clear)
            }
            SealContext::Header { clear } => vault("header").field(clear),
            SealContext::Spill { provider, user, revision, attempt } => {
                within("spill", provider, user, revision).field(attempt)
            }
            SealContext::Pause { client } => vault("pause").field(client),
            SealContext::AuditKey => vault("audit key"),
            SealContext::AuditHead => vault("audit head"),
            SealContext::Bundle { header } => vault("bundle").field(header),
            SealContext::SharedSecret { row, revision } => {
                vault("shared secret").field(row).number(revision)
            }
            SealContext::SharedLabel { row, revision } => {
                vault("shared label").field(row).number(revision)
            }
            SealContext::SharedEvidence { row, revision } => {
                vault("shared evidence").field(row).number(revision)
            }
            SealContext::SharedHolder { row, attempt } => {
                vault("shared holder").field(row).field(attempt)
            }
            SealContext::SharedBundle { bundle } => vault("shared bundle").field(bundle),
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
            SealContext::EarlierRow { provider: "jira", user: "x", revision: 4, clear: b"" },
            SealContext::Row { provider: "jira", user: "x", revision: 4, clear: b"" },
            SealContext::Header { clear: b"" },
            SealContext::Spill { provider: "jira", user: "x", revision: 4, attempt: &[0; 16] },
            SealContext::Pause { client: &[0; 16] },
            SealContext::AuditKey,
            SealContext::AuditHead,
            SealContext::Bundle { header: b"x" },
            SealContext::SharedSecret { row: &[0; 32], revision: 4 },
            SealContext::SharedLabel { row: &[0; 32], revision: 4 },
            SealContext::SharedEvidence { row: &[0; 32], revision: 4 },
            SealContext::SharedHolder { row: &[0; 32], attempt: &[0; 16] },
            SealContext::SharedBundle { bundle: &[0; 16] },
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
    fn no_form_of_a_rows_seal_passes_for_another() {
        let key = DataKey::generate(VaultId([1; 16]), 1).unwrap();
        let (provider, user, revision) = ("jira", "x", 4);
        let all = |clear| {
            [
                SealContext::Credential { provider, user, revision },
                SealContext::EarlierRow { provider, user, revision, clear },
                SealContext::Row { provider, user, revision, clear },
            ]
        };
        let forms = [RowSeal::Comparing, RowSeal::Covering, RowSeal::BesideEvidence];
        for (number, (own, form)) in all(b"active").into_iter().zip(forms).enumerate() {
            let mut sealed = key.seal(own, b"made up").unwrap();
            assert_eq!(RowSeal::of(&sealed), form);
            for version in 0..5 {
                sealed[0] = version;
                for (other, context) in all(b"active").into_iter().enumerate() {
                    let genuine = usize::from(version) == number + 1 && other == number;
                    assert_eq!(key.open(context, &sealed).is_ok(), genuine, "{version} {other}");
                }
            }
            sealed[0] = u8::try_from(number + 1).unwrap();
            let edited = all(b"inactive")[number];
            assert_eq!(key.open(edited, &sealed).is_ok(), form == RowSeal::Comparing);
        }
    }
}
