//! Keys and sealed bytes: what opens a vault and what keeps its content shut.
//!
//! Knows neither where sealed bytes are kept nor what is in them.

mod cipher;
pub(crate) mod chain;
mod kdf;
pub(crate) mod keychain;
pub(crate) mod seal;
pub(crate) mod key_string;
pub(crate) mod slot;
pub(crate) mod slot_secret;
pub(crate) mod plaintext;
pub(crate) mod bundle;

pub(crate) use cipher::Key;
