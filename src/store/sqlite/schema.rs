//! The tables of today's vault, and the check that a file has them and nothing else that acts.
//!
//! SQLite believes what `sqlite_schema` says: a trigger there undoes a deletion, and a view passes
//! for a table. Whoever can write to the file could put one in. So the schema is compared with the
//! constants in this file before anything is read.

use rusqlite::Connection;

use super::earlier;
use super::schema_differences::{Differences, ForeignObject, Index, Known, differences_from};
use crate::store::error::Error;
use crate::store::file::VaultFile;
use crate::untrusted::printable;

/// The number that tells a vault from other programs' databases: `tokc` in ASCII.
const APPLICATION_ID: i32 = 0x746F_6B63;

/// The version that this program writes, which `user_version` holds.
pub(in crate::store) const CURRENT: usize = earlier::LAST + 1;

/// A table as SQLite keeps it: its name, the text that makes it, whether SQLite makes an index for
/// its primary key, and its other indexes.
///
/// SQLite reads these texts whenever it opens the file, so they are short, and the comments stand
/// here.
struct Table {
    name: &'static str,
    sql: &'static str,
    indexed: bool,
    indexes: &'static [Index],
}

/// The tables of version 6. Times are seconds since 1970, UTC.
///
/// - `vault_2`, the header: one row, absent until the vault has a first key slot. `copied_at` is
///   the time at which a backup wrote this copy. `sealed` holds what `header.rs` describes.
///   `bundle` is the bundle that was handed over and is not known to be in place.
/// - `key_slots_2`: ways to unlock the vault. The cost is Argon2id's, `memory` in KiB.
/// - `intents_2`: keychain entries that are about to be made, or were replaced and are about to go.
///   `seal` is absent while the vault has no data key.
/// - `credentials_2`: `sealed` covers all columns up to `login_by`, which are a copy of what is
///   under it. `evidence` is a code over the columns behind it. Two indexes have only the rows with
///   a server or an account's name, which `lookup.rs` finds by them.
///
/// An older program knows other names, so one that is still running fails before it sends anything.
const TABLES: [Table; 4] = [
    Table {
        name: "vault_2",
        sql: "CREATE TABLE vault_2(one INTEGER PRIMARY KEY CHECK(one=1),vault_id BLOB NOT NULL,\
              generation INTEGER NOT NULL,created_at INTEGER NOT NULL,copied_at INTEGER,\
              sealed BLOB NOT NULL,bundle_id BLOB,bundle TEXT,bundle_at INTEGER)STRICT",
        indexed: false,
        indexes: &[],
    },
    Table {
        name: "key_slots_2",
        sql: "CREATE TABLE key_slots_2(id BLOB PRIMARY KEY,vault_id BLOB NOT NULL,\
              kind TEXT NOT NULL,memory INTEGER NOT NULL,passes INTEGER NOT NULL,\
              lanes INTEGER NOT NULL,salt BLOB NOT NULL,key_check BLOB NOT NULL,\
              wrapped_key BLOB NOT NULL,created_at INTEGER NOT NULL)STRICT",
        indexed: true,
        indexes: &[],
    },
    Table {
        name: "intents_2",
        sql: "CREATE TABLE intents_2(keychain_entry TEXT PRIMARY KEY,created_at INTEGER NOT NULL,\
              seal BLOB)STRICT",
        indexed: true,
        indexes: &[],
    },
    Table {
        name: "credentials_2",
        sql: "CREATE TABLE credentials_2(provider TEXT NOT NULL,user TEXT NOT NULL,\
              revision INTEGER NOT NULL,sealed BLOB NOT NULL,kind TEXT NOT NULL,\
              status TEXT NOT NULL,server_url TEXT,username TEXT,scopes TEXT NOT NULL,\
              expires_at INTEGER,refreshable INTEGER NOT NULL,created_at INTEGER NOT NULL,\
              updated_at INTEGER NOT NULL,last_refreshed_at INTEGER,login_by INTEGER,\
              evidence BLOB NOT NULL,evidence_revision INTEGER NOT NULL,journal TEXT,\
              last_attempt TEXT,reported TEXT,PRIMARY KEY(provider,user))STRICT",
        indexed: true,
        indexes: &[
            (
                "credentials_2_server",
                "CREATE INDEX credentials_2_server ON credentials_2(server_url COLLATE NOCASE)\
                 WHERE server_url IS NOT NULL",
            ),
            (
                "credentials_2_username",
                "CREATE INDEX credentials_2_username ON credentials_2(username)\
                 WHERE username IS NOT NULL",
            ),
        ],
    },
];

/// The kind of a file, as far as this program can use it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// A file without tables.
    Empty,
    /// Another program's database.
    Foreign,
    /// Tables of this version, which is older than the current one or the same.
    Known(usize),
    /// A later program's tables.
    Newer,
}

