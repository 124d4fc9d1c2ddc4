//! The engine that keeps a vault in one SQLite file, a table a file.
//!
//! Owns the connections to the file and all SQL. Refuses to know what a row is read for: its
//! neighbours in `store/` decide that, and no type of SQLite's leaves this folder.

mod failure;
mod connection;
mod values;
mod earlier;
mod schema_differences;
mod schema;
pub(crate) mod foreign;
mod copy;
mod database;
pub(crate) mod header;
mod sealing;
pub(crate) mod intents;
mod clear;
pub(crate) mod lookup;
pub(crate) mod evidence;
pub(crate) mod listing;
pub(super) mod row_seal;
pub(crate) mod credentials;
mod workers;
mod rows;
pub(crate) mod examine;
pub(crate) mod reseal;
pub(crate) mod slots;
pub(crate) mod bundles;
mod apply;
mod renewed_header;
mod seen;
mod queue;
pub(crate) mod rotate;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction};

#[cfg(any(test, fuzzing))]
pub(crate) use self::database::Writing;
pub(crate) use self::database::{Access, Database};
use self::header::Form;
use self::queue::CommitQueue;
pub(in crate::store) use self::queue::Remember;
use self::rotate::{Rotation, Step};
pub(in crate::store) use self::schema::CURRENT;
pub(crate) use self::schema_differences::{Differences, ForeignObject};
pub(crate) use self::sealing::Sealing;
pub(in crate::store) use self::seen::{Origin, Seen};
use super::audit::{Mark, durable_end};
use super::change::{Change, Ground, Outcome};
use super::error::Error;
use super::file::VaultFile;
use super::watermarks::Watermarks;
use crate::model::audit::Settings;
use crate::vault::seal::DataKey;

/// The open file of a vault.
pub(in crate::store) struct Sqlite {
    file: VaultFile,
    /// The connection that writes, and reads where there is no other.
    writer: Mutex<Database>,
    /// A connection that reads while one thread's write waits for the disk.
    reader: Option<Mutex<Database>>,
    queue: CommitQueue,
}

impl Sqlite {
    /// Opens the vault at `path` for a command that does one thing at a time.
    pub(in crate::store) fn open(path: &Path, access: Access) -> Result<Self, Error> {
        Ok(Self::over(Database::open(path, access)?, None))
    }

    /// Opens the vault at `path` for reading and writing by many threads.
    pub(in crate::store) fn open_for_threads(path: &Path) -> Result<Self, Error> {
        let writer = Database::open(path, Access::ReadWrite)?;
        let reader = Database::open(path, Access::ReadWrite)?;
        Ok(Self::over(writer, Some(reader)))
    }

    /// Takes connections that were opened already.
    pub(in crate::store) fn over(writer: Database, reader: Option<Database>) -> Self {
        let file = writer.file().clone();
        let (writer, reader) = (Mutex::new(writer), reader.map(Mutex::new));
        Self { file, writer, reader, queue: CommitQueue::default() }
    }

    pub(in crate::store) fn file(&self) -> &VaultFile {
        &self.file
    }

    /// Returns what becomes of key slots that name another vault: a file that was opened as it is may
    /// have any.
    pub(in crate::store) fn foreign_slots(&self) -> slots::Foreign {
        if self.writer().is_as_it_is() {
            slots::Foreign::PassedOver
        } else {
            slots::Foreign::Refused
        }
    }

    /// Whether the file was opened for reading alone.
    pub(in crate::store) fn is_for_reading(&self) -> bool {
        self.writer().is_for_reading()
    }

    /// Opens the file for writing as well, if it was opened for reading alone.
    pub(in crate::store) fn open_for_writing(&self) -> Result<(), Error> {
        let mut writer = self.writer();
        if writer.is_for_reading() {
            // In a copy that has no write-ahead log yet, a snapshot keeps writers out.
            writer.end_view()?;
            *writer = Database::open(self.file.path(), Access::ReadWrite)?;
        }
        Ok(())
    }

