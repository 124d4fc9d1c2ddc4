//! Tokens of a type that tokctl can't use.

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Revocation, TokenRequest, issue};
use crate::env::{TestEnv, json as read_json, stderr, stdout};

#[test]
fn a_login_that_brings_a_token_of_another_type_stores_nothing_and_gives_it_back() {
    for odd in ["mac", "DPoP", "N_A", "https://as.example/types/mac", "x\r\n::error::y"] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_provider(&server);
        server.will_log_in(issue().with("token_type", json!(odd)));
        server.will_revoke(200);
        server.will_revoke(200);
        let login = env.begin_login(["login", "acme", "--user", "x"]);
        login.visit();
        let failed = login.finish().code(2).stdout_eq("");
        let shown = stderr(&failed);
        assert!(shown.contains("bearer tokens alone") && !shown.contains(" ::"), "{shown}");
        assert!(shown.contains("hint: ") && shown.contains("bearer_token_types"), "{shown}");
        assert!(server.revocations().contains(&Revocation::of_refresh_token("refresh-1")));
        env.tokctl(["get", "acme/x"]).assert().code(3);
        drop(server);
    }
}

#[test]
fn a_token_is_taken_under_the_other_names_of_a_bearer_token() {
    for name in [json!("BEARER"), json!("BearerToken"), json!("user"), json!(""), json!(7)] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_login("x", &server, issue().with("token_type", name));
        env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    }
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config("dialect.bearer_token_types = [\"JWT\"]\n");
    env.log_in("x", &server, issue().expires_in(0).with("token_type", json!("jwt")));
    server.will(issue().with("token_type", json!("JWT")));
    let got = read_json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!((&got["access_token"], &got["token_type"]), (&json!("access-2"), &json!("Bearer")));
}

#[test]
fn an_api_with_a_header_of_its_own_takes_what_its_server_issues() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config("api_auth = \"header:X-Made-Up\"\n");
    env.log_in("x", &server, issue().with("token_type", json!("special")));
    env.tokctl(["get", "--format", "header"]).assert().success().stdout_eq("X-Made-Up: access-1\n");
}

#[test]
fn a_refresh_that_brings_a_token_of_another_type_keeps_the_refresh_token() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(issue().with("token_type", json!("DPoP")));
    let failed = env.tokctl(["get"]).assert().code(2).stdout_eq("");
    let shown = stderr(&failed);
    assert!(shown.contains("`DPoP`") && shown.contains("tokctl login acme/x"), "{shown}");

    let why = stdout(&env.tokctl(["why"]).assert().success());
    assert!(why.contains("a token that can't be used") && why.contains("DPoP"), "{why}");
    assert!(!why.contains("client's settings"), "{why}");
    let status = stdout(&env.tokctl(["status"]).assert().code(4));
    assert!(status.contains("tokens that can't be used"), "{status}");

    // The refresh token that came with it is the one that renews the grant from then on.
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-3\n");
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-2")));
    env.tokctl(["status"]).assert().success();
}

#[test]
fn a_token_that_still_works_is_handed_out_while_new_ones_can_not_be_used() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config("refresh = { margin = \"2h\" }\n");
    env.log_in("x", &server, issue().expires_in(3600));
    server.will(issue().with("token_type", json!("mac")));
    let got = env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    assert!(stderr(&got).contains("warning: ") && stderr(&got).contains("`mac`"));
    server.will(issue().with("token_type", json!("mac")));
    env.tokctl(["refresh"]).assert().code(2);
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-2")));
}

#[test]
fn a_token_of_another_type_is_not_imported() {
    let env = TestEnv::new();
    let config = env.file(
        "rclone.conf",
        "[made-up]\ntype = drive\nclient_id = made-up\nclient_secret = made-up\n\
         token = {\"access_token\":\"made-up-1\",\"token_type\":\"mac\",\
         \"refresh_token\":\"made-up-2\",\"expiry\":\"2100-01-01T00:00:00Z\"}\n",
    );
    let skipped = env.tokctl(["import", "rclone", config.to_str().unwrap()]).assert().code(1);
    assert!(stderr(&skipped).contains("another type than `Bearer`"), "{}", stderr(&skipped));
}
