//! `tokctl login URL`: a login by the address of a protected resource, with nothing prepared.

use serde_json::{Value, json};

use crate::env::{TestEnv, another_key, json as json_of, stderr, stdout};
use crate::export::{export, read, with_bundle_key};
use crate::http::Response;
use crate::registering_server::RegisteringServer;

const NAME: &str = RegisteringServer::NAME;

/// Logs in to `address` in the browser.
fn log_in(env: &TestEnv, args: &[&str]) -> String {
    let login = env.begin_login([&["login"], args].concat());
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

/// Fails to log in to `address` with `code`, before a browser opens, and returns what is said.
fn fails(env: &TestEnv, address: &str, code: i32) -> String {
    stderr(&env.tokctl(["login", address]).assert().code(code).stdout_eq(""))
}

#[test]
fn a_login_by_address_needs_nothing_beforehand() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    let said = log_in(&env, &[&address]);
    assert!(said.contains(&format!("tokctl get {NAME}/default")), "{said}");
    for named in [&address, &format!("{address}/"), &format!("{NAME}/default"), &NAME.to_owned()] {
        env.tokctl(["get", named]).assert().success().stdout_eq("access-1\n").stderr_eq("");
    }
    assert_eq!(server.state().scopes, ["read"]);
    let listed = json_of(&env.tokctl(["list", &address, "--json"]).assert().success());
    assert_eq!(listed["credentials"][0]["server_url"], address);
    assert_eq!(listed["credentials"][0]["provider"], NAME);
    let headers = env.tokctl(["get", &address, "--format", "headers-json"]).assert().success();
    let headers: Value = serde_json::from_str(&stdout(&headers)).unwrap();
    assert_eq!(headers, json!({ "Authorization": "Bearer access-1" }));
}

#[test]
fn every_request_names_the_resource_as_its_metadata_do_refreshes_too() {
    let server = RegisteringServer::start();
    // The server refuses every request that names another one.
    let parent = server.url("");
    server.state().resource = parent;
    let env = TestEnv::new();
    let address = server.url("/mcp");
    log_in(&env, &[&address]);
    env.tokctl(["refresh", &address]).assert().success();
    env.tokctl(["get", &address]).assert().success().stdout_eq("access-2\n").stderr_eq("");
}

#[test]
fn a_crowd_that_finds_the_token_due_refreshes_once() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    server.state().life = 0;
    // Without its hint: typed in a copy of this world, it would send the token that is spent here.
    log_in(&env, &["--quiet", &address]);
    server.state().life = 3600;
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| {
                env.tokctl(["get", &address])
                    .assert()
                    .success()
                    .stdout_eq("access-2\n")
                    .stderr_eq("");
            });
        }
    });
    assert_eq!(server.count("POST /token"), 2, "one for the code, one refresh");
}

#[test]
fn a_second_login_goes_on_with_the_client_and_the_port_of_the_first() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    log_in(&env, &[&address]);
    for again in [address.as_str(), NAME, "at-127-0-0-1/default"] {
        log_in(&env, &[again]);
    }
    assert_eq!(server.count("POST /register"), 1);
    env.tokctl(["get", &address]).assert().success().stdout_eq("access-4\n");
    let listed = json_of(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"].as_array().unwrap().len(), 1);
    // And another person has a client of their own.
    log_in(&env, &[&address, "--user", "alice"]);
    assert_eq!(server.clients(), ["client-1", "client-2"]);
    let unclear = env.tokctl(["get", &address]).assert().code(2).stdout_eq("");
    assert!(stderr(&unclear).contains("which one of"), "{}", stderr(&unclear));
    env.tokctl(["get", &address, "--user", "alice"]).assert().success().stdout_eq("access-5\n");
}

#[test]
fn a_client_that_the_server_forgot_is_registered_anew_once() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    server.state().life = 0;
    log_in(&env, &[&address]);
    server.forget_clients();
    let refused = env.tokctl(["get", &address]).assert().code(4).stdout_eq("");
    assert!(stderr(&refused).contains(&format!("tokctl login {NAME}/default")));
    log_in(&env, &[&format!("{NAME}/default")]);
    assert_eq!(server.clients(), ["client-2"]);
    assert_eq!(server.count("POST /register"), 2);
}

