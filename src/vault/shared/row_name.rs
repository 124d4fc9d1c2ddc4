//! The names of rows on the server, which do not tell whose they are.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::vault::cipher::AssociatedData;
use crate::vault::seal::DataKey;

/// The version of the bytes that are hashed.
const VERSION: u8 = 1;

/// The purpose for which the key of the names is derived.
const KEY_PURPOSE: &[u8] = b"tokctl shared row names v1";

/// The purpose of a name, which goes into it.
const PURPOSE: &str = "tokctl shared row name";

/// The name of a row: a code over the names of its provider and user, under a key that is derived
/// from the data key. So each rotation changes it.
pub(crate) type RowName = [u8; 32];

/// Returns the name of the row of `user` at `provider`, in the vault and generation of `key`.
pub(crate) fn row_name(key: &DataKey, provider: &str, user: &str) -> RowName {
    let derived = code(key.key.expose(), KEY_PURPOSE);
    let named = AssociatedData::of_version(VERSION, PURPOSE)
        .field(&key.vault.0)
        .number(key.generation)
        .field(provider.as_bytes())
        .field(user.as_bytes());
    code(&derived, named.bytes())
}

fn code(key: &[u8], text: &[u8]) -> [u8; 32] {
    let code = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    code.chain_update(text).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::seal::VaultId;

    #[test]
    fn a_name_is_that_of_one_account_in_one_generation() {
        let key = DataKey::generate(VaultId([1; 16]), 1).unwrap();
        let next = DataKey { generation: 2, ..key.clone() };
        let names = [
            row_name(&key, "a", "bc"),
            row_name(&key, "ab", "c"),
            row_name(&next, "a", "bc"),
            row_name(&DataKey::generate(VaultId([1; 16]), 1).unwrap(), "a", "bc"),
        ];
        let different: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len());
        assert_eq!(names[0], row_name(&key, "a", "bc"));
    }
}
