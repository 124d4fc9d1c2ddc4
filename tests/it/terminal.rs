//! What is different with a person at a terminal: questions, and a form for reading.

use std::process::Command;
use std::time::Duration;

use rexpect::process::wait::WaitStatus;
use rexpect::session::PtySession;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, made_up_key, set_mode};
use crate::http::Response;
use crate::screens::Screen;

/// How long an expected text may take, in milliseconds.
const PATIENCE: u64 = 20_000;

/// A command that runs at a terminal of its own.
pub(crate) fn at_a_terminal(env: &TestEnv, arguments: &[&str]) -> PtySession {
    let command = env.terminal_command(arguments);
    rexpect::session::spawn_command(command, Some(PATIENCE)).unwrap()
}

/// Everything that is still to come, and the exit code.
pub(crate) fn ending(mut session: PtySession) -> (String, i32) {
    let rest = session.exp_eof().unwrap();
    match session.process.wait().unwrap() {
        WaitStatus::Exited(_, code) => (rest, code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn delete_asks_first_and_no_is_an_answer() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let mut session = at_a_terminal(&env, &["delete", "acme", "--user", "x"]);
    session.exp_regex("acme").unwrap();
    session.send_line("n").unwrap();
    ending(session);
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn delete_asks_first_and_goes_on_after_yes() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will_revoke(200);
    server.will_revoke(200);
    let mut session = at_a_terminal(&env, &["delete", "acme", "--user", "x"]);
    session.exp_regex("acme").unwrap();
    session.send_line("y").unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    env.tokctl(["get", "--user", "x"]).assert().code(3);
}

/// The words of a wait for a key command of a second, at a terminal of kind `term`.
fn waiting_at(term: &str) -> String {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let script = format!("#!/bin/sh\nsleep 1\necho {}\n", made_up_key());
    let script = env.file("key-command", script);
    set_mode(&script, 0o700);
    let mut command = env.terminal_command(&["get"]);
    command.env_remove("TOKCTL_KEY").env("TOKCTL_KEY_COMMAND", script).env("TERM", term);
    let (said, code) = ending(rexpect::session::spawn_command(command, Some(PATIENCE)).unwrap());
    assert_eq!(code, 0, "{said}");
    said
}

#[test]
fn a_wait_for_a_program_is_one_line_on_any_terminal() {
    for term in ["xterm", "dumb", ""] {
        let said = waiting_at(term);
        let told = said.matches("tokctl: waiting for TOKCTL_KEY_COMMAND\r\n").count();
        assert_eq!(told, 1, "{term}: {said}");
        assert!(said.ends_with("made-up-token\r\n"), "{term}: {said}");
    }
}

#[test]
fn a_token_is_typed_unseen() {
    let env = TestEnv::new();
    env.define_vendor();
    let mut session = at_a_terminal(&env, &["login", "vendor", "--user", "x", "--method", "token"]);
    session.exp_regex("(?i)token").unwrap();
    session.send_line("made-up-typed").unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("made-up-typed"), "{said}");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-typed\n");
}

#[test]
fn an_interrupted_question_leaves_the_terminal_as_it_was() {
    let env = TestEnv::new();
    env.define_vendor();
    let mut command = Command::new("/bin/sh");
    let script = "trap : INT; before=$(stty -g)
        \"$0\" login vendor --user x --method token; echo \"code $?\"
        [ \"$(stty -g)\" = \"$before\" ] && echo as before";
    command.args(["-c", script]).arg(snapbox::cmd::cargo_bin("tokctl"));
    env.settle(&mut command);
    let mut session = rexpect::session::spawn_command(command, Some(PATIENCE)).unwrap();
    session.exp_regex("(?i)token").unwrap();
    session.send_control('c').unwrap();
    let (said, _) = ending(session);
    assert!(said.contains("code 130"), "{said}");
    assert!(said.contains("as before"), "{said}");
}

#[test]
fn a_recovery_code_is_typed_back_until_it_is_right() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let mut session = at_a_terminal(&env, &["key", "add", "recovery"]);
    let (_, code) = session.exp_regex("tokctl-recovery-[-a-z2-7]+").unwrap();
    session.exp_regex("type the recovery code").unwrap();
    session.send_line(&code[..code.len() - 1]).unwrap();
    session.exp_regex("type it again").unwrap();
    session.send_line(&code.to_uppercase()).unwrap();
    let (said, exit) = ending(session);
    assert_eq!(exit, 0, "{said}");

    let env = env.unset("TOKCTL_KEY");
    let id = crate::key_slots::id_of(&env, "key");
    let mut session = at_a_terminal(&env, &["key", "remove", &id]);
    session.exp_regex("recovery code of the vault").unwrap();
    session.send_line("nonsense").unwrap();
    session.exp_regex("type it again").unwrap();
    session.exp_regex("recovery code of the vault").unwrap();
    session.send_line(&code).unwrap();
    session.exp_regex("nothing but a recovery code").unwrap();
    session.send_line("y").unwrap();
    let (said, exit) = ending(session);
    assert_eq!(exit, 0, "{said}");
    assert_eq!(crate::key_slots::slots(&env).len(), 1);
}

#[test]
fn a_recovery_code_that_was_not_typed_back_is_not_added() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let mut session = at_a_terminal(&env, &["key", "add", "recovery"]);
    session.exp_regex("type the recovery code").unwrap();
    session.send_control('c').unwrap();
    session.process.wait().unwrap();
    assert_eq!(crate::key_slots::slots(&env).len(), 1);
}

