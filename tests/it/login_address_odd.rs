//! Logins by address at servers that do not answer as most do, and with addresses that hold secrets.

use serde_json::json;

use crate::env::{TestEnv, json as read_json, stderr, stdout};
use crate::http::Response;
use crate::registering_server::RegisteringServer;

const NAME: &str = RegisteringServer::NAME;

#[track_caller]
fn log_in(env: &TestEnv, words: &[&str]) {
    let login = env.begin_login([&["login"], words].concat());
    login.visit();
    login.finish().success();
}

#[test]
fn a_server_that_does_not_say_that_it_knows_pkce_is_refused_unless_a_definition_says_so() {
    for named in [json!(null), json!([]), json!(["plain"])] {
        let server = RegisteringServer::start();
        server.state().metadata.insert("code_challenge_methods_supported".into(), named);
        let env = TestEnv::new();
        let refused = env.tokctl(["login", &server.url("/mcp")]).assert().code(2);
        let said = stderr(&refused);
        assert!(said.contains("knows PKCE"), "{said}");
        assert!(said.contains(&format!("`pkce = \"required\"` in `[providers.{NAME}]`")), "{said}");
        assert_eq!(server.count("POST /register"), 0);

        env.config(&format!("[providers.{NAME}]\npkce = \"required\"\n"));
        log_in(&env, &[&server.url("/mcp")]);
        env.tokctl(["get", NAME]).assert().success().stdout_eq("access-1\n");
    }
}

#[test]
fn a_table_that_a_hint_names_is_the_definition_of_the_address() {
    // The resource names a server whose metadata name another issuer, which is the one that is meant.
    let server = RegisteringServer::start();
    let address = server.url("/mcp");
    let protection =
        json!({ "resource": address, "authorization_servers": [server.url("/tenant")] });
    server
        .answers("GET /.well-known/oauth-protected-resource/mcp", Response::json(200, &protection));
    server.answers(
        "GET /.well-known/oauth-authorization-server/tenant",
        Response::json(200, &json!({ "issuer": server.url("") })),
    );
    let env = TestEnv::new();
    let said = stderr(&env.tokctl(["login", &address]).assert().code(2));
    env.config(&table_of(&said));
    log_in(&env, &[&address]);
    log_in(&env, &[&address]);
    log_in(&env, &[NAME]);
    env.tokctl(["get", &address]).assert().success();
    env.tokctl(["get", NAME]).assert().success();
    assert_eq!(server.count("POST /register"), 1);
}

#[test]
fn endpoints_in_a_table_that_a_hint_names_are_those_of_the_address() {
    let server = RegisteringServer::start();
    let at = "GET /.well-known/oauth-authorization-server";
    server.answers(at, Response::new(404, "text/plain", ""));
    server.knows("made-up-client", &format!("http://127.0.0.1/callback/{NAME}"));
    let env = TestEnv::new();
    let address = server.url("/mcp");
    let said = stderr(&env.tokctl(["login", &address]).assert().code(2));
    assert!(said.contains("`authorization_endpoint`, `token_endpoint` and `client_id`"), "{said}");
    let table = format!(
        "{}authorization_endpoint = \"{}\"\ntoken_endpoint = \"{}\"\nclient_id = \"made-up-client\"\n",
        table_of(&said),
        server.url("/authorize"),
        server.url("/token"),
    );
    env.config(&table);
    log_in(&env, &[&address]);
    log_in(&env, &[&address]);
    env.tokctl(["get", &address]).assert().success();
    env.tokctl(["get", NAME]).assert().success();
    assert_eq!(server.count("POST /register"), 0);
}

/// Returns the lines of config.toml that a hint tells in full.
fn table_of(said: &str) -> String {
    let quoted: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let heading = quoted.iter().find(|one| one.starts_with("[providers.")).expect("a table");
    let settings = quoted.iter().filter(|one| one.contains(" = \""));
    settings.fold(format!("{heading}\n"), |table, line| format!("{table}{line}\n"))
}

