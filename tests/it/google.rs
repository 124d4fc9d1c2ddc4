//! Google: any scope, refresh tokens that stay, one grant for a user and a project.

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Client, TokenRequest, issue, refuse};
use crate::env::{TestEnv, json, stderr};
use crate::http::Response;

const USER_INFO: &str = "/v1/userinfo";
const EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";
const CALENDAR: &str = "https://www.googleapis.com/auth/calendar.readonly";

fn google() -> (AuthorizationServer, TestEnv) {
    let client = Client::public().of("work").with_post_secret("made-up-secret");
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new().set("TOKCTL_WORK_CLIENT_SECRET", "made-up-secret");
    env.config(&format!(
        "[providers.work]\n\
         extends = \"google\"\n\
         authorization_endpoint = \"{}\"\n\
         token_endpoint = \"{}\"\n\
         revocation_endpoint = \"{}\"\n\
         check_url = \"{}\"\n\
         identity = {{ url = \"{}\" }}\n\
         redirect_uri = \"http://127.0.0.1:0/callback/work\"\n\
         client_id = \"tokctl-made-up\"\n",
        server.url("/authorize"),
        server.url("/token"),
        server.url("/revoke"),
        server.url(USER_INFO),
        server.url(USER_INFO),
    ));
    (server, env)
}

fn log_in(server: &AuthorizationServer, env: &TestEnv, token: &str, granted: &str) -> String {
    let answer = issue().expires_in(0).with("scope", json!(granted));
    server.will_log_in(answer.with_id_token(json!({ "email": "alice@example.com" })));
    let alice = json!({ "sub": "1", "email": "alice@example.com", "name": "Alice" });
    server.will_serve(USER_INFO, &format!("Bearer {token}"), Response::json(200, &alice));
    let login = env.begin_login(["login", "work", "--scope", CALENDAR]);
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

#[test]
fn any_scope_is_asked_for_beside_those_that_tell_who_it_is() {
    let (server, env) = google();
    let said = log_in(&server, &env, "access-1", &format!("openid {EMAIL} {CALENDAR}"));
    assert!(said.contains("logged in to work as Alice"), "{said}");
    assert!(!said.contains("granted"), "{said}");
    let asked = server.authorizations()[0].clone();
    assert_eq!(asked.param("scope"), Some(&*format!("{CALENDAR} openid {EMAIL}")));
    assert_eq!(
        (asked.param("access_type"), asked.param("prompt")),
        (Some("offline"), Some("consent"))
    );
    env.tokctl(["list", "--user", "alice@example.com", "--expiring-within", "181d"])
        .assert()
        .code(4);
}

#[test]
fn a_scope_that_the_person_unticked_is_told() {
    let (server, env) = google();
    let said = log_in(&server, &env, "access-1", &format!("openid {EMAIL}"));
    assert!(said.contains(&format!("asked for but not granted: {CALENDAR}")), "{said}");
}

#[test]
fn a_refresh_brings_no_refresh_token_and_the_old_one_stays() {
    let (server, env) = google();
    log_in(&server, &env, "access-1", CALENDAR);
    for number in [2, 3] {
        server.will(issue().expires_in(0).without_refresh_token());
        env.tokctl(["get"]).assert().success().stdout_eq(format!("access-{number}\n"));
        assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
    }
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4);
}

#[test]
fn a_new_login_does_not_revoke_what_it_shares_with_the_earlier_one() {
    let (server, env) = google();
    log_in(&server, &env, "access-1", CALENDAR);
    let said = log_in(&server, &env, "access-2", CALENDAR);
    assert!(said.contains("was not revoked, since"), "{said}");
    assert_eq!(server.revocations(), []);
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_deletion_names_what_it_may_have_ended_beside() {
    let (server, env) = google();
    log_in(&server, &env, "access-1", CALENDAR);
    env.add_config("[providers.other]\nextends = \"work\"\n");
    let env = env.set("TOKCTL_OTHER_CLIENT_SECRET", "made-up-secret");
    server.will_log_in(issue());
    let alice = json!({ "sub": "1", "email": "alice@example.com" });
    server.will_serve(USER_INFO, "Bearer access-2", Response::json(200, &alice));
    let login = env.begin_login(["login", "other", "--user", "al"]);
    login.visit();
    login.finish().success();
    server.will_revoke(200);
    server.will_revoke(400);
    let done = env.tokctl(["delete", "other", "--user", "al", "--yes"]).assert().success();
    let named = "`work/alice@example.com` may have been ended with it";
    assert!(stderr(&done).contains(named), "{}", stderr(&done));
    env.tokctl(["list", "--user", "alice@example.com"]).assert().success();
}
