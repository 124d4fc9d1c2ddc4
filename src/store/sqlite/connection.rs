//! SQLite's connections to a file, with the settings that all of them have.
//!
//! Knows what SQLite is told before the first statement. Refuses to know what is in the file.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::private_file;
use crate::store::error::Error;
use crate::store::file::VaultFile;

/// The time for which a statement waits for another process's short transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The time after which a switch to the write-ahead log is tried again.
const POLL: Duration = Duration::from_millis(10);

/// The largest row that is read or written, in bytes: several times what a bundle may have. A huge
/// one would take a command half a minute and gigabytes.
const LARGEST_ROW: i32 = 16 * 1024 * 1024;

const READ_ONLY: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(SHARED);
pub(super) const READ_WRITE: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(SHARED);
const SHARED: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX.union(OpenFlags::SQLITE_OPEN_NOFOLLOW);

/// Opens the file at `path`, which exists.
pub(super) fn open(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, flags).map_err(|error| {
        // SQLite does not say why.
        match private_file::open_plain(path) {
            Err(refused) if refused.kind() == io::ErrorKind::PermissionDenied => {
                private_file::Error::Denied { path: path.to_owned() }.into()
            }
            Ok(_) | Err(_) => Error::from(error),
        }
    })?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Against a file that was made to mislead SQLite.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_ROW)?;
    Ok(connection)
}

/// Opens the file at `path` for reading, and shows it as it is at the first look.
pub(super) fn open_snapshot(path: &Path) -> Result<Connection, Error> {
    open_snapshot_as(path, READ_ONLY)
}

fn open_snapshot_as(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let connection = open(path, flags)?;
    connection.execute_batch("BEGIN")?;
    Ok(connection)
}

/// Makes `connection` look at a file although an entry of its schema is none that SQLite understands.
pub(super) fn tolerate_schema(connection: &Connection) -> Result<(), Error> {
    if load_schema(connection).is_ok() { Ok(()) } else { open_schema(connection) }
}

/// Makes `connection` able to change the schema's own rows, and to look at them even if SQLite does not
/// understand each.
pub(super) fn open_schema(connection: &Connection) -> Result<(), Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
    connection.execute_batch("PRAGMA writable_schema = ON")?;
    // SQLite fails once, and from then on goes by what it understood.
    let _ = load_schema(connection);
    Ok(())
}

fn load_schema(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
}

/// Prepares a connection for writes that survive a power cut and leave no old bytes.
///
/// Fails with [`Error::NetworkFileSystem`] where processes can't share memory.
pub(super) fn set_up_for_writing(connection: &Connection, file: &VaultFile) -> Result<(), Error> {
    let started = Instant::now();
    let mode: String = loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)) {
            // The first switch needs the file alone, and SQLite does not wait for that by itself.
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < BUSY_TIMEOUT =>
            {
                std::thread::sleep(POLL);
            }
            other => break other?,
        }
    };
    if mode != "wal" {
        return Err(Error::NetworkFileSystem { path: file.path().to_owned() });
    }
    // FULL: what was printed or confirmed survives a power cut. Freed pages keep no old bytes.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA secure_delete = ON;
         PRAGMA cell_size_check = ON;",
    )?;
    Ok(())
}

/// Opens a file that nobody writes to for reading, without locks and without shared memory.
pub(super) fn open_immutable(file: &VaultFile) -> Result<Connection, Error> {
    let mut uri = url::Url::from_file_path(file.path())
        .map_err(|()| Error::NoVault { path: file.path().to_owned() })?;
    uri.set_query(Some("immutable=1"));
    open_snapshot_as(Path::new(uri.as_str()), READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

#[cfg(test)]
mod tests {
    /// 3.51.3 mended the corruption of write-ahead logs under concurrent writers.
    #[test]
    fn sqlite_is_one_that_keeps_its_log_whole() {
        assert!(rusqlite::version_number() >= 3_051_003);
    }
}
