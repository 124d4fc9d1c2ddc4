//! Edits of a vault's file as a whole, as lines of an input say them. Anybody who can write to the
//! file can make them, without a key:
//!
//! - the edits of one row in [`row_edits`](super::row_edits)
//! - `clear TABLE`, `delete [ROW:]TABLE`, `copy [ROW:]TABLE.COLUMN VALUE`: the row once more, with
//!   another value in one column; `swap TABLE.COLUMN`, between the first two rows
//! - `trigger TABLE before|after insert|update|delete BODY`, `view NAME SELECT`,
//!   `index TABLE COLUMNS`, `table NAME COLUMNS`, `virtual NAME MODULE`
//! - `drop table|index|view|trigger NAME`, `rename TABLE NAME`, `alter TABLE HOW`
//! - `remake TABLE rowidless|loose|quoted`: with the same rows
//! - `schema NAME.COLUMN VALUE`, `entry KIND NAME TABLE ROOT SQL`: rows of `sqlite_schema`
//! - `pragma NAME VALUE`, `vacuum now`
//! - `byte POSITION MASK`, `cut LENGTH`, `beside SUFFIX BYTES`: the file, and what lies beside it

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::row_edits::{Cell, flip, numbers, parse_value, row_of, set};
use super::sample_vault::TABLES;

/// The greatest number of lines of an input that are carried out.
const MOST_LINES: usize = 16;

/// What the edits of one input did to the file.
#[derive(Debug, Default)]
pub(super) struct Edited {
    /// Whether the file was edited otherwise than by values in its rows.
    pub(super) has_file_edits: bool,
    /// Whether bytes were changed that SQLite wrote, so that an index may lead elsewhere.
    pub(super) has_odd_bytes: bool,
    /// Whether a rollback journal lies beside the file.
    pub(super) has_journal: bool,
}

/// Carries out the edits that `data` says on the vault at `path`.
pub(super) fn apply(path: &Path, data: &[u8]) -> Edited {
    let mut edited = Edited::default();
    for line in data.split(|byte| *byte == b'\n').take(MOST_LINES) {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let mut word = || words.next().unwrap_or_default();
        let (verb, place, rest) = (word(), word(), word());
        let Ok(place) = std::str::from_utf8(place) else { continue };
        let is_of_bytes = edit_bytes(path, verb, place, rest);
        edited.has_odd_bytes |= is_of_bytes;
        // A connection for each: SQLite reads the schema of the last one anew.
        edited.has_file_edits |= is_of_bytes
            || open(path).is_some_and(|connection| edit_tables(&connection, verb, place, rest));
    }
    edited.has_journal = with_suffix(path, "-journal").exists();
    edited
}

/// Opens the file as somebody does who wants to mislead tokctl: with what SQLite would forbid.
fn open(path: &Path) -> Option<Connection> {
    let connection = Connection::open(path).ok()?;
    for (rule, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true),
        // The edits are to be those of the input alone, and to come to an end.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        connection.set_db_config(rule, value).ok()?;
    }
    for (limit, most) in [(Limit::SQLITE_LIMIT_ATTACHED, 0), (Limit::SQLITE_LIMIT_LENGTH, 1 << 20)]
    {
        connection.set_limit(limit, most).ok()?;
    }
    Some(connection)
}

/// Returns whether `verb` is one that changes bytes.
fn edit_bytes(path: &Path, verb: &[u8], place: &str, rest: &[u8]) -> bool {
    let edit = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(path).expect("the vault's file");
        change(&mut bytes);
        overwrite(path, &bytes);
    };
    match (verb, place.parse::<usize>()) {
        (b"byte", Ok(position)) => edit(&|bytes| {
            let Some([mask]) = numbers::<1>(rest) else { return };
            let position = position.checked_rem(bytes.len());
            if let Some(byte) = position.and_then(|position| bytes.get_mut(position)) {
                *byte ^= mask.to_le_bytes()[0];
            }
        }),
        (b"cut", Ok(length)) => edit(&|bytes| bytes.truncate(length)),
        (b"beside", Err(_)) => {
            for suffix in ["-journal", "-wal", "-shm"] {
                if suffix.strip_prefix('-') == Some(place) {
                    overwrite(&with_suffix(path, suffix), rest);
                }
            }
        }
        _ => return false,
    }
    true
}