    /// Runs `look` on the vault as it is at one moment.
    pub(in crate::store) fn read<T, E: From<Error>>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let database = lock(self.reader.as_ref().unwrap_or(&self.writer));
        let view = database.read()?;
        look(&view)
    }

    /// Makes the next read show what was written since the last one.
    pub(in crate::store) fn look_again(&self) -> Result<(), Error> {
        lock(self.reader.as_ref().unwrap_or(&self.writer)).look_again()
    }

    /// Carries out `change` under `key` and commits it. Fails with [`Error::Older`] if `watermarks`
    /// say that this machine saw a newer vault.
    pub(in crate::store) fn commit(
        &self,
        key: &DataKey,
        change: Change,
        remember: Remember,
        watermarks: &Watermarks,
    ) -> Result<Outcome, Error> {
        self.queue.commit(change, remember, key.generation, |changes, remember| {
            let seen = Seen::of(watermarks, key.vault);
            let outcomes = self.sealing(key, remember, &seen, |sealing| {
                let mut outcomes = Vec::with_capacity(changes.len());
                let mut accepted = false;
                for change in changes {
                    seen.check(&sealing, change)?;
                    let outcome = apply::apply(&sealing, change)?;
                    let replaces = matches!(change.effect().ground, Ground::Replaced(_));
                    if !replaces || outcome == Outcome::Done {
                        if replaces && !accepted && seen.is_above(sealing.counter_before()) {
                            seen.doubt_all(&sealing)?;
                        }
                        seen.note(&sealing, change)?;
                        accepted |= replaces;
                    }
                    outcomes.push(outcome);
                }
                let counter = sealing.finish()?;
                seen.note_header(counter, accepted);
                seen.note_place(self.file.path(), counter);
                Ok(outcomes)
            })?;
            seen.keep();
            Ok(outcomes)
        })
    }

    /// Runs `write`, which ends what it writes by [`Sealing::finish`], under `key` in one transaction
    /// and commits it, with what is to be remembered of the audit.
    fn sealing<T>(
        &self,
        key: &DataKey,
        remember: Remember,
        seen: &Seen<'_>,
        write: impl FnOnce(Sealing<'_, '_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut database = self.writer();
        // Found before a transaction keeps others waiting.
        let mark = end_of_audit(&database, key, remember)?;
        let transaction = database.write()?;
        let (form, mut contents, is_marked) = header::open_marked(&transaction, key)?;
        if is_marked && seen.origin(self.file.path(), contents.counter) != Origin::Here {
            // On the machine that wrote the vault the mark counts for nothing: whoever sets it could
            // cut off the end of the audit.
            contents = contents.of_a_copy();
        }
        let sealing = Sealing::over(&transaction, key, form, contents)?;
        if sealing.form() == Form::Earlier {
            reseal::seal_as_today(&transaction, key)?;
        }
        if let Remember::Audit(settings) = remember {
            sealing.remember_audit(mark, settings);
        }
        let done = write(sealing)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Runs `write`, which needs no key, in one transaction and commits it.
    pub(in crate::store) fn without_key<T>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut database = self.writer();
        let transaction = database.write()?;
        let done = write(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Makes `next` the data key, after `key`, as `rotation` says: all or nothing. Returns how many
    /// credentials there are.
    pub(in crate::store) fn rotate(
        &self,
        key: &DataKey,
        next: &DataKey,
        rotation: &Rotation,
        remember: Remember,
        watermarks: &Watermarks,
        progress: impl FnMut(Step),
    ) -> Result<u64, Error> {
        let seen = Seen::of(watermarks, key.vault);
        let count = self.sealing(key, remember, &seen, |sealing| {
            seen.check_header(sealing.counter_before())?;
            let transaction = sealing.transaction;
            let count = rotate::rotate(sealing, next, rotation, progress)?;
            let counter = header::counter(transaction, next)?;
            seen.note_header(counter, false);
            seen.note_place(self.file.path(), counter);
            Ok(count)
        })?;
        seen.keep();
        Ok(count)
    }

    /// Seals a new header under `key`, in place of one that does not open, and with `settings` for its
    /// audit.
    pub(in crate::store) fn renew_header(
        &self,
        key: &DataKey,
        settings: Settings,
        watermarks: &Watermarks,
    ) -> Result<(), Error> {
        let seen = Seen::of(watermarks, key.vault);
        let counter = self.without_key(|transaction| {
            renewed_header::renew(transaction, key, seen.counter(), settings)
        })?;
        seen.note_header(counter, true);
        seen.note_place(self.file.path(), counter);
        seen.keep();
        Ok(())
    }

    /// The connection that writes.
    pub(in crate::store) fn writer(&self) -> MutexGuard<'_, Database> {
        lock(&self.writer)
    }
}

/// The last entry of the audit that is worth remembering.
fn end_of_audit(
    database: &Database,
    key: &DataKey,
    remember: Remember,
) -> Result<Option<Mark>, Error> {
    match remember {
        Remember::Nothing => Ok(None),
        Remember::Audit(_) => {
            let (_, contents) = header::open(&*database.read()?, key)?;
            Ok(contents.audit.and_then(|audit| durable_end(database.file(), &audit)))
        }
    }
}

/// The connection behind the lock, even after a thread panicked with it: its transaction was rolled
/// back when it was dropped.
fn lock(database: &Mutex<Database>) -> MutexGuard<'_, Database> {
    database.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The version of SQLite, as a number that grows and as its authors write it.
pub(in crate::store) fn version() -> (i32, &'static str) {
    (rusqlite::version_number(), rusqlite::version())
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use jiff::Timestamp;

    use super::credentials::made_up::{account, credential, store};
    use super::*;
    use crate::vault::Key;
    use crate::vault::slot::{KeyMaterial, SlotId, SlotKind};

    fn count(file: &Sqlite, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        file.read(|view| Ok::<_, Error>(view.query_row(&sql, [], |row| row.get(0))?)).unwrap()
    }

    fn several(database: &Database) -> Sqlite {
        Sqlite::open_for_threads(database.file().path()).unwrap()
    }

    #[test]
    fn every_thread_gets_its_own_outcome() {
        let (_home, database, key) = store();
        let file = several(&database);
        let material = KeyMaterial::Random(Key::generate().unwrap());
        let slot = |number: u8| {
            let (kind, material) = (SlotKind::Key, material.clone());
            Change::AddSlot { id: SlotId([number; 8]), kind, material, at: Timestamp::UNIX_EPOCH }
        };
        let none = Watermarks::default();
        let failed = std::thread::scope(|scope| {
            let (file, key, slot, none) = (&file, &key, &slot, &none);
            let threads: Vec<_> = (0..60)
                .map(|number| {
                    // Each name twice: the second of them breaks the table's rule.
                    let change =
                        move || file.commit(key, slot(number / 2), Remember::Nothing, none);
                    scope.spawn(move || change().is_err())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(failed.iter().filter(|failed| **failed).count(), 30);
        assert_eq!(count(&file, "key_slots_2"), 30);
    }

    #[test]
    fn a_place_is_taken_once() {
        let (_home, database, key) = store();
        let file = several(&database);
        let put = |token| Change::Put {
            account: account("x"),
            credential: Box::new(credential(token)),
            over: None,
        };
        let commit =
            |change| file.commit(&key, change, Remember::Nothing, &Watermarks::default()).unwrap();
        assert_eq!(commit(put("made-up-1")), Outcome::Done);
        assert_eq!(commit(put("made-up-2")), Outcome::Moved);
        let forget = |revision| Change::Forget { account: account("x"), revision };
        let found = file.read(|view| credentials::read(view, &key, &account("x")));
        let revision = found.unwrap().unwrap().stored.revision;
        assert_eq!(commit(forget(revision + 1)), Outcome::Moved);
        assert_eq!(commit(forget(revision)), Outcome::Done);
        assert_eq!(commit(forget(revision)), Outcome::Moved);
    }

    #[test]
    fn a_thread_that_panics_leaves_no_change_and_keeps_nobody_out() {
        let (_home, database, _) = store();
        let file = several(&database);
        for _ in 0..3 {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                file.without_key(|transaction| {
                    intents::insert(transaction, "x", Timestamp::UNIX_EPOCH)?;
                    std::panic::resume_unwind(Box::new(()));
                    #[expect(unreachable_code, reason = "it names the type")]
                    Ok(())
                })
            }));
            assert!(panicked.is_err());
        }
        assert_eq!(count(&file, "intents_2"), 0);
        file.without_key(|transaction| intents::insert(transaction, "x", Timestamp::UNIX_EPOCH))
            .unwrap();
        assert_eq!(count(&file, "intents_2"), 1);
    }
}
