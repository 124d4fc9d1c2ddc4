//! `tokctl why`: what is concluded, and the command that it ends with.

use crate::authorization_server::{AuthorizationServer, issue, refuse, reply};
use crate::env::{TestEnv, json, stderr, stdout};
use crate::http::Response;

/// The finding, and the last line, which is what to type.
fn why(env: &TestEnv) -> (String, String) {
    let said = stdout(&env.tokctl(["why", "acme/x"]).assert().success());
    let first = said.lines().next().unwrap().strip_prefix("acme/x: ").unwrap().to_owned();
    (first, said.lines().last().unwrap().to_owned())
}

#[test]
fn what_works_is_said_to_work() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    // Nobody asked the service, and nothing says how.
    let (finding, command) = why(&env);
    assert!(finding.contains("not checked yet"), "{finding}");
    assert_eq!(command, "tokctl get acme/x");
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    let (finding, command) = why(&env);
    assert!(finding.contains("is due"), "{finding}");
    assert_eq!(command, "tokctl get acme/x");
}

#[test]
fn only_what_the_service_said_is_said_to_work() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&format!("check_url = \"{}\"\n", server.url("/me")));
    env.log_in("x", &server, issue());
    let (finding, command) = why(&env);
    assert!(finding.contains("not checked yet"), "{finding}");
    assert_eq!(command, "tokctl check acme/x");
    server.will_serve("/me", "Bearer access-1", Response::new(503, "text/plain", ""));
    env.tokctl(["check"]).assert().code(6);
    let (finding, command) = why(&env);
    assert!(finding.contains("did not find out") && finding.contains("HTTP 503"), "{finding}");
    assert_eq!(command, "tokctl check acme/x");
    server.will_serve("/me", "Bearer access-1", Response::json(200, &serde_json::json!({})));
    env.tokctl(["check"]).assert().success();
    assert_eq!(why(&env), ("it works".into(), "tokctl get acme/x".into()));
    // A new token is another one.
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    assert!(why(&env).0.contains("not checked yet"));
}

#[test]
fn after_a_server_in_trouble_all_tell_one_story() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(reply(Response::new(503, "text/html", "<h1>Maintenance</h1>")));
    for _ in 0..2 {
        let said = stderr(&env.tokctl(["refresh", "acme/x"]).assert().code(6));
        assert!(said.contains("asks again after 2"), "{said}");
        assert!(said.ends_with("hint: tokctl get acme/x\n"), "{said}");
        let (finding, command) = why(&env);
        assert!(finding.contains("HTTP 503") && finding.contains("until its end"), "{finding}");
        assert!(!finding.contains("never stored"), "{finding}");
        assert_eq!(command, "tokctl get acme/x");
    }
}

#[test]
fn scopes_that_were_not_granted_are_named() {
    let server = AuthorizationServer::start();
    let granted = issue().with("scope", serde_json::json!(""));
    let env = TestEnv::new().with_login("x", &server, granted);
    let said = stdout(&env.tokctl(["why"]).assert().success());
    assert!(!said.contains(" , "), "{said}");
}

#[test]
fn a_refused_grant_needs_a_login_and_the_servers_word_is_told() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(refuse(403, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4);
    let said = stdout(&env.tokctl(["why", "acme", "--user", "x"]).assert().success());
    assert!(said.contains("no longer renews the grant"), "{said}");
    assert!(said.contains("HTTP 403, invalid_grant"), "{said}");
    assert!(said.ends_with("tokctl login acme/x\n"), "{said}");
}

#[test]
fn a_passing_fault_is_to_be_tried_again() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(reply(Response::new(403, "text/html", "<h1>a proxy</h1>")));
    env.tokctl(["get"]).assert().code(6);
    let (finding, command) = why(&env);
    assert!(finding.contains("failed in passing"), "{finding}");
    assert_eq!(command, "tokctl refresh acme/x");
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    assert!(why(&env).0.contains("not checked yet"));
}

#[test]
fn refused_client_settings_are_told() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(refuse(401, "invalid_client"));
    env.tokctl(["get"]).assert().code(2);
    let (finding, command) = why(&env);
    assert!(finding.contains("client's settings"), "{finding}");
    assert_eq!(command, "tokctl login acme/x");
}

#[test]
fn an_interrupted_refresh_is_told_precisely() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(issue().lost());
    env.tokctl(["refresh"]).assert().code(6);
    let (finding, command) = why(&env);
    assert!(finding.contains("until its end, then one more try"), "{finding}");
    assert_eq!(command, "tokctl get acme/x");
    env.add_config("refresh = { reuse = \"tolerant\" }\n");
    assert!(why(&env).0.contains("the next call tries again"));
}

#[test]
fn a_clock_that_is_off_is_told() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    let page = Response::new(502, "text/html", "").with("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    server.will(reply(page));
    env.tokctl(["get"]).assert().code(6);
    let said = stdout(&env.tokctl(["why"]).assert().success());
    assert!(said.contains("s ahead of the server's"), "{said}");
}

#[test]
fn narrowed_scopes_are_told() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().with("scope", "read".into()));
    let said = stdout(&env.tokctl(["why"]).assert().success());
    assert!(said.contains("read, but not offline_access"), "{said}");
}

#[test]
fn json_has_the_same() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let report = json(&env.tokctl(["why", "tokctl://acme/x", "--json"]).assert().success());
    assert_eq!(report["v"], 1);
    assert_eq!(
        report["finding"],
        "its token is in order, but not checked yet: nobody asked the service about it"
    );
    assert_eq!(report["command"], "tokctl get acme/x");
    assert_eq!(report["facts"][0]["what"], "token");
}

#[test]
fn a_reference_to_nothing_is_an_error_with_a_hint() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    for (reference, code) in [("vendor/nobody", 3), ("tokctl://vendor", 2), ("Vendor/x", 2)] {
        let failed = env.tokctl(["why", reference]).assert().code(code).stdout_eq("");
        assert!(stderr(&failed).contains("hint: "), "{}", stderr(&failed));
    }
    env.tokctl(["why", "vendor/x", "--user", "y"]).assert().code(2);
}
