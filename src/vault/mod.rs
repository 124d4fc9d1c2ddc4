//! The cryptography of the vault: its data key, the key slots that wrap it, and the seals under it.
//!
//! Knows neither where sealed bytes are stored nor what they mean.

mod cipher;
pub(crate) mod chain;
mod kdf;
mod passphrase_forms;
pub(crate) mod keychain;
pub(crate) mod seal;
pub(crate) mod evidence_key;
pub(crate) mod key_string;
pub(crate) mod slot;
pub(crate) mod slot_secret;
pub(crate) mod plaintext;
pub(crate) mod bundle;
#[cfg(feature = "postgres")]
pub(crate) mod shared;

pub(crate) use cipher::Key;
