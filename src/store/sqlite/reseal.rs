//! All rows of the table `credentials`, one after the other, under one data key or the next.
//!
//! What a change of the data key does to them, and how it is made sure that none is missed. SQLite
//! reads and writes on one thread, in the order in which the rows lie in the file; seals are opened
//! and made on others, since that takes longer. However many rows there are, only a few are in
//! memory at a time.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rusqlite::{Connection, Row, Statement, Transaction};

use super::credentials::{CLEAR, REVISION, SEALED, account, compared, place, summary};
use crate::model::account::Account;
use crate::model::summary::Summary;
use crate::store::error::Error;
use crate::vault::seal::{DataKey, Nonce, OpenedSeal};

/// How many rows are read at once, at most, and of how many bytes in all, about.
const ROWS: usize = 256;
const BYTES: usize = 256 * 1024;

/// How many batches each thread has before it.
const AHEAD: usize = 2;

/// More threads would wait for SQLite.
const MOST_THREADS: usize = 4;

/// Where the number of a row stands, behind all else.
const NUMBER: usize = SEALED + 1;

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
    let (mut count, mut damage) = (0, Damage::default());
    let mut rows = Rows::of(connection)?;
    let look = |batch: Vec<Sealed>| {
        batch.into_iter().map(|sealed| sealed.open(key).map(drop)).collect::<Vec<_>>()
    };
    work_through(&mut rows, &look, |found| {
        for found in found {
            match found {
                Ok(()) => {}
                Err(Error::Tampered { account }) => damage.accounts.push(account),
                Err(_) => damage.nameless += 1,
            }
            count += 1;
        }
        progress(count);
        Ok(())
    })?;
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
    let mut update = transaction.prepare("UPDATE credentials SET sealed = ?2 WHERE rowid = ?1")?;
    let mut count = 0;
    let mut rows = Rows::of(transaction)?;
    let anew = |batch: Vec<Sealed>| -> Result<Vec<(i64, Vec<u8>)>, Error> {
        let nonces = Nonce::draw(batch.len())?;
        batch.into_iter().zip(nonces).map(|(sealed, nonce)| sealed.anew(key, next, nonce)).collect()
    };
    work_through(&mut rows, &anew, |sealed| {
        for (row, sealed) in sealed? {
            // A trigger in the file could have swallowed it.
            if update.execute((row, sealed))? != 1 {
                return Err(Error::Inconsistent("it does not keep what is stored"));
            }
            count += 1;
        }
        progress(count);
        Ok(())
    })?;
    if self::count(transaction)? == count {
        Ok(count)
    } else {
        Err(Error::Inconsistent("it has credentials that can't be found"))
    }
}

/// A row as it stands in the file.
struct Sealed {
    row: i64,
    /// [`Error::Tampered`] if it has a name but not what every row has, and another if not even
    /// that.
    content: Result<Content, Error>,
}

struct Content {
    clear: Summary,
    revision: u64,
    sealed: Vec<u8>,
}

impl Sealed {
    fn of(row: &Row<'_>) -> Result<Self, Error> {
        let (revision, number): (i64, i64) = (row.get(REVISION)?, row.get(NUMBER)?);
        let content = || {
            let sealed = row.get_ref(SEALED).ok()?.as_blob().ok()?.to_vec();
            Some(Content { clear: summary(row).ok()?, revision: revision.try_into().ok()?, sealed })
        };
        let content = content().ok_or_else(|| match account(row) {
            Ok(account) => Error::Tampered { account },
            Err(nameless) => nameless,
        });
        Ok(Self { row: number, content })
    }

    /// What is under the seal, and its place; fails as the row does, or with [`Error::Tampered`].
    fn open(self, key: &DataKey) -> Result<(Account, u64, OpenedSeal), Error> {
        let Content { clear, revision, sealed } = self.content?;
        let Ok(opened) = key.open_in_place(place(&clear.account, revision), sealed) else {
            return Err(Error::Tampered { account: clear.account });
        };
        let (account, _) = compared(clear, opened.text())?;
        Ok((account, revision, opened))
    }

    /// The same row, sealed with the next key.
    fn anew(self, key: &DataKey, next: &DataKey, nonce: Nonce) -> Result<(i64, Vec<u8>), Error> {
        let row = self.row;
        let (account, revision, opened) = self.open(key)?;
        Ok((row, next.seal_again(place(&account, revision), nonce, opened)))
    }

