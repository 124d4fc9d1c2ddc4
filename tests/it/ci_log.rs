//! What a CI platform reads in a log: no text of a server, a file or a name is a command to it, and
//! nothing unseen stands in what people read.

use std::process::Command;

use serde_json::json;
use snapbox::cmd::OutputAssert;

use crate::authorization_server::{AuthorizationServer, issue, refuse, reply};
use crate::env::{TestEnv, stderr, stdout};
use crate::http::Response;

/// Names of users, each a command to some platform, or not what it seems to be.
const NAMES: [&str; 8] = [
    "##vso[task.setvariable variable=made_up]x",
    "##[error]it's x",
    "##teamcity[buildStop comment='made-up']",
    "::add-mask::made-up",
    "a ::error::b",
    "al\u{ad}ice\u{e0041}",
    "##\u{180e}[x",
    "al\u{200d}ice\u{200b}",
];

/// Asserts that no platform sees a command in what was printed, and no person misses a character.
fn assert_harmless(done: &OutputAssert) {
    for printed in [stdout(done), stderr(done)] {
        for line in printed.lines() {
            let lower = line.to_lowercase();
            for command in ["##[", "##vso[", "##teamcity["] {
                assert!(!lower.contains(command), "{line}");
            }
            assert!(!line.trim_start().starts_with("::"), "{line}");
            let hidden = ['\u{ad}', '\u{180e}', '\u{200b}', '\u{200d}', '\u{e0041}'];
            assert!(
                !line.contains(hidden) && !line.contains(|c: char| c.is_control() && c != '\t'),
                "{line:?}"
            );
        }
    }
}

/// Returns the words of the command after `before`, as bash reads them.
fn words_in_bash(said: &str, before: &str) -> Vec<String> {
    let command = said.split(before).nth(1).expect(said).lines().next().unwrap();
    let script = format!(r"printf '%s\0' {}", command.trim_end_matches(['`', ')']));
    let done =
        Command::new("bash").args(["-c", &script]).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(done.status.success(), "{command}");
    let printed = String::from_utf8(done.stdout).unwrap();
    printed.split_terminator('\0').map(ToOwned::to_owned).collect()
}

#[test]
fn a_name_is_no_command_in_any_report() {
    for name in NAMES {
        let env = TestEnv::new().with_static_token(name, "made-up-token");
        for args in [
            &["list"][..],
            &["audit"],
            &["doctor"],
            &["why", "vendor", "--user", name],
            &["check", "vendor", "--user", name],
            &["check", "--all"],
            &["refresh", "vendor", "--user", name],
            &["refresh", "--all", "-v"],
            &["get", "vendor", "--user", name, "--min-ttl", "1h", "--no-refresh"],
            &["get", "other", "--user", name],
            &["delete", "vendor", "--user", name],
            &["run", "-e", "X=tokctl://vendor/nobody", "--", name],
            &["get", name],
            &[name],
            &["delete", "vendor", "--user", name, "--no-revoke", "--yes"],
        ] {
            assert_harmless(&env.tokctl(args).assert());
            let mut as_json = vec!["--json"];
            as_json.extend(args);
            assert_harmless(&env.tokctl(as_json).assert());
        }
    }
}

#[test]
fn json_tells_the_name_as_it_is() {
    for name in NAMES {
        let env = TestEnv::new().with_static_token(name, "made-up-token");
        let listed = crate::env::json(&env.tokctl(["--json", "list"]).assert().success());
        assert_eq!(listed["credentials"][0]["user"], name);
    }
}

#[test]
fn a_hint_stays_what_it_was_when_it_is_typed() {
    for name in NAMES {
        let env = TestEnv::new().with_static_token("somebody", "made-up-token");
        let failed = env.tokctl(["get", "vendor", "--user", name]).assert().code(3);
        assert_harmless(&failed);
        let words = words_in_bash(&stderr(&failed), "hint: tokctl ");
        let typed = words.iter().any(|word| {
            word == name
                || *word == format!("vendor/{name}")
                || word.starts_with("tokctl://vendor/")
        });
        assert!(typed, "{words:?}");
    }
}

#[test]
fn an_identity_that_a_server_names_is_no_command() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&server.definition_with_identity());
    server.will_log_in(issue());
    let name = "##vso[task.setvariable variable=made_up]x";
    server.will_identify("access-1", name);
    let login = env.begin_login(["login", "acme"]);
    login.visit();
    let done = login.finish().success();
    assert_harmless(&done);
    let typed = words_in_bash(&stderr(&done), ": tokctl get ");
    assert_eq!(typed.last().unwrap(), &format!("acme/{name}"));
}

#[test]
fn a_refusal_in_the_servers_words_is_no_command() {
    for words in NAMES {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_login("x", &server, issue());
        server.will(reply(Response::json(
            400,
            &json!({"error": "invalid_request", "error_description": words}),
        )));
        assert_harmless(&env.tokctl(["refresh", "--user", "x"]).assert().failure());
        server.will(refuse(400, words));
        assert_harmless(&env.tokctl(["refresh", "--all"]).assert().failure());
    }
}
