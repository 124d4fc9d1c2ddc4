//! The tables of other tools, as they are recognised wherever they are kept.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::dump;
use super::error::Error;
use super::record::{Fault, Label, Owner};
use super::row::Row;
use super::sqlite::{self, Database};
use super::text;
use crate::private_file;

/// A table of another tool.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The columns in the order in which the tool makes them: the order of a dump that does not name
    /// them.
    pub(super) columns: &'static [&'static str],
    /// The columns without which it is another table.
    pub(super) needed: &'static [&'static str],
    /// Whether a row of a dump, which has no name, is of this table.
    pub(super) fits: fn(&Row) -> bool,
    /// Returns the provider and the user of a row.
    pub(super) label: fn(&Row) -> (Option<&'static str>, Owner),
}

/// A row of a table.
pub(super) struct TableRow {
    /// The name of the table.
    pub(super) table: &'static str,
    pub(super) label: Label,
    pub(super) row: Result<Row, Fault>,
}

/// The rows that [`read`] found.
pub(super) struct TableRows {
    pub(super) rows: Vec<TableRow>,
    /// The names of other tables that are not empty.
    pub(super) others: Vec<String>,
    pub(super) files: Vec<PathBuf>,
}

/// Reads those of `tables` that are in the file at `path`: a SQLite file, or a dump of one of them
/// as text. Fails with [`Error::OtherKind`] and the phrase `otherwise` if none is in it.
pub(super) fn read(
    path: &Path,
    tables: &'static [Table],
    otherwise: &'static str,
) -> Result<TableRows, Error> {
    find(path, tables)?.ok_or_else(|| Error::OtherKind {
        path: path.to_owned(),
        what: otherwise,
        instead: None,
    })
}

/// Reads as [`read`] does; `None` if none of `tables` is in the file.
pub(super) fn find(path: &Path, tables: &'static [Table]) -> Result<Option<TableRows>, Error> {
    if sqlite::is_one(path) {
        in_database(path, tables)
    } else if is_named_pipe(path) {
        Err(private_file::Error::NotAFile { path: path.to_owned() }.into())
    } else {
        Ok(in_dump(&text::read(path)?, path, tables))
    }
}

/// Whether a file is a pipe that was given a name, and so may have nobody who writes into it.
fn is_named_pipe(path: &Path) -> bool {
    let is_open = path.starts_with("/dev") || path.starts_with("/proc");
    !is_open && std::fs::metadata(path).is_ok_and(|data| data.file_type().is_fifo())
}

fn in_database(path: &Path, tables: &'static [Table]) -> Result<Option<TableRows>, Error> {
    let database = Database::open(path)?;
    let mut found =
        TableRows { rows: Vec::new(), others: Vec::new(), files: database.files.clone() };
    let mut known = false;
    for table in tables {
        if database.has(table.name, table.needed)? {
            known = true;
            let rows = database.rows(table.name)?.into_iter();
            found.rows.extend(rows.map(|(origin, row)| table.row(origin, Ok(row))));
        }
    }
    for name in database.tables()? {
        if !tables.iter().any(|table| table.name.eq_ignore_ascii_case(&name))
            && database.count(&name)? > 0
        {
            found.others.push(name);
        }
    }
    Ok(known.then_some(found))
}

/// Reads a dump, in which one of `tables` is recognised: by the names of its columns, or by their
/// number and by what is in them.
fn in_dump(text: &str, path: &Path, tables: &'static [Table]) -> Option<TableRows> {
    let found = |table: &Table, rows: Vec<(String, Result<Row, Fault>)>| {
        let rows = rows.into_iter().map(|(origin, row)| table.row(origin, row)).collect();
        Some(TableRows { rows, others: Vec::new(), files: vec![path.to_owned()] })
    };
    if let Some(rows) = dump::objects(text) {
        let table = tables.iter().find(|table| {
            let is_whole = |row: &Row| table.needed.iter().all(|name| row.contains_key(*name));
            rows.iter().flat_map(|(_, row)| row).any(|row| is_whole(row) && (table.fits)(row))
        });
        return table.and_then(|table| found(table, rows));
    }
    for separator in dump::SEPARATORS {
        let lines = dump::lines(text, separator);
        let Some((_, first)) = lines.first() else { continue };
        let names: Vec<String> =
            first.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        let is_named = |table: &&Table| {
            table.needed.iter().all(|needed| names.iter().any(|name| name == needed))
        };
        let rows_of = |names: &[&str], lines: &[dump::Line]| -> Vec<_> {
            lines.iter().map(|(origin, line)| (origin.clone(), row(names, line))).collect()
        };
        if tables.iter().any(|table| is_named(&table)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let rows = rows_of(&names, &lines[1..]);
            let table = tables
                .iter()
                .filter(is_named)
                .find(|table| rows.iter().flat_map(|(_, row)| row).any(table.fits))
                .or_else(|| tables.iter().find(is_named));
            return table.and_then(|table| found(table, rows));
        }
        for table in tables {
            let rows = rows_of(table.columns, &lines);
            if rows.iter().flat_map(|(_, row)| row).any(table.fits) {
                return found(table, rows);
            }
        }
    }
    None
}

/// Makes a row of the fields of a line.
fn row(names: &[&str], line: &[String]) -> Result<Row, Fault> {
    if names.len() != line.len() {
        return Err(Fault::Malformed("it has more or fewer fields than there are columns"));
    }
    let field = |text: &String| match text.as_str() {
        // PostgreSQL and MySQL write these for a value that is not there.
        "\\N" | "NULL" => Value::Null,
        text => Value::String(text.to_owned()),
    };
    Ok(names.iter().zip(line).map(|(name, text)| ((*name).to_owned(), field(text))).collect())
}

impl Table {
    fn row(&self, origin: String, row: Result<Row, Fault>) -> TableRow {
        let (provider, user) = match &row {
            Ok(row) => (self.label)(row),
            Err(_) => (None, Owner::Unsaid),
        };
        TableRow { table: self.name, label: Label { provider, user, origin }, row }
    }
}
