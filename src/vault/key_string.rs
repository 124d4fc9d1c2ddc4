//! The text form of a 256-bit key, as `tokctl key generate` prints it.
//!
//! `tokctl-key-` and 58 characters of base32 (RFC 4648 §6, lower case): the key and the first four
//! bytes of its SHA-256. Prefix and checksum keep a password from being taken for a key.

use data_encoding::BASE32_NOPAD_NOCASE;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::cipher::Key;

const PREFIX: &str = "tokctl-key-";
const KEY: usize = 32;
const CHECKSUM: usize = 4;

/// Why a text is no key. The text itself is never repeated: it may be a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Most likely a password, or another tool's key.
    #[error("it does not begin with `tokctl-key-`")]
    Prefix,
    /// Something was cut off or mistyped.
    #[error("it was cut off or mistyped: its checksum does not match")]
    Checksum,
}

/// The text form of `key`.
pub(crate) fn encode(key: &Key) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; KEY + CHECKSUM]);
    bytes[..KEY].copy_from_slice(key.expose());
    bytes[KEY..].copy_from_slice(&checksum(key.expose()));
    let mut encoded = Zeroizing::new(BASE32_NOPAD_NOCASE.encode(bytes.as_slice()));
    encoded.make_ascii_lowercase();
    Zeroizing::new(format!("{PREFIX}{}", *encoded))
}

/// Reads the text form; white space around it is no part of it.
pub(crate) fn decode(text: &str) -> Result<Key, Malformed> {
    let encoded = text.trim().strip_prefix(PREFIX).ok_or(Malformed::Prefix)?;
    let bytes = BASE32_NOPAD_NOCASE
        .decode(encoded.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| Malformed::Checksum)?;
    let (key, found) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Malformed::Checksum)?;
    if checksum(key) != *found {
        return Err(Malformed::Checksum);
    }
    Key::from_bytes(key).ok_or(Malformed::Checksum)
}

fn checksum(key: &[u8]) -> [u8; CHECKSUM] {
    let digest = Sha256::new().chain_update(PREFIX).chain_update(key).finalize();
    *digest.first_chunk().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_form() {
        let key = Key::generate().unwrap();
        let text = encode(&key);
        assert_eq!(text.len(), PREFIX.len() + 58);
        assert_eq!(decode(&format!(" {}\n", *text)).unwrap().expose(), key.expose());
    }

    #[test]
    fn the_text_form_stays_what_it_is() {
        let key = Key::from_bytes(&[7; 32]).unwrap();
        assert_eq!(
            *encode(&key),
            "tokctl-key-a4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4d7xzcq4a"
        );
    }

    #[test]
    fn passwords_and_slips_are_refused() {
        assert_eq!(decode("correct horse").unwrap_err(), Malformed::Prefix);
        assert_eq!(decode("").unwrap_err(), Malformed::Prefix);
        assert_eq!(decode("tokctl-key-").unwrap_err(), Malformed::Checksum);
        let text = encode(&Key::generate().unwrap());
        for position in PREFIX.len()..text.len() {
            let mut slip = text.to_string().into_bytes();
            slip[position] = if slip[position] == b'a' { b'b' } else { b'a' };
            let slip = String::from_utf8(slip).unwrap();
            assert_eq!(decode(&slip).unwrap_err(), Malformed::Checksum, "{slip}");
            assert!(decode(&text[..position]).is_err());
        }
    }
}
