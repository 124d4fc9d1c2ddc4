//! Fernet (<https://github.com/fernet/spec>), a format in which Python programs encrypt:
//! AES-128-CBC, with an HMAC-SHA256 over it.

use std::num::NonZeroU32;
use std::path::Path;

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use data_encoding::{BASE64URL, BASE64URL_NOPAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use ring::pbkdf2;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::Error;
use crate::secret::{SecretText, StoreKey};

/// The parts of a token and their lengths in bytes: version, time and initialization vector stand
/// before the ciphertext, the MAC behind it.
const VERSION: u8 = 0x80;
const HEAD: usize = 1 + 8 + 16;
const MAC: usize = 32;

/// A key: one half signs, the other half encrypts.
pub(super) struct Key(Zeroizing<[u8; 32]>);

/// The content of a token.
pub(super) struct Opened {
    pub(super) text: Zeroizing<String>,
    /// The time at which the content was encrypted.
    pub(super) at: Option<Timestamp>,
}

/// Whether `text` can only be a token: it begins with the version, and a time before 2106.
pub(super) fn is_token(text: &str) -> bool {
    text.starts_with("gAAAAA") && text.len() >= 100
}

impl Key {
    /// Reads a key in the form of `Fernet.generate_key`. `path` is the file that it opens, for the
    /// error.
    pub(super) fn read(text: &StoreKey, path: &Path) -> Result<Self, Error> {
        let decoded = decode(text.expose().trim());
        let bytes = decoded.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        bytes.map(|bytes| Self(Zeroizing::new(bytes))).ok_or_else(|| Error::NoSuchKey {
            path: path.to_owned(),
            what: "a Fernet key is 32 bytes in base64url",
        })
    }

    /// Derives a key from a secret (PBKDF2-HMAC-SHA256, RFC 8018 §5.2).
    pub(super) fn derive(secret: &str, salt: &[u8], iterations: NonZeroU32) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            iterations,
            salt,
            secret.as_bytes(),
            key.as_mut_slice(),
        );
        Self(key)
    }

    /// Opens a token; `None` if it was made with another key, or is damaged.
    pub(super) fn open(&self, token: &str) -> Option<Opened> {
        let token = decode(token.trim())?;
        let (signed, mac) = token.split_at_checked(token.len().checked_sub(MAC)?)?;
        let (head, sealed) = signed.split_at_checked(HEAD)?;
        let (signing, encrypting) = self.0.split_at(16);
        let mut expected = Hmac::<Sha256>::new_from_slice(signing).ok()?;
        expected.update(signed);
        expected.verify_slice(mac).ok()?;
        if head[0] != VERSION {
            return None;
        }
        let seconds = i64::from_be_bytes(head[1..9].try_into().ok()?);
        let mut plain = Zeroizing::new(sealed.to_vec());
        let cipher = cbc::Decryptor::<Aes128>::new_from_slices(encrypting, &head[9..]).ok()?;
        let text = cipher.decrypt_padded::<Pkcs7>(&mut plain).ok()?;
        let text = Zeroizing::new(std::str::from_utf8(text).ok()?.to_owned());
        Some(Opened { text, at: Timestamp::from_second(seconds).ok() })
    }
}

/// Decodes base64url, with or without padding.
fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let decoded = BASE64URL.decode(text.as_bytes());
    let decoded = decoded.or_else(|_| BASE64URL_NOPAD.decode(text.as_bytes()));
    decoded.ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    // This is the example of the specification: verify.json.
    const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    const TOKEN: &str = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";

    fn key(text: &str) -> Result<Key, Error> {
        Key::read(&StoreKey::from_trusted(text.into()), Path::new("x"))
    }

    #[test]
    fn the_example_of_the_specification_opens() {
        let opened = key(KEY).unwrap().open(TOKEN).unwrap();
        assert_eq!(*opened.text, "hello");
        assert_eq!(opened.at, Some("1985-10-26T01:20:00-07:00".parse().unwrap()));
        assert!(is_token(TOKEN));
    }

    #[test]
    fn a_token_that_was_changed_does_not_open() {
        let key = key(KEY).unwrap();
        for place in 0..TOKEN.len() - 3 {
            let mut changed = TOKEN.as_bytes().to_vec();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(key.open(&changed).is_none(), "{place}");
        }
        for length in 0..TOKEN.len() - 1 {
            assert!(key.open(&TOKEN[..length]).is_none() || length == TOKEN.len() - 2, "{length}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "made-up", &KEY[..40], "=cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4"] {
            assert!(matches!(key(text), Err(Error::NoSuchKey { .. })), "{text}");
        }
        assert!(key(&KEY[..43]).is_ok(), "without its padding");
    }
}