/// Puts `bytes` in place of what is at `path`, as another program may.
fn overwrite(path: &Path, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).open(path);
    opened.and_then(|mut file| file.write_all(bytes)).expect("a file of the vault");
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Returns whether `verb` is one that edits more than the values of one row.
fn edit_tables(connection: &Connection, verb: &[u8], place: &str, rest: &[u8]) -> bool {
    let text = String::from_utf8_lossy(rest);
    let is_table = TABLES.contains(&place);
    // A call of `execute` runs one statement: nothing can be hung on to it.
    let execute = |sql: String| drop(connection.execute(&sql, []));
    match verb {
        b"set" => set(connection, place, rest),
        b"flip" => flip(connection, place, rest),
        b"clear" if is_table => execute(format!("DELETE FROM {place}")),
        b"delete" => {
            if let Some((row, table)) = row_of(place) {
                let this = format!("SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {row}");
                execute(format!("DELETE FROM {table} WHERE rowid = ({this})"));
            }
        }
        b"copy" => copy_row(connection, place, &parse_value(rest)),
        b"swap" => swap(connection, place),
        b"trigger" if is_table => {
            let mut words = text.splitn(3, ' ');
            let mut word = || words.next().unwrap_or_default().to_owned();
            let (when, event, body) = (word(), word(), word());
            execute(format!(
                "CREATE TRIGGER t{} {when} {event} ON {place} BEGIN {body}; END",
                body.len()
            ));
        }
        b"view" if is_plain(place) => execute(format!("CREATE VIEW {place} AS {text}")),
        b"index" if is_table => {
            execute(format!("CREATE INDEX i{} ON {place} {text}", text.len()));
        }
        // What selects could take for ever.
        b"table" if is_plain(place) && !text.to_lowercase().contains("select") => {
            execute(format!("CREATE TABLE {place} {text}"));
        }
        b"virtual" if is_plain(place) => {
            execute(format!("CREATE VIRTUAL TABLE {place} USING {text}"));
        }
        b"drop" if is_plain(place) && is_plain(&text) => execute(format!("DROP {place} {text}")),
        b"rename" if is_table && is_plain(&text) => {
            execute(format!("ALTER TABLE {place} RENAME TO {text}"));
        }
        b"alter" if is_table => execute(format!("ALTER TABLE {place} {text}")),
        b"remake" if is_table => remake(connection, place, &text),
        b"schema" => {
            if let Some((name, column)) = place.split_once('.')
                && ["type", "name", "tbl_name", "rootpage", "sql"].contains(&column)
            {
                let sql = format!("UPDATE sqlite_schema SET {column} = ?1 WHERE name = ?2");
                let _ = connection.execute(&sql, [parse_value(rest), Value::Text(name.into())]);
            }
        }
        b"entry" => {
            let words: Vec<&str> = text.splitn(4, ' ').collect();
            if let [name, of, root, sql] = words[..] {
                let sql_text = if sql.is_empty() { None } else { Some(sql) };
                let values = (place, name, of, root.parse::<i64>().unwrap_or_default(), sql_text);
                let _ =
                    connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", values);
            }
        }
        b"pragma" => {
            const SETTINGS: [&str; 7] = [
                "user_version",
                "application_id",
                "schema_version",
                "journal_mode",
                "auto_vacuum",
                "page_size",
                "secure_delete",
            ];
            if SETTINGS.contains(&place) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                let _ = connection.execute_batch(&format!("PRAGMA {place} = {text}"));
            }
        }
        b"vacuum" => execute("VACUUM".to_owned()),
        _ => {}
    }
    !matches!(verb, b"set" | b"flip" | b"seal" | b"spill" | b"")
}

/// Whether `text` is a name, or a word of SQL.
fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && text.bytes().all(is_plain)
}

/// Inserts the row once more, with `value` in the column that `place` names.
fn copy_row(connection: &Connection, place: &str, value: &Value) {
    let Some(Cell { row, table, column }) = Cell::parse(place) else { return };
    let copied = || -> rusqlite::Result<usize> {
        let sql = format!("SELECT * FROM {table} ORDER BY rowid LIMIT 1 OFFSET {row}");
        let mut statement = connection.prepare(&sql)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let values = statement.query_row([], |row| {
            (0..names.len()).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<Value>>>()
        })?;
        let values = values
            .into_iter()
            .zip(&names)
            .map(|(old, name)| if name == column { value.clone() } else { old });
        let places = vec!["?"; names.len()].join(",");
        let sql = format!("INSERT INTO {table} VALUES ({places})");
        connection.execute(&sql, params_from_iter(values))
    };
    let _ = copied();
}

/// Exchanges the values that the first two rows have in one column.
fn swap(connection: &Connection, place: &str) {
    let Some(cell) = Cell::parse(place) else { return };
    let (first, second) = (Cell { row: 0, ..cell }, Cell { row: 1, ..cell });
    if let (Some(one), Some(other)) = (first.read(connection), second.read(connection)) {
        first.write(connection, &other);
        second.write(connection, &one);
    }
}

/// Makes a table anew with other words in its text, and with its rows.
fn remake(connection: &Connection, table: &str, how: &str) {
    let sql = "SELECT sql FROM sqlite_schema WHERE name = ?1";
    let Ok(sql) = connection.query_row(sql, [table], |row| row.get::<_, String>(0)) else { return };
    let sql = match how {
        "rowidless" => sql.replace(")STRICT", ")STRICT,WITHOUT ROWID"),
        "loose" => sql.replace(")STRICT", ")").replace(" NOT NULL", ""),
        _ => sql,
    };
    // SQLite quotes the name, which is all that is left of it.
    let anew = sql.replacen(table, "anew", 1);
    let _ = connection.execute_batch(&format!(
        "BEGIN; {anew}; INSERT INTO anew SELECT * FROM {table}; DROP TABLE {table};
         ALTER TABLE anew RENAME TO {table}; COMMIT;"
    ));
}
