//! The way out for what tokctl did not make in the schema of a vault.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connection::{self, READ_WRITE};
use super::schema::{self, Version};
use super::schema_differences::{Differences, ForeignObject};
use crate::store::error::Error;
use crate::store::file::VaultFile;

/// Drops from the schema of the vault at `path` what tokctl did not make, and makes indexes that are
/// missing.
pub(crate) fn drop_foreign(path: &Path) -> Result<(), Error> {
    let file = VaultFile::find(path)?;
    file.check()?;
    file.refuse_rollback_journal()?;
    let connection = connection::open(file.path(), READ_WRITE)?;
    connection::open_schema(&connection)?;
    connection::set_up_for_writing(&connection, &file)?;
    drop_from(&connection, &file)
}

/// Drops what tokctl did not make from the schema of the open `file`.
///
/// SQLite's own `DROP` believes the schema: an entry that claims the pages of a table of tokctl's
/// would take them along, and one of no known kind could not be dropped. So the entries are deleted,
/// and what only they led to goes as the file is written anew.
pub(super) fn drop_from(connection: &Connection, file: &VaultFile) -> Result<(), Error> {
    connection::open_schema(connection)?;
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let version = match schema::version(&transaction)? {
        Version::Known(version) => version,
        other => return Err(other.refused(file)),
    };
    let Differences { foreign, unindexed, missing, .. } =
        schema::differences(&transaction, version)?;
    if foreign.is_empty() && unindexed.is_empty() {
        drop(transaction);
        return Ok(connection.execute_batch("PRAGMA writable_schema = RESET")?);
    }
    for ForeignObject { kind, name, row, .. } in foreign {
        transaction.execute("DELETE FROM sqlite_schema WHERE rowid = ?1", [row])?;
        if kind == "table" {
            // The index of its primary key, which has no name of its own.
            let sql = "DELETE FROM sqlite_schema
                       WHERE type = 'index' AND sql IS NULL AND tbl_name = ?1";
            transaction.execute(sql, [name])?;
        }
    }
    // Tells other processes that the schema is another.
    let number = schema::pragma(&transaction, "PRAGMA schema_version")?.wrapping_add(1);
    transaction.execute_batch(&format!("PRAGMA schema_version = {number}"))?;
    transaction.commit()?;
    connection.execute_batch("PRAGMA writable_schema = RESET")?;
    if missing.is_empty() {
        schema::make_indexes(connection, &unindexed)?;
    }
    if schema::check(connection, version).is_ok() {
        // Else the pages to which no entry leads may be those of a table that is missing.
        connection.execute_batch("VACUUM")?;
    }
    Ok(())
}
