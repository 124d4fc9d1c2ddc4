//! What is told where nothing can be written: one sentence with the place, and the command to type.
//!
//! The vault lies on a disk of its own, which takes a mount namespace.
#![cfg(target_os = "linux")]

use std::process::{Command, Output};

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, another_key};

/// Moves the vault to a small disk, and fills that but for so many KiB.
fn full(room: u32) -> String {
    format!(
        "cp -a data/tokctl kept && mount -t tmpfs -o size=2m,mode=700 tokctl-test data/tokctl \
         && cp -a kept/. data/tokctl || exit 77
         free=$(df --output=avail -k data/tokctl | tail -n 1)
         head -c $(( (free - {room}) * 1024 )) /dev/zero > data/tokctl/filler;"
    )
}

const READ_ONLY: &str = "mount --bind data/tokctl data/tokctl \
                         && mount -o remount,ro,bind data/tokctl || exit 77;";

/// Runs a command on such a disk; `None` where nothing can be mounted.
fn on_a_disk(env: &TestEnv, disk: &str, arguments: &str) -> Option<Output> {
    in_a_shell(env, disk, &format!("exec \"$0\" {arguments}"))
}

/// Runs a script on such a disk, with the program as `$0`.
fn in_a_shell(env: &TestEnv, disk: &str, script: &str) -> Option<Output> {
    let mut shell = Command::new("unshare");
    let script = format!("{disk} {script}");
    shell.args(["-m", "sh", "-c", &script]).arg(snapbox::cmd::cargo_bin("tokctl"));
    env.settle(&mut shell);
    let done = shell.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    if done.status.code() == Some(77) || said.contains("unshare") {
        eprintln!("skipped: nothing can be mounted here: {said}");
        return None;
    }
    Some(done)
}

/// A vault with a login and a token, and what the commands take in.
fn world(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new().with_login("x", server, issue().expires_in(0));
    let env = env.with_static_token("y", "made-up-token");
    env.file("token.txt", "made-up-token");
    env.file("new.key", another_key());
    env.set("TOKCTL_NEW_KEY_FILE", "new.key")
}

const COMMANDS: [&str; 7] = [
    "get acme/x",
    "refresh acme/x",
    "refresh --all",
    "login vendor/z --token-stdin < token.txt",
    "delete vendor/y --no-revoke --yes",
    "rotate-key",
    "key add recovery",
];

#[test]
fn a_disk_that_takes_no_writes_is_told_with_its_place_and_what_to_type() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    let folder = env.path("data/tokctl").to_string_lossy().into_owned();
    for (disk, word, command) in [
        (full(0), "the disk is full", format!("df -h {folder}")),
        (READ_ONLY.to_owned(), "read-only", "tokctl doctor".to_owned()),
    ] {
        for arguments in COMMANDS {
            let Some(done) = on_a_disk(&env, &disk, arguments) else { return };
            let said = String::from_utf8_lossy(&done.stderr);
            assert_eq!(done.status.code(), Some(1), "{arguments}: {said}");
            assert!(said.contains(word) && said.contains(&folder), "{arguments}: {said}");
            assert!(said.contains(&command), "{arguments}: {said}");
            for word in ["SQLite", "Error code", "os error", "database", "caused by"] {
                assert!(!said.contains(word), "{arguments}: {said}");
            }
        }
        // No request went out that might have spent the login.
        assert_eq!(server.token_requests().len(), 1);
        for reading in ["get vendor/y", "list", "status"] {
            let Some(done) = on_a_disk(&env, &disk, reading) else { return };
            assert!(done.status.success(), "{reading}: {done:?}");
        }
    }
}

#[test]
fn doctor_says_whether_the_room_that_is_left_does_for_a_refresh() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    for (room, sentence, exit) in [(900, "nearly full", Some(0)), (0, "too few", Some(1))] {
        let Some(done) = on_a_disk(&env, &full(room), "doctor") else { return };
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(said.contains(sentence) && said.contains("df -h "), "{said}");
        if exit == Some(0) {
            server.will(issue().expires_in(0));
        }
        let done = on_a_disk(&env, &full(room), "refresh acme/x").unwrap();
        assert_eq!(done.status.code(), exit, "{}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn a_full_disk_is_told_as_the_one_that_is_full() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.file("token.txt", "made-up-token");
    let other = "mkdir -m 700 small && mount -t tmpfs -o size=64k,mode=700 tokctl-test small \
                 || exit 77; head -c 64K /dev/zero > small/filler;";
    env.file("bundle.key", another_key());
    for arguments in [
        "backup small/copy.db",
        "export vendor/x --to key:bundle.key --output small/x.bundle",
        "--vault small/tokens.db login vendor/z --token-stdin",
    ] {
        let _ = std::fs::remove_dir(env.path("small"));
        let arguments = format!("{arguments} < token.txt");
        let Some(done) = on_a_disk(&env, other, &arguments) else { return };
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{arguments}: {said}");
        assert!(said.contains("hint: df -h small"), "{arguments}: {said}");
    }
}

#[test]
fn doctor_finds_a_disk_that_may_only_be_read() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let Some(done) = on_a_disk(&env, READ_ONLY, "doctor -q") else { return };
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.contains("the disk is read-only"), "{said}");
    assert_eq!(done.status.code(), Some(1), "{said}");
}

#[test]
fn a_login_is_revoked_only_together_with_its_row_however_little_room_there_is() {
    for room in [0, 4, 16, 32, 40, 64] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_login("x", &server, issue());
        server.will_revoke(200);
        server.will_revoke(200);
        let delete = "delete acme/x --yes; code=$?; rm data/tokctl/filler; \"$0\" list; exit $code";
        let script = delete.replacen("delete", "\"$0\" delete", 1);
        let Some(done) = in_a_shell(&env, &full(room), &script) else { return };
        let listed = String::from_utf8_lossy(&done.stdout).contains("acme");
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.success(), !listed, "{room}: {said}");
        assert_eq!(server.revocations().is_empty(), listed, "{room}: {said}");
        server.expects_no_more();
    }
}
