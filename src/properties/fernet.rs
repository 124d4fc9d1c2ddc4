//! The encrypting half of Fernet (<https://github.com/fernet/spec>), which other tools have: tokctl
//! only reads it.

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use data_encoding::BASE64URL;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::sample_vault::NOW;

/// A key: one half signs, the other half encrypts.
pub(super) type Key = [u8; 32];

/// Encrypts `text` under `key`, with a fixed time and vector.
pub(super) fn encrypt(key: &Key, text: &[u8]) -> String {
    let (signing, encrypting) = key.split_at(16);
    let vector = [3; 16];
    let mut room = text.to_vec();
    room.resize(text.len() + 16, 0);
    let cipher = cbc::Encryptor::<Aes128>::new_from_slices(encrypting, &vector).expect("lengths");
    let encrypted =
        cipher.encrypt_padded::<Pkcs7>(&mut room, text.len()).expect("room for a block");
    let head: &[&[u8]] = &[&[0x80], &NOW.as_second().to_be_bytes(), &vector];
    let mut token = [&head.concat(), encrypted].concat();
    let mut mac = Hmac::<Sha256>::new_from_slice(signing).expect("any length will do");
    mac.update(&token);
    token.extend(mac.finalize().into_bytes());
    BASE64URL.encode(&token)
}
