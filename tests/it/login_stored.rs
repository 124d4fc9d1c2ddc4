//! `tokctl login` over what is stored: it needs nothing but what changes.

use serde_json::json as value;

use crate::authorization_server::service_account::{EMAIL, key_file};
use crate::authorization_server::{AuthorizationServer, Client, TokenRequest, issue, refuse};
use crate::env::{TestEnv, json, set_mode, stderr};

/// The server's definition without its client, as one has it who gave that by flags.
fn world(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new();
    env.config(&server.definition().replace("client_id = \"tokctl-made-up\"\n", ""));
    env
}

/// A login of `alice` whose client and scopes are known to the vault alone.
fn with_flags_alone(server: &AuthorizationServer, secret: &str) -> TestEnv {
    let env = world(server);
    let file = env.file("secret.txt", secret);
    server.will_log_in(issue().with("scope", value!("write offline_access")));
    let login = env.begin_login([
        "login",
        "acme",
        "--user",
        "alice",
        "--client-id",
        "tokctl-made-up",
        "--client-secret-file",
        file.to_str().unwrap(),
        "--scope",
        "write",
        "--scope",
        "offline_access",
    ]);
    login.visit();
    login.finish().success();
    std::fs::remove_file(file).unwrap();
    env
}

fn confidential() -> AuthorizationServer {
    AuthorizationServer::start_for(Client::public().with_post_secret("made-up-secret"))
}

#[test]
fn a_login_in_the_browser_takes_its_client_and_scopes_from_the_vault() {
    let server = confidential();
    let env = with_flags_alone(&server, "made-up-secret");
    server.will_revoke(200);
    server.will_revoke(200);
    server.will_log_in(issue());
    let login = env.begin_login(["login", "acme", "--user", "alice"]);
    login.visit();
    let done = login.finish().success();
    assert!(!stderr(&done).contains("made-up-secret"));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    let asked = server.authorizations();
    assert_eq!(asked.last().unwrap().param("scope"), Some("write offline_access"));
}

#[test]
fn scopes_that_the_configuration_has_besides_are_told() {
    let server = confidential();
    let env = with_flags_alone(&server, "made-up-secret");
    server.will_revoke(200);
    server.will_revoke(200);
    server.will_log_in(issue());
    let login = env.begin_login(["login", "acme", "--user", "alice"]);
    login.visit();
    let said = stderr(&login.finish().success());
    assert!(said.contains("without read"), "{said}");
}

