//! `docker-credential-tokctl`: docker is answered for the registry of a credential, and no other.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::env::{TestEnv, json, stdout};

fn world() -> TestEnv {
    let env = TestEnv::new();
    env.config("[providers.ghcr]\n[providers.local]\n");
    let keep = |account: &str, server: &str, token: &str| {
        let login = ["login", account, "--server", server, "--token-stdin"];
        env.tokctl(login).stdin(token.to_owned()).assert().success();
    };
    keep("ghcr/alice", "https://ghcr.example", "made-up-token");
    keep("local/bot", "http://127.0.0.1:5000", "made-up-local");
    env
}

/// What docker gets from the program under the name by which it calls it.
fn asked(env: &TestEnv, operation: &str, request: &str) -> Output {
    let link = env.path("docker-credential-tokctl");
    let _ = symlink(snapbox::cmd::cargo_bin("tokctl"), &link);
    let mut command = Command::new(link);
    env.settle(&mut command);
    command.arg(operation).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // What refuses before it reads has closed its end already.
    let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn docker_gets_the_token_for_its_registry() {
    let env = world();
    for request in ["ghcr.example", "https://ghcr.example", "ghcr.example:443\n"] {
        let output = asked(&env, "get", request);
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let server = request.trim();
        let whole = json!({
            "ServerURL": server, "Username": "alice", "Secret": "made-up-token",
        });
        assert_eq!((answer, output.status.code()), (whole, Some(0)));
    }
    let output = asked(&env, "get", "http://127.0.0.1:5000");
    assert!(String::from_utf8(output.stdout).unwrap().contains("made-up-local"));
}

#[test]
fn docker_gets_nothing_for_any_other() {
    let env = world();
    for request in
        ["ghcr.example:5000", "http://ghcr.example", "ghcr.example.evil", "example", "", "a b"]
    {
        let output = asked(&env, "get", request);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, "credentials not found in native keychain\n", "{request}");
        assert_eq!((output.stderr.is_empty(), output.status.code()), (true, Some(1)));
    }
    let output = asked(&TestEnv::new(), "get", "ghcr.example");
    assert_eq!(output.stdout, b"credentials not found in native keychain\n");
}

#[test]
fn of_two_for_one_registry_the_user_decides() {
    let env = world();
    let login = ["login", "ghcr/bot", "--server", "https://ghcr.example", "--token-stdin"];
    env.tokctl(login).stdin("made-up-bot").assert().success();
    let get = ["docker-credential", "get"];
    let unclear = env.tokctl(get).stdin("ghcr.example").assert().code(1);
    assert_eq!(stdout(&unclear), "credentials not found in native keychain\n");
    let env = env.set("TOKCTL_USER", "bot");
    let answer = json(&env.tokctl(get).stdin("ghcr.example").assert().success());
    assert_eq!(answer["Secret"], "made-up-bot");
}

#[test]
fn store_and_erase_change_nothing_and_say_so() {
    let env = world();
    let before = env.vault_bytes();
    for (operation, word) in [("store", "tokctl login"), ("erase", "tokctl delete")] {
        let output = asked(&env, operation, "{}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(word) && output.status.code() == Some(1), "{said}");
    }
    assert!(env.vault_bytes() == before);
    let listed = asked(&env.unset("TOKCTL_KEY"), "list", "");
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let whole = json!({ "https://ghcr.example": "alice", "http://127.0.0.1:5000": "bot" });
    assert_eq!(listed, whole);
}
