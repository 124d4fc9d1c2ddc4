//! A copy of the vault.

use std::path::Path;

use super::error::Error;
use crate::private_file;
use crate::store::{self, Store};

/// Writes the vault as it is at one moment to the new file `target`, which is private from the
/// start, and flushes it to the disk. The copy opens with the same key slots.
///
/// Fails where something is at `target` already. Needs no key.
pub(crate) fn backup(store: &Store, target: &Path) -> Result<(), Error> {
    let refused =
        |source| store::Error::from(private_file::Error::Io { path: target.to_owned(), source });
    let file = private_file::create_new(target).map_err(refused)?;
    let written = absolute(target)
        .and_then(|path| Ok(store.copy_to(&path)?))
        .and_then(|()| Ok(file.sync_all().map_err(refused)?));
    if written.is_err() {
        // Made here, and worth nothing.
        let _ = std::fs::remove_file(target);
    }
    written
}

/// The path as SQLite takes it: text that can't be taken for an option or an address.
fn absolute(target: &Path) -> Result<String, Error> {
    let unusable = || private_file::Error::NotAFile { path: target.to_owned() };
    let path = target.canonicalize().map_err(|_| store::Error::from(unusable()))?;
    Ok(path.into_os_string().into_string().map_err(|_| store::Error::from(unusable()))?)
}
