//! GitHub: errors with status 200, scopes by commas, tokens without an end, a revocation of its
//! own; and with a GitHub App, tokens that are renewed.

use serde_json::json;

use crate::authorization_server::{
    AuthorizationServer, Client, TokenRequest, issue, refuse, reply,
};
use crate::env::{TestEnv, json, stderr};
use crate::http::Response;

// printf 'tokctl-made-up:made-up-secret' | base64
const BASIC: &str = "Basic dG9rY3RsLW1hZGUtdXA6bWFkZS11cC1zZWNyZXQ=";

fn github() -> (AuthorizationServer, TestEnv) {
    let client = Client::public().of("work").with_post_secret("made-up-secret");
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new().set("TOKCTL_WORK_CLIENT_SECRET", "made-up-secret");
    env.config(&format!(
        "[providers.work]\n\
         extends = \"github\"\n\
         authorization_endpoint = \"{}\"\n\
         token_endpoint = \"{}\"\n\
         revocation_endpoint = \"{}\"\n\
         check_url = \"{}\"\n\
         identity = {{ url = \"{}\" }}\n\
         redirect_uri = \"http://127.0.0.1:0/callback/work\"\n\
         client_id = \"tokctl-made-up\"\n",
        server.url("/authorize"),
        server.url("/token"),
        server.url("/applications"),
        server.url("/user"),
        server.url("/user"),
    ));
    (server, env)
}

/// A login with an OAuth app, whose tokens have no end and whose scopes come by commas.
fn log_in(server: &AuthorizationServer, env: &TestEnv, token: &str) -> String {
    let answer = issue().without_refresh_token().without("expires_in");
    server.will_log_in(answer.with("scope", json!("read:user,gist")));
    let octocat = Response::json(200, &json!({ "login": "octocat", "name": "Mona", "id": 1 }));
    server.will_serve("/user", &format!("Bearer {token}"), octocat);
    let login = env.begin_login(["login", "work"]);
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

#[test]
fn a_login_says_who_it_is_and_what_was_granted_and_its_token_has_no_end() {
    let (server, env) = github();
    let said = log_in(&server, &env, "access-1");
    assert!(said.contains("logged in to work as Mona"), "{said}");
    assert!(said.contains("granted but not asked for: gist"), "{said}");
    assert!(!said.contains("no refresh token"), "it needs none: {said}");
    assert_eq!(server.authorizations()[0].param("scope"), Some("read:user"));
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["user"], "octocat");
    assert_eq!(got["scopes"], json!(["read:user", "gist"]));
    assert_eq!((&got["expiry"], &got["expires_at"]), (&json!("none"), &json!(null)));
    env.tokctl(["get", "--min-ttl", "100d"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn an_error_with_status_200_is_an_error() {
    for (error, exit) in [("bad_verification_code", 8), ("incorrect_client_credentials", 2)] {
        let (server, env) = github();
        server.will_log_in(refuse(200, error));
        let login = env.begin_login(["login", "work", "--user", "x"]);
        login.visit();
        let failed = login.finish().code(exit).stdout_eq("");
        assert!(stderr(&failed).contains(error), "{}", stderr(&failed));
        env.tokctl(["get", "--user", "x"]).assert().code(3);
    }
}

#[test]
fn an_answer_in_a_form_is_read() {
    let (server, env) = github();
    let form = "access_token=made-up-1&token_type=bearer";
    server.will_log_in(reply(Response::new(200, "application/x-www-form-urlencoded", form)));
    let octocat = Response::json(200, &json!({ "login": "octocat" }));
    server.will_serve("/user", "Bearer made-up-1", octocat);
    let login = env.begin_login(["login", "work", "--user", "x"]);
    login.visit();
    let done = login.finish().success().stdout_eq("");
    assert!(!stderr(&done).contains("made-up-1"), "{}", stderr(&done));
    env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("made-up-1\n");
}

#[test]
fn a_token_is_checked_and_deleted_in_githubs_own_way() {
    let (server, env) = github();
    log_in(&server, &env, "access-1");
    let octocat = Response::json(200, &json!({ "login": "octocat" }));
    server.will_serve("/user", "Bearer access-1", octocat);
    env.tokctl(["check"]).assert().success();
    let place = "/applications/tokctl-made-up/token";
    let body = r#"{"access_token":"access-1"}"#;
    // What fails in passing is tried again.
    server.will_delete(place, BASIC, body, 503);
    server.will_delete(place, BASIC, body, 204);
    let done = env.tokctl(["delete", "--user", "octocat", "--yes"]).assert().success();
    assert!(stderr(&done).contains("revoked and forgotten"), "{}", stderr(&done));
}

#[test]
fn a_new_login_revokes_the_earlier_token_alone() {
    let (server, env) = github();
    log_in(&server, &env, "access-1");
    let body = r#"{"access_token":"access-1"}"#;
    // It is gone already, which is as good.
    server.will_delete("/applications/tokctl-made-up/token", BASIC, body, 404);
    let said = log_in(&server, &env, "access-2");
    assert!(said.contains("the earlier login was revoked"), "{said}");
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_github_app_has_tokens_that_are_renewed_until_it_says_bad_refresh_token() {
    let (server, env) = github();
    let six_months = json!(15_811_200);
    server.will_log_in(issue().expires_in(0).with("refresh_token_expires_in", six_months));
    let octocat = Response::json(200, &json!({ "login": "octocat" }));
    server.will_serve("/user", "Bearer access-1", octocat);
    let login = env.begin_login(["login", "work"]);
    login.visit();
    login.finish().success();
    server.will(issue().expires_in(0));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
    server.will(refuse(200, "bad_refresh_token"));
    env.tokctl(["get"]).assert().code(4).stdout_eq("");
}