#[test]
fn what_a_resource_says_of_its_server_is_told() {
    let at = "GET /.well-known/oauth-protected-resource/mcp";
    let servers = |server: &RegisteringServer, named: &str| {
        Response::json(
            200,
            &json!({ "resource": server.url("/mcp"), "authorization_servers": [named] }),
        )
    };
    let server = RegisteringServer::start();
    for (named, why) in [
        ("http://id.evil.example", "neither https nor http on loopback"),
        ("ftp://x", "it is not a web address"),
    ] {
        server.answers(at, servers(&server, named));
        let said = stderr(&TestEnv::new().tokctl(["login", &server.url("/mcp")]).assert().code(2));
        assert!(said.contains(named) && said.contains(why), "{said}");
        assert!(said.contains(&format!("`[providers.{NAME}]`")), "{said}");
    }
    server.answers(
        "GET /.well-known/oauth-authorization-server",
        Response::new(404, "text/plain", ""),
    );
    for (answer, what) in [
        (Response::new(200, "text/html", "<html>"), "not JSON"),
        (Response::json(200, &json!({})), "no `resource`"),
    ] {
        server.answers(at, answer);
        let said = stderr(&TestEnv::new().tokctl(["login", &server.url("/mcp")]).assert().code(2));
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn a_code_or_a_new_client_that_is_refused_is_called_so() {
    for (error, what) in [
        ("invalid_grant", "did not accept the code"),
        ("invalid_client", "refused the client that it had registered for this login"),
    ] {
        let server = RegisteringServer::start();
        server.answers("POST /token", Response::json(400, &json!({ "error": error })));
        let env = TestEnv::new();
        let login = env.begin_login(["login", &server.url("/mcp")]);
        login.visit();
        let said = stderr(&login.finish().code(8));
        assert!(said.contains(what) && !said.contains("no longer accepts"), "{said}");
    }
}

#[test]
fn a_login_by_a_code_needs_no_pkce() {
    let server = RegisteringServer::start();
    server.hands_out_codes();
    server.state().metadata.insert("code_challenge_methods_supported".into(), json!(null));
    let env = TestEnv::new();
    env.tokctl(["login", &server.url("/mcp"), "--method", "device"]).assert().success();
}

#[test]
fn a_server_that_challenges_only_a_post_is_asked_with_one() {
    for got in [
        Response::new(405, "text/plain", "POST, please"),
        Response::new(404, "text/html", "Cannot GET /mcp"),
        Response::new(406, "text/plain", ""),
        Response::json(200, &json!({})),
    ] {
        let server = RegisteringServer::start();
        server.answers("GET /mcp", got);
        // Only the challenge says where the metadata are.
        let metadata = json!({
            "resource": server.url("/mcp"), "authorization_servers": [server.url("")],
            "scopes_supported": ["read", "write"],
        });
        server.answers("GET /elsewhere", Response::json(200, &metadata));
        server.answers(
            "GET /.well-known/oauth-protected-resource/mcp",
            Response::new(404, "text/plain", ""),
        );
        let challenge =
            format!("Bearer resource_metadata=\"{}\", scope=\"read\"", server.url("/elsewhere"));
        server.state().challenge = Some(challenge);
        let env = TestEnv::new();
        log_in(&env, &[&server.url("/mcp")]);
        assert_eq!(server.state().scopes, ["read"]);

        // The token is checked in the way in which it was challenged.
        env.tokctl(["check", NAME]).assert().success();
        assert_eq!(server.count("POST /mcp"), 2);
        server.answers("POST /mcp", Response::new(401, "text/plain", ""));
        // Without its hint, which would spend the refresh token in a copy.
        let refused = env.command(["check", NAME]).output().unwrap();
        assert!(!refused.status.success());
    }
}

#[test]
fn a_get_that_is_challenged_no_more_says_nothing_of_a_token() {
    for got in [
        Response::new(405, "text/plain", "POST, please"),
        Response::new(406, "text/plain", ""),
        Response::new(200, "text/html", "<h1>Welcome</h1>"),
    ] {
        let server = RegisteringServer::start();
        let env = TestEnv::new();
        log_in(&env, &[&server.url("/mcp")]);
        server.answers("GET /mcp", got);
        env.tokctl(["check", NAME]).assert().success();
        server.answers("POST /mcp", Response::new(401, "text/plain", ""));
        // Without its hint, which would spend the refresh token in a copy.
        let refused = env.command(["check", NAME]).output().unwrap();
        assert_eq!(refused.status.code(), Some(4));
        server.answers("POST /mcp", Response::new(404, "text/plain", ""));
        let unknown = env.command(["check", NAME]).output().unwrap();
        let said = String::from_utf8(unknown.stderr).unwrap();
        assert!(!unknown.status.success(), "{said}");
    }
}

#[test]
fn a_server_that_challenges_a_get_is_sent_no_post() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    log_in(&env, &[&server.url("/mcp")]);
    env.tokctl(["check", NAME]).assert().success();
    assert_eq!(server.count("POST /mcp"), 0);
}

#[test]
fn a_secret_in_an_address_is_neither_kept_nor_shown() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    for query in ["?api_key=made-up-1234", "?x=1&accessToken=made-up-1234", "#token=made-up-1234"] {
        let address = server.url(&format!("/mcp{query}"));
        for command in ["login", "get", "check", "delete"] {
            let refused = env.tokctl([command, &address]).assert().code(2).stdout_eq("");
            let said = stderr(&refused);
            assert!(said.contains("must not hold a secret"), "{said}");
            assert!(!said.contains("made-up-1234"), "{said}");
            assert!(said.contains(&format!("tokctl {command} {}", server.url("/mcp"))), "{said}");
        }
        let server_flag = format!("--server={address}");
        let login = ["login", "jira", "--method", "token", &server_flag];
        let refused = env.command(login).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("must not hold a secret"), "{said}");
        assert!(!said.contains("made-up-1234"), "{said}");
    }
    for address in [
        "https://alice:made-up-1234@mcp.example.com/mcp",
        "http://mcp.example.com/mcp?api_key=made-up-1234",
        "ftp://mcp.example.com/?made-up-1234",
    ] {
        let said = stderr(&env.tokctl(["login", address]).assert().code(2));
        assert!(!said.contains("made-up-1234"), "{said}");
    }
    assert!(server.state().log.is_empty());
    assert!(!env.vault_path().exists());
}