#[test]
fn one_refusal_of_a_registered_client_does_not_end_its_login() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    server.state().life = 0;
    log_in(&env, &[&address]);
    server.state().life = 3600;
    server.answers("POST /token", Response::json(401, &json!({ "error": "invalid_client" })));
    // Without their hints: a login in a copy of this world would unregister the client of this one.
    let refused = env.command(["get", &address]).output().unwrap();
    assert_eq!(refused.status.code(), Some(4));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("registers another client"), "{said}");
    assert!(!said.contains("no longer renews"), "{said}");
    let before = server.count("POST /token");
    let why = env.command(["why", &address]).output().unwrap();
    let why = String::from_utf8(why.stdout).unwrap();
    assert!(why.contains("the next refresh asks again"), "{why}");
    env.command(["status"]).output().unwrap();
    assert_eq!(server.count("POST /token"), before);
    server.state().answers.remove("POST /token");
    env.tokctl(["get", &address]).assert().success().stdout_eq("access-2\n").stderr_eq("");
    assert_eq!(server.count("POST /register"), 1);
}

#[test]
fn a_client_that_is_unknown_when_its_code_is_redeemed_is_registered_anew_once() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    log_in(&env, &[&address]);
    server.answers("POST /token", Response::json(401, &json!({ "error": "invalid_client" })));
    let login = env.begin_login(["login", &address]);
    let first = login.address();
    login.visit();
    let second = loop {
        let now = login.address();
        if now != first {
            break now;
        }
    };
    crate::browser::visit(&second);
    let failed = login.finish().failure();
    assert!(stderr(&failed).contains("registering another client"), "{}", stderr(&failed));
    assert_eq!(server.count("POST /register"), 2, "never a third");
    assert_eq!(server.count("DELETE /register/client-2"), 1, "given back");
}

#[test]
fn a_deletion_revokes_and_unregisters() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    log_in(&env, &[&address]);
    env.tokctl(["delete", &address, "--yes"]).assert().success();
    assert!(server.clients().is_empty());
    assert_eq!(server.count("DELETE /register/client-1"), 1);
    assert!(server.count("POST /revoke") > 0);
    env.tokctl(["get", &address]).assert().code(3).stdout_eq("");
}

#[test]
fn what_is_revoked_is_dead_while_its_client_can_not_be_unregistered() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    log_in(&env, &[&address]);
    server.answers("DELETE /register/client-1", Response::new(500, "text/plain", ""));
    let failed = env.tokctl(["delete", &address, "--yes"]).assert().code(6);
    let said = stderr(&failed);
    assert!(said.contains("was revoked at the provider, but its client"), "{said}");
    assert_eq!(server.count("POST /revoke"), 2, "the refresh token and the access token");
    // Without its hint: a login in a copy of this world would unregister the client of this one.
    let got = env.command(["get", &address]).output().unwrap();
    assert_eq!((got.status.code(), got.stdout.as_slice()), (Some(4), &b""[..]));
    let status = env.command(["status"]).output().unwrap();
    assert_eq!(status.status.code(), Some(4));
    server.state().answers.remove("DELETE /register/client-1");
    env.tokctl(["delete", &address, "--yes"]).assert().success();
    assert!(server.clients().is_empty());
    env.tokctl(["get", &address]).assert().code(3).stdout_eq("");
}

#[test]
fn without_a_revocation_endpoint_the_client_is_unregistered_all_the_same() {
    let server = RegisteringServer::start();
    server.state().metadata.insert("revocation_endpoint".into(), Value::Null);
    let env = TestEnv::new();
    let address = server.url("/mcp");
    log_in(&env, &[&address]);
    let deleted = env.tokctl(["delete", &address, "--yes"]).assert().success();
    assert!(stderr(&deleted).contains("its client unregistered"), "{}", stderr(&deleted));
    assert!(server.clients().is_empty());
}