#[test]
fn a_rotation_asks_for_a_new_passphrase_or_keeps_the_one_that_was_typed() {
    let env = TestEnv::without_key()
        .set("TOKCTL_PASSPHRASE", "made up, old")
        .with_static_token("x", "made-up-token")
        .unset("TOKCTL_PASSPHRASE");
    for (answer, opens) in [("n", "made up, old"), ("y", "made up, new")] {
        let mut session = at_a_terminal(&env, &["rotate-key"]);
        session.exp_regex("passphrase of the vault").unwrap();
        session.send_line("made up, old").unwrap();
        session.exp_regex("change the passphrase").unwrap();
        session.send_line(answer).unwrap();
        if answer == "y" {
            session.exp_regex("new passphrase").unwrap();
            session.send_line(opens).unwrap();
            session.exp_regex("once more").unwrap();
            session.send_line(opens).unwrap();
        }
        let (said, exit) = ending(session);
        assert_eq!(exit, 0, "{said}");
        assert_eq!(said.contains("did not change"), answer == "n", "{said}");
        let mut get = env.command(["get"]);
        let output = get.env("TOKCTL_PASSPHRASE", opens).output().unwrap();
        assert_eq!(output.stdout, b"made-up-token\n");
    }
}

#[test]
fn an_unclear_choice_is_a_menu() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y");
    let mut session = at_a_terminal(&env, &["get"]);
    session.exp_regex("vendor").unwrap();
    session.send_line("").unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("made-up-x"), "{said}");
}

#[test]
fn nobody_is_asked_where_that_was_ruled_out() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y");
    let (said, code) = ending(at_a_terminal(&env, &["--no-input", "get"]));
    assert_eq!(code, 2, "{said}");
    let env = env.set("CI", "true");
    let (said, code) = ending(at_a_terminal(&env, &["get"]));
    assert_eq!(code, 2, "{said}");
}

#[test]
fn colours_are_for_a_terminal_that_somebody_looks_at() {
    let colourful = |env: &TestEnv, arguments: &[&str]| {
        let (said, code) = ending(at_a_terminal(env, arguments));
        assert_eq!(code, 3, "{said}");
        said.contains('\u{1b}')
    };
    let env = TestEnv::new();
    assert!(colourful(&env, &["get"]));
    let env = env.set("CI", "true");
    assert!(!colourful(&env, &["get"]));
    assert!(colourful(&env, &["--color=always", "get"]));
    let env = env.set("CLICOLOR_FORCE", "1");
    assert!(colourful(&env, &["get"]));
    let env = env.set("NO_COLOR", "1");
    assert!(!colourful(&env, &["get"]));
    let env = env.set("CI", "false").unset("NO_COLOR").unset("CLICOLOR_FORCE");
    assert!(colourful(&env, &["get"]));
}

