//! `tokctl backup`: a private copy that opens with the same slots.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, another_key, private_folder, set_mode, stderr};

#[test]
fn a_copy_is_private_and_opens_with_the_same_key() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    // With something in the log that is not in the file yet.
    let other = env.open_vault();
    other.execute_batch("BEGIN").unwrap();
    let _: i64 = other.query_row("SELECT count(*) FROM vault_2", [], |row| row.get(0)).unwrap();
    let env = env.with_static_token("y", "made-up-2").unset("TOKCTL_KEY");
    env.tokctl(["backup", "copy.db"]).assert().success().stdout_eq("");
    assert_eq!(fs::metadata(env.path("copy.db")).unwrap().permissions().mode() & 0o777, 0o600);
    let env = env.set("TOKCTL_KEY", crate::env::made_up_key());
    env.tokctl(["--vault", "copy.db", "get", "vendor", "--user", "y"])
        .assert()
        .success()
        .stdout_eq("made-up-2\n");
    let env = env.set("TOKCTL_KEY", another_key());
    env.tokctl(["--vault", "copy.db", "get", "vendor", "--user", "y"]).assert().code(5);
}

#[test]
fn a_copy_does_not_go_to_a_stream() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let said = stderr(&env.tokctl(["backup", "-"]).assert().code(2));
    assert!(said.contains("hint: tokctl backup vault.db\n"), "{said}");
}

#[test]
fn a_copy_can_be_written_to() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    env.tokctl(["backup", "copy.db"]).assert().success();
    server.will(issue());
    env.tokctl(["--vault", "copy.db", "get"]).assert().success().stdout_eq("access-2\n");
    env.tokctl(["--vault", "copy.db", "rotate-key"]).assert().success();
    env.tokctl(["--vault", "copy.db", "get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_copy_begins_an_audit_of_its_own() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["get"]).assert().success();
    private_folder(&env.path("copy"));
    env.tokctl(["backup", "copy/tokens.db"]).assert().success();
    let in_copy =
        |command: &[&str]| env.tokctl(["--vault", "copy/tokens.db"].iter().chain(command)).assert();
    for _ in 0..2 {
        in_copy(&["audit", "--verify"]).success();
        in_copy(&["doctor"]).success();
        in_copy(&["get"]).success();
        in_copy(&["rotate-key"]).success();
    }
}

#[test]
fn a_copy_deletes_nothing_from_the_keychain_of_the_original() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let intents = |vault: &std::path::Path| -> i64 {
        let vault = rusqlite::Connection::open(vault).unwrap();
        vault.query_row("SELECT count(*) FROM intents_2", [], |row| row.get(0)).unwrap()
    };
    env.open_vault()
        .execute("INSERT INTO intents_2 (keychain_entry, created_at) VALUES ('made up', 0)", [])
        .unwrap();
    env.tokctl(["backup", "copy.db"]).assert().success();
    assert_eq!((intents(&env.vault_path()), intents(&env.path("copy.db"))), (1, 0));
}

#[test]
fn nothing_is_overwritten_by_a_copy() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let file = env.file("copy.db", "something else");
    let refused = env.tokctl(["backup", "copy.db"]).assert().code(1);
    let said = stderr(&refused);
    assert!(said.contains("hint: name a file that is not there yet"), "{said}");
    assert_eq!(fs::read_to_string(file).unwrap(), "something else");
    env.tokctl(["backup", env.vault_path().to_str().unwrap()]).assert().code(1);
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
}

#[test]
fn a_copy_that_can_not_be_made_leaves_nothing() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["backup", "nowhere/copy.db"]).assert().code(1);
    // Damaged where a copy has to read it.
    let mut vault = fs::read(env.vault_path()).unwrap();
    let end = vault.len();
    vault[4096..end].fill(0xAA);
    fs::write(env.vault_path(), vault).unwrap();
    let failed = env.tokctl(["backup", "copy.db"]).assert().code(7);
    assert!(stderr(&failed).contains("damaged"), "{}", stderr(&failed));
    assert!(!env.path("copy.db").exists());
}

#[test]
fn a_copy_of_what_is_on_a_read_only_disk_can_be_made() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let folder = env.vault_path().parent().unwrap().to_owned();
    set_mode(&env.vault_path(), 0o400);
    set_mode(&folder, 0o500);
    env.tokctl(["backup", "copy.db"]).assert().success();
    set_mode(&folder, 0o700);
    env.tokctl(["--vault", "copy.db", "get"]).assert().success().stdout_eq("made-up-token\n");
}

/// Puts a copy in the vault's place, beside the audit that went on since.
fn restored() -> TestEnv {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["backup", "copy.db"]).assert().success();
    for _ in 0..3 {
        env.tokctl(["get"]).assert().success();
    }
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(env.path(&format!("data/tokctl/tokens.db{suffix}")));
    }
    fs::rename(env.path("copy.db"), env.vault_path()).unwrap();
    env
}

fn audits(env: &TestEnv) -> Vec<String> {
    let beside = fs::read_dir(env.path("data/tokctl/tokens.db.d")).unwrap();
    let names = beside.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.contains(".jsonl")).collect();
    names.sort();
    names
}

#[test]
fn a_restored_copy_goes_on_with_the_audit_beside_it() {
    let env = restored();
    env.tokctl(["audit", "--verify"]).assert().success();
    env.tokctl(["doctor"]).assert().success();
    let env = env.with_static_token("y", "made-up-other");
    env.tokctl(["get", "--user", "y"]).assert().success();
    env.tokctl(["audit", "--verify"]).assert().success();
    assert_eq!(audits(&env), ["audit.jsonl"]);
    let begun = env.path("data/tokctl/tokens.db.d/audit.jsonl");
    assert_eq!(fs::read_to_string(begun).unwrap().lines().count(), 6, "nothing of it is lost");
}

#[test]
fn a_copy_that_is_used_elsewhere_begins_an_audit_that_ends_where_it_is_cut() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["get"]).assert().success();
    fs::create_dir(env.path("copy")).unwrap();
    set_mode(&env.path("copy"), 0o700);
    env.tokctl(["backup", "copy/tokens.db"]).assert().success();
    let in_copy =
        |command: &[&str]| env.tokctl(["--vault", "copy/tokens.db"].iter().chain(command)).assert();
    in_copy(&["audit", "--verify"]).success();
    in_copy(&["get"]).success();
    in_copy(&["rotate-key"]).success();
    in_copy(&["audit", "--verify"]).success();
    fs::remove_file(env.path("copy/tokens.db.d/audit.jsonl")).unwrap();
    in_copy(&["audit", "--verify"]).code(7);
}

#[test]
fn a_hint_is_about_the_vault_that_the_command_named() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["backup", "other.db"]).assert().success();
    let said = stderr(&env.tokctl(["--vault", "other.db", "get", "vendor/y"]).assert().code(3));
    assert!(said.contains("hint: tokctl --vault other.db "), "{said}");
    let said = stderr(&env.tokctl(["get", "vendor/y"]).assert().code(3));
    assert!(said.contains("hint: tokctl ") && !said.contains("--vault"), "{said}");
    // What is about no vault stays as it is.
    let said = stderr(&env.tokctl(["--vault", "other.db", "login", "nowhere"]).assert().code(3));
    assert!(said.contains("hint: ") && !said.contains("--vault"), "{said}");
}
