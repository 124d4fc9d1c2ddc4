//! Who logged in, and whose credential a login may replace.

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, json, stderr};

const ALICE: &str = "alice@example.com";
const WORK: &str = "work@example.com";

/// A world in which `user` is kept for [`WORK`].
fn kept_for_work(server: &AuthorizationServer, user: &str) -> TestEnv {
    let env = TestEnv::new();
    env.config(&server.definition_with_identity());
    server.will_log_in(issue());
    server.will_identify("access-1", WORK);
    let login = env.begin_login(["login", "acme", "--user", user]);
    login.visit();
    login.finish().success();
    env
}

/// Logs in as [`ALICE`] with `arguments`, and returns what was said.
fn alice_logs_in(server: &AuthorizationServer, env: &TestEnv, arguments: &[&str]) -> (String, i32) {
    server.will_log_in(issue());
    server.will_identify("access-2", ALICE);
    let login = env.begin_login(arguments);
    login.visit();
    let done = login.finish();
    (stderr(&done), done.get_output().status.code().unwrap())
}

#[test]
fn a_usual_user_yields_to_who_logs_in() {
    let server = AuthorizationServer::start();
    let env = kept_for_work(&server, WORK);
    env.config(&format!("default_user = \"{WORK}\"\n{}", server.definition_with_identity()));
    let (said, code) = alice_logs_in(&server, &env, &["login", "acme"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("so this is kept as `acme/alice@example.com`"), "{said}");
    let get = |user: &str| env.tokctl(["get", "acme", "--user", user]).assert().success();
    get(WORK).stdout_eq("access-1\n");
    get(ALICE).stdout_eq("access-2\n");
}

#[test]
fn the_user_of_a_directory_yields_to_who_logs_in() {
    let server = AuthorizationServer::start();
    let env = kept_for_work(&server, "work");
    env.tokctl(["use", "acme/work"]).assert().success();
    let (said, code) = alice_logs_in(&server, &env, &["login", "acme"]);
    assert_eq!(code, 0, "{said}");
    env.tokctl(["get", "acme/work"]).assert().success().stdout_eq("access-1\n");
    env.tokctl(["get", "acme/alice@example.com"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn another_person_does_not_take_the_place_of_a_named_credential() {
    for user in ["work", WORK] {
        let server = AuthorizationServer::start();
        let env = kept_for_work(&server, user);
        server.will_revoke(200);
        server.will_revoke(200);
        let (said, code) = alice_logs_in(&server, &env, &["login", "acme", "--user", user]);
        assert_eq!(code, 8, "{said}");
        assert!(said.contains("nothing was changed"), "{said}");
        assert!(said.contains("hint: tokctl login acme/alice@example.com"), "{said}");
        let kept =
            env.tokctl(["get", "acme", "--user", user, "--format", "json"]).assert().success();
        assert_eq!(json(&kept)["username"], WORK);
        assert_eq!(json(&kept)["access_token"], "access-1");
    }
}

#[test]
fn a_name_that_a_person_typed_for_a_token_says_nothing_of_who_logs_in() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&server.definition_with_identity());
    let token = ["login", "acme/work", "--username", "me", "--token-stdin"];
    env.tokctl(token).stdin("made-up-token").assert().success();
    server.will_log_in(issue());
    server.will_identify("access-1", ALICE);
    let login = env.begin_login(["login", "acme/work", "--method", "browser"]);
    login.visit();
    login.finish().success();
    env.tokctl(["get", "acme/work"]).assert().success().stdout_eq("access-1\n");
}
