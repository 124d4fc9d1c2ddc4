//! Edits of one row of a vault, as lines of an input say them:
//!
//! - `set TABLE.COLUMN null`, `… int NUMBER`, `… text TEXT`, `… blob BYTES`
//! - `flip TABLE.COLUMN POSITION MASK`
//!
//! The row is the first of its table, or the one of a number before the table, as in
//! `1:credentials_2.sealed`.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::sample_vault::TABLES;

/// One column of one row.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    /// The number of the row, from 0.
    pub(super) row: usize,
    pub(super) table: &'a str,
    pub(super) column: &'a str,
}

impl<'a> Cell<'a> {
    /// Parses `[ROW:]TABLE.COLUMN`; returns `None` if there can be no such column.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (row, table) = row_of(text.split_once('.')?.0)?;
        let column = text.split_once('.')?.1;
        let is_plain = column.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        (is_plain && !column.is_empty()).then_some(Self { row, table, column })
    }

    pub(super) fn read(self, connection: &Connection) -> Option<Value> {
        let Self { row, table, column } = self;
        let sql = format!("SELECT {column} FROM {table} ORDER BY rowid LIMIT 1 OFFSET {row}");
        connection.query_row(&sql, [], |row| row.get(0)).ok()
    }

    pub(super) fn write(self, connection: &Connection, value: &Value) {
        let Self { row, table, column } = self;
        let this = format!("(SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {row})");
        // The database refuses a key that exists already, and a column that does not.
        let sql = format!("UPDATE {table} SET {column} = ?1 WHERE rowid = {this}");
        let _ = connection.execute(&sql, [value]);
    }
}

/// Parses `[ROW:]TABLE`; returns `None` if the vault has no such table.
pub(super) fn row_of(text: &str) -> Option<(usize, &str)> {
    let (row, table) = match text.split_once(':') {
        Some((row, table)) => (row.parse::<u16>().ok()?.into(), table),
        None => (0, text),
    };
    TABLES.contains(&table).then_some((row, table))
}

/// Puts `value`, a kind and what it holds, into the column `place`.
pub(super) fn set(connection: &Connection, place: &str, value: &[u8]) {
    if let Some(cell) = Cell::parse(place) {
        cell.write(connection, &parse_value(value));
    }
}

/// Parses a kind and what it holds; what is none counts as null.
pub(super) fn parse_value(value: &[u8]) -> Value {
    let (kind, rest) = match value.iter().position(|byte| *byte == b' ') {
        Some(at) => (&value[..at], &value[at + 1..]),
        None => (value, &[][..]),
    };
    let text = || String::from_utf8_lossy(rest).into_owned();
    match kind {
        b"int" => text().parse().map_or(Value::Null, Value::Integer),
        b"text" => Value::Text(text()),
        b"blob" => Value::Blob(rest.to_vec()),
        _ => Value::Null,
    }
}

/// Changes the byte in the column `place` that `how` names by position and mask.
pub(super) fn flip(connection: &Connection, place: &str, how: &[u8]) {
    let Some(cell) = Cell::parse(place) else { return };
    let Some([position, mask]) = numbers(how) else { return };
    let Some(Value::Blob(mut bytes)) = cell.read(connection) else { return };
    if let Some(byte) = bytes.get_mut(position) {
        *byte ^= mask.to_le_bytes()[0];
        cell.write(connection, &Value::Blob(bytes));
    }
}

/// Parses numbers with a space between them.
pub(super) fn numbers<const COUNT: usize>(text: &[u8]) -> Option<[usize; COUNT]> {
    let text = String::from_utf8_lossy(text);
    let numbers = text.split(' ').filter_map(|number| number.parse().ok());
    numbers.collect::<Vec<usize>>().try_into().ok()
}
