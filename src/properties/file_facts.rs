//! The facts about an edited vault from which it follows what tokctl has to do with it, read without
//! tokctl's own code.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use super::sample_vault::TABLES;

/// One row of `sqlite_schema`: kind, name, table, whether it has pages, and its text.
type Entry = (Value, Value, Value, bool, Value);

/// The schema and the rows of a vault.
#[derive(Debug, PartialEq)]
pub(super) struct Facts {
    version: (i64, i64),
    schema: Vec<Entry>,
    /// Whether two tables or indices claim the same page.
    is_tangled: bool,
    rows: BTreeMap<&'static str, Vec<Vec<Value>>>,
}

impl Facts {
    /// Reads the vault at `path`; returns `None` if SQLite can't.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(path, flags).ok()?;
        let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).ok();
        let version = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
        let mut schema = Vec::new();
        let sql = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema";
        for row in rows(&connection, sql)? {
            let [kind, name, of, root, sql] = row.try_into().ok()?;
            schema.push((kind, name, of, matches!(root, Value::Integer(2..)), sql));
        }
        let is_tangled = !has_pages_of_their_own(&connection)?;
        let has_view = schema.iter().any(|(kind, ..)| *kind == text("view"));
        let mut found = BTreeMap::new();
        for table in TABLES {
            // A view could take for ever.
            let sql = format!("SELECT * FROM {table} ORDER BY 1, 2");
            found.insert(
                table,
                if has_view { None } else { rows(&connection, &sql) }.unwrap_or_default(),
            );
        }
        Some(Self { version, schema, is_tangled, rows: found })
    }

    /// Whether the schema is that of `pristine`, or has plain tables besides.
    pub(super) fn has_schema_of(&self, pristine: &Self) -> bool {
        let mut others = self.schema.clone();
        let all_there = pristine.schema.iter().all(|entry| {
            let at = others.iter().position(|other| other == entry);
            at.map(|at| others.remove(at)).is_some()
        });
        !self.is_tangled
            && self.version == pristine.version
            && all_there
            && others.iter().all(is_inert)
    }

    /// Whether the rows that unlock the vault are those of `pristine`.
    pub(super) fn unlocks_as(&self, pristine: &Self) -> bool {
        ["vault_2", "key_slots_2"].iter().all(|table| self.rows[table] == pristine.rows[table])
    }

    /// Whether the row of the credential of `user` is that of `pristine`.
    pub(super) fn has_row_of(&self, pristine: &Self, user: &str) -> bool {
        let row = |facts: &Self| {
            let all = &facts.rows["credentials_2"];
            all.iter().filter(|row| row.get(1) == Some(&text(user))).cloned().collect::<Vec<_>>()
        };
        !row(pristine).is_empty() && row(self) == row(pristine)
    }
}

/// Whether an entry that tokctl did not make is a plain table, or the index of its primary key.
fn is_inert(entry: &Entry) -> bool {
    let (kind, name, of, has_pages, sql) = entry;
    let begins = |value: &Value, beginning: &str| matches!(value, Value::Text(text) if text.starts_with(beginning));
    if *kind == text("table") {
        return name == of
            && *has_pages
            && begins(sql, "CREATE TABLE ")
            && !begins(name, "sqlite_");
    }
    let is_known = TABLES.iter().any(|table| *of == text(table));
    *kind == text("index") && *sql == Value::Null && begins(name, "sqlite_autoindex_") && !is_known
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Whether no two tables or indices claim the same page.
fn has_pages_of_their_own(connection: &Connection) -> Option<bool> {
    let sql = "SELECT count(rootpage) = count(DISTINCT rootpage) FROM sqlite_schema
               WHERE type IN ('table', 'index') AND rootpage > 0";
    connection.query_row(sql, [], |row| row.get(0)).ok()
}

fn rows(connection: &Connection, sql: &str) -> Option<Vec<Vec<Value>>> {
    let mut statement = connection.prepare(sql).ok()?;
    let width = statement.column_count();
    let rows = statement.query_map([], |row| (0..width).map(|at| row.get(at)).collect());
    rows.ok()?.collect::<rusqlite::Result<_>>().ok()
}
