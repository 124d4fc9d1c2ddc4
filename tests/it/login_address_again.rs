//! A later login by address: what it takes over from the one before.

use serde_json::{Value, json};

use crate::env::{TestEnv, stderr, stdout};
use crate::http::Response;
use crate::registering_server::RegisteringServer;

const NAME: &str = RegisteringServer::NAME;

/// Logs in with `args` in the browser.
fn log_in(env: &TestEnv, args: &[&str]) -> String {
    let login = env.begin_login([&["login"], args].concat());
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

#[test]
fn a_client_that_was_given_by_hand_is_used_again() {
    let server = RegisteringServer::start();
    server.knows("mine", &format!("http://127.0.0.1/callback/{NAME}"));
    let env = TestEnv::new();
    let address = server.url("/mcp");
    log_in(&env, &[&address, "--client-id", "mine"]);
    for again in [&format!("{NAME}/default"), NAME, &address] {
        log_in(&env, &[again]);
    }
    assert_eq!(server.count("POST /register"), 0);
    // And where nothing else could be had.
    server.state().metadata.insert("registration_endpoint".into(), Value::Null);
    log_in(&env, &[NAME]);
    server.state().metadata.clear();
    log_in(&env, &[NAME, "--new-client"]);
    assert_eq!(server.clients(), ["client-1", "mine"]);
    log_in(&env, &[NAME]);
    assert_eq!(server.count("POST /register"), 1);
}

#[test]
fn the_secret_of_a_client_that_was_given_by_hand_is_used_again() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    let method = json!(["client_secret_post"]);
    server.state().metadata.insert("token_endpoint_auth_methods_supported".into(), method);
    server.knows_with_secret(
        "mine",
        &format!("http://127.0.0.1/callback/{NAME}"),
        "made-up-secret",
    );
    let secret = env.file("secret.txt", "made-up-secret\n");
    let secret = secret.to_str().unwrap();
    log_in(&env, &[&address, "--client-id", "mine", "--client-secret-file", secret]);
    for again in [&["--quiet"][..], &["--client-id", "mine"], &["--client-secret-file", secret]] {
        log_in(&env, &[&[NAME][..], again].concat());
    }
    env.tokctl(["refresh", NAME]).assert().success();
    assert_eq!(server.count("POST /register"), 0);
}

#[test]
fn the_login_for_a_missing_scope_asks_for_a_refresh_token_again() {
    let server = RegisteringServer::start();
    server.state().metadata.insert("scopes_supported".into(), json!(["read", "offline_access"]));
    server.state().token.insert("scope".into(), "read".into());
    let env = TestEnv::new();
    let said = log_in(&env, &[&server.url("/mcp")]);
    assert!(!said.contains("not granted"), "{said}");
    env.tokctl(["refresh", NAME]).assert().success();
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"write\"";
    server.state().served = Response::json(403, &json!({})).with("WWW-Authenticate", challenge);
    let said = stderr(&env.tokctl(["check", NAME]).assert().code(1));
    let hint = format!("tokctl login {NAME}/default --scope 'read offline_access write'");
    assert!(said.contains(&hint), "{said}");
    let why = stdout(&env.tokctl(["why", NAME]).assert().success());
    assert!(why.contains(&hint), "{why}");
    // Without the refresh token that it is for, the scope counts as refused.
    server.state().token.insert("refresh_token".into(), Value::Null);
    let said = log_in(&env, &[NAME]);
    assert!(said.contains("not granted: offline_access"), "{said}");
}

#[test]
fn a_scope_that_the_client_is_not_registered_for_is_told_with_a_new_client() {
    let server = RegisteringServer::start();
    server.state().binds_scopes = true;
    let env = TestEnv::new();
    log_in(&env, &[&server.url("/mcp")]);
    let login = env.begin_login(["login", NAME, "--scope", "read write"]);
    login.visit();
    let said = stderr(&login.finish().code(8));
    assert!(said.contains("invalid_scope"), "{said}");
    assert!(
        said.contains(&format!("tokctl login {NAME} --scope 'read write' --new-client")),
        "{said}"
    );
    log_in(&env, &[NAME, "--scope", "read write", "--new-client"]);
    // A client that is no older than this login would be none better.
    server.state().binds_scopes = false;
    server.state().refuses = Some("invalid_scope");
    let login = env.begin_login(["login", NAME, "--scope", "admin", "--new-client"]);
    login.visit();
    let said = stderr(&login.finish().code(8));
    assert_eq!(said.matches("--new-client").count(), 1, "as it was typed: {said}");
}

#[test]
fn a_login_that_nobody_ends_is_told_with_a_new_client_if_its_client_is_an_earlier_one() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    let said = stderr(
        &env.tokctl(["login", &address, "--no-browser", "--timeout", "1s"]).assert().code(8),
    );
    assert!(said.contains("--timeout 15m") && !said.contains("--new-client"), "{said}");
    log_in(&env, &[&address]);
    let said =
        stderr(&env.tokctl(["login", NAME, "--no-browser", "--timeout", "1s"]).assert().code(8));
    assert!(
        said.contains(&format!("tokctl login {NAME} --no-browser --timeout 1s --new-client")),
        "{said}"
    );
}

#[test]
fn a_client_that_the_server_forgot_is_registered_anew_before_the_browser_opens() {
    for status in [None, Some(404)] {
        let server = RegisteringServer::start();
        let env = TestEnv::new();
        log_in(&env, &[&server.url("/mcp")]);
        server.forget_clients();
        if let Some(status) = status {
            server.answers("GET /register/client-1", Response::new(status, "text/plain", ""));
        }
        let said = log_in(&env, &[NAME]);
        assert!(said.contains("registering another client"), "{said}");
        assert_eq!(server.clients(), ["client-2"]);
        assert_eq!(server.count("GET /authorize"), 2, "the browser opens once a login");
        env.tokctl(["refresh", NAME]).assert().success();
    }
}

