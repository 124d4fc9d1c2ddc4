//! A vault that is older than this machine has seen: a row put back, a whole file put back, a backup
//! restored, a sync conflict. Its refresh token may be spent, and a strict server would end the
//! grant.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, json, private_folder, set_mode, stderr};
use crate::terminal;

/// What every message about it has to name.
const WAY_OUT: &str = "tokctl doctor --accept-older --yes";

/// The vault's files, to be put back later.
struct Copy {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Copy {
    fn of(env: &TestEnv) -> Self {
        env.open_vault().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        let path = env.vault_path();
        let content = fs::read(&path).unwrap();
        Self { files: vec![(path, content)] }
    }

    fn put_back(&self) {
        for (path, content) in &self.files {
            for suffix in ["-wal", "-shm"] {
                let _ = fs::remove_file(PathBuf::from(format!("{}{suffix}", path.display())));
            }
            fs::write(path, content).unwrap();
        }
    }
}

/// Puts the row of `user` back as it is in `copy`.
fn put_row_back(env: &TestEnv, copy: &Path, user: &str) {
    let vault = env.open_vault();
    vault.execute("ATTACH ?1 AS earlier", [copy.to_str().unwrap()]).unwrap();
    let table: String = vault
        .query_row(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'credentials%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let sql = format!(
        "INSERT OR REPLACE INTO main.{table} SELECT * FROM earlier.{table} WHERE user = ?1"
    );
    assert_eq!(vault.execute(&sql, [user]).unwrap(), 1);
}

fn refresh(env: &TestEnv, server: &AuthorizationServer) {
    server.will(issue());
    env.tokctl(["refresh", "--quiet"]).assert().success();
}

#[track_caller]
fn assert_refused(env: &TestEnv, args: &[&str]) {
    let refused = env.tokctl(args).assert().code(7).stdout_eq("");
    let said = stderr(&refused);
    assert!(said.contains("older than one that this machine has seen"), "{said}");
    assert!(said.contains(WAY_OUT), "{said}");
}

#[test]
fn a_row_that_was_put_back_spends_no_token() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.tokctl(["backup", "copy.db"]).assert().success();
    refresh(&env, &server);
    put_row_back(&env, &env.path("copy.db"), "x");

    // The token itself is good, and nothing is asked about it.
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n").stderr_eq("");
    assert_refused(&env, &["refresh"]);
    let found = json(&env.tokctl(["doctor", "--json"]).assert().code(7));
    let checks = found["checks"].as_array().unwrap();
    let freshness = checks.iter().find(|check| check["name"] == "freshness").unwrap();
    assert_eq!(freshness["result"], "damaged", "{freshness}");
    assert!(freshness["hint"].as_str().unwrap().contains(WAY_OUT), "{freshness}");
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_row_that_was_put_back_is_older_after_a_rotation_too() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let copy = env.path("copy.db");
    env.tokctl(["backup", copy.to_str().unwrap()]).assert().success();
    refresh(&env, &server);
    put_row_back(&env, &copy, "x");
    env.tokctl(["rotate-key"]).assert().success();
    assert_refused(&env, &["refresh"]);
    let sent = server.token_requests().len();
    assert_eq!(sent, 2, "the login's and the refresh's");
}

#[test]
fn a_journal_that_was_taken_back_spends_no_token() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.tokctl(["backup", "copy.db"]).assert().success();
    server.will(issue().lost());
    env.tokctl(["refresh"]).assert().code(6);
    // The same credential at the same revision, without a word of the request that was sent.
    put_row_back(&env, &env.path("copy.db"), "x");
    assert_refused(&env, &["refresh"]);
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n").stderr_eq("");
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_due_token_that_still_works_is_printed_with_a_warning() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config("refresh = { margin = \"2h\" }\n");
    env.log_in("x", &server, issue());
    let copy = Copy::of(&env);
    refresh(&env, &server);
    copy.put_back();
    let printed = env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    assert!(stderr(&printed).contains("older than one that this machine has seen"));
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_restored_backup_is_used_once_it_is_accepted() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    env.tokctl(["backup", "copy.db"]).assert().success();
    refresh(&env, &server);
    let copy = fs::read(env.path("copy.db")).unwrap();
    Copy { files: vec![(env.vault_path(), copy)] }.put_back();

    for command in [&["get"][..], &["why"], &["rotate-key"], &["doctor", "--repair", "--yes"]] {
        assert_refused(&env, command);
    }
    // Nobody can be asked here.
    env.tokctl(["doctor", "--accept-older"]).assert().code(2);
    assert_refused(&env, &["get"]);
    let accepted = env.tokctl(["doctor", "--accept-older", "--yes"]).assert().success();
    let said = stderr(&accepted);
    assert!(said.contains("takes an old one for stolen"), "{said}");
    assert!(said.contains("acme/x"), "{said}");
    server.will(crate::authorization_server::refuse(400, "invalid_grant").for_a_spent_token());
    env.tokctl(["get"]).assert().code(4);
    env.tokctl(["doctor", "--accept-older", "--yes"]).assert().success();
}

