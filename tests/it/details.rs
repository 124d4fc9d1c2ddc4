//! `-v` shows each request, `-vv` what decides as well, and neither of them a value.

use crate::authorization_server::{AuthorizationServer, issue, refuse};
use crate::env::{TestEnv, stderr};

/// What `tokctl` says on stderr.
fn said(env: &TestEnv, arguments: &[&str]) -> String {
    stderr(&env.tokctl(arguments).assert())
}

/// The line for a request to the server's `path`, without its time.
fn request_lines(said: &str, server: &AuthorizationServer) -> Vec<String> {
    let authority = server.url("").trim_start_matches("http://").trim_end_matches('/').to_owned();
    said.lines()
        .filter(|line| line.starts_with("tokctl: "))
        .filter_map(|line| line.split_once(&format!("{authority}/")))
        .map(|(method, rest)| {
            let method = method.trim_start_matches("tokctl: ");
            let (what, time) = rest.split_once(" ms").map_or((rest, ""), |(head, _)| {
                let (what, time) = head.rsplit_once(' ').unwrap();
                (what, time)
            });
            assert!(time.parse::<u32>().is_ok(), "{rest}");
            format!("{method}{what}")
        })
        .collect()
}

#[test]
fn a_refresh_is_one_line_with_method_path_status_and_time() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(issue());
    let told = said(&env, &["get", "-v"]);
    assert_eq!(request_lines(&told, &server), ["POST token 200"], "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_eq!(said(&env, &["get", "-v"]), "");
}

#[test]
fn a_refused_request_is_told_with_its_status() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(refuse(400, "invalid_grant"));
    let told = said(&env, &["refresh", "-v"]);
    assert_eq!(request_lines(&told, &server), ["POST token 400"], "{told}");
}

#[test]
fn a_login_and_a_revocation_tell_each_of_their_requests() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(issue());
    let login = env.begin_login(["login", "acme", "--user", "x", "-v"]);
    login.visit();
    let told = stderr(&login.finish().success());
    assert!(request_lines(&told, &server).contains(&"POST token 200".to_owned()), "{told}");
    server.will_revoke(200);
    server.will_revoke(503);
    let told = said(&env, &["delete", "acme", "--user", "x", "--yes", "-v"]);
    assert_eq!(request_lines(&told, &server).len(), 2, "{told}");
}

#[test]
fn what_decided_is_told_with_two() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let told = said(&env, &["get", "-vv"]);
    for fact in ["key slot", "handed out as it is", "tokens.db"] {
        assert!(told.contains(fact), "{fact}: {told}");
    }
    server.will(issue());
    let told = said(&env, &["refresh", "-vv"]);
    assert!(told.contains("took the turn to refresh `acme/x` after "), "{told}");
    assert_eq!(request_lines(&told, &server), ["POST token 200"], "{told}");
}

#[test]
fn the_environment_sets_how_much_is_told() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    for (log, flag, lines) in
        [("info", "-v", 1), ("debug", "--json", 1), ("debug", "-q", 0), ("warn", "-v", 0)]
    {
        let env = env.command(["refresh", flag]);
        server.will(issue());
        let mut refresh = env;
        let output = refresh.env("TOKCTL_LOG", log).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let requests = told.lines().filter(|line| line.contains("/token 200")).count();
        if flag == "--json" {
            let told: serde_json::Value = serde_json::from_str(&told).unwrap();
            assert_eq!((&told["level"], &told["event"]), (&"debug".into(), &"detail".into()));
        }
        assert_eq!(requests, lines, "{log} {flag}: {told}");
    }
    let env = env.set("TOKCTL_LOG", "loud");
    env.tokctl(["get"]).assert().code(2);
}

#[test]
fn no_value_is_told() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(issue());
    let told = said(&env, &["refresh", "-vvv"]);
    for secret in ["access-", "refresh-", "grant_type", "client_id", "Bearer", "?"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    let key = env.command(["get"]);
    let key = key.get_envs().find(|(name, _)| *name == "TOKCTL_KEY").unwrap().1.unwrap();
    assert!(!told.contains(key.to_str().unwrap()), "{told}");
}

#[test]
fn a_network_fault_has_one_cause() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    drop(server);
    let told = said(&env, &["refresh"]);
    assert_eq!(told.matches("caused by: ").count(), 1, "{told}");
    assert!(told.contains("connection refused") && !told.contains("os error"), "{told}");
}
