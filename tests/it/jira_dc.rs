//! Jira Data Center: a server below a path, tokens that say when they were made, refresh tokens
//! that count once.

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Client, TokenRequest, issue, refuse};
use crate::env::{TestEnv, json, stderr};
use crate::http::Response;
use crate::login_browser::free_port;

const MYSELF: &str = "/jira/rest/api/2/myself";

fn jira_dc() -> (AuthorizationServer, TestEnv) {
    let callback = format!("http://127.0.0.1:{}/callback/work", free_port());
    let client = Client::public()
        .of("work")
        .with_post_secret("made-up-secret")
        .redirected_to(&callback)
        .refreshing_with_redirect();
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new().set("TOKCTL_WORK_CLIENT_SECRET", "made-up-secret");
    env.config(&format!(
        "[providers.work]\n\
         extends = \"jira-dc\"\n\
         server = \"{}\"\n\
         authorization_endpoint = \"{}\"\n\
         token_endpoint = \"{}\"\n\
         redirect_uri = \"{callback}\"\n\
         client_id = \"tokctl-made-up\"\n",
        server.url("/jira"),
        server.url("/authorize"),
        server.url("/token"),
    ));
    (server, env)
}

fn log_in(server: &AuthorizationServer, env: &TestEnv, seconds: i64) -> String {
    // Its clock is a day behind, which must not make the token look ended.
    let made = jiff::Timestamp::now().as_second() - 86_400;
    let answer = issue().expires_in(seconds).with("created_at", json!(made));
    server.will_log_in(answer.with("token_type", json!("bearer")));
    let alice =
        json!({ "name": "al", "emailAddress": "alice@example.com", "displayName": "Alice" });
    server.will_serve(MYSELF, "Bearer access-1", Response::json(200, &alice));
    let login = env.begin_login(["login", "work"]);
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

#[test]
fn a_login_keeps_the_servers_path_and_says_who_it_is() {
    let (server, env) = jira_dc();
    let said = log_in(&server, &env, 3600);
    assert!(said.contains("logged in to work as Alice on 127.0.0.1:"), "{said}");
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["user"], "alice@example.com");
    assert_eq!(
        (&got["api_base_url"], &got["token_type"]),
        (&json!(server.url("/jira")), &json!("Bearer"))
    );
    assert!(got["expires_in"].as_i64().unwrap() > 3500, "{got}");
    server.will_serve(MYSELF, "Bearer access-1", Response::json(200, &json!({ "name": "al" })));
    env.tokctl(["check"]).assert().success();
}

#[test]
fn a_refresh_names_the_redirect_uri_and_a_refusal_needs_a_login() {
    let (server, env) = jira_dc();
    log_in(&server, &env, 0);
    server.will(issue().expires_in(0));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4).stdout_eq("");
}