#[test]
fn a_list_tells_how_long_a_token_still_lives() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "stty cols 100 && exec \"$0\" list"]);
    command.arg(snapbox::cmd::cargo_bin("tokctl"));
    env.settle(&mut command);
    let session = rexpect::session::spawn_command(command, Some(PATIENCE)).unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("in 59m") || said.contains("in 1h"), "{said}");
}

#[test]
fn a_terminal_of_unknown_width_shows_words_in_one_piece() {
    let env = TestEnv::new().with_static_token("x@example.com", "made-up-token");
    // Nobody told this terminal a size: it says that it has no columns.
    let (said, code) = ending(at_a_terminal(&env, &["list"]));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("x@example.com"), "{said}");
}

#[test]
fn a_terminal_too_narrow_for_columns_still_shows_each_thing_on_one_line() {
    let env = TestEnv::new().with_static_token("x@example.com", "made-up-token");
    env.file("x.json", r#"{ "access_token": "made-up-other", "client_id": "made-up" }"#);
    let import = "import pauth x.json --provider vendor --user x@example.com --dry-run 2>/dev/null";
    for (columns, arguments) in [(30, "list"), (20, "list"), (30, "audit"), (30, import)] {
        let screen = Screen::of(&env, columns, arguments);
        let text = screen.text();
        assert_eq!(screen.exit, 0, "{text}");
        assert_eq!(text.lines().count(), 2, "{arguments}: {text}");
        assert!(text.contains('…'), "{arguments}: {text}");
    }
}

#[test]
fn a_bar_shows_how_far_a_refresh_of_all_is() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.log_in("y", &server, issue());
    for _ in 0..2 {
        server.will(issue().after(Duration::from_millis(300)));
    }
    let mut session = at_a_terminal(&env, &["refresh", "--all", "--jobs", "1"]);
    session.exp_string("1/2").unwrap();
    let (rest, code) = ending(session);
    assert_eq!(code, 0);
    assert!(rest.ends_with("refreshed 2, skipped 0, failed 0\r\n"), "{rest}");
}

#[test]
fn a_bar_shows_how_far_a_rotation_is() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let other_writer = env.open_vault();
    other_writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut session = at_a_terminal(&env, &["rotate-key"]);
    session.exp_string("sealing anew").unwrap();
    other_writer.execute_batch("ROLLBACK").unwrap();
    session.exp_string("100%").unwrap();
    let (rest, code) = ending(session);
    assert_eq!(code, 0, "{rest}");
    assert!(rest.contains("1 credential is sealed under a new key"), "{rest}");
}

#[test]
fn results_come_first_and_a_bar_shows_how_far_a_check_of_all_is() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&format!("[providers.work]\ncheck_url = \"{}\"\n", server.url("/me")));
    for user in ["x", "y"] {
        let login = ["login", "work", "--user", user, "--token-stdin"];
        env.tokctl(login).stdin(format!("made-up-{user}")).assert().success();
        let answer = Response::json(if user == "x" { 401 } else { 200 }, &serde_json::json!({}));
        let bearer = format!("Bearer made-up-{user}");
        server.will_serve_after(Duration::from_millis(800), "/me", &bearer, answer);
    }
    let mut session = at_a_terminal(&env, &["check", "--all"]);
    session.exp_string("1/2").unwrap();
    let (rest, code) = ending(session);
    assert_eq!(code, 4, "{rest}");
    let at = |text: &str| rest.rfind(text).unwrap_or_else(|| panic!("{text}: {rest}"));
    assert!(at("work/y") < at("warning:"), "{rest}");
}
