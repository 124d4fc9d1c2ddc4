//! Answers of token endpoints that bend the standards, and what a user sees of them.

use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, issue, reply};
use crate::env::{TestEnv, json as read_json, stderr};
use crate::http::Response;

/// A login whose token is due at once.
fn due() -> (AuthorizationServer, TestEnv) {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    (server, env)
}

#[test]
fn a_refusal_in_other_words_needs_a_new_login() {
    for (status, body) in [
        (400, json!({ "error": "interaction_required", "error_description": ["odd"] })),
        (400, json!({ "error": "INVALID_GRANT" })),
        (400, json!({ "code": 400, "error_code": "refresh_token_not_found" })),
        (401, json!({ "errors": [{ "code": "token_expired" }] })),
        (400, json!({ "error": { "type": "invalid_grant" } })),
    ] {
        let (server, env) = due();
        server.will(reply(Response::json(status, &body)));
        env.tokctl(["get"]).assert().code(4).stdout_eq("");
        // Nothing is sent any more.
        env.tokctl(["get"]).assert().code(4).stdout_eq("");
    }
}

#[test]
fn a_refusal_about_something_else_passes() {
    for (status, error) in
        [(400, "access_token_expired"), (503, "refresh_token_not_found"), (500, "login_required")]
    {
        let (server, env) = due();
        server.will(reply(Response::json(status, &json!({ "error": error }))));
        env.tokctl(["get"]).assert().code(6).stdout_eq("");
        drop(server);
    }
}

#[test]
fn a_token_is_taken_however_its_answer_is_written() {
    for body in [
        "\u{feff}{\"access_token\":\"made-up-1\",\"expires_in\":3600}",
        "access_token=made-up-1&expires_in=3600&token_type=bearer",
        r#"{"data":{"access_token":"made-up-1","refresh_token":false},"ok":true}"#,
        r#"{"accessToken":"made-up-1\n","expiresIn":"3600.0"}"#,
    ] {
        let (server, env) = due();
        server.will(reply(Response::new(200, "text/plain", body)));
        env.tokctl(["get"]).assert().success().stdout_eq("made-up-1\n").stderr_eq("");
        env.tokctl(["get"]).assert().success().stdout_eq("made-up-1\n");
    }
}

#[test]
fn an_answer_that_can_not_be_read_is_described_and_not_shown() {
    let (server, env) = due();
    server.will(reply(Response::json(200, &json!({ "ticket": "made-up-secret", "ok": true }))));
    let failed = env.tokctl(["get"]).assert().code(6).stdout_eq("");
    let shown = stderr(&failed);
    assert!(shown.contains("application/json") && shown.contains("`ticket`"), "{shown}");
    assert!(!shown.contains("made-up-secret") && !shown.contains("unchanged"), "{shown}");
}

#[test]
fn a_life_that_a_refresh_leaves_out_stays_the_one_known() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(3600));
    server.will(issue().without("expires_in"));
    env.tokctl(["refresh"]).assert().success();
    let listed = read_json(&env.tokctl(["list", "--json"]).assert().success());
    assert!(listed["credentials"][0]["expires_at"].is_string(), "{listed}");
}

#[test]
fn a_jwt_that_is_over_is_renewed() {
    let server = AuthorizationServer::start();
    // {"exp":1000}
    let over = "e30.eyJleHAiOjEwMDB9.c2ln";
    let answer = issue().without("expires_in").with("access_token", json!(over));
    let env = TestEnv::new().with_login("x", &server, answer);
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_token_of_unknown_life_is_renewed_after_the_assumed_one() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config("refresh = { assumed_life = \"0s\" }\n");
    env.log_in("x", &server, issue().without("expires_in"));
    server.will(issue().without("expires_in"));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    let listed = read_json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"][0]["expires_at"], Value::Null);
}

#[test]
fn an_answer_that_nobody_asked_to_be_compressed_is_read() {
    // printf '{"access_token":"made-up-1"}' | gzip -9n | base64
    let packed = data_encoding::BASE64
        .decode(b"H4sIAAAAAAACA6tWSkxOTi0uji/Jz07NU7JSyk1MSdUtLdA1VKoFAJJY5IkcAAAA")
        .unwrap();
    let (server, env) = due();
    let answer = Response::new(200, "application/json", packed).with("Content-Encoding", "gzip");
    server.will(reply(answer));
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-1\n");
}

#[test]
fn a_definition_says_where_the_token_stands() {
    let (server, env) = due();
    env.add_config("dialect.answer_fields = { access_token = \"/authed_user/access_token\" }\n");
    // What was sealed at login counts for its refreshes.
    server.will(reply(Response::json(200, &json!({ "access_token": "made-up-1" }))));
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-1\n");

    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config(
        "dialect.answer_fields = { access_token = \"/authed_user/token\", \
         refresh_token = \"/authed_user/again\" }\n",
    );
    let placed = |token: &str| {
        let user = json!({ "id": "U1", "token": token, "again": "made-up-refresh" });
        let body = json!({ "access_token": "of-the-robot", "authed_user": user, "expires_in": 0 });
        reply(Response::json(200, &body))
    };
    env.log_in("x", &server, placed("made-up-1"));
    server.has_issued("made-up-refresh");
    server.will(placed("made-up-2"));
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-2\n");
}

#[test]
fn an_answer_of_a_proxy_that_waited_no_longer_leaves_the_login_in_doubt() {
    for status in [200, 408, 502] {
        let (server, env) = due();
        server.will(reply(Response::new(status, "text/html", "<h1>made-up</h1>")));
        let failed = env.tokctl(["get"]).assert().code(6).stdout_eq("");
        let said = stderr(&failed);
        assert!(said.contains("is not known") && !said.contains("unchanged"), "{status}: {said}");
        assert!(!said.contains("made-up"), "{said}");
    }
}