    fn length(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.sealed.len())
    }
}

/// The rows in the order in which they lie in the file: by name would be all over it.
struct Rows<'a> {
    // A few at a time: a statement that reads is not to meet what another one writes.
    select: Statement<'a>,
    /// Where to go on; `None` at the end.
    from: Option<i64>,
}

impl<'a> Rows<'a> {
    fn of(connection: &'a Connection) -> Result<Self, Error> {
        let sql = format!(
            "SELECT {CLEAR}, revision, sealed, rowid FROM credentials
             WHERE rowid >= ?1 ORDER BY rowid LIMIT {ROWS}"
        );
        Ok(Self { select: connection.prepare(&sql)?, from: Some(i64::MIN) })
    }

    /// The next ones; empty after the last.
    fn batch(&mut self) -> Result<Vec<Sealed>, Error> {
        let mut batch = Vec::with_capacity(ROWS);
        let mut length = 0;
        let Some(from) = self.from else { return Ok(batch) };
        let mut rows = self.select.query([from])?;
        while length < BYTES
            && let Some(row) = rows.next()?
        {
            let sealed = Sealed::of(row)?;
            self.from = sealed.row.checked_add(1);
            length += sealed.length();
            batch.push(sealed);
        }
        Ok(batch)
    }
}

/// Does `work` with the rows, on as many threads as there are processors, and hands what comes of
/// them to `take`, on this one and in the order of the rows.
///
/// This thread works as well when it would have to wait. One more than there are processors would
/// take them away from it, and it is the one for which the others wait.
fn work_through<T: Send>(
    rows: &mut Rows<'_>,
    work: &(impl Fn(Vec<Sealed>) -> T + Sync),
    mut take: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    let (to_do, waiting) = mpsc::channel::<(usize, Vec<Sealed>)>();
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        // Dropped before the threads are waited for, which end with it.
        let to_do = to_do;
        let (done, results) = mpsc::channel();
        for _ in 1..threads {
            let (waiting, done) = (&waiting, done.clone());
            scope.spawn(move || {
                while let Some((number, batch)) = next(waiting) {
                    let result = catch_unwind(AssertUnwindSafe(|| work(batch)));
                    if done.send((number, result.ok())).is_err() {
                        break;
                    }
                }
            });
        }
        let (mut sent, mut taken, mut more) = (0, 0, true);
        let mut early = BTreeMap::new();
        loop {
            while more && sent - taken < threads * AHEAD {
                let batch = rows.batch()?;
                more = !batch.is_empty();
                if more {
                    to_do.send((sent, batch)).map_err(|_| STOPPED)?;
                    sent += 1;
                }
            }
            if taken == sent {
                return Ok(());
            }
            early.extend(results.try_iter());
            if let Some(result) = early.remove(&taken) {
                take(result.ok_or(STOPPED)?)?;
                taken += 1;
            } else if let Some((number, batch)) = left_over(&waiting) {
                early.insert(number, Some(work(batch)));
            } else {
                early.extend([results.recv().map_err(|_| STOPPED)?]);
            }
        }
    })
}

/// The next batch, waited for with the lock in hand; `None` when no more will come.
fn next<T>(waiting: &Mutex<Receiver<T>>) -> Option<T> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// A batch that no other thread is at. Where one waits for the next, there is none.
fn left_over<T>(waiting: &Mutex<Receiver<T>>) -> Option<T> {
    waiting.try_lock().ok()?.try_recv().ok()
}

/// Threads end only when no more is sent to them, and none is to panic.
const STOPPED: Error = Error::Inconsistent("a thread ended too early");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;
    use crate::store::sqlite::credentials::read;
    use crate::store::sqlite::credentials::tests::{account, store, write};
    use crate::store::sqlite::database::Database;
    use crate::store::sqlite::header;

    fn rotate(store: &mut Database, key: &DataKey, next: &DataKey) -> Result<u64, Error> {
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
        assert_eq!(examine(&view, &key, |_| {}).unwrap().1.accounts.len(), 250);
        for (number, revision) in before.into_iter().enumerate() {
            let account = account(&format!("x{number}"));
            let stored = read(&view, &next, &account).unwrap().unwrap();
            assert_eq!(
                (stored.credential.token().unwrap().expose(), stored.revision),
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
