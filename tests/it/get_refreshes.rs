//! `tokctl get` where the token is due: refreshed once, stored before it is printed, and what
//! becomes of every way in which that can go wrong.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::authorization_server::{
    Answer, AuthorizationServer, TokenRequest, issue, lose, refuse, reply,
};
use crate::env::{TestEnv, json, stderr, stdout};
use crate::http::Response;

/// A login whose token is due at once.
fn due(server: &AuthorizationServer) -> TestEnv {
    TestEnv::new().with_login("x", server, issue().expires_in(0))
}

/// A login whose token is due at once, but works for an hour more.
fn due_but_good(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new().with_provider(server);
    env.add_config("refresh = { margin = \"2h\" }\n");
    env.log_in("x", server, issue());
    env
}

fn status(env: &TestEnv) -> serde_json::Value {
    json(&env.tokctl(["list", "--json"]).assert().success())["credentials"][0]["status"].clone()
}

#[test]
fn a_due_token_is_refreshed_once_and_kept() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(issue());
    env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
    env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
}

#[test]
fn each_refresh_spends_the_token_that_the_last_one_brought() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    for number in 2..5 {
        server.will(issue().expires_in(0));
        let expected = format!("access-{number}\n");
        env.tokctl(["get"]).assert().success().stdout_eq(expected);
        let spent = TokenRequest::refresh(&format!("refresh-{}", number - 1));
        assert_eq!(server.token_requests().last(), Some(&spent));
    }
}

#[test]
fn without_a_new_refresh_token_the_old_one_is_kept() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    for _ in 0..2 {
        server.will(issue().expires_in(0).without_refresh_token());
        env.tokctl(["get"]).assert().success();
        assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
    }
}

