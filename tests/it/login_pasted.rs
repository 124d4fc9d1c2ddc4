//! What a person pastes at the terminal while the browser is waited for.

use std::process::Command;

use rexpect::session::PtySession;
use url::Url;

use crate::authorization_server::{AuthorizationServer, Client, TokenRequest, issue};
use crate::browser::{self, AuthorizationRequest, fetch};
use crate::env::{TestEnv, stderr};
use crate::terminal::{at_a_terminal, ending};

const LOGIN: [&str; 4] = ["login", "acme", "--user", "x"];

/// Where nobody can listen.
const HTTPS: &str = "https://localhost:9999/callback/acme";

/// The address of the authorization request, once the terminal is ready to be pasted into.
pub(crate) fn asked(session: &mut PtySession) -> String {
    let (_, address) = session.exp_regex(r"http://127\.0\.0\.1:\d+/authorize\S+").unwrap();
    session.exp_string("it does not show").unwrap();
    address
}

/// Where a browser that opened `address` is sent back to.
pub(crate) fn consented(address: &str) -> String {
    let page = fetch(&Url::parse(address).unwrap(), "GET", &[]);
    page.header("location").unwrap().to_owned()
}

#[test]
fn the_address_at_which_the_browser_ended_may_be_pasted() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(issue());
    let mut session = at_a_terminal(&env, &LOGIN);
    let address = asked(&mut session);
    session.send_line(&consented(&address)).unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("code-1"), "{said}");
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn the_browser_may_come_first() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(issue());
    let mut session = at_a_terminal(&env, &LOGIN);
    let address = asked(&mut session);
    session.send("half an addr").unwrap();
    session.flush().unwrap();
    assert_eq!(browser::visit(&address).status, 200);
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn an_address_of_twenty_kibibytes_is_taken_whole() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(issue());
    let mut session = at_a_terminal(&env, &LOGIN);
    let address = asked(&mut session);
    let (place, query) = {
        let whole = consented(&address);
        let (place, query) = whole.split_once('?').unwrap();
        (place.to_owned(), query.to_owned())
    };
    session.send_line(&format!("{place}?filler={}&{query}", "x".repeat(20 * 1024))).unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn what_is_not_the_answer_gets_a_line_and_another_chance() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(issue());
    let mut session = at_a_terminal(&env, &LOGIN);
    let address = asked(&mut session);
    let request = AuthorizationRequest::read(&address);
    let state = request.state();
    let twice = request.answer(&[("code", "a"), ("code", "b"), ("state", &state)]);
    for (pasted, said) in [
        ("made-up-garbage", "no address"),
        ("https://evil.example/callback/acme?code=made-up&state=x", "not the address"),
        (request.answer(&[("code", "planted")]).as_str(), "no `state`"),
        (request.answer(&[("code", "planted"), ("state", "0")]).as_str(), "`state` belongs"),
        (twice.as_str(), "more than once"),
    ] {
        session.send_line(pasted).unwrap();
        session.exp_string(said).unwrap();
    }
    session.send_line(&"x".repeat(70 * 1024)).unwrap();
    session.exp_string("too long").unwrap();
    session.send_line(&consented(&address)).unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_pasted_answer_of_another_issuer_ends_the_login() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&format!("issuer = \"{}\"\n", server.url("")));
    let mut session = at_a_terminal(&env, &LOGIN);
    let request = AuthorizationRequest::read(&asked(&mut session));
    let state = request.state();
    let mixed_up =
        request.answer(&[("code", "x"), ("state", &state), ("iss", "https://evil.example")]);
    session.send_line(mixed_up.as_str()).unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 8, "{said}");
}

#[test]
fn a_bare_code_counts_only_where_the_server_insists_on_pkce() {
    for (pkce, taken) in [("required", true), ("send", false)] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_provider(&server);
        env.add_config(&format!("pkce = \"{pkce}\"\n"));
        server.will_log_in(issue());
        let mut session = at_a_terminal(&env, &LOGIN);
        let answer = consented(&asked(&mut session));
        session.send_line("code-1").unwrap();
        if !taken {
            session.exp_string("no address").unwrap();
            session.send_line(&answer).unwrap();
        }
        let (said, code) = ending(session);
        assert_eq!(code, 0, "{said}");
    }
}

#[test]
fn a_provider_that_comes_back_to_https_is_pasted() {
    let server = AuthorizationServer::start_for(Client::public().redirected_to(HTTPS));
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&format!("redirect_uri = \"{HTTPS}\"\n"));
    server.will_log_in(issue());
    let mut session = at_a_terminal(&env, &LOGIN);
    let address = asked(&mut session);
    session.send_line("made-up-garbage").unwrap();
    session.exp_string("no address").unwrap();
    session.send_line(&consented(&address)).unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    let [TokenRequest::Code { redirect_uri, .. }] = &server.token_requests()[..] else {
        panic!("{:?}", server.token_requests());
    };
    assert_eq!(redirect_uri, HTTPS);
}

#[test]
fn without_a_terminal_such_a_login_fails_at_once() {
    let server = AuthorizationServer::start_for(Client::public().redirected_to(HTTPS));
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&format!("redirect_uri = \"{HTTPS}\"\n"));
    let failed = env.tokctl(LOGIN).assert().code(2).stdout_eq("");
    assert!(stderr(&failed).contains("at a terminal"), "{}", stderr(&failed));
    assert_eq!(env.browser_environment(), None);
}

#[test]
fn however_it_ends_the_terminal_is_as_it_was() {
    for (signal, code) in [(Some("INT"), 130), (Some("TERM"), 143), (Some("HUP"), 129), (None, 8)] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_provider(&server);
        let mut command = Command::new("/bin/sh");
        let script = "trap : INT TERM HUP; before=$(stty -g)
            \"$0\" login acme --user x --timeout \"$1\"; echo \"code $?\"
            [ \"$(stty -g)\" = \"$before\" ] && echo as before";
        command.args(["-c", script]).arg(snapbox::cmd::cargo_bin("tokctl"));
        command.arg(if signal.is_some() { "1m" } else { "1s" });
        env.settle(&mut command);
        let mut session = rexpect::session::spawn_command(command, Some(20_000)).unwrap();
        session.exp_string("it does not show").unwrap();
        if let Some(signal) = signal {
            let shell = session.process.child_pid.as_raw();
            let children = format!("/proc/{shell}/task/{shell}/children");
            let child = std::fs::read_to_string(children).unwrap().trim().to_owned();
            let sent = Command::new("kill").args(["-s", signal, &child]).status();
            assert!(sent.unwrap().success());
        }
        let (said, _) = ending(session);
        assert!(said.contains(&format!("code {code}")), "{signal:?}: {said}");
        assert!(said.contains("as before"), "{signal:?}: {said}");
    }
}

#[test]
fn an_answer_behind_a_hash_can_be_pasted() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(issue());
    let mut session = at_a_terminal(&env, &LOGIN);
    let address = asked(&mut session);
    session.send_line(&consented(&address).replacen('?', "#", 1)).unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
}
