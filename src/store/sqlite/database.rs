//! Opening the vault's file, for reading or for writing.

use std::cell::Cell;
use std::ops::Deref;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connection::{self, READ_WRITE};
use super::failure::lacks_shared_memory;
use super::schema::{self, Version};
use super::schema_differences::Differences;
use super::{copy, earlier};
use crate::private_file::Readers;
use crate::store::error::Error;
use crate::store::file::VaultFile;
use crate::store::locks;
use crate::untrusted::printable;

/// The time for which a migration waits for a request that a process of an earlier program has
/// sent: longer than any request takes.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(45);

/// The purpose for which a vault's file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reading alone: no byte of the file changes, and nothing is flushed to the disk. It shows the
    /// vault as it is now, until [`Database::look_again`].
    Read,
    /// A look at which credentials there are, which waits for nobody and leaves all as it is. What
    /// it shows may be wrong if somebody writes just now.
    Unlocked,
    /// Reading and writing, after a migration to the current tables.
    ReadWrite,
    /// Reading and writing, with empty tables where there was no file.
    Create,
}

/// A connection to the file of a vault.
pub(crate) struct Database {
    connection: Connection,
    file: VaultFile,
    /// Whether all reading is done in one read transaction, begun at opening: each costs a dozen
    /// system calls.
    snapshot: bool,
    /// Whether the file has earlier tables, which are shown as today's.
    shows_earlier: Cell<bool>,
    /// Whether foreign objects in the schema are looked at, and not refused.
    is_as_it_is: Cell<bool>,
    /// The numbers of the schema that was compared last.
    checked: Cell<Option<(i32, i32)>>,
}

/// The vault as it was at one moment, whatever others write meanwhile.
pub(crate) enum View<'a> {
    Snapshot(&'a Connection),
    Own(Transaction<'a>),
}

impl Deref for View<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Self::Snapshot(connection) => connection,
            Self::Own(transaction) => transaction,
        }
    }
}

/// A transaction that writes. It is rolled back unless it is committed.
pub(crate) struct Writing<'a>(Transaction<'a>);

impl Writing<'_> {
    pub(crate) fn commit(self) -> Result<(), Error> {
        Ok(self.0.commit()?)
    }
}

impl<'a> Deref for Writing<'a> {
    type Target = Transaction<'a>;

    fn deref(&self) -> &Transaction<'a> {
        &self.0
    }
}

