//! The bundle in the header: what was handed over and may not have left yet.
//!
//! A bundle is sealed by itself, so it lies in the table `vault_2` as it would in a file. The
//! header's seal covers its id, so that it can't be taken away unnoticed.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::sealing::Sealing;
use super::values::{one_row, time};
use crate::store::error::Error;
use crate::vault::bundle::BundleId;

/// The bundle that was handed over and is not known to be in place.
pub(crate) fn unplaced(connection: &Connection) -> Result<Option<(BundleId, String)>, Error> {
    let sql = "SELECT bundle_id, bundle FROM vault_2 WHERE bundle_id IS NOT NULL";
    let found = connection
        .prepare_cached(sql)?
        .query_row([], |row| Ok((BundleId(row.get(0)?), row.get(1)?)));
    Ok(found.optional()?)
}

/// The time since which a bundle is not known to be in place, if there is one.
pub(crate) fn unplaced_since(connection: &Connection) -> Result<Option<Timestamp>, Error> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT bundle_at FROM vault_2 WHERE bundle_id IS NOT NULL")?
        .query_row([], |row| row.get(0))
        .optional()?;
    found.map(time).transpose()
}

/// Keeps a bundle until it is in place. There can be one at a time.
pub(crate) fn keep(
    sealing: &Sealing<'_, '_>,
    id: BundleId,
    text: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let kept = sealing
        .prepare_cached(
            "UPDATE vault_2 SET bundle_id = ?1, bundle = ?2, bundle_at = ?3
             WHERE bundle_id IS NULL",
        )?
        .execute((id.0, text, now.as_second()))?;
    one_row(kept)
}

/// Forgets a bundle that is in place.
pub(crate) fn forget(sealing: &Sealing<'_, '_>, id: BundleId) -> Result<(), Error> {
    sealing.execute(
        "UPDATE vault_2 SET bundle_id = NULL, bundle = NULL, bundle_at = NULL
         WHERE bundle_id = ?1",
        [id.0],
    )?;
    Ok(())
}
