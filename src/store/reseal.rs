//! All rows of the table `credentials`, one after the other, under one data key or the next.
//!
//! What a change of the data key does to them, and how it is made sure that none is missed.

use rusqlite::{Connection, Row, Transaction};

use super::credentials::{CLEAR, account, named, opened};
use super::error::Error;
use crate::model::account::Account;
use crate::vault::seal::{DataKey, Place};

/// What does not open.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The credentials that are damaged or were tampered with.
    pub(crate) accounts: Vec<Account>,
    /// How many rows have a name that no credential can have.
    pub(crate) nameless: usize,
}

/// How many rows there are, whatever is in them.
pub(crate) fn count(connection: &Connection) -> Result<u64, Error> {
    let count: i64 =
        connection.query_row("SELECT count(*) FROM credentials", [], |row| row.get(0))?;
    u64::try_from(count).map_err(|_| Error::Inconsistent("a negative number of rows"))
}

/// Opens every credential, and tells how many there are, and which do not open.
pub(crate) fn examine(
    connection: &Connection,
    key: &DataKey,
    mut progress: impl FnMut(u64),
) -> Result<(u64, Damage), Error> {
    // In the order in which they lie in the file: by name would be all over it.
    let sql = format!("SELECT {CLEAR}, revision, sealed FROM credentials ORDER BY rowid");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let (mut count, mut damage) = (0, Damage::default());
    while let Some(row) = rows.next()? {
        match account(row) {
            Ok(account) if opened(row, key, &account).is_err() => damage.accounts.push(account),
            Ok(_) => {}
            Err(_) => damage.nameless += 1,
        }
        count += 1;
        progress(count);
    }
    Ok((count, damage))
}

/// Seals every credential with `next` instead of `key`, at the revision that it has: a journal is
/// about the same refresh token as before. Returns how many they are.
///
/// Fails with [`Error::Tampered`] for the first that does not open.
pub(crate) fn all(
    transaction: &Transaction<'_>,
    key: &DataKey,
    next: &DataKey,
    mut progress: impl FnMut(u64),
) -> Result<u64, Error> {
    // A few at a time: a statement that reads is not to meet what another one writes.
    let mut select = transaction.prepare(
        "SELECT rowid, provider, user, revision, sealed FROM credentials
         WHERE rowid > ?1 ORDER BY rowid LIMIT 100",
    )?;
    let mut update = transaction.prepare("UPDATE credentials SET sealed = ?2 WHERE rowid = ?1")?;
    let (mut count, mut last) = (0, i64::MIN);
    loop {
        let before = count;
        let mut sealed = Vec::new();
        let mut rows = select.query([last])?;
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            sealed.push((last, sealed_anew(row, key, next)?));
        }
        for (row, sealed) in sealed {
            // A trigger in the file could have swallowed it.
            if update.execute((row, sealed))? != 1 {
                return Err(Error::Inconsistent("it does not keep what is stored"));
            }
            count += 1;
        }
        if count == before {
            break;
        }
        progress(count);
    }
    if self::count(transaction)? == count {
        Ok(count)
    } else {
        Err(Error::Inconsistent("it has credentials that can't be found"))
    }
}

/// The sealed part of a row that begins with its number, provider, user, revision and seal.
fn sealed_anew(row: &Row<'_>, key: &DataKey, next: &DataKey) -> Result<Vec<u8>, Error> {
    let (provider, user): (String, String) = (row.get(1)?, row.get(2)?);
    let opened = u64::try_from(row.get::<_, i64>(3)?).ok().and_then(|revision| {
        let place = Place::Credential { provider: &provider, user: &user, revision };
        Some((key.open(place, row.get_ref(4).ok()?.as_blob().ok()?).ok()?, place))
    });
    match opened {
        Some((opened, place)) => Ok(next.seal(place, &opened)?),
        None => Err(named(&provider, &user)
            .map_or_else(|error| error, |account| Error::Tampered { account })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;
    use crate::store::connection::Store;
    use crate::store::credentials::read;
    use crate::store::credentials::tests::{account, store, write};
    use crate::store::header;

    fn rotate(store: &mut Store, key: &DataKey, next: &DataKey) -> Result<u64, Error> {
        let transaction = store.write()?;
        let count = all(&transaction, key, next, |_| {})?;
        header::advance(&transaction, key, next)?;
        transaction.commit()?;
        Ok(count)
    }

    #[test]
    fn every_row_opens_with_the_next_key_at_its_revision_and_none_with_the_old_one() {
        let (_home, mut store, key) = store();
        let before: Vec<u64> = (0..250)
            .map(|number| write(&mut store, &key, &format!("x{number}"), "made-up"))
            .collect();
        let next = DataKey::generate(key.vault, 2).unwrap();
        assert_eq!(rotate(&mut store, &key, &next).unwrap(), 250);
        let view = store.read().unwrap();
        assert_eq!(count(&view).unwrap(), 250);
        assert_eq!(examine(&view, &next, |_| {}).unwrap(), (250, Damage::default()));
        for (number, revision) in before.into_iter().enumerate() {
            let account = account(&format!("x{number}"));
            let stored = read(&view, &next, &account).unwrap().unwrap();
            assert_eq!(
                (stored.credential.token().expose(), stored.revision),
                ("made-up", revision)
            );
            assert!(read(&view, &key, &account).is_err());
        }
    }

    #[test]
    fn a_row_that_does_not_open_is_named_and_stops_it() {
        let (_home, mut store, key) = store();
        for user in ["x", "y", "z", "w"] {
            write(&mut store, &key, user, "made-up");
        }
        let transaction = store.write().unwrap();
        for edit in [
            "sealed = zeroblob(100) WHERE user = 'y'",
            "scopes = 'admin' WHERE user = 'z'",
            "user = '' WHERE user = 'w'",
        ] {
            transaction.execute(&format!("UPDATE credentials SET {edit}"), []).unwrap();
        }
        transaction.commit().unwrap();
        let found = examine(&store.read().unwrap(), &key, |_| {}).unwrap();
        let accounts = vec![account("y"), account("z")];
        assert_eq!(found, (4, Damage { accounts, nameless: 1 }));
        let next = DataKey::generate(key.vault, 2).unwrap();
        let stopped = rotate(&mut store, &key, &next);
        assert!(matches!(stopped, Err(Error::Tampered { account: it }) if it == account("y")));
        assert!(read(&store.read().unwrap(), &key, &account("x")).unwrap().is_some());
    }

    #[test]
    fn a_row_that_the_file_does_not_keep_is_noticed() {
        for trigger in [
            "BEFORE UPDATE ON credentials BEGIN SELECT raise(IGNORE); END",
            "AFTER UPDATE ON credentials BEGIN DELETE FROM credentials WHERE user = 'x'; END",
        ] {
            let (_home, mut store, key) = store();
            write(&mut store, &key, "x", "made-up");
            write(&mut store, &key, "y", "made-up");
            let transaction = store.write().unwrap();
            transaction.execute_batch(&format!("CREATE TRIGGER made_up {trigger}")).unwrap();
            transaction.commit().unwrap();
            let next = DataKey::generate(key.vault, 2).unwrap();
            let refused = rotate(&mut store, &key, &next);
            assert!(matches!(refused, Err(Error::Inconsistent(_))), "{trigger}: {refused:?}");
        }
    }
}
