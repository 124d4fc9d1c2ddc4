//! The table `intents`: keychain entries that exist, or may exist, without a key slot.
//!
//! Keychain and file have no common commit. A row here is committed before the keychain is
//! touched, so that what a crash leaves behind is known by name.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};

use super::error::Error;

/// The names of all such entries.
pub(crate) fn read(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut statement = connection.prepare("SELECT keychain_entry FROM intents")?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(names)
}

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
