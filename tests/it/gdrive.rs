//! Google Drive: a grant that ends after seven days while the app is in testing.

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Client, Revocation, issue};
use crate::env::{TestEnv, json, stderr};
use crate::http::Response;

const ABOUT: &str = "/drive/v3/about?fields=user";

fn gdrive() -> (AuthorizationServer, TestEnv) {
    let client = Client::public().of("work").with_post_secret("made-up-secret");
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new();
    env.config(&format!(
        "[providers.work]\n\
         extends = \"gdrive\"\n\
         authorization_endpoint = \"{}\"\n\
         token_endpoint = \"{}\"\n\
         device_authorization_endpoint = \"{}\"\n\
         revocation_endpoint = \"{}\"\n\
         check_url = \"{}\"\n\
         identity = {{ url = \"{}\" }}\n\
         redirect_uri = \"http://127.0.0.1:0/callback/work\"\n",
        server.url("/authorize"),
        server.url("/token"),
        server.url("/device"),
        server.url("/revoke"),
        server.url(ABOUT),
        server.url(ABOUT),
    ));
    (server, env)
}

fn alice() -> Response {
    let user = json!({ "displayName": "Alice", "emailAddress": "alice@example.com" });
    Response::json(200, &json!({ "user": user }))
}

/// A login with the client's file as Google's console hands it out.
fn log_in(server: &AuthorizationServer, env: &TestEnv) -> String {
    let fields = json!({
        "client_id": "tokctl-made-up",
        "client_secret": "made-up-secret",
        "token_uri": "https://evil.example/token",
    });
    let file = env.file("client.json", json!({ "installed": fields }).to_string());
    server.will_log_in(issue().with("refresh_token_expires_in", json!(604_799)));
    server.will_serve(ABOUT, "Bearer access-1", alice());
    let login = env.begin_login(["login", "work", "--client-secrets", file.to_str().unwrap()]);
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

#[test]
fn a_login_says_who_it_is_and_when_the_next_one_is_due() {
    let (server, env) = gdrive();
    let said = log_in(&server, &env);
    assert!(said.contains("logged in to work as Alice: tokctl get work"), "{said}");
    let scope = server.authorizations()[0].param("scope").unwrap().to_owned();
    assert_eq!(scope, "https://www.googleapis.com/auth/drive");
    env.tokctl(["list", "--expiring-within", "6d"]).assert().success();
    env.tokctl(["list", "--expiring-within", "8d"]).assert().code(4);
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["user"], "alice@example.com");
}

#[test]
fn a_check_asks_without_a_scope_more_and_a_deletion_revokes() {
    let (server, env) = gdrive();
    log_in(&server, &env);
    server.will_serve(ABOUT, "Bearer access-1", alice());
    env.tokctl(["check"]).assert().success();
    server.will_revoke(200);
    // Google says so of a token that went with the first.
    server.will_revoke(400);
    env.tokctl(["delete", "--user", "alice@example.com", "--yes"]).assert().success();
    assert_eq!(server.revocations()[0], Revocation::of_refresh_token("refresh-1"));
}
