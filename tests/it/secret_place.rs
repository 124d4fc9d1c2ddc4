//! Servers that take the header with a client's secret as it is, and do not decode it (RFC 6749
//! §2.3.1): a secret with a `+` is a wrong one there, and right in the form.

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Client, TokenRequest, issue, refuse};
use crate::env::{TestEnv, stderr};

const CLIENT_LOGIN: [&str; 4] = ["login", "acme", "--method", "client-credentials"];

fn undecoded(secret: &str) -> (AuthorizationServer, TestEnv) {
    let client = Client::public().with_undecoded_secret(secret);
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new().with_provider(&server).set("TOKCTL_ACME_CLIENT_SECRET", secret);
    (server, env)
}

#[test]
fn a_secret_that_was_refused_in_the_header_is_tried_once_in_the_form_and_stays_there() {
    for secret in ["made+up", "made/up", "made=up", "made%up", "made up"] {
        let (server, env) = undecoded(secret);
        env.log_in("x", &server, issue().expires_in(0));
        assert_eq!(server.undecoded(), 1, "{secret}");
        server.will(issue());
        env.tokctl(["get"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
        server.will_revoke(200);
        server.will_revoke(200);
        env.tokctl(["delete", "acme/x", "--yes"]).assert().success();
        assert_eq!(server.undecoded(), 1, "the place was sealed");
    }
}

#[test]
fn a_device_and_a_client_of_its_own_try_the_form_too() {
    let (server, env) = undecoded("made+up");
    server.will(issue().without_refresh_token());
    env.tokctl(CLIENT_LOGIN).assert().success();
    env.add_config(&server.device_endpoint());
    let page = json!({ "verification_uri": "https://as.example/device", "interval": 1 });
    server.will_give_a_code(page);
    server.will(issue());
    env.tokctl(["login", "acme", "--user", "y", "--method", "device"]).assert().success();
    assert_eq!(server.undecoded(), 2);
}

#[test]
fn a_secret_that_looks_alike_in_both_places_is_shown_once() {
    let (server, env) = undecoded("made-up_1.2");
    let failed = env.tokctl(CLIENT_LOGIN).assert().code(2);
    assert_eq!(server.undecoded(), 1);
    let said = stderr(&failed);
    assert!(!said.contains("client_secret_post"), "{said}");
}

#[test]
fn where_the_place_is_configured_the_setting_is_named() {
    let (server, env) = undecoded("made+up");
    env.add_config("token_endpoint_auth_method = \"client_secret_basic\"\n");
    let failed = env.tokctl(CLIENT_LOGIN).assert().code(2);
    let said = stderr(&failed);
    assert!(said.contains("`token_endpoint_auth_method = \"client_secret_post\"`"), "{said}");
    assert!(!said.contains("made+up"), "{said}");
    assert_eq!(server.undecoded(), 1);
}

#[test]
fn a_refresh_tries_the_form_only_after_the_client_was_refused_and_spends_its_token_once() {
    let (server, env) = undecoded("made+up");
    server.decodes(true);
    env.log_in("x", &server, issue().expires_in(0));
    server.decodes(false);
    server.will(issue().expires_in(0));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.undecoded(), 1);
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-3\n");
    assert_eq!(server.undecoded(), 1, "the place was sealed");
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-2")));
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh"]).assert().code(4);
}
