//! Etsy: no secret at the token endpoint, but one in every request to the API.

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Client, TokenRequest, issue, refuse};
use crate::env::{TestEnv, json, stderr};
use crate::http::Response;
use crate::login_browser::free_port;

const ME: &str = "/v3/application/users/me";
const KEY: (&str, &str) = ("x-api-key", "tokctl-made-up:made-up-secret");

fn etsy() -> (AuthorizationServer, TestEnv) {
    let callback = format!("http://localhost:{}/callback/work", free_port());
    let server =
        AuthorizationServer::start_for(Client::public().of("work").redirected_to(&callback));
    let env = TestEnv::new();
    env.config(&format!(
        "[providers.work]\n\
         extends = \"etsy\"\n\
         authorization_endpoint = \"{}\"\n\
         token_endpoint = \"{}\"\n\
         check_url = \"{}\"\n\
         identity = {{ url = \"{}\" }}\n\
         redirect_uri = \"{callback}\"\n\
         client_id = \"tokctl-made-up\"\n",
        server.url("/authorize"),
        server.url("/token"),
        server.url(ME),
        server.url(ME),
    ));
    (server, env)
}

fn with_secret(env: TestEnv) -> TestEnv {
    env.set("TOKCTL_WORK_CLIENT_SECRET", "made-up-secret")
}

fn shop() -> Response {
    Response::json(200, &json!({ "user_id": 12_345_678, "shop_id": 1 }))
}

fn log_in(server: &AuthorizationServer, env: &TestEnv, seconds: i64) {
    server.will_log_in(issue().expires_in(seconds).with("access_token", json!("12345678.made-up")));
    server.will_serve_to(ME, &[("authorization", "Bearer 12345678.made-up"), KEY], shop());
    let login = env.begin_login(["login", "work"]);
    login.visit();
    login.finish().success().stdout_eq("");
}

#[test]
fn the_secret_goes_to_the_api_and_never_to_the_token_endpoint() {
    let (server, env) = etsy();
    let env = with_secret(env);
    log_in(&server, &env, 3600);
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(
        (&got["user"], &got["access_token"]),
        (&json!("12345678"), &json!("12345678.made-up"))
    );
    // It is sealed: the check needs neither configuration nor environment.
    let env = env.unset("TOKCTL_WORK_CLIENT_SECRET");
    env.config("");
    server.will_serve_to(ME, &[("authorization", "Bearer 12345678.made-up"), KEY], shop());
    env.tokctl(["check"]).assert().success();
    let bytes = env.vault_bytes();
    assert!(!bytes.windows(14).any(|part| part == b"made-up-secret"), "it lies in the clear");
}

#[test]
fn without_the_secret_there_is_no_login() {
    let (_server, env) = etsy();
    let failed = env.tokctl(["login", "work", "--user", "x"]).assert().code(2).stdout_eq("");
    assert!(stderr(&failed).contains("needs the secret"), "{}", stderr(&failed));
}

#[test]
fn each_refresh_brings_another_refresh_token_and_a_fault_is_tried_again() {
    let (server, env) = etsy();
    let env = with_secret(env);
    log_in(&server, &env, 0);
    // Its token endpoint is known for faults that a second request does not meet.
    server.will(refuse(500, "server_error"));
    server.will(issue().expires_in(0));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-3\n");
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-2")));
}
