//! The table `audit`: what the vault keeps of the audit, under two seals.

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::header;
use crate::model::audit::Settings;
use crate::store::audit::{AuditState, Mark, decode_head, decode_key, encode_head, encode_key};
use crate::store::error::Error;
use crate::vault::seal::{DataKey, SealContext};

/// Reads what the vault keeps of the audit; `None` where nothing was written since it keeps that.
///
/// Fails with [`Error::KeyRetired`] if `key` is no longer the data key.
pub(crate) fn read(connection: &Connection, key: &DataKey) -> Result<Option<AuditState>, Error> {
    let row = connection
        .prepare_cached("SELECT key, head FROM audit")?
        .query_row([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    let Some((sealed_key, sealed_head)) = row else { return Ok(None) };
    let opened =
        key.open(SealContext::AuditKey, &sealed_key).ok().and_then(|bytes| decode_key(&bytes));
    let head =
        key.open(SealContext::AuditHead, &sealed_head).ok().and_then(|bytes| decode_head(&bytes));
    if let (Some((audit_key, settings)), Some(head)) = (opened, head) {
        return Ok(Some(AuditState { key: audit_key, head, settings }));
    }
    header::check(connection, key)?;
    Err(Error::Inconsistent("what it keeps of the audit is damaged or was tampered with"))
}

/// Seals what is to be remembered of the audit: `end`, where it is further than what the vault has, and the
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
        Some(sealed) => sealed.with(end, wanted),
        None => AuditState::new(wanted.unwrap_or_default())?,
    };
    if before.is_some_and(|before| before.head == now.head && before.settings == now.settings) {
        return Ok(());
    }
    put(transaction, key, &now)
}

/// Puts what the vault keeps of the audit, if anything, under the seals of `next`, which is about to
/// come after `key`.
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
fn put(transaction: &Transaction<'_>, key: &DataKey, sealed: &AuditState) -> Result<(), Error> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO audit (one, key, head) VALUES (1, ?1, ?2)")?
        .execute((
            key.seal(SealContext::AuditKey, &encode_key(sealed))?,
            key.seal(SealContext::AuditHead, &encode_head(&sealed.head))?,
        ))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::credentials::tests::store;
    use super::*;

    #[test]
    fn what_the_vault_keeps_is_read_as_it_was_sealed_or_not_at_all() {
        let (_home, mut database, key) = store();
        let change = database.write().unwrap();
        assert!(read(&change, &key).unwrap().is_none());
        let wanted = Settings::default();
        seal(&change, &key, None, Some(wanted)).unwrap();
        assert_eq!(read(&change, &key).unwrap().unwrap().settings, wanted);
        change.commit().unwrap();
        for edit in ["key = head", "head = key", "head = zeroblob(81)", "key = x''"] {
            let change = database.write().unwrap();
            change.execute(&format!("UPDATE audit SET {edit}"), []).unwrap();
            let read = read(&change, &key);
            assert!(matches!(read, Err(Error::Inconsistent(_))), "{edit}: {read:?}");
        }
        let retired = DataKey::generate(key.vault, 2).unwrap();
        let read = read(&database.read().unwrap(), &retired);
        assert!(matches!(read, Err(Error::KeyRetired)), "{read:?}");
    }
}
