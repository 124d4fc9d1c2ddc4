//! The table `intents_2`: keychain entries that exist, or may exist, without a key slot.
//!
//! Keychain and file have no common commit. A row here is committed before the keychain is
//! touched, so that what a crash leaves behind is known by name.
//!
//! Whoever can edit the file could write names here, and so have the secrets deleted that a backup
//! still needs. So each row of a vault that has a data key carries a seal, and rows without one
//! that opens are no authority for anything.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};

use super::values::one_row;
use crate::store::error::Error;
use crate::vault::seal::{DataKey, SealContext};

/// Writes a name down before the vault has a data key.
pub(crate) fn insert(
    transaction: &Transaction<'_>,
    entry: &str,
    now: Timestamp,
) -> Result<(), Error> {
    one_row(transaction.execute(
        "INSERT INTO intents_2 (keychain_entry, created_at) VALUES (?1, ?2)",
        (entry, now.as_second()),
    )?)
}

/// Writes a name down, sealed with `key`, over what stood there.
pub(crate) fn put(
    transaction: &Transaction<'_>,
    key: &DataKey,
    entry: &str,
    now: Timestamp,
) -> Result<(), Error> {
    one_row(transaction.execute(
        "INSERT OR REPLACE INTO intents_2 (keychain_entry, created_at, seal) VALUES (?1, ?2, ?3)",
        (entry, now.as_second(), key.seal(SealContext::Intent { entry }, b"")?),
    )?)
}

/// All names, whoever wrote them down.
pub(crate) fn all(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut statement =
        connection.prepare("SELECT keychain_entry FROM intents_2 ORDER BY keychain_entry")?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// The names that were written down with `key`.
pub(crate) fn sealed(connection: &Connection, key: &DataKey) -> Result<Vec<String>, Error> {
    let mut statement = connection
        .prepare("SELECT keychain_entry, seal FROM intents_2 WHERE seal IS NOT NULL ORDER BY 1")?;
    let mut rows = statement.query([])?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        let (entry, seal): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        if key.open(SealContext::Intent { entry: &entry }, &seal).is_ok() {
            names.push(entry);
        }
    }
    Ok(names)
}

/// Seals with `next`, which came after `key`, what was written down with `key`.
pub(crate) fn reseal(
    transaction: &Transaction<'_>,
    key: &DataKey,
    next: &DataKey,
) -> Result<(), Error> {
    for entry in sealed(transaction, key)? {
        one_row(transaction.execute(
            "UPDATE intents_2 SET seal = ?2 WHERE keychain_entry = ?1",
            (&entry, next.seal(SealContext::Intent { entry: &entry }, b"")?),
        )?)?;
    }
    Ok(())
}

/// Deletes the intent of the keychain entry `entry`, if there is one.
pub(crate) fn remove(transaction: &Transaction<'_>, entry: &str) -> Result<(), Error> {
    transaction.execute("DELETE FROM intents_2 WHERE keychain_entry = ?1", [entry])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::database::{Access, Database};
    use crate::vault::seal::VaultId;

    #[test]
    fn a_name_that_somebody_else_wrote_counts_for_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("v/tokens.db");
        let mut store = Database::open(&path, Access::Create).unwrap();
        let key = DataKey::generate(VaultId([5; 16]), 1).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let transaction = store.write().unwrap();
        insert(&transaction, "unsealed", now).unwrap();
        put(&transaction, &key, "genuine", now).unwrap();
        put(&transaction, &key, "renamed", now).unwrap();
        transaction
            .execute(
                "UPDATE intents_2 SET keychain_entry = 'x' WHERE keychain_entry = 'renamed'",
                [],
            )
            .unwrap();
        assert_eq!(sealed(&transaction, &key).unwrap(), ["genuine"]);
        remove(&transaction, "genuine").unwrap();
        assert!(sealed(&transaction, &key).unwrap().is_empty());
    }
}
