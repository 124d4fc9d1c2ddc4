//! `tokctl login URL` by a code on another device (RFC 8628).

use crate::env::{TestEnv, stderr};
use crate::registering_server::RegisteringServer;
use crate::terminal::{at_a_terminal, ending};

const NAME: &str = RegisteringServer::NAME;

/// A server that hands out codes, with the address of its resource.
fn server() -> (RegisteringServer, String) {
    let server = RegisteringServer::start();
    server.hands_out_codes();
    let address = server.url("/mcp");
    (server, address)
}

/// Logs in by a code, and returns what is said.
fn by_code(env: &TestEnv, address: &str) -> String {
    let login = ["login", address, "--method", "device"];
    stderr(&env.tokctl(login).assert().success().stdout_eq(""))
}

#[test]
fn a_login_by_a_code_registers_a_client_for_codes_and_names_the_resource() {
    let (server, address) = server();
    let env = TestEnv::new();
    let said = by_code(&env, &address);
    assert!(said.contains("MADE-UPP") && said.contains(&server.url("/enter")), "{said}");
    env.tokctl(["get", &address]).assert().success().stdout_eq("access-1\n").stderr_eq("");
    assert_eq!(server.state().scopes, ["read"]);
    env.tokctl(["refresh", &address]).assert().success();
    env.tokctl(["get", NAME]).assert().success().stdout_eq("access-2\n");
    env.tokctl(["delete", &address, "--yes"]).assert().success();
    assert_eq!(server.count("DELETE /register/client-1"), 1);
}

#[test]
fn the_next_login_goes_by_a_code_again_with_the_same_client() {
    let (server, address) = server();
    let env = TestEnv::new();
    by_code(&env, &address);
    for again in [&*address, NAME] {
        env.tokctl(["login", again]).assert().success();
    }
    assert_eq!(server.count("POST /register"), 1);
    assert_eq!(server.count("POST /device"), 3);
}

#[test]
fn a_client_of_the_browser_is_none_for_codes_nor_the_other_way_round() {
    let (server, address) = server();
    let env = TestEnv::new();
    let in_browser = |flags: &[&str]| {
        let login = env.begin_login([&["login", &address], flags].concat());
        login.visit();
        login.finish().success();
    };
    in_browser(&[]);
    by_code(&env, &address);
    in_browser(&["--method", "browser"]);
    assert_eq!(server.count("POST /register"), 3);
    assert_eq!(server.clients(), ["client-3"], "what nothing uses any more is given back");
}

#[test]
fn a_client_for_codes_that_the_server_forgot_is_registered_anew_once() {
    let (server, address) = server();
    let env = TestEnv::new();
    by_code(&env, &address);
    server.forget_clients();
    let said = by_code(&env, &address);
    assert!(said.contains("registering another client"), "{said}");
    assert_eq!(server.clients(), ["client-2"]);
}

#[test]
fn a_code_that_nobody_enters_leaves_no_client_behind() {
    let (server, address) = server();
    let env = TestEnv::new();
    let pending = serde_json::json!({ "error": "authorization_pending" });
    server.answers("POST /token", crate::http::Response::json(400, &pending));
    let login = ["login", &address, "--method", "device", "--timeout", "1s"];
    env.tokctl(login).assert().code(8).stdout_eq("");
    assert_eq!(server.count("DELETE /register/client-1"), 1);
    assert!(server.clients().is_empty());
}

#[test]
fn where_the_server_has_no_codes_the_login_says_so_and_registers_nothing() {
    let server = RegisteringServer::start();
    let env = TestEnv::new();
    let login = ["login", &server.url("/mcp"), "--method", "device"];
    let failed = env.tokctl(login).assert().code(2).stdout_eq("");
    assert!(stderr(&failed).contains("has no logins by a code"), "{}", stderr(&failed));
    assert_eq!(server.count("POST /register"), 0);
    let port = ["login", &server.url("/mcp"), "--method", "device", "--port", "5000"];
    env.tokctl(port).assert().code(2).stdout_eq("");
}

#[test]
fn at_a_terminal_without_a_browser_a_code_is_the_way() {
    let (server, address) = server();
    let env = TestEnv::new().unset("BROWSER");
    let session = at_a_terminal(&env, &["login", &address]);
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("so this goes by a code") && said.contains("MADE-UPP"), "{said}");
    assert_eq!(server.count("GET /authorize"), 0);
}