#[test]
fn another_user_logs_in_with_the_client_that_the_vault_has() {
    let server = confidential();
    let env = with_flags_alone(&server, "made-up-secret");
    server.will_log_in(issue());
    let login = env.begin_login(["login", "acme", "--user", "bob"]);
    let page = login.visit();
    assert!(page.text().contains("logged in to acme as bob"), "{}", page.text());
    login.finish().success();
    env.tokctl(["get", "--user", "bob"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_secret_from_the_vault_is_not_sent_to_another_token_endpoint() {
    let (server, other) = (confidential(), confidential());
    let env = with_flags_alone(&server, "made-up-secret");
    env.config(&other.definition());
    let done = env.tokctl(["login", "acme", "--user", "alice"]).assert().code(2);
    let said = stderr(&done);
    assert!(said.contains(&other.url("/token")) && said.contains(&server.url("/token")), "{said}");
    assert!(said.contains("--client-secret-file"), "{said}");
    other.assert_done();
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_secret_from_the_vault_is_not_sent_to_a_foreign_revocation_endpoint() {
    let (server, other) = (confidential(), confidential());
    let env = with_flags_alone(&server, "made-up-secret");
    env.config(&server.definition().replace(&server.url("/revoke"), &other.url("/revoke")));
    let done = env.tokctl(["login", "acme", "--user", "alice"]).assert().code(2);
    assert!(stderr(&done).contains(&other.url("/revoke")), "{}", stderr(&done));
    other.assert_done();
}

#[test]
fn a_client_that_the_configuration_names_is_used_and_told() {
    let server = confidential();
    let env = with_flags_alone(&server, "made-up-secret");
    env.config(&server.definition().replace("tokctl-made-up", "made-up-other"));
    let done = env.tokctl(["login", "acme", "--user", "alice"]).assert().code(2);
    let said = stderr(&done);
    assert!(said.contains("`made-up-other`") && said.contains("`tokctl-made-up`"), "{said}");
    assert!(said.contains("needs the secret"), "{said}");
}

#[test]
fn a_client_logs_in_for_itself_again_without_its_secret() {
    let server =
        AuthorizationServer::start_for(Client::public().with_basic_secret("made-up-secret"));
    let env = world(&server).unset("BROWSER");
    let env = env
        .set("TOKCTL_ACME_CLIENT_SECRET", "made-up-secret")
        .set("TOKCTL_ACME_CLIENT_ID", "tokctl-made-up");
    server.will(issue().without_refresh_token());
    env.tokctl(["login", "acme", "--method", "client-credentials", "--user", "robot"])
        .assert()
        .success();
    let env = env.unset("TOKCTL_ACME_CLIENT_SECRET").unset("TOKCTL_ACME_CLIENT_ID");
    for again in ["defined", "defined nowhere"] {
        server.will_revoke(200);
        server.will(issue().without_refresh_token());
        // What says how a person is waited for does not ask for one.
        let login = ["login", "acme/robot", "--no-browser", "--timeout", "3s"];
        let done = env.tokctl(login).assert().success();
        assert_eq!(stderr(&done).contains("defined nowhere"), again != "defined");
        env.config("");
    }
    env.tokctl(["get"]).assert().success().stdout_eq("access-3\n");
}

#[test]
fn a_service_account_logs_in_again_without_its_key_file() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server).unset("BROWSER");
    let file = env.file("key.json", key_file(&value!({ "token_uri": server.url("/token") })));
    set_mode(&file, 0o600);
    let login = ["login", "acme", "--service-account", file.to_str().unwrap()];
    server.will(issue().without_refresh_token());
    env.tokctl(login).assert().success();
    std::fs::remove_file(&file).unwrap();
    server.will(issue().without_refresh_token());
    env.tokctl(["login", "acme", "--user", EMAIL]).assert().success();
    assert!(matches!(server.token_requests()[..], [TokenRequest::JwtBearer { .. }, _]));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn another_token_needs_neither_server_nor_account_name() {
    for (provider, flags) in [
        ("jira-dc", &["--server", "https://jira.example.com"][..]),
        ("jira", &["--server", "https://acme.example.net", "--username", "a@example.com"]),
    ] {
        let env = TestEnv::new();
        let again = ["login", provider, "--user", "x", "--token-stdin"];
        env.tokctl(again.iter().chain(flags)).stdin("made-up-1").assert().success();
        let before = json(&env.tokctl(["get", "--format", "json"]).assert().success());
        env.tokctl(again).stdin("made-up-2").assert().success();
        let after = json(&env.tokctl(["get", "--format", "json"]).assert().success());
        assert_eq!(after["access_token"], "made-up-2");
        for field in ["server_url", "username", "api_base_url"] {
            assert_eq!(before[field], after[field], "{provider}: {field}");
        }
    }
}

#[test]
fn another_token_for_a_service_that_is_defined_no_more_is_taken() {
    let env = TestEnv::new();
    env.config("[providers.a]\nserver = \"https://a.example.com\"\napi_auth = \"header:X-Key\"\n");
    env.tokctl(["login", "a", "--user", "x", "--token-stdin"])
        .stdin("made-up-1")
        .assert()
        .success();
    env.config("");
    let done =
        env.tokctl(["login", "a", "--user", "x", "--token-stdin"]).stdin("made-up-2").assert();
    assert!(stderr(&done.success()).contains("defined nowhere any more"));
    env.tokctl(["get", "--format", "header"]).assert().success().stdout_eq("X-Key: made-up-2\n");
    env.tokctl(["login", "a", "--user", "y", "--token-stdin"]).stdin("made-up").assert().code(3);
}

#[test]
fn a_server_that_the_configuration_changed_is_used_and_told() {
    let env = TestEnv::new();
    let define = |server: &str| {
        let text = "[providers.a]\nextends = \"jira-dc\"\nserver = ";
        env.config(&format!("{text}\"{server}\"\n"));
    };
    define("https://one.example.com");
    let login = ["login", "a", "--user", "x", "--token-stdin"];
    env.tokctl(login).stdin("made-up-1").assert().success();
    define("https://two.example.com");
    let said = stderr(&env.tokctl(login).stdin("made-up-2").assert().success());
    assert!(said.contains("https://two") && said.contains("https://one"), "{said}");
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["server_url"], "https://two.example.com");
}

#[test]
fn without_a_terminal_the_way_with_stdin_is_named() {
    let env = TestEnv::new().with_static_token("x", "made-up-1");
    let done = env.tokctl(["login", "vendor", "--user", "x"]).assert().code(2);
    assert!(stderr(&done).contains("--token-stdin"), "{}", stderr(&done));
}

#[test]
fn a_first_login_without_a_terminal_names_the_flag_and_the_ways() {
    let env = TestEnv::new();
    let done = env.tokctl(["login", "jira", "--user", "alice@example.com"]).assert().code(2);
    let said = stderr(&done);
    for text in ["--client-id", "--token-stdin", "hint: tokctl providers jira"] {
        assert!(said.contains(text), "{said}");
    }
    let login = ["login", "jira-dc", "--user", "x", "--token-stdin"];
    let said = stderr(&env.tokctl(login).stdin("made-up").assert().code(2));
    for text in ["--server", "hint: tokctl providers jira-dc"] {
        assert!(said.contains(text), "{said}");
    }
}

#[test]
fn the_default_user_is_the_one_who_logs_in() {
    let env = TestEnv::new();
    env.config("default_user = \"alice\"\n[providers.vendor]\napi_auth = \"bearer\"\n");
    env.tokctl(["login", "vendor", "--token-stdin"]).stdin("made-up-1").assert().success();
    env.tokctl(["get", "vendor", "--user", "alice"]).assert().success().stdout_eq("made-up-1\n");
    let env = env.set("TOKCTL_USER", "bob");
    env.tokctl(["login", "vendor", "--token-stdin"]).stdin("made-up-2").assert().success();
    env.tokctl(["get", "vendor", "--user", "bob"]).assert().success().stdout_eq("made-up-2\n");
}

#[test]
fn a_login_without_its_definition_says_what_has_to_come_along() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    // As on a machine to which the vault or a bundle was brought.
    env.config("");
    server.will(refuse(400, "invalid_grant"));
    let said = stderr(&env.tokctl(["refresh", "acme/x"]).assert().code(4));
    assert!(said.contains("hint: copy its table `[providers.acme]`"), "{said}");
    let said = stderr(&env.tokctl(["login", "acme/x"]).assert().code(3));
    assert!(said.contains("copy its table `[providers.acme]`"), "{said}");
}
