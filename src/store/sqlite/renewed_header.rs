//! The way out where the sealed part of the header does not open: a new one.

use rusqlite::Transaction;

use super::evidence::Found;
use super::header::{self, Contents, Form};
use super::{bundles, credentials, lookup};
use crate::model::account::AccountFilter;
use crate::model::audit::Settings;
use crate::store::audit::AuditState;
use crate::store::error::Error;
use crate::vault::seal::DataKey;

/// Seals a new header under `key`, in place of one that does not open. Returns its counter, which
/// is higher than `seen` and than every number of a row that opens: no number is used twice.
///
/// The key and the head of the audit are lost, and so is which bundles were imported. A bundle that
/// was handed over stays, if it can be read.
///
/// Fails with [`Error::HeaderDamaged`] if there are rows and none of them opens.
pub(super) fn renew(
    transaction: &Transaction<'_>,
    key: &DataKey,
    seen: u64,
    settings: Settings,
) -> Result<u64, Error> {
    // What is in it may claim to be of the earlier form.
    transaction.execute("UPDATE vault_2 SET sealed = x''", [])?;
    header::check(transaction, key)?;
    let accounts = lookup::accounts(transaction, AccountFilter::default(), usize::MAX)?;
    let (mut counter, mut opened) = (seen, accounts.is_empty());
    for account in &accounts {
        if let Ok(Some(row)) = credentials::read(transaction, key, account) {
            counter = counter.max(row.stored.revision);
            opened = true;
        }
        if let Some((_, Found::Genuine(_, number))) =
            credentials::evidence_at(transaction, key, Form::Sealed, account)?
        {
            counter = counter.max(number);
        }
    }
    if !opened {
        return Err(Error::HeaderDamaged);
    }
    if bundles::unplaced(transaction).is_err() {
        let sql = "UPDATE vault_2 SET bundle_id = NULL, bundle = NULL, bundle_at = NULL";
        transaction.execute(sql, [])?;
    }
    let counter = counter.checked_add(1).ok_or(Error::Inconsistent("it counts no revisions"))?;
    let audit = Some(AuditState::new(settings)?);
    header::put(transaction, key, &Contents { counter, audit, imported: Vec::new() })?;
    Ok(counter)
}
