//! The code that proves that tokctl wrote the evidence of a credential.
//!
//! Evidence stands in the clear, so there is nothing to encrypt: keyed BLAKE2b with 256 bits (RFC
//! 7693) over it takes a tenth of the time of a seal over nothing, and a third of that of an
//! HMAC-SHA256 where the processor has no instructions for SHA-256. Its key is derived from the data
//! key for this purpose alone.

use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{KeyInit, Mac};

use super::cipher::{self, AssociatedData};
use super::seal::DataKey;

/// The key of the codes over evidence. Deriving it takes as long as one code.
pub(crate) struct EvidenceKey {
    /// The function with its key, and with what the text of each code begins with: what is the same
    /// for all rows is done once.
    begun: Blake2bMac<U32>,
}

/// The evidence of a credential at one revision, written at `number`; `clear` are the bytes of its
/// columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EvidenceContext<'a> {
    pub(crate) provider: &'a str,
    pub(crate) user: &'a str,
    pub(crate) revision: u64,
    pub(crate) number: u64,
    pub(crate) clear: &'a [u8],
}

/// The code over the evidence of one credential.
pub(crate) type Code = [u8; 32];

impl EvidenceKey {
    /// Derives the key from the data key.
    pub(crate) fn of(data_key: &DataKey) -> Self {
        let derived = keyed(data_key.key.expose()).chain_update(b"tokctl evidence v1").finalize();
        let beginning =
            AssociatedData::new("evidence").field(&data_key.vault.0).number(data_key.generation);
        Self { begun: keyed(&derived.into_bytes()).chain_update(beginning.bytes()) }
    }

    /// Returns the code over evidence, bound to the vault and the generation of its data key too.
    pub(crate) fn code(&self, context: EvidenceContext<'_>) -> Code {
        self.over(context).finalize().into_bytes().into()
    }

    /// Whether `code` is the one over this evidence.
    pub(crate) fn holds(&self, context: EvidenceContext<'_>, code: &[u8]) -> bool {
        self.over(context).verify_slice(code).is_ok()
    }

    fn over(&self, context: EvidenceContext<'_>) -> Blake2bMac<U32> {
        let EvidenceContext { provider, user, revision, number, clear } = context;
        let (revision, number) = (revision.to_le_bytes(), number.to_le_bytes());
        let mut code = self.begun.clone();
        for field in [provider.as_bytes(), user.as_bytes(), &revision, &number, clear] {
            code.update(&cipher::length(field));
            code.update(field);
        }
        code
    }
}

fn keyed(key: &[u8]) -> Blake2bMac<U32> {
    Blake2bMac::new_from_slice(key).expect("BLAKE2b takes keys of up to 64 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::cipher::Key;
    use crate::vault::seal::VaultId;

    #[test]
    fn a_code_holds_for_its_own_evidence_alone() {
        let data_key = DataKey::generate(VaultId([1; 16]), 1).unwrap();
        let key = EvidenceKey::of(&data_key);
        let own =
            EvidenceContext { provider: "a", user: "bc", revision: 4, number: 5, clear: b"nn" };
        let code = key.code(own);
        assert!(key.holds(own, &code));
        for other in [
            EvidenceContext { provider: "ab", user: "c", ..own },
            EvidenceContext { user: "x", ..own },
            EvidenceContext { revision: 5, ..own },
            EvidenceContext { number: 4, ..own },
            EvidenceContext { clear: b"nnn", ..own },
        ] {
            assert!(!key.holds(other, &code), "{other:?}");
        }
        let copied = DataKey { vault: VaultId([2; 16]), ..data_key.clone() };
        let older = DataKey { generation: 2, ..data_key.clone() };
        let another = DataKey::generate(VaultId([1; 16]), 1).unwrap();
        for other in [&copied, &older, &another] {
            assert!(!EvidenceKey::of(other).holds(own, &code));
        }
        for length in 0..code.len() {
            assert!(!key.holds(own, &code[..length]));
        }
        for bit in 0..code.len() * 8 {
            let mut changed = code;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.holds(own, &changed));
        }
    }

    /// The form stays what it is: vaults are full of it.
    #[test]
    fn the_code_is_keyed_blake2b_under_a_derived_key() {
        let key = Key::from_bytes(&[7; 32]).unwrap();
        let data_key = DataKey { vault: VaultId([1; 16]), generation: 2, key };
        let context =
            EvidenceContext { provider: "p", user: "u", revision: 3, number: 4, clear: b"n" };
        let mut text = vec![1];
        let fields: [&[u8]; 8] = [
            b"evidence",
            &[1; 16],
            &2_u64.to_le_bytes(),
            b"p",
            b"u",
            &3_u64.to_le_bytes(),
            &4_u64.to_le_bytes(),
            b"n",
        ];
        for field in fields {
            text.extend((field.len() as u64).to_le_bytes());
            text.extend(field);
        }
        let derived = keyed(&[7; 32]).chain_update(b"tokctl evidence v1").finalize().into_bytes();
        let code = keyed(&derived).chain_update(&text).finalize().into_bytes();
        assert_eq!(EvidenceKey::of(&data_key).code(context)[..], code[..]);
    }
}
