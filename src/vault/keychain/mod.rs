//! One 256-bit secret per name in the keychain of the operating system.
//!
//! Refuses to know what a secret opens. Never overwrites an entry, never creates a collection and
//! never waits longer than it was told to.

mod error;
mod entry;
#[cfg(target_os = "linux")]
mod wire;
#[cfg(target_os = "linux")]
mod message;
#[cfg(target_os = "linux")]
mod address;
#[cfg(target_os = "linux")]
mod bus;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(not(target_os = "linux"))]
mod system;
#[cfg(all(test, target_os = "linux"))]
mod tests;

use data_encoding::BASE64;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub(crate) use entry::{EntryName, Patience};
pub(crate) use error::Error;

#[cfg(target_os = "linux")]
use secret_service as store;
#[cfg(not(target_os = "linux"))]
use system as store;

/// Reads the secret under `name`.
pub(crate) fn read(name: &EntryName, patience: &Patience) -> Result<Zeroizing<[u8; 32]>, Error> {
    decode(&store::read(name, patience)?)
}

/// Writes a new entry, then reads it back over a fresh connection and compares, so that nothing
/// depends on an entry that the keychain did not really keep. On [`Error::Mismatch`] the entry
/// stays for the caller to delete.
pub(crate) fn create(
    name: &EntryName,
    secret: &[u8; 32],
    patience: &Patience,
) -> Result<(), Error> {
    // As text, because KWallet can't hold arbitrary bytes.
    let text = Zeroizing::new(BASE64.encode(secret));
    store::create(name, &text, patience)?;
    match read(name, patience) {
        Ok(kept) if bool::from(kept.as_slice().ct_eq(secret)) => Ok(()),
        Ok(_) | Err(Error::Missing | Error::Malformed) => Err(Error::Mismatch),
        Err(error) => Err(error),
    }
}

/// Deletes the entry under `name`; that it is gone already is fine.
pub(crate) fn delete(name: &EntryName, patience: &Patience) -> Result<(), Error> {
    match store::delete(name, patience) {
        Ok(()) | Err(Error::Missing) => Ok(()),
        Err(error) => Err(error),
    }
}

fn decode(text: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
    // 44 characters could hold 33 bytes; the padding decides that there are 32.
    let mut bytes = Zeroizing::new([0; 33]);
    if BASE64.decode_len(text.len()) != Ok(bytes.len()) {
        return Err(Error::Malformed);
    }
    match BASE64.decode_mut(text, bytes.as_mut_slice()) {
        Ok(32) => {
            let mut secret = Zeroizing::new([0; 32]);
            secret.copy_from_slice(&bytes[..32]);
            Ok(secret)
        }
        Ok(_) | Err(_) => Err(Error::Malformed),
    }
}
