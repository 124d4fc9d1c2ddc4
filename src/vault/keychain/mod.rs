//! The keychain of the operating system, with one 256-bit secret under each name.
//!
//! Never overwrites an entry, never creates a collection, and never waits longer than
//! [`Patience::limit`]. Knows nothing of what a secret opens.

#![cfg_attr(
    target_os = "macos",
    allow(dead_code, reason = "the Secret Service can tell and do more")
)]

mod error;
mod entry;
mod bounded;
#[cfg(not(target_os = "macos"))]
mod session_lock;
#[cfg(not(target_os = "macos"))]
mod bus;
#[cfg(not(target_os = "macos"))]
mod prompts;
#[cfg(not(target_os = "macos"))]
mod secret_service;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(not(target_os = "macos"))]
#[cfg(test)]
mod tests;

use data_encoding::BASE64;
use zeroize::Zeroizing;

pub(crate) use self::entry::{Deleted, EntryName, Patience, Trial};
pub(crate) use self::error::Error;
use super::cipher::Key;

#[cfg(target_os = "macos")]
use self::macos as store;
#[cfg(not(target_os = "macos"))]
use self::secret_service as store;

/// Returns the secret under `name`; where there are several entries of that name, that of the first.
pub(crate) fn read(name: &EntryName, patience: &Patience) -> Result<Key, Error> {
    read_all(name, patience)?.into_iter().next().ok_or(Error::Malformed)
}

/// Returns the secrets of all entries under `name`, at least one. What is no secret is left out,
/// unless there is nothing else.
pub(crate) fn read_all(name: &EntryName, patience: &Patience) -> Result<Vec<Key>, Error> {
    let texts = store::read(name, patience)?;
    let secrets: Vec<Key> = texts.iter().filter_map(|text| decode(text).ok()).collect();
    if secrets.is_empty() { Err(Error::Malformed) } else { Ok(secrets) }
}

/// Opens the keychain for a new entry, as far as the system can tell beforehand. After a failure it
/// is certain that there is no new entry.
pub(crate) fn prepare(patience: &Patience) -> Result<(), Error> {
    store::prepare(patience)
}

/// Creates an entry and reads it back, so that nothing depends on an entry that the keychain did not
/// keep. One that it did not keep as it was is deleted again.
pub(crate) fn create(name: &EntryName, secret: &Key, patience: &Patience) -> Result<(), Error> {
    store::create(name, &encode(secret), patience)
}

/// Creates a trial entry, reads it back and deletes it, unless it would stay in a recycle bin.
pub(crate) fn try_out(name: &EntryName, patience: &Patience) -> Result<Trial, Error> {
    store::try_out(name, "a trial that nothing needs", patience)
}

/// Deletes all entries under `name`; succeeds too if there is none.
pub(crate) fn delete(name: &EntryName, patience: &Patience) -> Result<Deleted, Error> {
    match store::delete(name, patience) {
        Ok(deleted) => Ok(deleted),
        Err(Error::Missing { .. }) => Ok(Deleted::default()),
        Err(error) => Err(error),
    }
}

/// Returns the names of all entries that tokctl made, for any vault.
pub(crate) fn entries(patience: &Patience) -> Result<Vec<String>, Error> {
    store::entries(patience)
}

/// Returns the name of the program or the part of the system that keeps the secrets; `None` if it
/// is not known.
pub(crate) fn keeper(patience: &Patience) -> Option<String> {
    store::keeper(patience).ok().flatten()
}

/// Returns the text of a secret: KWallet can't hold arbitrary bytes.
fn encode(secret: &Key) -> Zeroizing<String> {
    Zeroizing::new(BASE64.encode(secret.expose()))
}

fn decode(text: &[u8]) -> Result<Key, Error> {
    BASE64
        .decode(text)
        .map(Zeroizing::new)
        .ok()
        .and_then(|bytes| Key::from_bytes(&bytes))
        .ok_or(Error::Malformed)
}
