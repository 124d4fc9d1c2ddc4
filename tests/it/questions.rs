//! Questions at a terminal: how they are answered, taken back and left.

use std::process::Command;

use rexpect::session::PtySession;

use crate::env::{TestEnv, stdout};
use crate::terminal::{at_a_terminal, ending};

const DOWN: &str = "\u{1b}[B";
const ESCAPE: &str = "\u{1b}";

/// Runs a command line of tokctl in bash, at a terminal of this width, which says afterwards whether
/// its modes are those of before.
fn in_bash(env: &TestEnv, columns: u16, command_line: &str) -> PtySession {
    let mut command = Command::new("/bin/bash");
    let script = format!(
        "trap : INT; stty rows 24 cols {columns}; before=$(stty -g)
        \"$0\" {command_line}; echo \"code $?\"
        [ \"$(stty -g)\" = \"$before\" ] && echo as before; read -t 0.3 rest; echo \"rest<$rest>\""
    );
    command.args(["-c", &script]).arg(snapbox::cmd::cargo_bin("tokctl"));
    env.settle(&mut command);
    rexpect::session::spawn_command(command, Some(20_000)).unwrap()
}

fn type_keys(session: &mut PtySession, keys: &str) {
    session.send(keys).unwrap();
    session.flush().unwrap();
}

/// Asserts that the terminal is as it was: modes, cursor, and nothing typed left over.
fn assert_left_well(said: &str, code: i32) {
    assert!(said.contains(&format!("code {code}\r\n")), "{said}");
    assert!(said.contains("as before"), "{said}");
    assert!(said.contains("rest<>"), "{said}");
    assert!(!said.contains("\u{1b}[?25l"), "the cursor was hidden: {said}");
}

fn two() -> TestEnv {
    TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y")
}

#[test]
fn letters_filter_a_menu() {
    let env = TestEnv::new();
    let mut session = at_a_terminal(&env, &["login"]);
    session.exp_string("log in to").unwrap();
    session.send_line("jira-dc").unwrap();
    session.exp_string("how").unwrap();
    session.send_line("token").unwrap();
    session.exp_string("address").unwrap();
    session.send_line("jira.example.com").unwrap();
    session.exp_string("name to keep").unwrap();
    session.send_line("alice").unwrap();
    session.exp_string("token").unwrap();
    session.send_line("made-up-token").unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("jira-dc/alice"), "{said}");
}

#[test]
fn every_way_out_of_a_menu_leaves_the_terminal_as_it_was() {
    for (keys, code) in
        [("\r", 0), ("y\r", 0), (DOWN, 130), (ESCAPE, 1), ("\u{3}", 130), ("\u{4}", 1)]
    {
        let env = two();
        let mut session = in_bash(&env, 80, "get");
        session.exp_string("which one").unwrap();
        type_keys(&mut session, keys);
        if keys == DOWN {
            type_keys(&mut session, "\u{3}");
        }
        let (said, _) = ending(session);
        assert_left_well(&said, code);
        if code == 0 {
            let token = if keys == "\r" { "made-up-x" } else { "made-up-y" };
            assert!(said.contains(token), "{keys:?}: {said}");
        }
    }
}

#[test]
fn every_way_out_of_a_hidden_question_leaves_the_terminal_as_it_was() {
    for (keys, code) in [
        ("made-up-typed\r", 0),
        (ESCAPE, 8),
        ("made-up\u{3}", 130),
        ("\u{4}", 1),
        ("\rmade-up\r", 0),
    ] {
        let env = TestEnv::new();
        env.define_vendor();
        let mut session = in_bash(&env, 80, "login vendor --user x");
        session.exp_string("token").unwrap();
        type_keys(&mut session, keys);
        let (said, _) = ending(session);
        assert_left_well(&said, code);
        assert!(!said.contains("made-up"), "{said}");
    }
}

#[test]
fn yes_or_no_is_a_line_and_leaves_nothing_to_the_shell() {
    for (answers, code) in
        [("yes\r", 0), ("Y\r", 0), ("maybe\ry\r", 0), ("no\r", 1), ("\r", 1), (ESCAPE, 1)]
    {
        let env = TestEnv::new().with_static_token("x", "made-up-x");
        let mut session = in_bash(&env, 80, "delete vendor --user x");
        session.exp_string("[y/N]").unwrap();
        type_keys(&mut session, answers);
        let (said, _) = ending(session);
        assert_left_well(&said, code);
        env.tokctl(["get", "vendor", "--user", "x"]).assert().code(if code == 0 { 3 } else { 0 });
    }
}

