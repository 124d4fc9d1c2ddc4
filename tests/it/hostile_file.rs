//! The vault's file as hostile input: edited with SQLite, by somebody who has no key.

use std::fs;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, json, stderr, stdout};

/// The users of the six credentials.
const USERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn six() -> TestEnv {
    USERS
        .into_iter()
        .fold(TestEnv::new(), |env, user| env.with_static_token(user, &format!("made-up-{user}")))
}

fn batch(env: &TestEnv, sql: &str) {
    env.open_vault().execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The exit code of a `get` of `user`'s token; a token is printed with 0 and never else.
#[track_caller]
fn get(env: &TestEnv, user: &str) -> i32 {
    let got = env.tokctl(["get", "vendor", "--user", user]).assert();
    let code = got.get_output().status.code().unwrap();
    let expected = if code == 0 { format!("made-up-{user}\n") } else { String::new() };
    assert_eq!(stdout(&got), expected, "{user}: {}", stderr(&got));
    code
}

#[test]
fn what_acts_by_itself_in_the_schema_stops_every_command_until_it_is_repaired() {
    for made in [
        "CREATE TRIGGER t AFTER DELETE ON credentials_2 BEGIN
          INSERT INTO credentials_2 SELECT OLD.provider, OLD.user, OLD.revision, OLD.sealed,
           OLD.kind, OLD.status, OLD.server_url, OLD.username, OLD.scopes, OLD.expires_at,
           OLD.refreshable, OLD.created_at, OLD.updated_at, OLD.last_refreshed_at, OLD.login_by,
           OLD.evidence, OLD.evidence_revision, OLD.journal, OLD.last_attempt, OLD.reported; END",
        "CREATE TRIGGER t AFTER UPDATE ON credentials_2 BEGIN SELECT 1; END",
        "CREATE TRIGGER t BEFORE INSERT ON credentials_2 BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TRIGGER t AFTER DELETE ON key_slots_2 BEGIN SELECT 1; END",
        "CREATE VIEW v AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x FROM r) SELECT * FROM r",
        "CREATE INDEX i ON credentials_2 (user)",
        "ANALYZE",
    ] {
        let env = TestEnv::new().with_static_token("a", "made-up-a");
        batch(&env, made);
        for command in [
            &["get"][..],
            &["list"],
            &["delete", "vendor", "--user", "a", "--no-revoke", "--yes"],
            &["backup", "copy.db"],
            &["rotate-key"],
        ] {
            let failed = env.tokctl(command).assert().code(7).stdout_eq("");
            let said = stderr(&failed);
            assert!(said.contains("tokctl doctor --repair"), "{made}, {command:?}: {said}");
        }
        assert!(stdout(&env.tokctl(["doctor"]).assert().code(7)).contains("--repair"), "{made}");
        // Without a terminal, nothing is done unless it is said.
        env.tokctl(["doctor", "--repair"]).assert().failure();
        env.tokctl(["get"]).assert().code(7);
        let repaired = env.tokctl(["doctor", "--repair", "--yes"]).assert().success();
        assert!(stderr(&repaired).contains("is not tokctl's"), "{}", stderr(&repaired));
        assert_eq!(get(&env, "a"), 0, "{made}");
        env.tokctl(["doctor"]).assert().success();
        env.tokctl(["audit", "--verify"]).assert().success();
    }
}

#[test]
fn a_repair_takes_entries_out_of_the_schema_and_nothing_that_they_claim() {
    const TRIGGER: &str = "CREATE TRIGGER t AFTER DELETE ON credentials_2 BEGIN SELECT 1; END; \
        PRAGMA writable_schema = ON; UPDATE sqlite_schema SET";
    for made in [
        // A table that is said to lie where the credentials do: `DROP` would free their pages.
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT 'table', 'm', 'm', rootpage,
          'CREATE TABLE m(a)' FROM sqlite_schema WHERE name = 'credentials_2'",
        // Entries that `DROP` would not find.
        &format!("{TRIGGER} name = 'other' WHERE name = 't'"),
        &format!("{TRIGGER} type = 'nonsense' WHERE name = 't'"),
        &format!("{TRIGGER} tbl_name = x'01' WHERE name = 't'"),
        // SQLite itself does not understand this one, and refuses the file.
        "PRAGMA writable_schema = ON;
          INSERT INTO sqlite_schema VALUES ('trigger', 'q', 'q', 0, 'CREATE nonsense')",
        "CREATE TABLE k (a PRIMARY KEY, b UNIQUE); CREATE INDEX i ON k (b)",
        "CREATE TABLE k (a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO k VALUES (1)",
    ] {
        let env = six();
        batch(&env, made);
        assert_eq!(get(&env, "a"), 7, "{made}");
        env.tokctl(["doctor", "--repair", "--yes"]).assert().success();
        for user in USERS {
            assert_eq!(get(&env, user), 0, "{made}");
        }
        env.tokctl(["doctor"]).assert().success();
        let whole = "PRAGMA integrity_check";
        let said: String = env.open_vault().query_row(whole, [], |row| row.get(0)).unwrap();
        assert_eq!(said, "ok", "{made}");
    }
}

#[test]
fn a_repair_drops_no_table_of_ours_under_whatever_name() {
    for edit in ["name = 'other'", "tbl_name = 'other'", "tbl_name = x'01'"] {
        let env = six();
        batch(
            &env,
            &format!(
                "CREATE VIEW v AS SELECT 1; PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET {edit} WHERE name = 'credentials_2'"
            ),
        );
        env.tokctl(["doctor", "--repair", "--yes"]).assert();
        let back = "PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET name = 'credentials_2', tbl_name = 'credentials_2'
             WHERE sql LIKE 'CREATE TABLE credentials_2%'";
        batch(&env, back);
        assert_eq!(get(&env, "a"), 0, "{edit}");
    }
}

#[test]
fn a_header_that_was_edited_is_sealed_anew_if_the_user_says_so() {
    for edit in [
        "created_at = 1",
        "sealed = zeroblob(130)",
        "sealed = x''",
        "sealed = CAST('{}' AS BLOB)",
        "sealed = 7",
        "bundle_id = x'01', bundle = x'02', bundle_at = 1",
    ] {
        let env = six();
        // The tables are strict: what does not fit is refused.
        if env.open_vault().execute(&format!("UPDATE vault_2 SET {edit}"), []).is_err() {
            continue;
        }
        assert_eq!(get(&env, "a"), 7, "{edit}");
        let told = stdout(&env.tokctl(["doctor"]).assert().code(7));
        assert!(told.contains("tokctl doctor --repair"), "{edit}: {told}");
        env.tokctl(["doctor", "--repair"]).assert().failure();
        assert_eq!(get(&env, "a"), 7, "{edit}");
        let repaired = env.tokctl(["doctor", "--repair", "--yes"]).assert().success();
        assert!(stderr(&repaired).contains("header was tampered with"), "{}", stderr(&repaired));
        for user in USERS {
            assert_eq!(get(&env, user), 0, "{edit}");
        }
        env.tokctl(["doctor"]).assert().success();
        env.tokctl(["audit", "--verify"]).assert().success();
        let env = env.with_static_token("a", "made-up-again");
        env.tokctl(["get", "vendor/a"]).assert().success().stdout_eq("made-up-again\n");
        env.tokctl(["rotate-key"]).assert().success();
    }
}

#[test]
fn an_edited_header_makes_no_older_row_pass_for_the_newest() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.open_vault().execute_batch("CREATE TABLE k AS SELECT * FROM credentials_2").unwrap();
    server.will(issue());
    env.tokctl(["refresh", "--quiet"]).assert().success();
    env.sql("REPLACE INTO credentials_2 SELECT * FROM k");
    env.sql("UPDATE vault_2 SET sealed = zeroblob(130)");
    env.tokctl(["doctor", "--repair", "--yes"]).assert().success();
    let refused = env.tokctl(["refresh"]).assert().code(7);
    assert!(stderr(&refused).contains("older"), "{}", stderr(&refused));
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn repairing_needs_the_key() {
    let env = TestEnv::new().with_static_token("a", "made-up-a");
    batch(&env, "CREATE VIEW v AS SELECT 1");
    let env = env.set("TOKCTL_KEY", crate::env::another_key());
    env.tokctl(["doctor", "--repair", "--yes"]).assert().code(5);
    env.sql("UPDATE vault_2 SET sealed = x''");
    env.tokctl(["doctor", "--repair", "--yes"]).assert().code(5);
    env.tokctl(["list"]).assert().code(7);
}

#[test]
fn a_plain_table_is_told_and_not_carried_along() {
    let env = six();
    batch(&env, "CREATE TABLE kept AS SELECT * FROM credentials_2");
    assert_eq!(get(&env, "a"), 0);
    let told = stdout(&env.tokctl(["doctor"]).assert().success());
    assert!(told.contains("the table `kept` is not tokctl's"), "{told}");
    env.tokctl(["backup", "copy.db"]).assert().success();
    let copy = rusqlite::Connection::open(env.path("copy.db")).unwrap();
    let count = "SELECT count(*) FROM sqlite_schema WHERE name = 'kept'";
    assert_eq!(copy.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn an_index_that_is_missing_or_is_another_one_is_made_anew_by_a_repair() {
    let other = "DROP INDEX credentials_2_username;
        CREATE INDEX credentials_2_username ON credentials_2(username)";
    for made in ["DROP INDEX credentials_2_server", other] {
        let env = TestEnv::new().with_static_token("a", "made-up-a");
        batch(&env, made);
        for command in [&["get"][..], &["list"], &["rotate-key"]] {
            let failed = env.tokctl(command).assert().code(7).stdout_eq("");
            assert!(stderr(&failed).contains("tokctl doctor --repair"), "{made}, {command:?}");
        }
        let told = stdout(&env.tokctl(["doctor"]).assert().code(7));
        assert!(told.contains("index credentials_2_") && told.contains("--repair"), "{told}");
        env.tokctl(["doctor", "--repair", "--yes"]).assert().success();
        assert_eq!(get(&env, "a"), 0, "{made}");
        env.tokctl(["doctor"]).assert().success();
    }
}

#[test]
fn an_index_without_its_rows_misleads_nobody_for_long() {
    let env = TestEnv::new().with_static_token("a", "made-up-a");
    let login = ["login", "vendor", "--user", "a", "--server", "https://git.example"];
    env.tokctl(login.into_iter().chain(["--token-stdin"])).stdin("made-up-a").assert().success();
    // As SQLite itself would keep an index of other rows.
    let is = |from, to| {
        format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}')
              WHERE name = 'credentials_2_server'; PRAGMA writable_schema = RESET"
        )
    };
    batch(&env, &format!("{}; REINDEX credentials_2_server", is("IS NOT NULL", "IS NULL")));
    batch(&env, &is("IS NULL", "IS NOT NULL"));
    let asked = "protocol=https\nhost=git.example\n\n";
    env.tokctl(["git-credential", "get"]).stdin(asked).assert().success().stdout_eq("");
    assert_eq!(get(&env, "a"), 0);
    let told = stdout(&env.tokctl(["doctor"]).assert().code(7));
    assert!(told.contains("missing from index"), "{told}");
}

#[test]
fn a_view_or_another_table_in_place_of_ours_is_refused() {
    for made in [
        "ALTER TABLE credentials_2 RENAME TO x; CREATE VIEW credentials_2 AS SELECT * FROM x",
        "ALTER TABLE credentials_2 ADD COLUMN more TEXT",
        "ALTER TABLE credentials_2 ADD COLUMN more TEXT AS (user)",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage =
          (SELECT rootpage FROM sqlite_schema WHERE name = 'key_slots_2') WHERE name = 'intents_2'",
        "DROP TABLE intents_2",
    ] {
        let env = six();
        batch(&env, made);
        for command in [&["get", "vendor", "--user", "a"][..], &["list"], &["backup", "copy.db"]] {
            env.tokctl(command).assert().code(7).stdout_eq("");
        }
        env.tokctl(["doctor"]).assert().code(7);
    }
}

#[test]
fn a_rollback_journal_beside_the_vault_is_not_played_into_it() {
    let env = six();
    env.file("data/tokctl/tokens.db-journal", [0xD9; 512]);
    let failed = env.tokctl(["get", "vendor", "--user", "a"]).assert().code(7).stdout_eq("");
    assert!(stderr(&failed).contains("tokens.db-journal"), "{}", stderr(&failed));
    env.tokctl(["list"]).assert().code(7);
    fs::remove_file(env.path("data/tokctl/tokens.db-journal")).unwrap();
    assert_eq!(get(&env, "a"), 0);
}

#[test]
fn an_audit_that_was_erased_is_told_until_a_new_one_is_begun() {
    let env = six();
    fs::write(env.path("data/tokctl/tokens.db.d/audit.jsonl"), "").unwrap();
    env.tokctl(["audit", "--verify"]).assert().code(7);
    env.tokctl(["doctor"]).assert().code(7);
    assert_eq!(get(&env, "a"), 0);
    env.tokctl(["audit", "--verify"]).assert().code(7);
    let repaired = env.tokctl(["doctor", "--repair", "--yes"]).assert().success();
    assert!(stderr(&repaired).contains("the audit was tampered with"), "{}", stderr(&repaired));
    env.tokctl(["audit", "--verify"]).assert().success();
    env.tokctl(["doctor"]).assert().success();
    assert_eq!(get(&env, "a"), 0);
    env.tokctl(["audit", "--verify"]).assert().success();
}

#[test]
fn where_the_audit_is_required_an_erased_one_stops_a_token() {
    let env = TestEnv::new();
    env.add_config("audit = \"required\"\n");
    let env = env.with_static_token("a", "made-up-a");
    assert_eq!(get(&env, "a"), 0);
    fs::remove_file(env.path("data/tokctl/tokens.db.d/audit.jsonl")).unwrap();
    assert_eq!(get(&env, "a"), 7);
    env.tokctl(["doctor", "--repair", "--yes"]).assert().success();
    assert_eq!(get(&env, "a"), 0);
}

#[test]
fn forged_evidence_stops_what_would_send_and_no_good_token() {
    for edit in [
        "last_attempt = '{\"action\":\"refresh\",\"began_at\":\"2026-01-01T00:00:00Z\",\
          \"ended_at\":\"2026-01-01T00:00:00Z\",\"outcome\":\"passing\",\
          \"not_before\":\"9999-01-01T00:00:00Z\"}'",
        "journal = '{\"revision\":1,\"attempt\":\"00112233445566778899aabbccddeeff\",\
          \"started_at\":\"2020-01-01T00:00:00Z\"}'",
        "journal = 'nonsense'",
        "reported = 'login_required'",
        "evidence = x''",
        "evidence_revision = 9223372036854775807",
        "evidence_revision = 0",
    ] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_login("x", &server, issue());
        env.sql(&format!("UPDATE credentials_2 SET {edit}"));
        let got = env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
        assert!(stderr(&got).contains("tampered with"), "{edit}: {}", stderr(&got));
        env.tokctl(["list"]).assert().success();
        for command in [&["refresh"][..], &["why"], &["rotate-key"]] {
            env.tokctl(command).assert().code(7).stdout_eq("");
        }
        env.tokctl(["doctor"]).assert().code(7);
        assert_eq!(server.token_requests().len(), 1, "{edit}: nothing is sent");
        env.tokctl(["delete", "--user", "x", "--no-revoke", "--yes"]).assert().success();
    }
}

