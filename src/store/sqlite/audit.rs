//! The table `audit`: what the vault keeps of the audit, under two seals.

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::header;
use crate::model::audit::Settings;
use crate::store::audit::{Mark, Sealed, head_bytes, head_from, key_bytes, key_from};
use crate::store::error::Error;
use crate::vault::seal::{DataKey, Place};

/// Reads what the vault keeps; `None` where nothing was written since it keeps that.
///
/// Fails with [`Error::KeyRetired`] if `key` is no longer the data key.
pub(crate) fn read(connection: &Connection, key: &DataKey) -> Result<Option<Sealed>, Error> {
    let row = connection
        .prepare_cached("SELECT key, head FROM audit")?
        .query_row([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    let Some((sealed_key, sealed_head)) = row else { return Ok(None) };
    let opened = key.open(Place::AuditKey, &sealed_key).ok().and_then(|bytes| key_from(&bytes));
    let head = key.open(Place::AuditHead, &sealed_head).ok().and_then(|bytes| head_from(&bytes));
    if let (Some((audit_key, settings)), Some(head)) = (opened, head) {
        return Ok(Some(Sealed { key: audit_key, head, settings }));
    }
    header::check(connection, key)?;
    Err(Error::Inconsistent("what it keeps of the audit is damaged or was tampered with"))
}

/// Seals what is to be remembered: `end`, where it is further than what the vault has, and the
/// settings that are `wanted`. Makes the chain's key where there is none.
pub(crate) fn seal(
    transaction: &Transaction<'_>,
    key: &DataKey,
    end: Option<Mark>,
    wanted: Option<Settings>,
) -> Result<(), Error> {
    let before = read(transaction, key)?;
    if before.is_none() {
        header::check(transaction, key)?;
    }
    let now = match &before {
        Some(sealed) => Sealed {
            key: sealed.key.clone(),
            // An end that was read before another process sealed a later one counts for nothing.
            head: end.filter(|end| end.number > sealed.head.number).unwrap_or(sealed.head),
            settings: wanted.unwrap_or(sealed.settings),
        },
        None => Sealed::new(wanted.unwrap_or_default())?,
    };
    if before.is_some_and(|before| before.head == now.head && before.settings == now.settings) {
        return Ok(());
    }
    put(transaction, key, &now)
}

/// Puts what the vault keeps, if anything, under the seals of `next`, which is about to come after
/// `key`.
pub(crate) fn reseal(
    transaction: &Transaction<'_>,
    key: &DataKey,
    next: &DataKey,
) -> Result<(), Error> {
    match read(transaction, key)? {
        Some(sealed) => put(transaction, next, &sealed),
        None => Ok(()),
    }
}

/// Puts `sealed` under the seals of `key`.
fn put(transaction: &Transaction<'_>, key: &DataKey, sealed: &Sealed) -> Result<(), Error> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO audit (one, key, head) VALUES (1, ?1, ?2)")?
        .execute((
            key.seal(Place::AuditKey, &key_bytes(sealed))?,
            key.seal(Place::AuditHead, &head_bytes(&sealed.head))?,
        ))?;
    Ok(())
}