#[test]
fn an_answer_that_can_not_be_used_is_asked_for_again_with_the_reason() {
    let env = TestEnv::new();
    let mut session = in_bash(&env, 80, "login jira-dc --method token");
    for (question, typed, reason) in [
        ("address", "http://jira.example.com", "neither https nor http"),
        ("address", "", "type something"),
        ("address", "jira.example.com", "name to keep"),
        (":", "", "type something"),
        ("name to keep", "alice", "token"),
        (":", "", "no token"),
    ] {
        session.exp_string(question).unwrap();
        session.send_line(typed).unwrap();
        session.exp_string(reason).unwrap();
    }
    session.exp_string("token").unwrap();
    session.send_line("made-up-token").unwrap();
    let (said, _) = ending(session);
    assert_left_well(&said, 0);
    let got = env.tokctl(["get", "--format", "json"]).assert().success();
    assert!(stdout(&got).contains("\"https://jira.example.com\""), "{}", stdout(&got));
}

#[test]
fn escape_goes_back_one_question() {
    let env = TestEnv::new();
    let mut session = at_a_terminal(&env, &["login"]);
    for (question, keys) in [
        ("log in to", "github\r"),
        ("how", "token\r"),
        ("name to keep", "mistyped\r"),
        ("token", ESCAPE),
        ("name to keep", ESCAPE),
        ("how", ESCAPE),
        ("log in to", "jira-dc\r"),
        ("how", "token\r"),
        ("address", "jira.example.com\r"),
        ("name to keep", "bob\r"),
        ("token", "made-up-token\r"),
    ] {
        session.exp_string(question).unwrap();
        type_keys(&mut session, keys);
    }
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("jira-dc/bob"), "{said}");
    env.tokctl(["get", "github"]).assert().code(3);
}

#[test]
fn escape_before_the_first_question_gives_the_login_up() {
    let env = TestEnv::new();
    let mut session = in_bash(&env, 80, "login");
    session.exp_string("log in to").unwrap();
    type_keys(&mut session, ESCAPE);
    let (said, _) = ending(session);
    assert_left_well(&said, 8);
    assert!(!env.vault_path().exists());
}

#[test]
fn the_command_without_questions_does_the_same_elsewhere() {
    let ask = |session: &mut PtySession, answers: &[(&str, &str)]| {
        for (question, typed) in answers {
            session.exp_string(question).unwrap();
            session.send_line(typed).unwrap();
        }
    };
    let env = TestEnv::new();
    let mut session = at_a_terminal(&env, &["login"]);
    ask(
        &mut session,
        &[
            ("log in to", "jira"),
            ("how", "token"),
            ("address", "acme.example.net"),
            ("sent with", "it's me@example.com"),
            ("name to keep", ""),
            ("token (", "made-up-token"),
        ],
    );
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    let line = said.split("without questions: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let elsewhere = TestEnv::new();
    let mut shell = Command::new("/bin/bash");
    let tokctl = snapbox::cmd::cargo_bin("tokctl");
    let line = line.replacen("tokctl", tokctl.to_str().unwrap(), 1);
    shell.args(["-c", &format!("printf made-up-token | {line}")]);
    elsewhere.settle(&mut shell);
    assert!(shell.status().unwrap().success(), "{line}");
    let got = |env: &TestEnv| stdout(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got(&env), got(&elsewhere));
}

#[test]
fn a_service_that_takes_a_token_alone_asks_for_that_token() {
    let env = TestEnv::new();
    env.config("default_user = \"alice\"\n[providers.vendor]\napi_auth = \"bearer\"\n");
    let mut session = at_a_terminal(&env, &["login", "vendor"]);
    session.exp_string("token").unwrap();
    session.send_line("made-up-token").unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    env.tokctl(["get", "vendor", "--user", "alice"])
        .assert()
        .success()
        .stdout_eq("made-up-token\n");
    let done = env.tokctl(["login", "vendor"]).assert().code(2);
    let said = crate::env::stderr(&done);
    assert!(said.contains("--token-stdin"), "{said}");
}

#[test]
fn a_token_is_asked_for_again_over_what_is_stored_and_nothing_else() {
    let env = TestEnv::new();
    let login = ["login", "jira", "--user", "x", "--token-stdin"];
    let flags = ["--server", "https://acme.example.net", "--username", "a@example.com"];
    env.tokctl(login.iter().chain(&flags)).stdin("made-up-1").assert().success();
    let mut session = at_a_terminal(&env, &["login", "jira", "--user", "x"]);
    session.exp_string("token").unwrap();
    session.send_line("made-up-2").unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-2\n");
}

#[test]
fn a_token_from_stdin_does_not_show_when_stdin_is_the_terminal() {
    let env = TestEnv::new();
    env.define_vendor();
    let mut session = at_a_terminal(&env, &["login", "vendor", "--user", "x", "--token-stdin"]);
    session.exp_string("does not show").unwrap();
    session.send_line("made-up-typed").unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("made-up-typed"), "{said}");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-typed\n");
}