#[test]
fn the_new_token_is_stored_before_it_is_printed() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(issue());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    env.command(["get"]).stdout(writer).stderr(Stdio::null()).status().unwrap();
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn ten_at_once_send_one_request_and_all_get_its_answer() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(issue().after(Duration::from_millis(300)));
    let children: Vec<_> = (0..10)
        .map(|_| {
            let mut command = env.command(["get"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "access-2\n");
    }
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_refresh_needs_neither_configuration_nor_environment() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    env.config("");
    server.will(issue());
    env.tokctl(["get", "acme", "--user", "x"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_changed_configuration_does_not_redirect_a_refresh_token() {
    let server = AuthorizationServer::start();
    let elsewhere = AuthorizationServer::start();
    let env = due(&server);
    env.config(&elsewhere.definition());
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(elsewhere.token_requests(), []);
}

#[test]
fn an_expired_token_that_nothing_renews_needs_a_login() {
    let server = AuthorizationServer::start();
    let answer = issue().expires_in(0).without_refresh_token();
    let env = TestEnv::new().with_login("x", &server, answer);
    let failed = env.tokctl(["get"]).assert().code(4).stdout_eq("");
    assert!(stderr(&failed).contains("tokctl login"), "{}", stderr(&failed));
    env.tokctl(["get", "--no-refresh"]).assert().code(4).stdout_eq("");
    assert_eq!(status(&env), "expired");
}

#[test]
fn without_refreshing_a_due_token_is_a_failure() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    env.tokctl(["get", "--no-refresh"]).assert().code(1).stdout_eq("");
    assert_eq!(server.token_requests().len(), 1);
}

#[test]
fn a_least_life_that_is_there_costs_no_request() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.tokctl(["get", "--min-ttl", "50m"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_least_life_that_the_provider_never_gives_is_refused_without_a_request() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.tokctl(["get", "--min-ttl", "2h"]).assert().code(1).stdout_eq("");
    assert_eq!(server.token_requests().len(), 1);
}

#[test]
fn a_token_of_unknown_life_is_good_enough_unless_a_least_life_is_asked_for() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().without("expires_in"));
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    server.will(issue());
    env.tokctl(["get", "--min-ttl", "5m"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_least_life_that_a_passing_fault_denies_is_kept_to() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().without("expires_in"));
    server.will(refuse(500, "server_error"));
    env.tokctl(["get", "--min-ttl", "5m"]).assert().code(6).stdout_eq("");
}

#[test]
fn a_renewed_token_that_lives_too_short_is_kept_but_not_printed() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().without("expires_in"));
    server.will(issue());
    env.tokctl(["get", "--min-ttl", "2h"]).assert().code(1).stdout_eq("");
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_token_that_still_works_is_printed_where_its_refresh_fails_in_passing() {
    let server = AuthorizationServer::start();
    let env = due_but_good(&server);
    server.will(reply(Response::new(502, "text/html", "<h1>Bad gateway</h1>")));
    let done = env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    assert!(stderr(&done).contains("warning"), "{}", stderr(&done));
}

/// Runs `get` in a shell, after `prelude`.
fn get_after(env: &TestEnv, program: &str, arguments: &[&str], prelude: &str) -> Output {
    let mut shell = Command::new(program);
    shell.args(arguments).args(["sh", "-c", &format!("{prelude} exec \"$0\" get")]);
    shell.arg(snapbox::cmd::cargo_bin("tokctl"));
    env.settle(&mut shell);
    shell.output().unwrap()
}

#[test]
fn a_token_that_still_works_is_printed_where_nothing_can_be_written() {
    let server = AuthorizationServer::start();
    let env = due_but_good(&server);
    let folder = env.vault_path().parent().unwrap().to_owned();
    let folder = folder.to_str().unwrap();
    let read_only =
        format!("mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} || exit 77;");
    let full = get_after(&env, "env", &[], "ulimit -f 0;");
    let read_only = get_after(&env, "unshare", &["-m"], &read_only);
    for done in [full, read_only] {
        let said = String::from_utf8_lossy(&done.stderr);
        if done.status.code() == Some(77) || said.contains("unshare") {
            eprintln!("skipped: nothing can be mounted here: {said}");
            continue;
        }
        assert_eq!(String::from_utf8_lossy(&done.stdout), "access-1\n", "{said}");
        assert!(said.contains("warning"), "{said}");
    }
}

#[test]
fn a_revoked_login_hands_out_what_still_works_and_asks_no_more() {
    let server = AuthorizationServer::start();
    let env = due_but_good(&server);
    server.will(refuse(400, "invalid_grant"));
    for _ in 0..2 {
        let done = env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
        assert!(stderr(&done).contains("tokctl login"), "{}", stderr(&done));
    }
    assert_eq!(server.token_requests().len(), 2);
    assert_eq!(status(&env), "login_required");
}

#[test]
fn a_refused_refresh_token_needs_a_login_whatever_the_status() {
    for code in [400, 403, 200] {
        let server = AuthorizationServer::start();
        let env = due(&server);
        server.will(refuse(code, "invalid_grant"));
        let failed = env.tokctl(["get"]).assert().code(4).stdout_eq("");
        assert!(stderr(&failed).contains("tokctl login"), "{}", stderr(&failed));
        assert_eq!(status(&env), "login_required");
        env.tokctl(["get"]).assert().code(4).stdout_eq("");
        assert_eq!(server.token_requests().len(), 2, "once refused, nothing is sent again");
    }
}

#[test]
fn a_new_login_mends_a_refused_one() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4);
    env.log_in("x", &server, issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
    assert_eq!(status(&env), "active");
}

#[test]
fn client_settings_that_the_provider_refuses_change_nothing_that_is_stored() {
    for error in ["invalid_client", "invalid_scope", "redirect_uri_mismatch"] {
        let server = AuthorizationServer::start();
        let env = due(&server);
        server.will(refuse(401, error));
        let failed = env.tokctl(["get"]).assert().code(2).stdout_eq("");
        assert!(stderr(&failed).contains("hint: "), "{}", stderr(&failed));
        server.will(issue());
        env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    }
}

/// Answers that say nothing about the refresh token.
fn passing_faults() -> Vec<(&'static str, Answer)> {
    let html = "<h1>made up</h1>";
    let too_long = format!("{{\"access_token\":\"{}\"}}", "x".repeat(2 << 20));
    vec![
        ("a proxy's page", reply(Response::new(502, "text/html", html))),
        ("a page with status 200", reply(Response::new(200, "text/html", html))),
        ("a page with status 400", reply(Response::new(400, "text/html", html))),
        ("an answer over 1 MiB", reply(Response::new(200, "application/json", too_long))),
        ("no token in the answer", reply(Response::json(200, &json!({})))),
        ("an empty answer", reply(Response::new(200, "application/json", ""))),
        ("trouble at the server", refuse(500, "server_error")),
        ("a lost answer", lose()),
    ]
}

#[test]
fn a_passing_fault_is_told_and_leaves_the_login_alone() {
    for (what, fault) in passing_faults() {
        let server = AuthorizationServer::start();
        let env = due(&server);
        server.will(fault);
        env.tokctl(["get"]).assert().code(6).stdout_eq("");
        assert_eq!(server.token_requests().len(), 2, "{what}: a strict provider is asked once");
        assert_eq!(status(&env), "active", "{what}");
        server.will(issue());
        env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    }
}

#[test]
fn a_server_in_trouble_is_asked_again_when_the_message_says() {
    let trouble = || reply(Response::new(503, "text/html", "<h1>Maintenance</h1>"));
    let server = AuthorizationServer::start();
    let env = due_but_good(&server);
    server.will(trouble());
    let failed = env.tokctl(["refresh", "acme/x"]).assert().code(6);
    let said = stderr(&failed);
    assert!(said.contains("asks again after 2") && said.contains("token in hand"), "{said}");
    assert!(!said.contains("next command"), "{said}");
    // No request is sent until then.
    env.tokctl(["refresh", "acme/x"]).assert().code(6);
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    assert_eq!(server.token_requests().len(), 2);

    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(trouble());
    let failed = env.tokctl(["get"]).assert().code(6);
    let said = stderr(&failed);
    assert!(said.contains("asks again with the next command"), "{said}");
    assert!(!said.contains("token in hand"), "{said}");
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_redirection_is_not_followed() {
    let server = AuthorizationServer::start();
    let elsewhere = AuthorizationServer::start();
    let env = due(&server);
    server.will(reply(Response::redirect(&elsewhere.url("/token"))));
    env.tokctl(["get"]).assert().code(6).stdout_eq("");
    assert_eq!(elsewhere.token_requests(), []);
}

#[test]
fn a_server_that_is_not_there_is_a_passing_fault() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    let address = server.url("");
    drop(server);
    let failed = env.tokctl(["get"]).assert().code(6).stdout_eq("");
    assert!(!stderr(&failed).contains("refresh-1"), "{}", stderr(&failed));
    assert!(stderr(&failed).contains(address.trim_start_matches("http://")), "{}", stderr(&failed));
}

#[test]
fn a_spent_token_whose_answer_was_lost_is_tried_once_by_each_later_call() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(issue().lost());
    env.tokctl(["get"]).assert().code(6).stdout_eq("");
    server.will(refuse(400, "invalid_grant").for_a_spent_token());
    env.tokctl(["get"]).assert().code(4).stdout_eq("");
    assert_eq!(status(&env), "login_required");
    assert_eq!(server.token_requests().len(), 3);
}

