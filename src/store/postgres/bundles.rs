//! The bundles that came into a vault, and those that went out and are not known to be in place.
//!
//! Which bundle came in is not signed: whoever runs the database could say that one did, which keeps it
//! out, or leave that out, and then a person has to bring it in again. The text of a bundle that went
//! out is sealed for the member who moved it: a bundle may be protected by a passphrase, and nobody
//! with the rows is to guess at that.

use jiff::Timestamp;

use super::driver::{Fault, ToSql, Transaction, Type};
use super::membership::Membership;
use super::row::whole_second;
use super::schema::NOW;
use crate::store::error::Error as StoreError;
use crate::store::shared_error::Error;
use crate::vault::bundle::BundleId;
use crate::vault::seal::{DataKey, SealContext};

/// Returns when the vault took `bundle` in, and the name of the change that did; `None` if it did
/// not.
pub(super) fn taken_in(
    transaction: &Transaction<'_>,
    membership: &Membership,
    bundle: BundleId,
) -> Result<Option<(Timestamp, Vec<u8>)>, Fault> {
    let vault = membership.vault();
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&vault.0.as_slice(), Type::BYTEA), (&bundle.0.as_slice(), Type::BYTEA)];
    let found = transaction.query(
        "SELECT taken_in_at, change FROM tokctl_bundles
         WHERE vault = $1 AND bundle = $2 AND taken_in_at IS NOT NULL",
        &values,
    )?;
    Ok(found.first().map(|row| (whole_second(row.get(0)), row.get(1))))
}

/// Notes that the change `change` takes `bundle` in. One that this vault handed over itself is not to
/// be put in place any more.
///
/// Of two members who take it in at once, one waits for the other here and is undone.
pub(super) fn note_taken_in(
    transaction: &Transaction<'_>,
    membership: &Membership,
    bundle: BundleId,
    change: &[u8; 16],
) -> Result<(), Fault> {
    let vault = membership.vault();
    let values: [(&(dyn ToSql + Sync), Type); 3] = [
        (&vault.0.as_slice(), Type::BYTEA),
        (&bundle.0.as_slice(), Type::BYTEA),
        (&change.as_slice(), Type::BYTEA),
    ];
    let statement = format!(
        "INSERT INTO tokctl_bundles AS b (vault, bundle, change, taken_in_at)
         VALUES ($1, $2, $3, {NOW})
         ON CONFLICT (vault, bundle) DO UPDATE
           SET change = excluded.change, taken_in_at = excluded.taken_in_at, text = NULL
           WHERE b.taken_in_at IS NULL"
    );
    one(transaction.execute(&statement, &values)?)
}

/// Keeps the `text` of `bundle`, which the change `change` hands over, until it is in place.
pub(super) fn keep(
    transaction: &Transaction<'_>,
    membership: &Membership,
    bundle: BundleId,
    text: &str,
    change: &[u8; 16],
) -> Result<(), Fault> {
    let (vault, member) = (membership.vault(), membership.identity.id());
    let context = SealContext::SharedBundle { bundle: &bundle.0 };
    let sealed = own_key(membership).seal(context, text.as_bytes()).map_err(StoreError::from)?;
    let values: [(&(dyn ToSql + Sync), Type); 5] = [
        (&vault.0.as_slice(), Type::BYTEA),
        (&bundle.0.as_slice(), Type::BYTEA),
        (&change.as_slice(), Type::BYTEA),
        (&member.0.as_slice(), Type::BYTEA),
        (&sealed, Type::BYTEA),
    ];
    // The name is new and random, so whatever has it was written by the first run of this change.
    let statement = format!(
        "INSERT INTO tokctl_bundles (vault, bundle, change, handed_over_at, member, text)
         VALUES ($1, $2, $3, {NOW}, $4, $5)
         ON CONFLICT (vault, bundle) DO UPDATE SET text = excluded.text"
    );
    one(transaction.execute(&statement, &values)?)
}

/// Forgets the text of `bundle`, which is in place.
pub(super) fn forget(
    transaction: &Transaction<'_>,
    membership: &Membership,
    bundle: BundleId,
) -> Result<(), Fault> {
    let vault = membership.vault();
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&vault.0.as_slice(), Type::BYTEA), (&bundle.0.as_slice(), Type::BYTEA)];
    transaction.execute(
        "DELETE FROM tokctl_bundles WHERE vault = $1 AND bundle = $2 AND taken_in_at IS NULL",
        &values,
    )?;
    Ok(())
}

/// A bundle that this member handed over and that is not known to be in place.
pub(super) struct Unplaced {
    pub(super) bundle: BundleId,
    pub(super) since: Timestamp,
    pub(super) text: String,
}

/// Returns the oldest bundle of this member that is unplaced, if there is one.
pub(super) fn unplaced(
    transaction: &Transaction<'_>,
    membership: &Membership,
) -> Result<Option<Unplaced>, Fault> {
    let (vault, member) = (membership.vault(), membership.identity.id());
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&vault.0.as_slice(), Type::BYTEA), (&member.0.as_slice(), Type::BYTEA)];
    let found = transaction.query(
        "SELECT bundle, handed_over_at, text FROM tokctl_bundles
         WHERE vault = $1 AND member = $2 AND text IS NOT NULL
         ORDER BY handed_over_at, bundle LIMIT 1",
        &values,
    )?;
    let Some(row) = found.first() else { return Ok(None) };
    let forged = || Error::Forged { what: "a bundle that nobody handed over" };
    let bundle = BundleId(row.get::<_, &[u8]>(0).try_into().map_err(|_| forged())?);
    let context = SealContext::SharedBundle { bundle: &bundle.0 };
    let text = own_key(membership).open(context, row.get(2)).map_err(|_| forged())?;
    let text = String::from_utf8(text.to_vec()).map_err(|_| forged())?;
    let since = whole_second(row.get::<_, Option<i64>>(1).unwrap_or_default());
    Ok(Some(Unplaced { bundle, since, text }))
}

/// Returns the names of the changes that handed over what is in a bundle of any member that is
/// unplaced. The rows that they left behind have them, too.
pub(super) fn unplaced_changes(
    transaction: &Transaction<'_>,
    membership: &Membership,
) -> Result<Vec<Vec<u8>>, Fault> {
    let vault = membership.vault();
    let values: [(&(dyn ToSql + Sync), Type); 1] = [(&vault.0.as_slice(), Type::BYTEA)];
    let found = transaction.query(
        "SELECT change FROM tokctl_bundles WHERE vault = $1 AND text IS NOT NULL",
        &values,
    )?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}

/// Returns the key under which this member seals what is nobody else's.
fn own_key(membership: &Membership) -> DataKey {
    DataKey::of_machine(membership.vault().vault(), membership.identity.local_key())
}

/// Fails if not one row was written: another transaction was faster.
fn one(written: u64) -> Result<(), Fault> {
    if written == 1 { Ok(()) } else { Err(Fault::Undone) }
}