impl Database {
    /// Opens the vault at `path`.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self, Error> {
        match access {
            Access::Read => Self::open_read_only(path),
            Access::Unlocked => Self::open_unlocked(path),
            Access::ReadWrite => Self::open_for_writing(VaultFile::find(path)?, false),
            Access::Create => Self::open_for_writing(VaultFile::find_or_create(path)?, true),
        }
    }

    fn open_read_only(path: &Path) -> Result<Self, Error> {
        let (store, version, readers) = Self::find_read_only(path, |_| Ok(()))?;
        match version {
            Version::Known(version) => {
                schema::check(&store.connection, version)?;
                store.show_as_today(version)?;
                store.file.make_private(readers);
                Ok(store)
            }
            other => Err(other.refused(&store.file)),
        }
    }

    /// Opens the vault at `path` and changes nothing: its mode and its older tables stay as they
    /// are. Returns also the version of its tables. What in the schema tokctl did not make is not
    /// refused: see [`Self::differences`].
    pub(crate) fn open_as_it_is(path: &Path) -> Result<(Self, usize), Error> {
        let (store, version, _) = Self::find_read_only(path, connection::tolerate_schema)?;
        match version {
            Version::Known(version) => {
                store.is_as_it_is.set(true);
                store.show_as_today(version)?;
                Ok((store, version))
            }
            other => Err(other.refused(&store.file)),
        }
    }

    /// Whether the file was opened by [`Self::open_as_it_is`].
    pub(super) fn is_as_it_is(&self) -> bool {
        self.is_as_it_is.get()
    }

    /// Lays the tables of an earlier `version` over the connection as today's.
    fn show_as_today(&self, version: usize) -> Result<(), Error> {
        if version < schema::CURRENT {
            earlier::show_as_today(&self.connection, version)?;
            self.shows_earlier.set(true);
        }
        Ok(())
    }

    /// Returns the differences between the schema of the file and that of its version.
    pub(crate) fn differences(&self) -> Result<Differences, Error> {
        let view = self.read()?;
        match schema::version(&view)? {
            Version::Known(version) => schema::differences(&view, version),
            other => Err(other.refused(&self.file)),
        }
    }

    /// Opens the vault at `path` for reading and returns the version of its tables, after `prepare`
    /// saw to the connection.
    fn find_read_only(
        path: &Path,
        prepare: fn(&Connection) -> Result<(), Error>,
    ) -> Result<(Self, Version, Readers), Error> {
        let file = VaultFile::find(path)?;
        let readers = file.check()?;
        file.refuse_rollback_journal()?;
        let connection = connection::open_snapshot(file.path())?;
        prepare(&connection)?;
        let (connection, version) = match schema::version(&connection) {
            Ok(version) => (connection, version),
            // On a disk that is full or read-only the shared memory can't be made. Without a log
            // nothing is missing from the file itself, and nobody can be writing to it.
            Err(error) if lacks_shared_memory(&error) && !file.has_log() => {
                let connection = connection::open_immutable(&file)?;
                let version = schema::version(&connection)?;
                (connection, version)
            }
            Err(error) => return Err(error),
        };
        Ok((Self::over(connection, file, true), version, readers))
    }

    fn open_unlocked(path: &Path) -> Result<Self, Error> {
        let file = VaultFile::find(path)?;
        file.check()?;
        file.refuse_rollback_journal()?;
        // Where there is a log, so is the memory that its readers share.
        let connection = if file.has_log() {
            connection::open_snapshot(file.path())?
        } else {
            connection::open_immutable(&file)?
        };
        connection.busy_timeout(Duration::ZERO)?;
        match schema::version(&connection)? {
            Version::Known(version) => {
                let store = Self::over(connection, file, true);
                schema::check(&store.connection, version)?;
                store.show_as_today(version)?;
                Ok(store)
            }
            other => Err(other.refused(&file)),
        }
    }

    fn open_for_writing(file: VaultFile, may_be_empty: bool) -> Result<Self, Error> {
        let readers = file.check()?;
        file.refuse_rollback_journal()?;
        let connection = connection::open(file.path(), READ_WRITE)?;
        // Before a pragma changes a file that is not ours to change.
        let view = connection.unchecked_transaction()?;
        let version = schema::version(&view)?;
        match version {
            Version::Known(version) => schema::check(&view, version)?,
            Version::Empty if may_be_empty && !file.is_emptied() => {}
            Version::Empty | Version::Foreign | Version::Newer => {
                return Err(version.refused(&file));
            }
        }
        drop(view);
        file.make_private(readers);
        connection::set_up_for_writing(&connection, &file)?;
        let mut store = Self::over(connection, file, false);
        if version != Version::Known(schema::CURRENT) {
            store.migrate(version != Version::Empty)?;
        }
        drop(store.read()?);
        Ok(store)
    }

    fn over(connection: Connection, file: VaultFile, snapshot: bool) -> Self {
        let (shows_earlier, is_as_it_is, checked) =
            (Cell::new(false), Cell::new(false), Cell::new(None));
        Self { connection, file, snapshot, shows_earlier, is_as_it_is, checked }
    }

    /// Makes the current tables, or brings earlier ones to them, in one transaction.
    ///
    /// Processes of an earlier program find their tables gone afterwards, and fail before they send
    /// anything. One that has sent a request already is waited for.
    fn migrate(&mut self, there: bool) -> Result<(), Error> {
        let _no_refresh = if there {
            Some(locks::key_changes(&self.file, Instant::now() + MIGRATION_TIMEOUT)?)
        } else {
            None
        };
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Read again: another process may have migrated while this one waited for its turn.
        let from = match schema::version(&transaction)? {
            Version::Empty => None,
            Version::Known(schema::CURRENT) => return Ok(()),
            Version::Known(version) => Some(version),
            // Whoever migrated it in between knows better.
            Version::Foreign | Version::Newer => return Err(Error::Busy),
        };
        if let Some(version) = from {
            schema::check(&transaction, version)?;
        }
        schema::make(&transaction, from)?;
        Ok(transaction.commit()?)
    }

    /// Takes the schema as it is, for tests whose tables have other rules.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn trust_schema(&self) -> Result<(), Error> {
        let number = |sql| schema::pragma(&self.connection, sql);
        let now = (number("PRAGMA schema_version")?, number("PRAGMA user_version")?);
        self.checked.set(Some(now));
        Ok(())
    }

    /// Compares the schema with the constants, unless it is the one that was compared before.
    ///
    /// A process may live for long, and the file may be edited or migrated meanwhile.
    fn check_schema(&self, view: &Connection) -> Result<(), Error> {
        let now = Some((
            schema::pragma(view, "PRAGMA schema_version")?,
            schema::pragma(view, "PRAGMA user_version")?,
        ));
        if self.checked.get() == now {
            return Ok(());
        }
        match schema::version(view)? {
            Version::Known(schema::CURRENT) => schema::check(view, schema::CURRENT)?,
            other => return Err(other.refused(&self.file)),
        }
        self.checked.set(now);
        Ok(())
    }

    /// A view of the vault.
    pub(crate) fn read(&self) -> Result<View<'_>, Error> {
        if self.snapshot {
            return Ok(View::Snapshot(&self.connection));
        }
        let view = self.connection.unchecked_transaction()?;
        self.check_schema(&view)?;
        Ok(View::Own(view))
    }

    /// Ends the snapshot and begins another, so that the next view shows what was written since.
    pub(crate) fn look_again(&self) -> Result<(), Error> {
        if self.snapshot {
            self.connection.execute_batch("COMMIT; BEGIN")?;
            match schema::version(&self.connection)? {
                Version::Known(version) => {
                    if version == schema::CURRENT && self.shows_earlier.replace(false) {
                        earlier::show_as_it_is(&self.connection)?;
                    }
                    if !self.is_as_it_is.get() {
                        schema::check(&self.connection, version)?;
                    }
                }
                other => return Err(other.refused(&self.file)),
            }
        }
        Ok(())
    }

    /// Whether this connection shows one snapshot and can't write.
    pub(super) fn is_for_reading(&self) -> bool {
        self.snapshot
    }

    /// Ends the snapshot, if there is one: from then on each view is a read transaction of its own.
    pub(crate) fn end_view(&mut self) -> Result<(), Error> {
        if self.snapshot {
            self.connection.execute_batch("COMMIT")?;
            self.snapshot = false;
        }
        Ok(())
    }

    /// A transaction that writes: short, and never open across the network or a prompt.
    pub(crate) fn write(&mut self) -> Result<Writing<'_>, Error> {
        let transaction =
            Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        self.check_schema(&transaction)?;
        Ok(Writing(transaction))
    }

    /// Moves all that is in the write-ahead log into the file, and leaves nothing in the log, which
    /// may hold what was overwritten since. Returns whether that could be done, for all readers.
    pub(crate) fn empty_log(&self) -> Result<bool, Error> {
        let busy: i64 =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(busy == 0)
    }

    /// The faults that SQLite finds in the file, as `most` sentences at most; none if it is whole.
    pub(crate) fn faults(&self, most: u8) -> Result<Vec<String>, Error> {
        let mut statement = self.connection.prepare(&format!("PRAGMA integrity_check({most})"))?;
        let mut rows = statement.query([])?;
        let mut faults = Vec::new();
        while let Some(row) = rows.next()? {
            let said: String = row.get(0)?;
            if said != "ok" {
                faults.push(printable(&said));
            }
        }
        Ok(faults)
    }

    /// Writes the vault as it is at one moment to `target`, an empty file.
    pub(crate) fn copy_to(&self, target: &str) -> Result<(), Error> {
        // What makes the copy sees to its own view.
        if self.snapshot {
            self.connection.execute_batch("COMMIT")?;
        }
        let copied = self.connection.execute("VACUUM INTO ?1", [target]);
        if self.snapshot {
            self.connection.execute_batch("BEGIN")?;
        }
        copied?;
        copy::finish(Path::new(target))
    }

    pub(crate) fn file(&self) -> &VaultFile {
        &self.file
    }
}