#[test]
fn long_questions_leave_nothing_behind_on_narrow_terminals() {
    for columns in [40, 80] {
        let env = TestEnv::new();
        let long = "x".repeat(60);
        let mut session =
            in_bash(&env, columns, "login jira --method token --server https://acme.example.net");
        session.exp_string("is sent").unwrap();
        session.send_line(&format!("{long}@example.com")).unwrap();
        session.exp_string("name to keep").unwrap();
        session.send_line("alice").unwrap();
        session.exp_string("does not").unwrap();
        session.send_line("made-up-token").unwrap();
        let (said, _) = ending(session);
        assert_left_well(&said, 0);
        // What is redrawn stays in its row: nothing that is drawn at once is wider.
        for row in said.split(['\r', '\n']).filter(|row| row.contains("> x") || row.contains(": x"))
        {
            assert!(console_width(row) < columns.into(), "{row}");
        }
    }
}

/// The number of columns that a row takes, without its escape sequences.
fn console_width(row: &str) -> usize {
    let mut width = 0;
    let mut characters = row.chars();
    while let Some(one) = characters.next() {
        if one == '\u{1b}' {
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            width += 1;
        }
    }
    width
}

#[test]
fn a_wrong_passphrase_is_asked_for_again_three_times() {
    const PASSPHRASE: &str = "made up for a test";
    let env = TestEnv::without_key()
        .set("TOKCTL_PASSPHRASE", PASSPHRASE)
        .with_static_token("x", "made-up-x")
        .unset("TOKCTL_PASSPHRASE");
    let mut session = at_a_terminal(&env, &["get"]);
    for typed in ["wrong", PASSPHRASE] {
        session.exp_string("passphrase of the vault").unwrap();
        session.send_line(typed).unwrap();
    }
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("made-up-x"), "{said}");
    let mut session = at_a_terminal(&env, &["get"]);
    for _ in 0..3 {
        session.exp_string("passphrase of the vault").unwrap();
        session.send_line("wrong").unwrap();
    }
    let (said, code) = ending(session);
    assert_eq!(code, 5, "{said}");
    assert!(!said.contains("TOKCTL_PASSPHRASE"), "{said}");
}

