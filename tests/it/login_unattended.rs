//! Logins that no person takes part in: client credentials and service accounts.

use serde_json::{Value, json};

use crate::authorization_server::service_account::{EMAIL, key_file};
use crate::authorization_server::{
    AuthorizationServer, Client, TokenRequest, issue, lose, refuse, reply,
};
use crate::env::{TestEnv, json as read_json, set_mode, stderr, stdout};
use crate::http::Response;

const CLIENT_LOGIN: [&str; 4] = ["login", "acme", "--method", "client-credentials"];

fn confidential() -> (AuthorizationServer, TestEnv) {
    let client = Client::public().with_basic_secret("made-up-secret");
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new()
        .with_provider(&server)
        .unset("BROWSER")
        .set("TOKCTL_ACME_CLIENT_SECRET", "made-up-secret");
    (server, env)
}

fn as_client() -> TokenRequest {
    TokenRequest::ClientCredentials { scope: Some("read offline_access".to_owned()) }
}

#[test]
fn a_client_logs_in_for_itself_and_asks_again_when_its_token_is_due() {
    let (server, env) = confidential();
    env.add_config("grant_life = { idle = \"90d\" }\n");
    // What the server calls granted is not what it wants to be asked for.
    server.will(issue().without_refresh_token().expires_in(0).with("scope", json!("other")));
    env.tokctl(CLIENT_LOGIN).assert().success().stdout_eq("");
    let env = env.unset("TOKCTL_ACME_CLIENT_SECRET");
    server.will(issue().without_refresh_token());
    env.tokctl(["get", "acme", "--user", "tokctl-made-up"])
        .assert()
        .success()
        .stdout_eq("access-2\n")
        .stderr_eq("");
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.token_requests(), [as_client(), as_client()]);
    let listed = read_json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"][0]["refreshable"], true);
    assert_eq!(listed["credentials"][0]["login_by"], Value::Null);
}

#[test]
fn a_refresh_token_that_has_no_place_there_is_not_used() {
    let (server, env) = confidential();
    server.will(issue().expires_in(0));
    env.tokctl(CLIENT_LOGIN.into_iter().chain(["--user", "robot"])).assert().success();
    server.will(issue());
    env.tokctl(["get", "--user", "robot"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.token_requests().last(), Some(&as_client()));
}

#[test]
fn an_answer_that_was_lost_costs_nothing() {
    let (server, env) = confidential();
    server.will(issue().without_refresh_token().expires_in(0));
    env.tokctl(CLIENT_LOGIN).assert().success();
    server.will(lose());
    server.will(issue().without_refresh_token());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_secret_that_was_replaced_is_tried_once() {
    let client =
        Client::public().with_post_secret("made-up-secret").or_post_secret("made-up-new-secret");
    let server = AuthorizationServer::start_for(client);
    let env =
        TestEnv::new().with_provider(&server).set("TOKCTL_ACME_CLIENT_SECRET", "made-up-secret");
    server.will(issue().without_refresh_token().expires_in(0));
    env.tokctl(CLIENT_LOGIN).assert().success();
    let env = env.set("TOKCTL_ACME_CLIENT_SECRET", "made-up-new-secret");
    server.will(refuse(401, "invalid_client"));
    server.will(issue().without_refresh_token());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_provider_that_is_defined_so_needs_no_method() {
    let (server, env) = confidential();
    env.add_config("refresh = { kind = \"client_credentials\" }\n");
    server.will(issue().without_refresh_token());
    env.tokctl(["login", "acme"]).assert().success();
}

#[test]
fn a_client_without_a_secret_can_not_log_in_for_itself() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    let failed = env.tokctl(CLIENT_LOGIN).assert().code(2).stdout_eq("");
    assert!(stderr(&failed).contains("--client-secret-file"), "{}", stderr(&failed));
}

fn signed(server: &AuthorizationServer, claims: &Value) -> TokenRequest {
    let mut all = json!({
        "iss": EMAIL, "aud": server.url("/token"), "scope": "read offline_access",
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "made-up-key-1" });
    TokenRequest::JwtBearer { header, claims: all }
}

fn account_login(env: &TestEnv, changes: &Value) -> Vec<String> {
    let file = env.file("key.json", key_file(changes));
    ["login", "acme", "--service-account", &file.display().to_string()].map(Into::into).into()
}

#[test]
fn a_service_account_signs_for_itself_and_again_when_its_token_is_due() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will(issue().without_refresh_token().expires_in(0));
    let done = env.tokctl(account_login(&env, &json!({}))).assert().success().stdout_eq("");
    assert!(!stderr(&done).contains("PRIVATE"), "{}", stderr(&done));
    // The key was sealed at login.
    std::fs::remove_file(env.path("key.json")).unwrap();
    server.will(issue().without_refresh_token());
    let got = env.tokctl(["get", "--user", EMAIL]).assert().success();
    assert_eq!(stdout(&got), "access-2\n");
    assert_eq!(stderr(&got), "");
    assert_eq!(server.token_requests(), [signed(&server, &json!({})), signed(&server, &json!({}))]);
    let sealed = env.vault_bytes();
    let key = include_str!("../../src/oauth/made_up_rsa_key.base64").lines().nth(3).unwrap();
    assert!(!sealed.windows(key.len()).any(|part| part == key.as_bytes()));
}

#[test]
fn a_service_account_may_act_for_a_person() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will(issue().without_refresh_token());
    let mut login = account_login(&env, &json!({}));
    login.extend(["--subject", "alice@example.com", "--scope", "drive"].map(Into::into));
    env.tokctl(login).assert().success();
    env.tokctl(["get", "--user", "alice@example.com"]).assert().success();
    let claims = json!({ "sub": "alice@example.com", "scope": "drive" });
    assert_eq!(server.token_requests(), [signed(&server, &claims)]);
}

