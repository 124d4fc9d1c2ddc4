//! `tokctl delete`: revokes where the provider can, then forgets.

use crate::authorization_server::{AuthorizationServer, Revocation, issue};
use crate::env::{TestEnv, another_key, json, stderr};

const DELETE: [&str; 5] = ["delete", "acme", "--user", "x", "--yes"];

#[test]
fn a_deleted_login_is_revoked_and_gone() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will_revoke(200);
    server.will_revoke(200);
    env.tokctl(DELETE).assert().success().stdout_eq("");
    assert_eq!(
        server.revocations(),
        [Revocation::of_refresh_token("refresh-1"), Revocation::of_access_token("access-1")]
    );
    env.tokctl(["get", "acme", "--user", "x"]).assert().code(3);
}

#[test]
fn nothing_of_a_deleted_login_stays_beside_the_vault_but_its_lock() {
    let server = AuthorizationServer::start();
    for more in [&["--yes"][..], &["--no-revoke", "--yes"]] {
        let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
        server.will(issue());
        env.tokctl(["get"]).assert().success();
        let spills = || {
            let beside = std::fs::read_dir(env.path("data/tokctl/tokens.db.d")).unwrap();
            let paths = beside.map(|entry| entry.unwrap().path());
            paths.filter(|path| path.extension().is_some_and(|end| end == "spill")).count()
        };
        assert_eq!(spills(), 1);
        if !more.contains(&"--no-revoke") {
            server.will_revoke(200);
            server.will_revoke(200);
        }
        env.tokctl(["delete", "acme/x"].iter().chain(more)).assert().success();
        assert_eq!(spills(), 0, "{more:?}");
    }
}

#[test]
fn a_revocation_that_fails_in_passing_keeps_the_login() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    for _ in 0..3 {
        server.will_revoke(503);
    }
    let failed = env.tokctl(DELETE).assert().code(6).stdout_eq("");
    assert!(stderr(&failed).contains("--no-revoke"), "{}", stderr(&failed));
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn with_the_refresh_token_revoked_the_grant_is_over() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will_revoke(200);
    server.will_revoke(503);
    env.tokctl(DELETE).assert().success().stdout_eq("");
    env.tokctl(["get", "acme", "--user", "x"]).assert().code(3);
}

#[test]
fn without_a_refresh_token_the_access_token_is_revoked() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().without_refresh_token());
    server.will_revoke(200);
    env.tokctl(DELETE).assert().success();
    assert_eq!(server.revocations(), [Revocation::of_access_token("access-1")]);
}

#[test]
fn without_revoking_neither_a_key_nor_a_request_is_needed() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue()).unset("TOKCTL_KEY");
    env.tokctl(DELETE.into_iter().chain(["--no-revoke"])).assert().success();
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"], serde_json::json!([]));
}

#[test]
fn with_a_wrong_key_nothing_is_deleted() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let env = env.set("TOKCTL_KEY", another_key());
    env.tokctl(DELETE).assert().code(5);
    assert_eq!(json(&env.tokctl(["list", "--json"]).assert())["credentials"][0]["user"], "x");
}

#[test]
fn without_a_terminal_consent_is_given_on_the_command_line() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let failed = env.tokctl(["delete", "acme", "--user", "x"]).assert().code(2).stdout_eq("");
    assert!(stderr(&failed).contains("--yes"), "{}", stderr(&failed));
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_token_that_only_its_issuer_can_revoke_is_said_to_live_on() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let done = env.tokctl(["delete", "vendor", "--user", "x", "--yes"]).assert().success();
    assert!(stderr(&done).contains("revo"), "{}", stderr(&done));
    env.tokctl(["get", "vendor", "--user", "x"]).assert().code(3);
}

#[test]
fn others_are_left_alone() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y");
    env.tokctl(["delete", "vendor", "--user", "x", "--yes"]).assert().success();
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-y\n");
}

#[test]
fn a_damaged_credential_can_be_forgotten() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y");
    env.flip_a_sealed_bit("x");
    let delete = ["delete", "vendor", "--user", "x", "--yes"];
    env.tokctl(delete).assert().code(7);
    env.tokctl(delete.into_iter().chain(["--no-revoke"])).assert().success();
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-y\n");
}

#[test]
fn what_is_not_there_can_not_be_deleted() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["delete", "vendor", "--user", "nobody", "--yes"]).assert().code(3);
    TestEnv::new().tokctl(DELETE).assert().code(3);
}

#[test]
fn a_deleted_secret_leaves_nothing_behind_in_the_file() {
    let env = TestEnv::new().with_static_token("forget-me@example.com", "made-up-token");
    let env = env.with_static_token("y", "made-up-y");
    let delete = ["delete", "vendor", "--user", "forget-me@example.com", "--yes"];
    env.tokctl(delete).assert().success();
    let bytes = std::fs::read(env.vault_path()).unwrap();
    assert!(!bytes.windows(9).any(|window| window == b"forget-me"));
}