impl Version {
    /// The error for `file`, whose version is not one that can be used.
    pub(super) fn refused(&self, file: &VaultFile) -> Error {
        let path = file.path().to_owned();
        match self {
            Self::Empty if file.is_emptied() => Error::Emptied { path },
            Self::Empty => Error::NoVault { path },
            Self::Newer => Error::NewerVersion { path },
            Self::Foreign | Self::Known(_) => Error::ForeignFile { path },
        }
    }
}

/// Reads which version the file has; within a transaction, since it takes several looks.
pub(super) fn version(connection: &Connection) -> Result<Version, Error> {
    let application_id = pragma(connection, "PRAGMA application_id")?;
    let version = pragma(connection, "PRAGMA user_version")?;
    if application_id != APPLICATION_ID {
        let empty = application_id == 0
            && version == 0
            && connection
                .query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
        return Ok(if empty { Version::Empty } else { Version::Foreign });
    }
    Ok(match usize::try_from(version) {
        Ok(version @ 1..=CURRENT) => Version::Known(version),
        _ => Version::Newer,
    })
}

/// Returns the number that a pragma says.
pub(super) fn pragma(connection: &Connection, sql: &str) -> Result<i32, Error> {
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Compares the schema of a file of `version` with the constants, and fails where anything in it
/// could act: with [`Error::ForeignSchema`] for what can be dropped, with [`Error::Inconsistent`] for
/// the rest. A plain table that tokctl did not make does no harm.
pub(super) fn check(connection: &Connection, version: usize) -> Result<(), Error> {
    let Differences { foreign, missing, unindexed, tangled } = differences(connection, version)?;
    if let Some(ForeignObject { kind, name, .. }) = foreign.into_iter().find(|it| !it.inert) {
        return Err(Error::ForeignSchema { kind: printable(&kind), name: printable(&name) });
    }
    if !missing.is_empty() {
        return Err(Error::Inconsistent("a table is missing or was changed"));
    }
    if !unindexed.is_empty() {
        return Err(Error::Unindexed);
    }
    if tangled {
        return Err(Error::Inconsistent("two tables lie in the same place"));
    }
    Ok(())
}

/// Returns the differences between the schema of a file of `version` and the constants.
pub(super) fn differences(connection: &Connection, version: usize) -> Result<Differences, Error> {
    if version == CURRENT {
        return differences_from(connection, &TABLES.each_ref().map(Known::from));
    }
    let schema = earlier::schema(version)?;
    let tables: Vec<Known<'_>> = schema
        .iter()
        .map(|(name, sql, indexed)| Known::without_indexes(name, sql, *indexed))
        .collect();
    differences_from(connection, &tables)
}

impl<'a> From<&'a Table> for Known<'a> {
    fn from(table: &'a Table) -> Self {
        let Table { name, sql, indexed, indexes } = *table;
        Self { name, sql, indexed, indexes }
    }
}

/// Makes the current tables in a file that has none, or out of those of `version`, in the caller's
/// transaction.
pub(super) fn make(connection: &Connection, version: Option<usize>) -> Result<(), Error> {
    if let Some(version) = version {
        earlier::complete(connection, version)?;
    }
    for table in &TABLES {
        connection.execute_batch(table.sql)?;
        for (_, sql) in table.indexes {
            connection.execute_batch(sql)?;
        }
    }
    if version.is_some() {
        earlier::move_rows(connection)?;
    }
    Ok(connection.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {CURRENT};"
    ))?)
}

