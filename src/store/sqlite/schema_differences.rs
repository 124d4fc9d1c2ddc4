//! The comparison of a file's schema with the tables that it should have.

use rusqlite::Connection;

use crate::store::error::Error;

/// An index as SQLite keeps it: its name, and the text that makes it.
pub(super) type Index = (&'static str, &'static str);

/// An object in the schema that tokctl did not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignObject {
    /// The kind, in SQLite's word: `table`, `index`, `view` or `trigger`.
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Whether it is a plain table, which nothing reads and which does nothing by itself.
    pub(crate) inert: bool,
    /// The number of its row in `sqlite_schema`.
    pub(super) row: i64,
}

/// The differences between a file's schema and that of its version.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    pub(crate) foreign: Vec<ForeignObject>,
    /// The tables that are not there, or not as tokctl made them.
    pub(crate) missing: Vec<&'static str>,
    /// The indexes that are not there, or not as tokctl made them. They can be made anew.
    pub(crate) unindexed: Vec<&'static str>,
    /// Whether two objects claim the same pages, or one claims none.
    pub(crate) tangled: bool,
}

/// A table that a version has.
pub(super) struct Known<'a> {
    pub(super) name: &'static str,
    pub(super) sql: &'a str,
    pub(super) indexed: bool,
    pub(super) indexes: &'static [Index],
}

impl<'a> Known<'a> {
    /// Returns a table of an earlier version, none of which had indexes of its own.
    pub(super) fn without_indexes(name: &'static str, sql: &'a str, indexed: bool) -> Self {
        Self { name, sql, indexed, indexes: &[] }
    }
}

/// Returns the differences between the schema of a file and `tables`.
pub(super) fn differences_from(
    connection: &Connection,
    tables: &[Known<'_>],
) -> Result<Differences, Error> {
    let mut statement = connection
        .prepare("SELECT type, name, tbl_name, rootpage, sql, rowid FROM sqlite_schema")?;
    let mut rows = statement.query([])?;
    let (mut found, mut roots) = (Differences::default(), Vec::with_capacity(8));
    let (mut there, mut indexed) = (vec![false; tables.len()], vec![false; tables.len()]);
    found.unindexed =
        tables.iter().flat_map(|table| table.indexes).map(|(name, _)| *name).collect();
    while let Some(row) = rows.next()? {
        // Whatever is no text is nothing that SQLite made.
        let text = |column| row.get_ref(column).ok().and_then(|value| value.as_str().ok());
        let (kind, name, of) = (text(0), text(1), text(2));
        let (root, sql) = (row.get::<_, i64>(3).unwrap_or_default(), text(4));
        let position = |name| tables.iter().position(|table| Some(table.name) == name);
        let known = position(of);
        match (kind, known) {
            (Some("table"), Some(at)) if name == of && sql == Some(tables[at].sql) => {
                there[at] = true;
            }
            // It is in the list of those that are missing: what is in it is not to be dropped.
            (Some("table"), _) if known.is_some() || position(name).is_some() => {}
            (Some("index"), Some(at)) if is_automatic(row, of) && tables[at].indexed => {
                indexed[at] = true;
            }
            (Some("index"), None) if is_automatic(row, of) => {}
            (Some("index"), Some(at)) if is_one_of(tables[at].indexes, name, sql) => {
                found.unindexed.retain(|missing| Some(*missing) != name);
            }
            (kind, _) => found.foreign.push(ForeignObject {
                kind: kind.unwrap_or_default().to_owned(),
                name: name.unwrap_or_default().to_owned(),
                inert: kind == Some("table") && name == of && is_plain(name, root, sql),
                row: row.get(5)?,
            }),
        }
        if kind == Some("table") || kind == Some("index") {
            found.tangled |= root < 2 || roots.contains(&root);
            roots.push(root);
        }
    }
    for (at, table) in tables.iter().enumerate() {
        if !there[at] || indexed[at] != table.indexed {
            found.missing.push(table.name);
        }
    }
    Ok(found)
}

/// Whether a row of the schema is the index that SQLite makes for the primary key of `table`.
fn is_automatic(row: &rusqlite::Row<'_>, table: Option<&str>) -> bool {
    let name = row.get_ref(1).ok().and_then(|value| value.as_str().ok());
    let number = name
        .and_then(|name| name.strip_prefix("sqlite_autoindex_"))
        .and_then(|rest| rest.strip_prefix(table?)?.strip_prefix('_'));
    let no_text = row.get_ref(4).is_ok_and(|sql| sql == rusqlite::types::ValueRef::Null);
    no_text && number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether `indexes` has one of this name and text.
fn is_one_of(indexes: &[Index], name: Option<&str>, sql: Option<&str>) -> bool {
    indexes.iter().any(|(known, text)| Some(*known) == name && Some(*text) == sql)
}

/// Whether a table is one that only keeps rows: it is not virtual, and SQLite does not read it by
/// itself.
fn is_plain(name: Option<&str>, root: i64, sql: Option<&str>) -> bool {
    root > 0
        && sql.is_some_and(|sql| sql.starts_with("CREATE TABLE "))
        && name.is_some_and(|name| !name.starts_with("sqlite_"))
}
