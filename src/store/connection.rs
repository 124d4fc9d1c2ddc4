//! Opening the vault's file, for reading or for writing.

use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::error::Error;
use super::file::VaultFile;
use super::schema::{self, Version};

/// How long a statement waits for another process's short transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The SQLite that mended the corruption of write-ahead logs under concurrent writers.
const LEAST_SQLITE: i32 = 3_051_003;

/// The open vault.
pub(crate) struct Store {
    connection: Connection,
    file: VaultFile,
    /// Whether one view stands from opening on. Each view costs a dozen system calls.
    standing: bool,
}

/// The vault as it was at one moment, whatever others write meanwhile.
pub(crate) enum View<'a> {
    Standing(&'a Connection),
    Own(Transaction<'a>),
}

impl Deref for View<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Self::Standing(connection) => connection,
            Self::Own(transaction) => transaction,
        }
    }
}

impl Store {
    /// Opens the vault at `path` for reading alone: no byte of it changes, and nothing is flushed
    /// to the disk. It shows the vault as it is now, until [`Store::look_again`].
    pub(crate) fn open_read_only(path: &Path) -> Result<Self, Error> {
        let file = VaultFile::find(path)?;
        file.check()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = open_standing(file.path(), flags)?;
        let (connection, version) = match schema::version(&connection) {
            Ok(version) => (connection, version),
            // On a disk that is full or read-only the shared memory can't be made. Without a log
            // nothing is missing from the file itself, and nobody can be writing to it.
            Err(error) if lacks_shared_memory(&error) && !file.has_log() => {
                let connection = open_immutable(&file, flags)?;
                let version = schema::version(&connection)?;
                (connection, version)
            }
            Err(error) => return Err(error),
        };
        match version {
            Version::Known(_) => Ok(Self { connection, file, standing: true }),
            other => Err(refused(&other, &file)),
        }
    }

    /// Opens the vault at `path` for reading and writing, migrated to the current version.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = VaultFile::find(path)?;
        file.check()?;
        let mut connection = open_for_writing(&file)?;
        match schema::version(&connection)? {
            Version::Known(schema::CURRENT) => {}
            Version::Known(_) => schema::migrate(&mut connection)?,
            other @ (Version::Empty | Version::Foreign | Version::Newer) => {
                return Err(refused(&other, &file));
            }
        }
        Ok(Self { connection, file, standing: false })
    }

    /// Opens the vault at `path`, with tables that are empty if there was no file.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, Error> {
        let file = VaultFile::find_or_create(path)?;
        file.check()?;
        let mut connection = open_for_writing(&file)?;
        match schema::version(&connection)? {
            Version::Known(schema::CURRENT) => {}
            Version::Empty | Version::Known(_) => schema::migrate(&mut connection)?,
            other @ (Version::Foreign | Version::Newer) => return Err(refused(&other, &file)),
        }
        Ok(Self { connection, file, standing: false })
    }

    /// A view of the vault.
    pub(crate) fn read(&self) -> Result<View<'_>, Error> {
        if self.standing {
            return Ok(View::Standing(&self.connection));
        }
        Ok(View::Own(self.connection.unchecked_transaction()?))
    }

    /// Makes the next view one of the vault as it is by then.
    pub(crate) fn look_again(&self) -> Result<(), Error> {
        if self.standing {
            self.connection.execute_batch("COMMIT; BEGIN")?;
        }
        Ok(())
    }

    /// A transaction that writes: short, and never open across the network or a prompt. It is
    /// rolled back unless it is committed.
    pub(crate) fn write(&mut self) -> Result<Transaction<'_>, Error> {
        Ok(self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    pub(crate) fn file(&self) -> &VaultFile {
        &self.file
    }
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    debug_assert!(rusqlite::version_number() >= LEAST_SQLITE);
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

fn open_standing(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let connection = open(path, flags)?;
    connection.execute_batch("BEGIN")?;
    Ok(connection)
}

fn open_for_writing(file: &VaultFile) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = open(file.path(), flags)?;
    if schema::version(&connection)? == Version::Foreign {
        // Before a pragma changes another program's file.
        return Err(refused(&Version::Foreign, file));
    }
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::NetworkFileSystem { path: file.path().to_owned() });
    }
    // FULL: what was printed or confirmed survives a power cut. The rest guards against freed
    // pages that keep old bytes, and against a file that was made to mislead SQLite.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA secure_delete = ON;
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
    )?;
    Ok(connection)
}

fn open_immutable(file: &VaultFile, flags: OpenFlags) -> Result<Connection, Error> {
    let mut uri = url::Url::from_file_path(file.path())
        .map_err(|()| Error::NoVault { path: file.path().to_owned() })?;
    uri.set_query(Some("immutable=1"));
    open_standing(Path::new(uri.as_str()), flags | OpenFlags::SQLITE_OPEN_URI)
}

fn lacks_shared_memory(error: &Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE};
    let Error::Sqlite(error) = error else { return false };
    error.sqlite_error().is_some_and(|found| {
        matches!(found.code, ErrorCode::CannotOpen | ErrorCode::ReadOnly)
            || [SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE]
                .contains(&found.extended_code)
    })
}

fn refused(version: &Version, file: &VaultFile) -> Error {
    let path = file.path().to_owned();
    match version {
        Version::Empty => Error::NoVault { path },
        Version::Newer => Error::NewerVersion { path },
        Version::Foreign | Version::Known(_) => Error::ForeignFile { path },
    }
}
