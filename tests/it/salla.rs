//! Salla: a state that comes back without hyphens, an absolute end, refresh tokens that count once.

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Client, issue, lose, refuse};
use crate::env::{TestEnv, json, stderr};
use crate::http::Response;
use crate::login_pasted::{asked, consented};
use crate::terminal::{at_a_terminal, ending};

const USER_INFO: &str = "/oauth2/user/info";

fn salla() -> (AuthorizationServer, TestEnv) {
    let client = Client::public().of("work").with_post_secret("made-up-secret");
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new().set("TOKCTL_WORK_CLIENT_SECRET", "made-up-secret");
    env.config(&format!(
        "[providers.work]\n\
         extends = \"salla\"\n\
         authorization_endpoint = \"{}\"\n\
         token_endpoint = \"{}\"\n\
         check_url = \"{}\"\n\
         identity = {{ url = \"{}\" }}\n\
         redirect_uri = \"http://127.0.0.1:0/callback/work\"\n\
         client_id = \"tokctl-made-up\"\n",
        server.url("/authorize"),
        server.url("/token"),
        server.url(USER_INFO),
        server.url(USER_INFO),
    ));
    (server, env)
}

/// An end so many seconds from now, as Salla tells it.
fn expires(seconds: i64) -> crate::authorization_server::Answer {
    let at = jiff::Timestamp::now().as_second() + seconds;
    issue().without("expires_in").with("expires", json!(at))
}

/// A login whose token ends in so many seconds.
fn log_in(server: &AuthorizationServer, env: &TestEnv, seconds: i64) -> String {
    // As the service does to every state.
    server.user_consents_with(|answer| {
        let changed: Vec<(String, String)> = answer
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.replace('-', "")))
            .filter(|(name, _)| name != "code")
            .collect();
        let code = answer.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        answer.query_pairs_mut().clear().append_pair("code", &code).extend_pairs(changed);
    });
    server.will(expires(seconds).with("scope", json!("settings.read offline_access")));
    let merchant = json!({ "id": 7, "merchant": { "id": 1234, "name": "Made up" } });
    let info = Response::json(200, &json!({ "status": 200, "success": true, "data": merchant }));
    server.will_serve(USER_INFO, "Bearer access-1", info);
    let login = env.begin_login(["login", "work", "--scope", "settings.read"]);
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

#[test]
fn a_login_survives_what_becomes_of_its_state_and_is_kept_under_the_merchant() {
    let (server, env) = salla();
    let said = log_in(&server, &env, 14 * 86_400);
    assert!(said.contains("logged in to work as Made up"), "{said}");
    let scope = server.authorizations()[0].param("scope").unwrap().to_owned();
    assert_eq!(scope, "settings.read offline_access", "what brings the refresh token is asked for");
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["user"], "1234");
    let left = got["expires_in"].as_i64().unwrap();
    assert!((14 * 86_400 - 60..=14 * 86_400).contains(&left), "{left}");
}

#[test]
fn a_token_is_renewed_a_day_before_its_absolute_end() {
    let (server, env) = salla();
    log_in(&server, &env, 2 * 86_400);
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    let (server, env) = salla();
    log_in(&server, &env, 86_000);
    server.will(expires(14 * 86_400));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_refresh_token_whose_fate_is_unknown_is_not_sent_while_the_token_works() {
    let (server, env) = salla();
    log_in(&server, &env, 3600);
    server.will(lose());
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    let asked = server.token_requests().len();
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    assert_eq!(server.token_requests().len(), asked);
}

#[test]
fn a_refusal_means_that_the_app_is_installed_anew() {
    let (server, env) = salla();
    log_in(&server, &env, 0);
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4).stdout_eq("");
}

#[test]
fn a_check_wants_to_hear_who_it_is() {
    let (server, env) = salla();
    log_in(&server, &env, 14 * 86_400);
    let nobody = json!({ "status": 401, "success": false, "error": { "code": "Unauthorized" } });
    server.will_serve(USER_INFO, "Bearer access-1", Response::json(401, &nobody));
    env.tokctl(["check"]).assert().code(4);
}

#[test]
fn an_address_to_which_nobody_can_listen_is_pasted() {
    let callback = "https://localhost:19880/callback/salla";
    let client = Client::public().of("work").with_post_secret("made-up-secret");
    let server = AuthorizationServer::start_for(client.redirected_to(callback));
    let env = TestEnv::new().set("TOKCTL_WORK_CLIENT_SECRET", "made-up-secret");
    env.config(&format!(
        "[providers.work]\n\
         extends = \"salla\"\n\
         authorization_endpoint = \"{}\"\n\
         token_endpoint = \"{}\"\n\
         identity = {{ url = \"{}\" }}\n\
         client_id = \"tokctl-made-up\"\n",
        server.url("/authorize"),
        server.url("/token"),
        server.url(USER_INFO),
    ));
    server.will_log_in(expires(3600));
    let info = json!({ "data": { "id": 7, "merchant": { "id": 1234, "name": "Made up" } } });
    server.will_serve(USER_INFO, "Bearer access-1", Response::json(200, &info));
    let mut session = at_a_terminal(&env, &["login", "work"]);
    let address = asked(&mut session);
    session.send_line(&consented(&address)).unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("logged in to work as Made up"), "{said}");
}
