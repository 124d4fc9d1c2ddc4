//! Keys and sealed bytes.

#[allow(dead_code)]
mod keychain;