#[test]
fn after_a_move_each_machine_has_a_client_of_its_own() {
    for moving in [&[][..], &["--move", "--yes"]] {
        let server = RegisteringServer::start();
        let here = with_bundle_key(TestEnv::new());
        let there = TestEnv::new().set("TOKCTL_BUNDLE_KEY", another_key());
        let address = server.url("/mcp");
        log_in(&here, &[&address]);
        let into_file = [address.as_str(), "--output", "out.bundle"];
        export(&here, &[&into_file[..], moving].concat());
        let bundle = read(&here, "out.bundle");
        // Without the hints: typed in a copy of this world, they would end the login here.
        let imported = import_quietly(&there, &bundle);
        assert!(!imported.contains("not defined"), "{imported}");
        // The one whose vault has no registration logs in anew.
        let (keeper, other) = if moving.is_empty() { (&here, &there) } else { (&there, &here) };
        log_in(other, &["--quiet", &format!("{NAME}/default")]);
        assert_eq!(server.clients(), ["client-1", "client-2"]);
        keeper.tokctl(["delete", &address, "--yes"]).assert().success();
        assert_eq!(server.clients(), ["client-2"]);
        other.tokctl(["refresh", &address]).assert().success();
    }
}

/// Imports `bundle`, and returns what is said.
fn import_quietly(env: &TestEnv, bundle: &str) -> String {
    env.file("in.bundle", bundle);
    let imported = env.command(["import", "bundle", "in.bundle"]).output().unwrap();
    assert!(imported.status.success());
    String::from_utf8(imported.stderr).unwrap()
}

#[test]
fn a_table_without_the_resource_takes_no_place_of_a_login_by_address() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    log_in(&env, &[&address]);
    let table = format!(
        "[providers.{NAME}]\nclient_id = \"client-1\"\nauthorization_endpoint = \"{}\"\ntoken_endpoint = \"{}\"\n",
        server.url("/authorize"),
        server.url("/token"),
    );
    env.config(&table);
    for account in [NAME, &format!("{NAME}/default")] {
        let said = stderr(&env.tokctl(["login", account]).assert().code(2));
        assert!(said.contains(&format!("`resource = \"{address}\"`")), "{said}");
    }
    assert_eq!(server.count("POST /token"), 1);
    env.config(&format!("{table}resource = \"{address}\"\n"));
    env.tokctl(["get", NAME]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_login_that_fails_leaves_no_client_behind() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    server.answers("POST /token", Response::json(400, &json!({ "error": "invalid_grant" })));
    let login = env.begin_login(["login", &server.url("/mcp")]);
    login.visit();
    login.finish().code(8);
    assert!(server.clients().is_empty());
}

#[test]
fn a_registered_secret_is_shown_as_the_server_wants_it() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let methods = json!(["client_secret_post"]);
    server.state().metadata.insert("token_endpoint_auth_methods_supported".into(), methods);
    let address = server.url("/mcp");
    log_in(&env, &[&address]);
    env.tokctl(["refresh", &address]).assert().success();
    log_in(&env, &[&address]);
    assert_eq!(server.count("POST /register"), 1);
    for secret in ["made-up-secret-1", "registration-1"] {
        let bytes = env.vault_bytes();
        let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{secret} is in the clear");
    }
}

#[test]
fn a_client_that_is_configured_is_taken_first() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    server.knows("made-up-client", &format!("http://127.0.0.1/callback/{NAME}"));
    log_in(&env, &[&server.url("/mcp"), "--client-id", "made-up-client"]);
    assert_eq!(server.count("POST /register"), 0);
    env.config(&format!(
        "[providers.{NAME}]\nclient_id = \"made-up-client\"\nscopes = [\"write\"]\n"
    ));
    log_in(&env, &[&server.url("/mcp")]);
    assert_eq!(server.count("POST /register"), 0);
    assert_eq!(server.state().scopes, ["read", "write"]);
}

#[test]
fn a_metadata_document_is_the_client_where_the_server_takes_such() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let document = "https://me.example/tokctl.json";
    env.config(&format!("client_id_metadata_url = \"{document}\"\n"));
    log_in(&env, &[&server.url("/mcp")]);
    assert_eq!(server.count("POST /register"), 1, "this server does not say that it takes them");
    let supported = "client_id_metadata_document_supported";
    server.state().metadata.insert(supported.into(), true.into());
    server.knows(document, "http://127.0.0.1/callback");
    log_in(&env, &[&server.url("/mcp"), "--new-client"]);
    assert_eq!(server.count("POST /register"), 1);
    env.tokctl(["refresh", &server.url("/mcp")]).assert().success();
}