#[test]
fn a_key_file_does_not_say_where_its_signatures_go() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config("[providers.acme]\nscopes = [\"read\"]\n");
    let hostile = account_login(&env, &json!({ "token_uri": server.url("/token") }));
    let failed = env.tokctl(&hostile).assert().code(2).stdout_eq("");
    assert!(stderr(&failed).contains("elsewhere"), "{}", stderr(&failed));
    assert_eq!(server.token_requests(), []);
}

#[test]
fn a_service_account_of_a_provider_with_an_issuer_signs_for_that_one_and_not_for_google() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&server.definition_by_issuer());
    server.will_describe_itself();
    server.will(issue().without_refresh_token().expires_in(0));
    let its_own = json!({ "token_uri": server.url("/token") });
    env.tokctl(account_login(&env, &its_own)).assert().success();
    server.will(issue().without_refresh_token());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_key_file_that_can_not_be_used_is_told_before_any_request() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    for changes in [
        json!({ "type": "authorized_user" }),
        json!({ "private_key": "made-up" }),
        json!({ "client_email": null }),
    ] {
        let failed = env.tokctl(account_login(&env, &changes)).assert().code(2).stdout_eq("");
        assert!(!stderr(&failed).contains("made-up\""), "{changes}: {}", stderr(&failed));
    }
    let login = account_login(&env, &json!({}));
    set_mode(&env.path("key.json"), 0o622);
    let failed = env.tokctl(login).assert().code(2);
    assert!(stderr(&failed).contains("can be written by others"), "{}", stderr(&failed));
}

#[test]
fn a_refusal_is_not_the_last_word_where_no_person_has_a_part() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will(issue().without_refresh_token().expires_in(0));
    env.tokctl(account_login(&env, &json!({}))).assert().success();
    for _ in 0..2 {
        server.will(refuse(400, "invalid_grant"));
        let refused = env.tokctl(["get"]).assert().code(6).stdout_eq("");
        assert!(stderr(&refused).contains("the next call asks again"), "{}", stderr(&refused));
    }
    server.will(issue().without_refresh_token());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.token_requests().len(), 4);
}

#[test]
fn a_third_refusal_in_a_row_sets_a_pause() {
    let (server, env) = confidential();
    server.will(issue().without_refresh_token().expires_in(0));
    env.tokctl(CLIENT_LOGIN).assert().success();
    for _ in 0..3 {
        server.will(refuse(400, "invalid_grant"));
        env.tokctl(["get"]).assert().code(6).stdout_eq("");
    }
    // Nothing more is sent, and no person is asked for.
    let paused = env.tokctl(["get"]).assert().code(6).stdout_eq("");
    assert!(stderr(&paused).contains("left alone until"), "{}", stderr(&paused));
    assert_eq!(server.token_requests().len(), 4);
}

#[test]
fn a_refusal_while_the_clock_is_wrong_names_the_clock() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    let refused = || {
        let body = json!({ "error": "invalid_grant", "error_description": "short-lived" });
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        reply(Response::json(400, &body).with("Date", date))
    };
    server.will(refused());
    let login = env.tokctl(account_login(&env, &json!({}))).assert().code(6);
    assert!(stderr(&login).contains("set this machine's clock"), "{}", stderr(&login));
    server.will(issue().without_refresh_token().expires_in(0));
    env.tokctl(account_login(&env, &json!({}))).assert().success();
    server.will(refused());
    let failed = env.tokctl(["get"]).assert().code(6).stdout_eq("");
    assert!(stderr(&failed).contains("clock is"), "{}", stderr(&failed));
    server.will(issue().without_refresh_token());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}
