//! The tables, and how older files get them.
//!
//! A migration never needs the key, so that any command can do it.

use rusqlite::Connection;

use crate::store::error::Error;

/// The number that tells a vault from other programs' databases: `tokc` in ASCII.
const APPLICATION_ID: i32 = 0x746F_6B63;

/// One entry for each version of the schema; `user_version` counts those that were applied.
const MIGRATIONS: [&str; 5] = [
    "
    -- The vault itself: one row, absent until the vault has a first key slot.
    CREATE TABLE vault (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        vault_id BLOB NOT NULL,
        generation INTEGER NOT NULL, -- of the data key
        revision INTEGER NOT NULL, -- the last one that was given to a credential
        created_at INTEGER NOT NULL -- times are seconds since 1970, UTC
    ) STRICT;

    -- Ways to unlock the vault.
    CREATE TABLE key_slots (
        id BLOB PRIMARY KEY,
        kind TEXT NOT NULL,
        memory INTEGER NOT NULL, -- Argon2id, in KiB
        passes INTEGER NOT NULL,
        lanes INTEGER NOT NULL,
        salt BLOB NOT NULL,
        key_check BLOB NOT NULL,
        wrapped_key BLOB NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;

    -- Keychain entries that are about to be made, or were replaced and are about to go.
    CREATE TABLE intents (
        keychain_entry TEXT PRIMARY KEY,
        created_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE credentials (
        provider TEXT NOT NULL,
        user TEXT NOT NULL,
        revision INTEGER NOT NULL, -- another one with every change, never used again
        sealed BLOB NOT NULL,
        -- The rest is a copy of what is sealed: it can be looked at, and decides nothing.
        kind TEXT NOT NULL,
        status TEXT NOT NULL,
        server_url TEXT,
        username TEXT,
        scopes TEXT NOT NULL, -- by spaces
        expires_at INTEGER,
        refreshable INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        last_refreshed_at INTEGER,
        PRIMARY KEY (provider, user)
    ) STRICT;

    -- Refreshes whose request may have been sent and whose answer was not stored yet.
    CREATE TABLE refresh_journal (
        provider TEXT NOT NULL,
        user TEXT NOT NULL,
        revision INTEGER NOT NULL,
        attempt BLOB NOT NULL,
        started_at INTEGER NOT NULL,
        PRIMARY KEY (provider, user)
    ) STRICT;
",
    "
    ALTER TABLE credentials ADD COLUMN login_by INTEGER;

    CREATE TABLE attempts (
        provider TEXT NOT NULL,
        user TEXT NOT NULL,
        last TEXT NOT NULL,
        PRIMARY KEY (provider, user)
    ) STRICT;

    -- What was last told of a credential that is not refreshed.
    CREATE TABLE standings (
        provider TEXT NOT NULL,
        user TEXT NOT NULL,
        told TEXT NOT NULL,
        PRIMARY KEY (provider, user)
    ) STRICT;

    CREATE TABLE audit (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        key BLOB NOT NULL,
        head BLOB NOT NULL
    ) STRICT;
",
    "
    ALTER TABLE intents ADD COLUMN seal BLOB; -- absent while the vault has no data key
",
    "
    -- The bundle whose credentials were handed over and which is not known to be in place: one row
    -- at most.
    CREATE TABLE unplaced_bundle (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        bundle_id BLOB NOT NULL,
        sealed TEXT NOT NULL, -- as it is written to a file
        created_at INTEGER NOT NULL
    ) STRICT;

    -- Bundles that were taken in.
    CREATE TABLE opened_bundles (
        bundle_id BLOB PRIMARY KEY,
        opened_at INTEGER NOT NULL
    ) STRICT;
",
    // The tables stay as they are. Seals cover the columns beside them from here on, and an earlier
    // program would take those for broken ones. Rows under earlier seals are still read; whatever
    // writes one, and a change of the data key, seals it anew.
    "",
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

/// Reads which version the file has; within a transaction, since it takes several looks.
pub(super) fn version(connection: &Connection) -> Result<Version, Error> {
    let pragma = |sql| connection.query_row(sql, [], |row| row.get::<_, i32>(0));
    let application_id = pragma("PRAGMA application_id")?;
    let version = pragma("PRAGMA user_version")?;
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

/// The tables of the current version that are not there.
pub(crate) fn missing_tables(connection: &Connection) -> Result<Vec<&'static str>, Error> {
    let mut named = connection
        .prepare("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1")?;
    let mut missing = Vec::new();
    for table in tables() {
        if named.query_row([table], |row| row.get::<_, i64>(0))? == 0 {
            missing.push(table);
        }
    }
    Ok(missing)
}

/// The names of all tables.
fn tables() -> impl Iterator<Item = &'static str> {
    let made = MIGRATIONS.iter().flat_map(|migration| migration.split("CREATE TABLE ").skip(1));
    made.filter_map(|rest| rest.split_whitespace().next())
}

/// The version that this program writes.
pub(super) const CURRENT: usize = MIGRATIONS.len();

/// Brings the tables from version `from` to the current one, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Read again: another process may have migrated while this one waited for its turn.
    let from = match version(&transaction)? {
        Version::Empty => 0,
        Version::Known(version) => version,
        // Whoever migrated it in between knows better.
        Version::Foreign | Version::Newer => return Err(Error::Busy),
    };
    for migration in &MIGRATIONS[from..] {
        transaction.execute_batch(migration)?;
    }
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {CURRENT};"
    ))?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_missing_is_named() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(missing_tables(&connection).unwrap().len(), tables().count());
        migrate(&mut connection).unwrap();
        assert!(missing_tables(&connection).unwrap().is_empty());
        for table in tables() {
            connection.execute_batch(&format!("ALTER TABLE {table} RENAME TO other")).unwrap();
            assert_eq!(missing_tables(&connection).unwrap(), [table]);
            connection.execute_batch(&format!("ALTER TABLE other RENAME TO {table}")).unwrap();
        }
    }
}
