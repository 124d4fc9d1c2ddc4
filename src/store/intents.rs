//! The table `intents`: keychain entries that exist, or may exist, without a key slot.
//!
//! Keychain and file have no common commit. A row here is committed before the keychain is
//! touched, so that what a crash leaves behind is known by name.

use jiff::Timestamp;
use rusqlite::Transaction;

use super::error::Error;

pub(crate) fn insert(
    transaction: &Transaction<'_>,
    entry: &str,
    now: Timestamp,
) -> Result<(), Error> {
    transaction.execute(
        "INSERT INTO intents (keychain_entry, created_at) VALUES (?1, ?2)",
        (entry, now.as_second()),
    )?;
    Ok(())
}

pub(crate) fn remove(transaction: &Transaction<'_>, entry: &str) -> Result<(), Error> {
    transaction.execute("DELETE FROM intents WHERE keychain_entry = ?1", [entry])?;
    Ok(())
}