#[test]
fn a_person_is_asked_before_an_older_vault_is_accepted() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let copy = Copy::of(&env);
    refresh(&env, &server);
    copy.put_back();
    for (answer, accepted) in [("n", false), ("y", true)] {
        let mut session = terminal::at_a_terminal(&env, &["doctor", "--accept-older"]);
        session.exp_string("takes an old one for stolen").unwrap();
        session.exp_string("accept the vault as it is").unwrap();
        session.send_line(answer).unwrap();
        let (_, code) = terminal::ending(session);
        assert_eq!(code, i32::from(!accepted));
        let found = json(&env.tokctl(["doctor", "--json"]).assert());
        let checks = found["checks"].as_array().unwrap();
        let freshness = checks.iter().find(|check| check["name"] == "freshness").unwrap();
        assert_eq!(freshness["result"] == "ok", accepted, "{freshness}");
    }
}

#[test]
fn a_login_accepts_the_account_and_no_other() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    env.log_in("y", &server, issue().expires_in(0));
    let copy = Copy::of(&env);
    server.will(issue().expires_in(0));
    server.will(issue().expires_in(0));
    env.tokctl(["refresh", "--all"]).assert().success();
    copy.put_back();

    env.log_in_again("x", &server, issue().expires_in(0));
    server.will(issue());
    env.tokctl(["refresh", "--user", "x"]).assert().success();
    assert_refused(&env, &["refresh", "--user", "y"]);
    env.tokctl(["delete", "--user", "y", "--no-revoke", "--yes"]).assert().success();
    env.log_in("y", &server, issue().expires_in(0));
    server.will(issue());
    env.tokctl(["refresh", "--user", "y"]).assert().success();
}

#[test]
fn a_login_on_an_older_file_lets_no_other_credential_pass_for_the_newest() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    let older = Copy::of(&env);
    // Another machine spends the refresh token; this one sees the file, and not that credential.
    server.will(issue().expires_in(0));
    let mut elsewhere = env.command(["refresh", "--quiet"]);
    elsewhere.env("XDG_STATE_HOME", env.path("other-state"));
    assert!(elsewhere.status().unwrap().success());
    let env = env.with_static_token("z", "made-up-z");
    older.put_back();
    let sent = server.token_requests().len();
    assert_refused(&env, &["refresh", "acme/x"]);
    for number in 0..8 {
        let env = &env;
        let login = env.tokctl(["login", "vendor", "--user", "w", "--token-stdin"]);
        login.stdin(format!("made-up-{number}")).assert().success();
        assert_refused(env, &["refresh", "acme/x"]);
    }
    assert_eq!(server.token_requests().len(), sent);
    env.tokctl(["get", "vendor/w"]).assert().success().stdout_eq("made-up-7\n");
}

#[test]
fn a_sync_conflict_that_the_other_machine_won_spends_no_token() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    env.log_in("y", &server, issue().expires_in(0));
    let common = Copy::of(&env);
    server.will(issue().expires_in(0));
    env.tokctl(["refresh", "--user", "x"]).assert().success();
    // The other machine never saw that, and writes more than this one did.
    let here = Copy::of(&env);
    common.put_back();
    let there = env.path("other-state").into_os_string();
    for _ in 0..3 {
        server.will(issue().expires_in(0));
        let mut command = env.command(["refresh", "--user", "y"]);
        let status = command.env("XDG_STATE_HOME", &there).stderr(Stdio::null()).status();
        assert!(status.unwrap().success());
    }
    let other = Copy::of(&env);
    here.put_back();
    other.put_back();
    let before = server.token_requests().len();
    assert_refused(&env, &["refresh", "--user", "x"]);
    assert_eq!(server.token_requests().len(), before);
    server.will(issue().expires_in(0));
    env.tokctl(["refresh", "--user", "y"]).assert().success();
}

#[test]
fn without_a_memory_all_works_as_on_a_machine_that_saw_nothing() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    refresh(&env, &server);
    fs::remove_dir_all(env.path("state/tokctl")).unwrap();
    refresh(&env, &server);
    // A state directory that can't be written, one that can't be made, and none at all.
    let seen = env.path("state/tokctl");
    fs::remove_dir_all(&seen).unwrap();
    env.file("state/tokctl", "not a directory");
    refresh(&env, &server);
    let env = env.set("XDG_STATE_HOME", "/proc/nowhere");
    refresh(&env, &server);
    let env = env.unset("XDG_STATE_HOME").unset("HOME");
    refresh(&env, &server);
}

#[test]
fn the_memory_is_private_and_names_nobody() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("alice", &server, issue());
    let folder = env.path("state/tokctl");
    let files: Vec<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let mode = |path: &Path| {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode(&folder), mode(&files[0])), (0o700, 0o600));
    let content = fs::read(&files[0]).unwrap();
    for text in ["alice", "acme", "access-1", "refresh-1"] {
        let found = content.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!found, "{text}");
    }
    env.tokctl(["get"]).assert().success();
    assert_eq!(fs::read(&files[0]).unwrap(), content, "a get writes nothing");
    private_folder(&env.path("elsewhere"));
    set_mode(&folder, 0o500);
    refresh(&env, &server);
    set_mode(&folder, 0o700);
}