#[test]
fn a_new_passphrase_has_eight_characters_and_an_old_one_may_have_fewer() {
    let short = TestEnv::without_key().set("TOKCTL_PASSPHRASE", "1234567");
    short.define_vendor();
    let login = ["login", "vendor", "--user", "x", "--token-stdin"];
    short.tokctl(login).stdin("made-up").assert().code(2);
    assert!(!short.vault_path().exists());
    let env =
        TestEnv::new().with_static_token("x", "made-up-x").set("TOKCTL_NEW_PASSPHRASE", "abc");
    env.tokctl(["key", "add", "passphrase"]).assert().code(2);
    let env = env.unset("TOKCTL_NEW_PASSPHRASE").set("TOKCTL_BUNDLE_PASSPHRASE", "abc");
    env.tokctl(["export", "vendor/x", "--to", "passphrase"]).assert().code(2);
    let env = env.unset("TOKCTL_BUNDLE_PASSPHRASE");
    let mut session = at_a_terminal(&env, &["key", "add", "passphrase"]);
    for (question, typed) in [
        ("new passphrase", "abc"),
        ("at least 8", "long enough"),
        ("once more", "something else"),
        ("not the same", "long enough"),
        ("once more", "long enough"),
    ] {
        session.exp_string(question).unwrap();
        session.send_line(typed).unwrap();
    }
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_recovery_code_fits_a_terminal_and_is_confirmed_unseen_by_its_end() {
    let env = TestEnv::new().with_static_token("x", "made-up-x");
    let mut session = in_bash(&env, 80, "key add recovery");
    let before = session.exp_string("type the recovery code").unwrap();
    let rows: Vec<&str> = before.lines().map(str::trim).filter(|row| row.contains('-')).collect();
    let rows: Vec<&str> = rows.into_iter().filter(|row| !row.contains(' ')).collect();
    assert!(rows.len() > 1 && rows.iter().all(|row| row.len() < 40), "{before}");
    let code = rows.concat();
    let end: Vec<&str> = code.rsplitn(4, '-').take(3).collect();
    let end = [end[2], end[1], end[0]].join("-");
    session.exp_string("does not show").unwrap();
    session.send_line(&end).unwrap();
    let (said, _) = ending(session);
    assert_left_well(&said, 0);
    assert!(!said.contains(&end), "{said}");

    // What is pasted row by row opens the vault.
    let env = env.unset("TOKCTL_KEY");
    let mut session = at_a_terminal(&env, &["get"]);
    session.exp_string("recovery code of the vault").unwrap();
    for row in &rows {
        session.send_line(row).unwrap();
    }
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("made-up-x"), "{said}");
}

#[test]
fn an_end_in_the_past_is_refused_and_a_length_is_told_as_a_date() {
    let env = TestEnv::new();
    env.define_vendor();
    let login = |end| ["login", "vendor", "--user", "x", "--token-stdin", "--expires", end];
    env.tokctl(login("2020-01-01")).stdin("made-up").assert().code(2);
    env.tokctl(["get"]).assert().code(3);
    let done = env.tokctl(login("90d")).stdin("made-up").assert().success();
    let said = crate::env::stderr(&done);
    assert!(said.contains("ends in 90d (2"), "{said}");
}

#[test]
fn questions_show_where_stderr_is_redirected() {
    let env = TestEnv::new();
    env.define_vendor();
    let mut session = in_bash(&env, 80, "login vendor --user x 2> /dev/null");
    session.exp_string("token").unwrap();
    session.send_line("made-up-typed").unwrap();
    let (said, _) = ending(session);
    assert_left_well(&said, 0);
}

#[test]
fn a_passphrase_is_offered_where_there_is_no_keychain() {
    let env = TestEnv::without_key();
    env.define_vendor();
    for (answers, code) in [(&["no"][..], 5), (&["yes", "made up, new", "made up, new"], 0)] {
        // Before the token is typed, which would be in vain.
        let mut session = in_bash(&env, 80, "login vendor --user x");
        for (question, answer) in ["[y/N]", "new passphrase", "once more"].iter().zip(answers) {
            session.exp_string(question).unwrap();
            session.send_line(answer).unwrap();
        }
        if code == 0 {
            session.exp_string("token (").unwrap();
            session.send_line("made-up-token").unwrap();
        }
        let (said, _) = ending(session);
        assert_left_well(&said, code);
    }
    let env = env.set("TOKCTL_PASSPHRASE", "made up, new");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
}

#[test]
fn what_is_typed_while_a_passphrase_is_tried_does_not_show() {
    let env = TestEnv::without_key().set("TOKCTL_PASSPHRASE", "made-up-passphrase");
    let env = env.with_static_token("x", "made-up-x").unset("TOKCTL_PASSPHRASE");
    let mut session = in_bash(&env, 80, "get");
    session.exp_string("passphrase of the vault").unwrap();
    // All at once: the second comes while the first is tried.
    type_keys(&mut session, "made-up-slip\rmade-up-");
    std::thread::sleep(std::time::Duration::from_millis(30));
    type_keys(&mut session, "passphrase\r");
    let (said, _) = ending(session);
    assert_left_well(&said, 0);
    assert!(said.contains("type it again"), "{said}");
    assert!(said.contains("made-up-x"), "{said}");
    assert!(!said.contains("made-up-slip") && !said.contains("passphrase\r\n"), "{said}");
    assert!(!said.contains("made-up-p"), "{said}");
}