#[test]
fn an_imported_bundle_can_not_be_forgotten_by_itself() {
    // What remembers it is sealed with the audit's key and the counter.
    let env = six();
    let kept: Vec<u8> =
        env.open_vault().query_row("SELECT sealed FROM vault_2", [], |row| row.get(0)).unwrap();
    let env = env.with_static_token("g", "made-up-g");
    env.open_vault().execute("UPDATE vault_2 SET sealed = ?1", [kept]).unwrap();
    // This machine has seen a newer one.
    let failed = env.tokctl(["rotate-key"]).assert().code(7);
    assert!(stderr(&failed).contains("older"), "{}", stderr(&failed));
    assert_eq!(get(&env, "a"), 0);
}

const MARK: &str = "UPDATE vault_2 SET copied_at = 1577836800";

#[test]
fn a_vault_that_was_made_to_look_like_a_copy_is_none_on_the_machine_that_wrote_it() {
    let env = TestEnv::new();
    env.add_config("audit = \"required\"\n");
    let env = env.with_static_token("a", "made-up-a");
    let audit = env.path("data/tokctl/tokens.db.d/audit.jsonl");
    env.sql(MARK);
    let verify = ["audit", "--verify", "--json"];
    let found = json(&env.tokctl(verify).assert().success());
    assert_eq!(found.get("copied_at"), None, "{found}");
    fs::write(&audit, "").unwrap();
    env.tokctl(verify).assert().code(7);
    assert_eq!(get(&env, "a"), 7, "no entry, no token");
    // A write does not wash it off.
    env.add_config("[providers.other]\napi_auth = \"bearer\"\n");
    env.tokctl(["login", "other", "--user", "z", "--token-stdin"]).stdin("made-up-z").assert();
    env.tokctl(verify).assert().code(7);
    env.tokctl(["doctor", "--repair", "--yes"]).assert().success();
    env.tokctl(verify).assert().success();
    assert_eq!(get(&env, "a"), 0);
}

#[test]
fn a_vault_that_was_made_to_look_like_a_copy_is_told_as_one_where_it_was_never_written() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.sql(MARK);
    fs::remove_dir_all(env.path("state/tokctl")).unwrap();
    let found = json(&env.tokctl(["audit", "--verify", "--json"]).assert().success());
    assert_eq!(found["copied_at"], "2020-01-01T00:00:00Z", "{found}");
}