#[test]
fn where_no_client_can_be_had_the_login_says_so() {
    let server = RegisteringServer::start();
    server.state().metadata.insert("registration_endpoint".into(), Value::Null);
    let said = fails(&TestEnv::new(), &server.url("/mcp"), 2);
    assert!(said.contains("--client-id"), "{said}");
    let server = RegisteringServer::start();
    let refused = json!({ "error": "access_denied", "error_description": "by invitation" });
    server.answers("POST /register", Response::json(403, &refused));
    let said = fails(&TestEnv::new(), &server.url("/mcp"), 8);
    assert!(said.contains("access_denied, by invitation"), "{said}");
    assert_eq!(server.count("POST /register"), 1);
}

#[test]
fn services_at_one_host_have_names_of_their_own() {
    let (one, other) = (RegisteringServer::start(), RegisteringServer::start());
    let env = TestEnv::new();
    log_in(&env, &[&one.url("/mcp")]);
    log_in(&env, &[&other.url("/mcp")]);
    let third = RegisteringServer::start();
    log_in(&env, &[&third.url("/mcp"), "--as", "third"]);
    let listed = stdout(&env.tokctl(["list", "--columns", "provider"]).assert().success());
    assert_eq!(listed.lines().collect::<Vec<_>>(), [NAME, "at-127-0-0-1-2", "third"]);
    env.tokctl(["get", &other.url("/mcp")]).assert().success().stdout_eq("access-1\n");
    env.tokctl(["get", "third"]).assert().success();
    log_in(&env, &["third"]);
    for taken in ["jira", NAME] {
        let said = env.tokctl(["login", &third.url("/mcp"), "--as", taken]).assert().code(2);
        assert!(stderr(&said).contains("is the name of"), "{}", stderr(&said));
    }
}

#[test]
fn what_the_resource_says_with_no_metadata_of_its_own() {
    // A server from before RFC 9728 is its own authorization server.
    let server = RegisteringServer::start();
    server.state().challenge = None;
    server.answers(
        "GET /.well-known/oauth-protected-resource/mcp",
        Response::new(404, "text/plain", ""),
    );
    let env = TestEnv::new();
    log_in(&env, &[&server.url("/mcp")]);
    env.tokctl(["get", &server.url("/mcp")]).assert().success();
    // What asks for no token has no login.
    let open = RegisteringServer::start();
    open.answers("GET /mcp", Response::json(200, &json!({})));
    open.answers(
        "GET /.well-known/oauth-protected-resource/mcp",
        Response::new(404, "text/plain", ""),
    );
    open.answers("POST /mcp", Response::json(200, &json!({})));
    let said = fails(&TestEnv::new(), &open.url("/mcp"), 2);
    assert!(said.contains("asks for no token"), "{said}");
}

#[test]
fn a_token_is_never_asked_for_on_behalf_of_another_resource() {
    for named in ["/other", "/mcp2", "/mcp/below", "https://evil.example/mcp"] {
        let server = RegisteringServer::start();
        let named = if named.starts_with('/') { server.url(named) } else { named.to_owned() };
        server.state().resource = named;
        let said = fails(&TestEnv::new(), &server.url("/mcp"), 8);
        assert!(said.contains("another resource"), "{said}");
        assert_eq!(server.count("POST /register"), 0);
    }
}

#[test]
fn metadata_of_another_issuer_are_not_believed() {
    for issuer in ["https://honest.example", "/tenant", "//"] {
        let server = RegisteringServer::start();
        let issuer = if issuer.starts_with('/') { server.url(issuer) } else { issuer.to_owned() };
        server.state().metadata.insert("issuer".into(), issuer.into());
        let said = fails(&TestEnv::new(), &server.url("/mcp"), 2);
        assert!(said.contains("another issuer"), "{said}");
        assert_eq!(server.count("POST /register"), 0);
    }
}

