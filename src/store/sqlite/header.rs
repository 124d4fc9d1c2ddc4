//! The table `vault`: the vault's name and the generation of its data key.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::store::error::Error;
use crate::vault::seal::{DataKey, Generation, VaultId};

/// The vault's name and the generation of its data key, to which all seals are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) vault: VaultId,
    pub(crate) generation: Generation,
}

/// Reads the header; `None` where the vault was never finished.
///
/// A vault without one that holds anything was tampered with: to take it for a new one would be to
/// make a key over what an older key sealed.
pub(crate) fn read(connection: &Connection) -> Result<Option<Header>, Error> {
    let header = connection
        .prepare_cached("SELECT vault_id, generation FROM vault")?
        .query_row([], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    if header.is_none() && !is_empty(connection)? {
        return Err(Error::Inconsistent("it has credentials or key slots, and no header"));
    }
    header
        .map(|(vault, generation)| {
            let generation = u64::try_from(generation)
                .map_err(|_| Error::Inconsistent("a negative generation"))?;
            Ok(Header { vault: VaultId(vault), generation })
        })
        .transpose()
}

fn is_empty(connection: &Connection) -> Result<bool, Error> {
    let sql =
        "SELECT NOT EXISTS (SELECT 1 FROM key_slots) AND NOT EXISTS (SELECT 1 FROM credentials)";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Gives the vault its name.
pub(crate) fn insert(
    transaction: &Transaction<'_>,
    header: Header,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO vault (one, vault_id, generation, revision, created_at)
               VALUES (1, ?1, ?2, 0, ?3)";
    let values = (header.vault.0, stored(header.generation)?, now.as_second());
    transaction.execute(sql, values)?;
    Ok(())
}

/// Makes `next` the vault's data key, after `key`: nothing is written under `key` any more.
pub(crate) fn advance(
    transaction: &Transaction<'_>,
    key: &DataKey,
    next: &DataKey,
) -> Result<(), Error> {
    check(transaction, key)?;
    transaction.execute("UPDATE vault SET generation = ?1", [stored(next.generation)?])?;
    check(transaction, next)
}

/// A revision that no credential ever had.
///
/// Fails with [`Error::KeyRetired`] if `key` is not the current data key: nothing may be written
/// under another.
pub(crate) fn next_revision(transaction: &Transaction<'_>, key: &DataKey) -> Result<u64, Error> {
    let sql = "UPDATE vault SET revision = revision + 1 WHERE vault_id = ?1 AND generation = ?2
               RETURNING revision";
    let revision: Option<i64> = transaction
        .prepare_cached(sql)?
        .query_row((key.vault.0, stored(key.generation)?), |row| row.get(0))
        .optional()?;
    let Some(revision) = revision else {
        check(transaction, key)?;
        return Err(Error::Inconsistent("it counts no revisions"));
    };
    u64::try_from(revision).map_err(|_| Error::Inconsistent("a negative revision"))
}

/// The number of writes so far. Fails with [`Error::KeyRetired`] if `key` is not the current data
/// key.
pub(crate) fn counter(connection: &Connection, key: &DataKey) -> Result<u64, Error> {
    check(connection, key)?;
    let revision: i64 =
        connection.prepare_cached("SELECT revision FROM vault")?.query_row([], |row| row.get(0))?;
    u64::try_from(revision).map_err(|_| Error::Inconsistent("a negative revision"))
}

/// Fails with [`Error::KeyRetired`] if `key` is not the current data key.
pub(crate) fn check(connection: &Connection, key: &DataKey) -> Result<(), Error> {
    let current = read(connection)?.ok_or(Error::Inconsistent("it has no header"))?;
    if (current.vault, current.generation) == (key.vault, key.generation) {
        Ok(())
    } else {
        Err(Error::KeyRetired)
    }
}

/// The point in time that a column holds, in seconds since 1970.
pub(super) fn time(second: i64) -> Result<Timestamp, Error> {
    Timestamp::from_second(second).map_err(|_| Error::Inconsistent("a time out of range"))
}

/// A number as SQLite keeps it: signed.
pub(super) fn stored(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::Inconsistent("a number is too large"))
}