#[test]
fn a_lost_answer_leaves_a_token_that_still_works_in_use() {
    let server = AuthorizationServer::start();
    let env = due_but_good(&server);
    server.will(issue().lost());
    for _ in 0..3 {
        env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    }
    assert_eq!(server.token_requests().len(), 2, "spending it again would end the family");
}

#[test]
fn a_servers_words_can_neither_paint_the_terminal_nor_command_a_ci() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    let body = json!({
        "error": "invalid_grant",
        "error_description": "\u{1b}[31mred\n::set-env name=PATH::/evil\n##vso[task.setvariable]",
    });
    server.will(reply(Response::json(400, &body)));
    let failed = env.tokctl(["get"]).assert().code(4).stdout_eq("");
    for bad in ["\u{1b}", "::", "##vso["] {
        assert!(!stderr(&failed).contains(bad), "{bad:?} in {}", stderr(&failed));
    }
}

#[test]
fn what_a_server_repeats_of_a_request_is_neither_shown_nor_stored() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    let body = json!({
        "error": "invalid_scope",
        "error_description": "in grant_type=refresh_token&refresh_token=refresh-1",
    });
    server.will(reply(Response::json(400, &body)));
    let failed = env.tokctl(["get"]).assert().failure().stdout_eq("");
    assert!(stderr(&failed).contains("refresh_token=***"), "{}", stderr(&failed));
    for shown in [&["list", "--json"][..], &["why", "acme/x"], &["audit", "--json"]] {
        let done = env.tokctl(shown).assert();
        assert!(!format!("{}{}", stdout(&done), stderr(&done)).contains("refresh-1"), "{shown:?}");
    }
    assert!(!env.vault_bytes().windows(9).any(|bytes| bytes == b"refresh-1"));
}
