//! The tables of versions 1 to 5, how today's program reads them, and how they become today's.
//!
//! One text says how the rows of an earlier version look in today's tables. A reader lays it over
//! the file as temporary views, and changes nothing; a migration copies the rows by it. Neither
//! needs the key: rows keep their seals, and evidence and header carry what stood in the clear,
//! until the first write under the key seals all of it (`upgrade.rs`).

use rusqlite::Connection;

use crate::store::error::Error;

/// One entry for each earlier version of the schema.
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

/// The last of the earlier versions.
pub(super) const LAST: usize = MIGRATIONS.len();

/// A table of an earlier version: its name, its text, and whether its primary key has an index.
pub(super) type EarlierTable = (&'static str, String, bool);

/// Makes the tables of `version` in a file that has none.
pub(super) fn begin(connection: &Connection, version: usize) -> Result<(), Error> {
    for migration in &MIGRATIONS[..version] {
        connection.execute_batch(migration)?;
    }
    Ok(())
}

/// Returns the tables of `version`, as SQLite writes them down.
pub(super) fn schema(version: usize) -> Result<Vec<EarlierTable>, Error> {
    let made = Connection::open_in_memory()?;
    begin(&made, version)?;
    let mut statement = made.prepare(
        "SELECT sql, EXISTS (SELECT 1 FROM sqlite_schema AS i WHERE i.type = 'index'
          AND i.tbl_name = t.name) FROM sqlite_schema AS t WHERE type = 'table' AND name = ?1",
    )?;
    let mut tables = Vec::new();
    for name in names(version) {
        let (sql, indexed) = statement.query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        tables.push((name, sql, indexed));
    }
    Ok(tables)
}

/// The names of the tables of `version`.
fn names(version: usize) -> impl Iterator<Item = &'static str> {
    let made =
        MIGRATIONS[..version].iter().flat_map(|migration| migration.split("CREATE TABLE ").skip(1));
    made.filter_map(|rest| rest.split_whitespace().next())
}

/// Brings the tables of `version` to those of the last earlier version.
pub(super) fn complete(connection: &Connection, version: usize) -> Result<(), Error> {
    for migration in &MIGRATIONS[version..] {
        connection.execute_batch(migration)?;
    }
    Ok(())
}

/// Moves all rows of the last earlier version into today's tables, which are empty, and drops the
/// earlier tables.
pub(super) fn move_rows(connection: &Connection) -> Result<(), Error> {
    for (table, columns, rows) in today(LAST) {
        connection.execute_batch(&format!("INSERT INTO {table} ({columns}) {rows}"))?;
    }
    for table in names(LAST) {
        connection.execute_batch(&format!("DROP TABLE {table}"))?;
    }
    Ok(())
}

/// Lays the rows of `version` over the connection as today's tables, which only this connection
/// sees. Nothing is written.
pub(super) fn show_as_today(connection: &Connection, version: usize) -> Result<(), Error> {
    connection.execute_batch("PRAGMA temp_store = MEMORY")?;
    for (table, _, rows) in today(version) {
        connection.execute_batch(&format!("CREATE TEMP VIEW {table} AS {rows}"))?;
    }
    Ok(())
}

/// Takes the views of [`show_as_today`] away.
pub(super) fn show_as_it_is(connection: &Connection) -> Result<(), Error> {
    for (table, ..) in today(LAST) {
        connection.execute_batch(&format!("DROP VIEW IF EXISTS temp.{table}"))?;
    }
    Ok(())
}

/// The rows of `version` as today's tables have them: the table, its columns, and a `SELECT`.
fn today(version: usize) -> [(&'static str, &'static str, String); 4] {
    // A column or table that a version does not have.
    let since = |first: usize, there: &str, else_: &str| -> String {
        if version >= first { there.into() } else { else_.into() }
    };
    let (audit_key, audit_head) = (
        since(2, "(SELECT hex(key) FROM main.audit)", "NULL"),
        since(2, "(SELECT hex(head) FROM main.audit)", "NULL"),
    );
    let opened = since(
        4,
        "(SELECT json_group_array(json_array(hex(bundle_id), opened_at)) FROM main.opened_bundles)",
        "'[]'",
    );
    let bundle =
        |column: &str| since(4, &format!("(SELECT {column} FROM main.unplaced_bundle)"), "NULL");
    let (id, text, at) = (bundle("bundle_id"), bundle("sealed"), bundle("created_at"));
    let seal = since(3, "seal", "NULL");
    let login_by = since(2, "c.login_by", "NULL");
    let (attempt, reported) = (since(2, "a.last", "NULL"), since(2, "s.told", "NULL"));
    let more = since(
        2,
        "LEFT JOIN main.attempts AS a ON a.provider = c.provider AND a.user = c.user
         LEFT JOIN main.standings AS s ON s.provider = c.provider AND s.user = c.user",
        "",
    );
    [
        (
            "vault_2",
            "one, vault_id, generation, created_at, copied_at, sealed, bundle_id, bundle, bundle_at",
            format!(
                "SELECT one, vault_id, generation, created_at, NULL AS copied_at,
                  CAST(json_object('revision', revision, 'audit_key', {audit_key},
                   'audit_head', {audit_head}, 'opened', json({opened})) AS BLOB) AS sealed,
                  {id} AS bundle_id, {text} AS bundle, {at} AS bundle_at
                 FROM main.vault"
            ),
        ),
        (
            "key_slots_2",
            "id, vault_id, kind, memory, passes, lanes, salt, key_check, wrapped_key, created_at",
            "SELECT id, (SELECT vault_id FROM main.vault) AS vault_id, kind, memory, passes, lanes,
              salt, key_check, wrapped_key, created_at FROM main.key_slots"
                .into(),
        ),
        (
            "intents_2",
            "keychain_entry, created_at, seal",
            format!("SELECT keychain_entry, created_at, {seal} AS seal FROM main.intents"),
        ),
        (
            "credentials_2",
            "rowid, provider, user, revision, sealed, kind, status, server_url, username, scopes,
             expires_at, refreshable, created_at, updated_at, last_refreshed_at, login_by, evidence,
             evidence_revision, journal, last_attempt, reported",
            format!(
                "SELECT c.rowid AS rowid, c.provider AS provider, c.user AS user,
                  c.revision AS revision, sealed, kind, status, server_url, username, scopes,
                  expires_at, refreshable, created_at, updated_at, last_refreshed_at,
                  {login_by} AS login_by, x'' AS evidence, c.revision AS evidence_revision,
                  CASE WHEN j.revision IS NOT NULL THEN json_object('revision', j.revision,
                   'attempt', lower(hex(j.attempt)), 'started_at',
                   strftime('%Y-%m-%dT%H:%M:%SZ', j.started_at, 'unixepoch')) END AS journal,
                  {attempt} AS last_attempt, {reported} AS reported
                 FROM main.credentials AS c
                 LEFT JOIN main.refresh_journal AS j
                  ON j.provider = c.provider AND j.user = c.user AND j.revision = c.revision
                 {more}"
            ),
        ),
    ]
}
