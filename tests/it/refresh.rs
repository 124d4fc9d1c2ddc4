//! `tokctl refresh`: renews now, due or not.

use crate::authorization_server::{AuthorizationServer, TokenRequest, issue, refuse};
use crate::env::{TestEnv, json, stderr};

#[test]
fn a_token_is_renewed_though_it_is_not_due() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(issue());
    env.tokctl(["refresh", "--user", "x"]).assert().success().stdout_eq("");
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn json_counts_what_was_done() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(issue());
    let done = json(&env.tokctl(["refresh", "--json"]).assert().success());
    assert_eq!(done["v"], 1);
    assert_eq!(done["refreshed"], 1);
    assert_eq!(done["skipped"], 0);
    assert_eq!(done["failed"], 0);
    assert_eq!(done["results"][0]["provider"], "acme");
    assert_eq!(done["results"][0]["user"], "x");
}

#[test]
fn nothing_to_refresh_is_no_such_credential() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["refresh", "--user", "nobody"]).assert().code(3).stdout_eq("");
}

#[test]
fn a_login_that_was_refused_is_tried_again_and_mended() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh"]).assert().code(4).stdout_eq("");
    env.tokctl(["get"]).assert().code(4);
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
}

#[test]
fn a_passing_fault_keeps_the_token() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(refuse(500, "server_error"));
    env.tokctl(["refresh"]).assert().code(6).stdout_eq("");
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_configuration_that_differs_from_the_login_is_told_and_not_followed() {
    let server = AuthorizationServer::start();
    let elsewhere = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.config(&elsewhere.definition());
    server.will(issue());
    let done = env.tokctl(["refresh"]).assert().success();
    assert!(stderr(&done).contains("another token endpoint"), "{}", stderr(&done));
    assert_eq!(elsewhere.token_requests(), []);
}