#[test]
fn a_client_whose_registration_can_not_be_read_is_kept() {
    for status in [403, 405, 500] {
        let server = RegisteringServer::start();
        let env = TestEnv::new();
        log_in(&env, &[&server.url("/mcp")]);
        server.answers("GET /register/client-1", Response::new(status, "text/plain", ""));
        log_in(&env, &[NAME]);
        assert_eq!(server.count("POST /register"), 1);
    }
}

#[test]
fn a_token_that_a_reading_of_the_registration_replaces_is_kept() {
    let server = RegisteringServer::start();
    server.state().renews_registrations = true;
    let env = TestEnv::new();
    for _ in 0..3 {
        log_in(&env, &[&server.url("/mcp")]);
    }
    assert_eq!(server.count("GET /register/client-1"), 2);
    assert_eq!(server.count("POST /register"), 1);
    env.tokctl(["delete", &server.url("/mcp"), "--yes"]).assert().success();
    assert!(server.clients().is_empty());
}

#[test]
fn a_user_who_has_no_login_by_address_is_told_the_one_to_make() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    log_in(&env, &[&address]);
    let account = format!("{NAME}/zed");
    for args in [
        &["get", &account][..],
        &["check", &account],
        &["why", &account],
        &["delete", &account, "--yes"],
    ] {
        let said = stderr(&env.tokctl(args).assert().code(3).stdout_eq(""));
        assert!(said.contains(&format!("there is no credential for `{account}`")), "{said}");
        assert!(said.contains(&format!("tokctl login {account}")), "{said}");
    }
    let said = stderr(&env.tokctl(["get", &address, "-u", "zed"]).assert().code(3));
    assert!(said.contains(&format!("tokctl login {address} --user zed")), "{said}");
    log_in(&env, &[&account]);
    env.tokctl(["get", &account]).assert().success().stdout_eq("access-2\n");
    // What is mistyped is still called unknown.
    let said = stderr(&env.tokctl(["get", "nowhere/zoe"]).assert().code(3));
    assert!(said.contains("there is no provider `nowhere`"), "{said}");
}

#[test]
fn what_a_login_by_address_lacks_is_told_as_it_helps_there() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    let secret = env.file("secret.txt", "made-up-secret");
    let flag = ["login", &address, "--client-secret-file", secret.to_str().unwrap()];
    assert!(stderr(&env.tokctl(flag).assert().code(2)).contains("give `--client-id`"));
    let state = |field: &str, value: Value| server.state().metadata.insert(field.into(), value);
    state("token_endpoint", Value::Null);
    let said = stderr(&env.tokctl(["login", &address]).assert().code(2));
    assert!(said.contains(&format!("`[providers.{NAME}]` with `resource")), "{said}");
    server.state().metadata.clear();
    state("registration_endpoint", Value::Null);
    state("client_id_metadata_document_supported", true.into());
    let said = stderr(&env.tokctl(["login", &address]).assert().code(2));
    assert!(said.contains("`client_id_metadata_url`"), "{said}");
    server.state().metadata.clear();
    let nowhere = env.unset("BROWSER").set("PATH", "");
    let said = stderr(&nowhere.tokctl(["login", &address]).assert().code(2));
    assert!(said.contains("--no-browser") && !said.contains("--token-stdin"), "{said}");
    assert!(!said.contains("--method device"), "{said}");
    server.hands_out_codes();
    let said = stderr(&nowhere.tokctl(["login", &address]).assert().code(2));
    assert!(said.contains("--method device"), "{said}");
}

#[test]
fn what_passes_and_what_is_about_the_resource_is_no_refusal_of_the_client() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    for error in ["server_error", "temporarily_unavailable"] {
        server.state().refuses = Some(error);
        let login = env.begin_login(["login", &server.url("/mcp")]);
        login.visit();
        let said = stderr(&login.finish().code(6));
        assert!(said.contains(error) && !said.contains("refused"), "{said}");
    }
    server.state().refuses = None;
    server.answers("POST /token", Response::json(400, &json!({ "error": "invalid_target" })));
    let login = env.begin_login(["login", &server.url("/mcp")]);
    login.visit();
    let said = stderr(&login.finish().code(8));
    assert!(said.contains("gives no token for this address"), "{said}");
    assert!(!said.contains("refused the client"), "{said}");
}

#[test]
fn a_first_login_at_a_host_where_another_is_under_way_says_what_may_happen() {
    let (one, other) = (RegisteringServer::start(), RegisteringServer::start());
    let env = TestEnv::new();
    let login = env.begin_login(["login", &one.url("/mcp")]);
    login.address();
    let said = stderr(&env.tokctl(["login", &other.url("/mcp")]).assert().code(9));
    assert!(said.contains("that may get the same name is under way"), "{said}");
    login.visit();
    login.finish().success();
    log_in(&env, &[&other.url("/mcp")]);
}

#[test]
fn the_end_of_a_clients_secret_is_a_date_of_the_next_login() {
    let server = RegisteringServer::start();
    let methods = json!(["client_secret_post"]);
    server.state().metadata.insert("token_endpoint_auth_methods_supported".into(), methods);
    let ends = 4_000_000_000_i64.into();
    server.state().registration.insert("client_secret_expires_at".into(), ends);
    let env = TestEnv::new();
    log_in(&env, &[&server.url("/mcp")]);
    let listed = stdout(&env.tokctl(["list", "--json"]).assert().success());
    assert!(listed.contains(r#""login_by": "2096-10-02T07:06:40Z""#), "{listed}");
}
