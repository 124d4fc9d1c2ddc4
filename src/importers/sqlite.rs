//! The tables in a SQLite file of another tool, read without a trace: the file and its log are
//! copied into memory, and SQLite never sees the path.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use serde_json::{Map, Number, Value};
use zeroize::Zeroizing;

use super::error::Error;
use super::row::Row;
use super::write_ahead_log;
use crate::paths::with_suffix;
use crate::private_file;

/// The largest store that is read, in bytes: no store of tokens is larger.
const LARGEST: usize = 512 * 1024 * 1024;

/// The largest row that is read, in bytes: no real row is larger, not even one whose columns are
/// computed.
const LARGEST_ROW: i32 = 4 * 1024 * 1024;

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The first bytes of a rollback journal that was not rolled back yet.
const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// The most times that a file is read again because it changed meanwhile.
const TRIES: usize = 20;

/// The bytes of the header that say whether a write-ahead log is used: 1 if not, 2 if so.
const VERSIONS: std::ops::Range<usize> = 18..20;

/// A copy of another tool's database, in memory.
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
    /// The files that it was read from.
    pub(super) files: Vec<PathBuf>,
}

/// Whether `path` begins as a SQLite file does.
pub(super) fn is_one(path: &Path) -> bool {
    use std::io::Read;
    let mut start = [0; MAGIC.len()];
    private_file::open_plain(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok())
        && start == *MAGIC
}

impl Database {
    /// Opens the database at `path` from a copy in memory, so that nothing beside the file changes.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let (mut bytes, files) = load(path)?;
        if bytes.len() < 100 || !bytes.starts_with(MAGIC) {
            return Err(other(path, "no SQLite database"));
        }
        let damaged = || other(path, "a SQLite database that is damaged or cut off");
        if is_cut_off(&bytes) {
            return Err(damaged());
        }
        bytes[VERSIONS].fill(1);
        let connection = in_memory(&bytes).map_err(|_| damaged())?;
        Ok(Self { connection, path: path.to_owned(), files })
    }

    /// Returns the names of the tables.
    pub(super) fn tables(&self) -> Result<Vec<String>, Error> {
        // A virtual table has no root page; reading it would run the code behind it.
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0";
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare(sql)?;
            let names = statement.query_map([], |row| row.get(0))?;
            names.collect()
        };
        read().map_err(|_| self.unreadable("its schema"))
    }

    /// Returns the number of rows of `table`.
    pub(super) fn count(&self, table: &str) -> Result<i64, Error> {
        let sql = format!("SELECT count(*) FROM {}", quoted(table));
        let count = self.connection.query_row(&sql, [], |row| row.get(0));
        count.map_err(|_| self.unreadable(table))
    }

    /// Whether `table` has all of these columns.
    pub(super) fn has(&self, table: &str, columns: &[&str]) -> Result<bool, Error> {
        if !self.tables()?.iter().any(|name| name.eq_ignore_ascii_case(table)) {
            return Ok(false);
        }
        let statement = self.connection.prepare(&format!("SELECT * FROM {}", quoted(table)));
        let statement = statement.map_err(|_| self.unreadable(table))?;
        let names: Vec<&str> = statement.column_names().collect();
        let has = |column: &&str| names.iter().any(|name| name.eq_ignore_ascii_case(column));
        Ok(columns.iter().all(has))
    }

    /// Returns every row of `table`, each with its place.
    pub(super) fn rows(&self, table: &str) -> Result<Vec<(String, Row)>, Error> {
        let unreadable = |_| self.unreadable(table);
        let sql = format!("SELECT * FROM {}", quoted(table));
        let mut statement = self.connection.prepare(&sql).map_err(unreadable)?;
        let names: Vec<String> = statement.column_names().map(str::to_ascii_lowercase).collect();
        let mut rows = statement.query([]).map_err(unreadable)?;
        let mut read = Vec::new();
        while let Some(row) = rows.next().map_err(unreadable)? {
            let place = format!("row {} of {table}", read.len() + 1);
            read.push((place, object(row, &names).map_err(unreadable)?));
        }
        Ok(read)
    }

    fn unreadable(&self, table: &str) -> Error {
        Error::Malformed {
            path: self.path.clone(),
            place: crate::untrusted::printable(table),
            what: "it can't be read".into(),
        }
    }
}

/// Returns the bytes of the file with the content of its log, and the names of the files that were
/// read. The files are read again if they were written to meanwhile.
fn load(path: &Path) -> Result<(Zeroizing<Vec<u8>>, Vec<PathBuf>), Error> {
    let limit = LARGEST as u64;
    let (log, journal) = (with_suffix(path, "-wal"), with_suffix(path, "-journal"));
    for _ in 0..TRIES {
        let before = (stamp(path), stamp(&log), stamp(&journal));
        let read = |path: &Path| private_file::read_plain(path, limit).map(Zeroizing::new);
        let database = read(path)?;
        let logged = if before.1.is_some() { read(&log)? } else { Zeroizing::default() };
        let journaled = if before.2.is_some() { read(&journal)? } else { Zeroizing::default() };
        if before != (stamp(path), stamp(&log), stamp(&journal)) {
            continue;
        }
        if journaled.starts_with(&JOURNAL_MAGIC) {
            return Err(other(path, "in the middle of a change, which its own program has to end"));
        }
        let database = write_ahead_log::apply(database, &logged, LARGEST)
            .ok_or_else(|| other(path, "too large"))?;
        let mut files = vec![path.to_owned()];
        files.extend(
            [log, with_suffix(path, "-shm"), journal].into_iter().filter(|file| file.exists()),
        );
        return Ok((database, files));
    }
    Err(other(path, "being written all the time: stop the program that does so"))
}

fn in_memory(bytes: &[u8]) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    connection.deserialize_read_exact("main", bytes, bytes.len(), true)?;
    // This protects against a file that was made to mislead SQLite.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_ROW)?;
    connection.execute_batch("PRAGMA cell_size_check = ON")?;
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check == "ok" { Ok(connection) } else { Err(rusqlite::Error::InvalidQuery) }
}

/// Whether the file has fewer pages than its header counts, if that count is current
/// (<https://sqlite.org/fileformat2.html#in_header_database_size>).
fn is_cut_off(bytes: &[u8]) -> bool {
    let number =
        |at: usize| bytes[at..].iter().take(4).fold(0, |n, byte| n << 8 | usize::from(*byte));
    // The value 1 stands for 65536.
    let page_size = match number(14) & 0xFFFF {
        1 => 65_536,
        size => size.max(512),
    };
    let is_of_today = number(24) == number(92);
    is_of_today && bytes.len() / page_size < number(28)
}

/// Reads a row into values by the names of their columns. A value that is not text becomes an empty
/// object, which [`text::field`](super::text::field) refuses.
fn object(row: &rusqlite::Row<'_>, names: &[String]) -> rusqlite::Result<Row> {
    let values = names.iter().enumerate().map(|(column, name)| {
        let value = match row.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Number(number.into()),
            ValueRef::Real(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => std::str::from_utf8(bytes)
                .map_or_else(|_| Value::Object(Map::new()), |text| Value::String(text.to_owned())),
        };
        Ok((name.clone(), value))
    });
    values.collect()
}

/// Returns the size and time by which a change of the file is noticed; `None` if there is no file.
fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// Returns a name quoted for SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn other(path: &Path, what: &'static str) -> Error {
    Error::OtherKind { path: path.to_owned(), what, instead: None }
}