#[test]
fn an_answer_from_another_server_ends_the_login() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let login = env.begin_login(["login", &server.url("/mcp")]);
    let asked = crate::browser::AuthorizationRequest::read(&login.address());
    let state = asked.state();
    let foreign =
        asked.answer(&[("code", "x"), ("state", &state), ("iss", "https://evil.example")]);
    crate::browser::fetch(&foreign, "GET", &[]);
    login.finish().code(8);
    assert_eq!(server.count("POST /token"), 0);
    assert!(server.clients().is_empty());
}

#[test]
fn no_redirect_leads_to_another_origin() {
    let other = RegisteringServer::start();
    for asked in [
        "GET /mcp",
        "GET /.well-known/oauth-protected-resource/mcp",
        "GET /.well-known/oauth-authorization-server",
        "POST /register",
    ] {
        let server = RegisteringServer::start();
        let path = asked.split_once(' ').unwrap().1;
        server.answers(asked, Response::redirect(&other.url(path)));
        let login = env_login_attempt(&server);
        assert!(login, "{asked}");
        assert!(other.state().log.is_empty(), "{asked}: {:?}", other.state().log);
    }
}

/// Whether a login fails, or goes on without what was redirected.
fn env_login_attempt(server: &RegisteringServer) -> bool {
    let env = TestEnv::new();
    let done =
        env.tokctl(["--no-input", "login", &server.url("/mcp"), "--no-browser", "--timeout", "1s"]);
    !done.assert().failure().get_output().status.success()
}

#[test]
fn an_address_that_no_secret_may_go_to_is_refused_at_once() {
    let env = TestEnv::new();
    for address in
        ["http://mcp.example.com", "https://u:p@mcp.example.com", "ftp://mcp.example.com"]
    {
        env.tokctl(["login", address]).assert().code(2).stdout_eq("");
        env.tokctl(["get", address]).assert().code(2).stdout_eq("");
    }
}

#[test]
fn a_check_asks_the_resource_and_a_missing_scope_is_told_with_its_command() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let address = server.url("/mcp");
    log_in(&env, &[&address]);
    env.tokctl(["check", &address]).assert().success();
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"write\"";
    server.state().served = Response::json(403, &json!({})).with("WWW-Authenticate", challenge);
    let said = stderr(&env.tokctl(["check", &address]).assert().code(1));
    assert!(said.contains(&format!("tokctl login {NAME}/default --scope 'read write'")), "{said}");
    let why = stdout(&env.tokctl(["why", &address]).assert().success());
    assert!(why.contains("a scope that it lacks: write"), "{why}");
    assert!(why.contains(&format!("tokctl login {NAME}/default --scope 'read write'")), "{why}");
    log_in(&env, &[&format!("{NAME}/default"), "--scope", "read write"]);
    assert_eq!(server.state().scopes, ["read", "read write"]);
    let why = stdout(&env.tokctl(["why", &address]).assert().success());
    assert!(!why.contains("lacks"), "{why}");
}

#[test]
fn offline_access_joins_where_the_server_offers_it() {
    let server = RegisteringServer::start();
    server.state().metadata.insert("scopes_supported".into(), json!(["read", "offline_access"]));
    let env = TestEnv::new();
    log_in(&env, &[&server.url("/mcp")]);
    log_in(&env, &[&server.url("/mcp"), "--scope", "read"]);
    assert_eq!(server.state().scopes, ["read offline_access", "read"]);
}

#[test]
fn the_metadata_document_names_the_redirect_uri_of_its_logins() {
    let env = TestEnv::new();
    let print = |args: &[&str]| {
        let args = [&["providers", "client-metadata"], args].concat();
        env.tokctl(args).assert()
    };
    print(&[]).code(2).stdout_eq("");
    let url = "https://me.example/tokctl.json";
    for refused in ["https://me.example", "http://me.example/x", "https://me.example/x?y", "x"] {
        print(&["--url", refused]).code(2).stdout_eq("");
    }
    let document = json_of(&print(&["--url", url]).success());
    assert_eq!(document["client_id"], url);
    assert_eq!(document["redirect_uris"], json!(["http://127.0.0.1/callback"]));
    assert_eq!(document["token_endpoint_auth_method"], "none");
    env.config(&format!("client_id_metadata_url = \"{url}\"\n"));
    assert_eq!(json_of(&print(&[]).success()), document);
}
