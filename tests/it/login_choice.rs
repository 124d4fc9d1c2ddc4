//! Which way a login goes where nobody said, and that it says so.

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::browser::{AuthorizationRequest, visit};
use crate::env::{TestEnv, stderr};
use crate::terminal::{at_a_terminal, ending};

const LOGIN: [&str; 4] = ["login", "acme", "--user", "x"];

/// A world in which a code for devices can be had, but no browser: as over SSH.
fn over_ssh(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new().with_provider(server).unset("BROWSER");
    env.add_config(&server.device_endpoint());
    env.set("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")
}

fn code() -> serde_json::Value {
    json!({ "verification_uri": "https://as.example/device", "interval": 1 })
}

#[test]
fn without_a_browser_a_login_goes_by_a_code() {
    let server = AuthorizationServer::start();
    let env = over_ssh(&server);
    server.will_give_a_code(code());
    server.will(issue());
    let (said, code) = ending(at_a_terminal(&env, &LOGIN));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("no browser here, so this goes by a code"), "{said}");
    assert!(said.contains("WDJB-MJHT"), "{said}");
}

#[test]
fn such_an_endpoint_is_looked_for_in_the_metadata() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().unset("BROWSER");
    env.config(&format!(
        "[providers.acme]\nissuer = \"{}\"\nclient_id = \"tokctl-made-up\"\n",
        server.url("")
    ));
    // Once for the choice and the login together.
    server.will_describe_itself();
    server.will_give_a_code(code());
    server.will(issue());
    let (said, code) = ending(at_a_terminal(&env, &LOGIN));
    assert_eq!(code, 0, "{said}");
}

#[test]
fn without_a_code_either_the_address_is_printed_and_its_end_pasted() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server).unset("BROWSER");
    server.will_log_in(issue());
    let mut session = at_a_terminal(&env, &LOGIN);
    session.exp_string("no browser here, so open the address elsewhere").unwrap();
    let (_, address) = session.exp_regex(r"http://127\.0\.0\.1:\d+/authorize\S+").unwrap();
    session.exp_string("it does not show").unwrap();
    visit(&address);
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_method_that_was_named_is_not_second_guessed() {
    for flags in [&["--method", "browser"][..], &["--no-browser"], &["--port", "0"]] {
        let server = AuthorizationServer::start();
        let env = over_ssh(&server);
        server.will_log_in(issue());
        let mut session = at_a_terminal(&env, &[&LOGIN, flags].concat());
        let (_, address) = session.exp_regex(r"http://127\.0\.0\.1:\d+/authorize\S+").unwrap();
        session.exp_string("it does not show").unwrap();
        visit(&address);
        let (said, code) = ending(session);
        assert_eq!(code, 0, "{flags:?}: {said}");
    }
}

#[test]
fn a_browser_that_the_environment_names_counts_over_ssh_as_well() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server).set("SSH_CONNECTION", "made up");
    env.add_config(&server.device_endpoint());
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    assert_eq!(AuthorizationRequest::read(&login.address()).param("state").unwrap().len(), 32);
    login.visit();
    login.finish().success();
}

#[test]
fn without_a_browser_and_a_terminal_a_login_fails_at_once_and_names_the_flags() {
    let server = AuthorizationServer::start();
    let env = over_ssh(&server);
    let failed = env.tokctl(LOGIN).assert().code(2).stdout_eq("");
    for flag in ["--no-browser", "--method device", "--token-stdin"] {
        assert!(stderr(&failed).contains(flag), "{flag}: {}", stderr(&failed));
    }
    env.tokctl(LOGIN.into_iter().chain(["--method", "browser"])).assert().code(2);
}
