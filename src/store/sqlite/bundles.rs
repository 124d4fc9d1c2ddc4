//! The tables `unplaced_bundle` and `opened_bundles`: what was handed over and may not have left
//! yet, and what was taken in.
//!
//! A bundle is sealed by itself, so it lies here as it would in a file.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::header::time;
use crate::store::error::Error;
use crate::vault::bundle::BundleId;

/// The bundle that was handed over and is not known to be in place.
pub(crate) fn unplaced(connection: &Connection) -> Result<Option<(BundleId, String)>, Error> {
    let sql = "SELECT bundle_id, sealed FROM unplaced_bundle";
    let found = connection
        .prepare_cached(sql)?
        .query_row([], |row| Ok((BundleId(row.get(0)?), row.get(1)?)));
    Ok(found.optional()?)
}

/// The time since which a bundle is not known to be in place, if there is one.
pub(crate) fn unplaced_since(connection: &Connection) -> Result<Option<Timestamp>, Error> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT created_at FROM unplaced_bundle")?
        .query_row([], |row| row.get(0))
        .optional()?;
    found.map(time).transpose()
}

/// Keeps a bundle until it is in place. There can be one at a time.
pub(crate) fn keep(
    transaction: &Transaction<'_>,
    id: BundleId,
    sealed: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let kept = transaction
        .prepare_cached(
            "INSERT INTO unplaced_bundle (one, bundle_id, sealed, created_at)
             VALUES (1, ?1, ?2, ?3)",
        )?
        .execute((id.0, sealed, now.as_second()))?;
    // A trigger in the file could have swallowed it, and the tokens in it are nowhere else.
    if kept == 1 { Ok(()) } else { Err(Error::Inconsistent("it does not keep what is stored")) }
}

/// Forgets a bundle that is in place.
pub(crate) fn forget(transaction: &Transaction<'_>, id: BundleId) -> Result<(), Error> {
    transaction.execute("DELETE FROM unplaced_bundle WHERE bundle_id = ?1", [id.0])?;
    Ok(())
}

/// The time at which a bundle was taken in, if it was.
pub(crate) fn opened_at(connection: &Connection, id: BundleId) -> Result<Option<Timestamp>, Error> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT opened_at FROM opened_bundles WHERE bundle_id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    found.map(time).transpose()
}

/// Remembers that a bundle was taken in.
pub(crate) fn remember(
    transaction: &Transaction<'_>,
    id: BundleId,
    now: Timestamp,
) -> Result<(), Error> {
    transaction.execute(
        "INSERT INTO opened_bundles (bundle_id, opened_at) VALUES (?1, ?2)",
        (id.0, now.as_second()),
    )?;
    Ok(())
}
