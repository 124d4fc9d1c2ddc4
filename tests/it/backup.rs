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
    let _: i64 = other.query_row("SELECT count(*) FROM vault", [], |row| row.get(0)).unwrap();
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
        vault.query_row("SELECT count(*) FROM intents", [], |row| row.get(0)).unwrap()
    };
    env.open_vault()
        .execute("INSERT INTO intents (keychain_entry, created_at) VALUES ('made up', 0)", [])
        .unwrap();
    env.tokctl(["backup", "copy.db"]).assert().success();
    assert_eq!((intents(&env.vault_path()), intents(&env.path("copy.db"))), (1, 0));
}

#[test]
fn nothing_is_overwritten_by_a_copy() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let file = env.file("copy.db", "something else");
    env.tokctl(["backup", "copy.db"]).assert().code(1);
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
