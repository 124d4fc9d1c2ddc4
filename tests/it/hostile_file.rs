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
fn repairing_needs_the_key() {
    let env = TestEnv::new().with_static_token("a", "made-up-a");
    batch(&env, "CREATE VIEW v AS SELECT 1");
    let env = env.set("TOKCTL_KEY", crate::env::another_key());
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

/// One edit of one credential, its row or the header, and what becomes of `get` and `list`.
#[test]
fn each_edit_has_its_own_outcome() {
    /// The exit codes of `get` for the edited credential, `get` for the others, and `list`.
    type Codes = (i32, i32, i32);
    const ROW: Codes = (7, 0, 0);
    const EVIDENCE: Codes = (0, 0, 0);
    const ODD: Codes = (7, 0, 7);
    const ALL: Codes = (7, 7, 0);
    const NOTHING: Codes = (0, 0, 0);
    const GONE: Codes = (3, 0, 0);
    const SLOTS: Codes = (7, 7, 0);
    let row = |edit: &str| format!("UPDATE credentials_2 SET {edit} WHERE user = 'a'");
    let edits = [
        (row("revision = revision + 1"), ROW),
        (row("sealed = zeroblob(200)"), ROW),
        (row("sealed = (SELECT sealed FROM credentials_2 WHERE user = 'b')"), ROW),
        (row("kind = 'oauth'"), ROW),
        (row("kind = 'nonsense'"), ODD),
        (row("status = 'login_required'"), ROW),
        (row("server_url = 'https://evil.example'"), ROW),
        (row("username = 'evil'"), ROW),
        (row("scopes = 'admin'"), ROW),
        (row("expires_at = 1"), ROW),
        (row("refreshable = 1"), ROW),
        (row("created_at = 1"), ROW),
        (row("updated_at = 1"), ROW),
        (row("last_refreshed_at = 1"), ROW),
        (row("login_by = 1"), ROW),
        (row("evidence = zeroblob(41)"), EVIDENCE),
        (row("evidence_revision = evidence_revision + 1"), EVIDENCE),
        (row("journal = '{}'"), EVIDENCE),
        (row("last_attempt = '{}'"), EVIDENCE),
        (row("reported = 'refresh_failed'"), EVIDENCE),
        ("DELETE FROM credentials_2 WHERE user = 'a'".into(), GONE),
        (row("user = 'z'"), GONE),
        ("UPDATE vault_2 SET vault_id = zeroblob(16)".into(), SLOTS),
        ("UPDATE vault_2 SET generation = generation + 1".into(), SLOTS),
        ("UPDATE vault_2 SET created_at = 1".into(), ALL),
        ("UPDATE vault_2 SET sealed = zeroblob(130)".into(), ALL),
        ("UPDATE vault_2 SET sealed = x''".into(), ALL),
        ("UPDATE vault_2 SET sealed = CAST('{\"revision\":1,\"opened\":[]}' AS BLOB)".into(), ALL),
        ("UPDATE vault_2 SET bundle_id = zeroblob(16), bundle = 'x', bundle_at = 1".into(), ALL),
        ("DELETE FROM vault_2".into(), ALL),
        ("UPDATE key_slots_2 SET vault_id = zeroblob(16)".into(), SLOTS),
        ("UPDATE key_slots_2 SET key_check = zeroblob(16)".into(), SLOTS),
        ("UPDATE key_slots_2 SET salt = zeroblob(16)".into(), SLOTS),
        ("UPDATE key_slots_2 SET wrapped_key = zeroblob(73)".into(), SLOTS),
        ("UPDATE key_slots_2 SET passes = passes + 1".into(), SLOTS),
        ("UPDATE key_slots_2 SET created_at = 1".into(), NOTHING),
        ("INSERT INTO intents_2 VALUES ('x', 1, NULL)".into(), NOTHING),
    ];
    for (edit, (own, others, list)) in edits {
        let env = six();
        env.sql(&edit);
        assert_eq!(get(&env, "a"), own, "{edit}");
        for user in &USERS[1..] {
            assert_eq!(get(&env, user), others, "{edit}: {user}");
        }
        env.tokctl(["list"]).assert().code(list);
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