#[test]
fn an_address_is_taken_without_its_scheme() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    let typed = address.trim_start_matches("http://");
    log_in(&env, &[typed]);
    env.tokctl(["get", typed]).assert().success().stdout_eq("access-1\n");
    let said = stderr(&env.tokctl(["get", "mcp.example.com"]).assert().code(3));
    assert!(said.contains("tokctl login https://mcp.example.com"), "{said}");
}

#[test]
fn every_spelling_of_a_host_is_one_address() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    let spelt = |host: &str| address.replace("127.0.0.1", host);
    log_in(&env, &[&spelt("2130706433")]);
    log_in(&env, &[&spelt("0x7f.1")]);
    let named = [address.clone(), spelt("2130706433"), address.replace("http", "HTTP")];
    for named in named.iter().chain([&spelt("0x7f.1")]) {
        env.tokctl(["get", named]).assert().success().stdout_eq("access-2\n");
    }
    let listed = read_json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"].as_array().unwrap().len(), 1);
    assert_eq!(listed["credentials"][0]["server_url"], address);
    assert_eq!(server.count("POST /register"), 1);
}

#[test]
fn a_service_that_was_found_by_its_address_is_shown_without_a_key() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    log_in(&env, &[&server.url("/mcp")]);
    let keyless = env.unset("TOKCTL_KEY");
    let shown = stdout(&keyless.tokctl(["providers", NAME]).assert().success());
    assert!(shown.contains(&server.url("/mcp")) && shown.contains("by address"), "{shown}");
    let shown = read_json(&keyless.tokctl(["providers", NAME, "--json"]).assert().success());
    assert_eq!(shown["kind"], "by_address");
    assert_eq!(shown["server_url"], server.url("/mcp").as_str());
    keyless.tokctl(["providers", "at-nowhere"]).assert().code(3);
}

#[test]
fn broken_metadata_are_told_as_the_servers() {
    let server = RegisteringServer::start();
    for (field, broken) in [
        ("token_endpoint", json!(null)),
        ("token_endpoint", json!("http://id.example.com/token")),
        ("authorization_endpoint", json!("not an address")),
    ] {
        server.state().metadata.clear();
        server.state().metadata.insert(field.into(), broken);
        let refused = TestEnv::new().tokctl(["login", &server.url("/mcp")]).assert().code(2);
        let said = stderr(&refused);
        assert!(
            said.contains(&format!("the metadata of `{}` name no `{field}`", server.url(""))),
            "{said}"
        );
        assert!(!said.contains("the definition of"), "{said}");
    }
    // What a login does not need may be broken.
    server.state().metadata.clear();
    for field in ["revocation_endpoint", "device_authorization_endpoint", "userinfo_endpoint"] {
        server.state().metadata.insert(field.into(), json!("http://id.example.com/"));
    }
    log_in(&TestEnv::new(), &[&server.url("/mcp")]);
}

#[test]
fn metadata_that_can_not_be_read_now_are_not_looked_for_elsewhere() {
    let server = RegisteringServer::start();
    let foreign = json!({
        "resource": server.url("/"), "authorization_servers": ["http://127.0.0.1:9"],
    });
    server.answers(
        "GET /.well-known/oauth-protected-resource/mcp",
        Response::new(503, "text/plain", ""),
    );
    server.answers("GET /.well-known/oauth-protected-resource", Response::json(200, &foreign));
    let env = TestEnv::new();
    let failed = env.tokctl(["login", &server.url("/mcp"), "--no-browser"]).assert().code(6);
    assert!(stderr(&failed).contains("HTTP 503"), "{}", stderr(&failed));
    assert_eq!(server.count("GET /.well-known/oauth-protected-resource"), 0);
}