/// Makes the indexes of the current tables that `unindexed` names, in the caller's transaction.
pub(super) fn make_indexes(connection: &Connection, unindexed: &[&str]) -> Result<(), Error> {
    for (name, sql) in TABLES.iter().flat_map(|table| table.indexes) {
        if unindexed.contains(name) {
            connection.execute_batch(sql)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        make(&connection, None).unwrap();
        connection
    }

    #[test]
    fn a_new_vault_is_as_it_should_be() {
        let vault = vault();
        assert_eq!(differences(&vault, CURRENT).unwrap(), Differences::default());
        assert_eq!(version(&vault).unwrap(), Version::Known(CURRENT));
    }

    #[test]
    fn a_table_that_is_missing_or_changed_is_named() {
        for table in &TABLES {
            let vault = vault();
            let name = table.name;
            vault.execute_batch(&format!("ALTER TABLE {name} RENAME TO other")).unwrap();
            assert_eq!(differences(&vault, CURRENT).unwrap().missing, [name]);
            vault.execute_batch(&format!("ALTER TABLE other RENAME TO {name}")).unwrap();
            // SQLite quotes a name that it writes itself.
            assert_eq!(differences(&vault, CURRENT).unwrap().missing, [name]);
        }
    }

    #[test]
    fn what_acts_by_itself_is_refused_and_a_plain_table_is_told() {
        for (made, inert) in [
            ("CREATE TRIGGER t AFTER DELETE ON credentials_2 BEGIN SELECT 1; END", false),
            ("CREATE VIEW v AS SELECT 1", false),
            ("CREATE INDEX i ON credentials_2 (user)", false),
            ("CREATE TABLE k (a); CREATE INDEX i ON k (a)", false),
            ("CREATE TABLE k (a PRIMARY KEY)", true),
            ("CREATE TABLE k AS SELECT * FROM credentials_2", true),
        ] {
            let vault = vault();
            vault.execute_batch(made).unwrap();
            let found = differences(&vault, CURRENT).unwrap();
            assert!(found.missing.is_empty() && !found.foreign.is_empty(), "{made}: {found:?}");
            assert_eq!(found.foreign.iter().all(|it| it.inert), inert, "{made}: {found:?}");
            assert_eq!(check(&vault, CURRENT).is_ok(), inert, "{made}");
        }
    }

    #[test]
    fn an_index_that_is_missing_or_changed_is_named_and_made_anew() {
        for edit in [
            "DROP INDEX credentials_2_server",
            "DROP INDEX credentials_2_server;
             CREATE INDEX credentials_2_server ON credentials_2(server_url)",
        ] {
            let vault = vault();
            vault.execute_batch(edit).unwrap();
            let found = differences(&vault, CURRENT).unwrap();
            assert_eq!(found.unindexed, ["credentials_2_server"], "{edit}");
            assert!(found.missing.is_empty(), "{edit}");
            assert!(check(&vault, CURRENT).is_err(), "{edit}");
            vault.execute_batch("DROP INDEX IF EXISTS credentials_2_server").unwrap();
            make_indexes(&vault, &found.unindexed).unwrap();
            assert!(check(&vault, CURRENT).is_ok(), "{edit}");
        }
    }

    #[test]
    fn a_changed_column_or_a_shared_page_is_refused() {
        for edit in [
            "UPDATE sqlite_schema SET sql = replace(sql, 'sealed BLOB', 'sealed BLOB DEFAULT 1')",
            "UPDATE sqlite_schema SET rootpage = (SELECT max(rootpage) FROM sqlite_schema)",
            "UPDATE sqlite_schema SET rootpage = 1 WHERE name = 'intents_2'",
            "UPDATE sqlite_schema SET tbl_name = 'intents_2' WHERE name = 'vault_2'",
            "UPDATE sqlite_schema SET name = 'other' WHERE name = 'vault_2'",
            "UPDATE sqlite_schema SET tbl_name = x'01' WHERE name = 'vault_2'",
            "DELETE FROM sqlite_schema WHERE type = 'index'",
        ] {
            let vault = vault();
            vault.execute_batch(&format!("PRAGMA writable_schema = ON; {edit}")).unwrap();
            assert!(check(&vault, CURRENT).is_err(), "{edit}");
        }
    }

    fn made(version: usize) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        earlier::begin(&connection, version).unwrap();
        connection
            .execute_batch(
                "INSERT INTO vault VALUES (1, x'05', 1, 9, 0);
                 INSERT INTO credentials (provider, user, revision, sealed, kind, status, scopes,
                  refreshable, created_at, updated_at)
                 VALUES ('acme', 'x', 7, x'01', 'oauth', 'active', '', 1, 0, 0);
                 INSERT INTO refresh_journal VALUES ('acme', 'x', 7, x'0a', 1700000000);",
            )
            .unwrap();
        connection
    }

    fn texts(connection: &Connection) -> Vec<String> {
        let sql = "SELECT quote(sealed) FROM vault_2
                   UNION ALL SELECT journal || quote(evidence) FROM credentials_2";
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_earlier_version_reads_as_it_is_migrated() {
        for version in 1..CURRENT {
            let (shown, migrated) = (made(version), made(version));
            assert!(check(&shown, version).is_ok(), "{version}");
            earlier::show_as_today(&shown, version).unwrap();
            make(&migrated, Some(version)).unwrap();
            assert_eq!(texts(&shown), texts(&migrated), "{version}");
            assert!(check(&migrated, CURRENT).is_ok(), "{version}");
            earlier::show_as_it_is(&shown).unwrap();
            assert!(shown.prepare("SELECT * FROM credentials_2").is_err());
        }
    }

    #[test]
    fn a_migrated_vault_has_the_schema_of_a_new_one() {
        let dump = |connection: &Connection| -> Vec<(String, String, Option<String>)> {
            let sql = "SELECT type, name, sql FROM sqlite_schema";
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            rows.unwrap().map(Result::unwrap).collect()
        };
        let new = Connection::open_in_memory().unwrap();
        make(&new, None).unwrap();
        for version in 1..CURRENT {
            let migrated = made(version);
            make(&migrated, Some(version)).unwrap();
            assert_eq!(dump(&migrated), dump(&new), "{version}");
        }
    }
}
