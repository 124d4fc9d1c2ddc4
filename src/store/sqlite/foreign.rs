//! The way out for what tokctl did not make in the schema of a vault.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connection::{self, READ_WRITE};
use super::schema::{self, ForeignObject, Version};
use crate::store::error::Error;
use crate::store::file::VaultFile;

/// Drops from the schema of the vault at `path` what tokctl did not make, in one transaction.
pub(crate) fn drop_foreign(path: &Path) -> Result<(), Error> {
    let file = VaultFile::find(path)?;
    file.check()?;
    file.refuse_rollback_journal()?;
    let connection = connection::open(file.path(), READ_WRITE)?;
    connection::set_up_for_writing(&connection, &file)?;
    let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)?;
    match schema::version(&transaction)? {
        Version::Known(version) => drop_from(&transaction, version)?,
        other => return Err(other.refused(&file)),
    }
    Ok(transaction.commit()?)
}

/// Drops what tokctl did not make from the schema of an open file of `version`.
pub(super) fn drop_from(connection: &Connection, version: usize) -> Result<(), Error> {
    for ForeignObject { kind, name, .. } in schema::differences(connection, version)?.foreign {
        let name = name.replace('"', "\"\"");
        let kind = match kind.as_str() {
            "table" => "TABLE",
            "view" => "VIEW",
            "trigger" => "TRIGGER",
            _ => "INDEX",
        };
        connection.execute_batch(&format!("DROP {kind} IF EXISTS main.\"{name}\""))?;
    }
    Ok(())
}
