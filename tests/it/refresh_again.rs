//! A refresh that fails in passing: when it is tried again, and what spares others the same.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::authorization_server::{
    Answer, AuthorizationServer, Client, issue, lose, refuse, reply,
};
use crate::env::{TestEnv, json, stderr, stdout};
use crate::http::Response;

fn due(server: &AuthorizationServer) -> TestEnv {
    TestEnv::new().with_login("x", server, issue().expires_in(0))
}

fn due_at(server: &AuthorizationServer, reuse: &str) -> TestEnv {
    let env = TestEnv::new().with_provider(server);
    env.add_config(&format!("refresh = {{ reuse = \"{reuse}\" }}\n"));
    env.log_in("x", server, issue().expires_in(0));
    env
}

fn too_many_requests() -> Response {
    Response::new(429, "text/html", "<h1>slow down</h1>")
}

fn start(env: &TestEnv, arguments: &[&str]) -> Child {
    let mut command = env.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Starts `count` processes while the first one waits for `answer`, and gives their exit codes.
fn crowd(env: &TestEnv, server: &AuthorizationServer, count: usize, answer: Answer) -> Vec<i32> {
    let before = server.token_requests().len();
    server.will(answer.after(Duration::from_millis(1500)));
    let mut children = vec![start(env, &["get"])];
    while server.token_requests().len() == before {
        std::thread::sleep(Duration::from_millis(5));
    }
    children.extend((1..count).map(|_| start(env, &["get"])));
    children.into_iter().map(|mut child| child.wait().unwrap().code().unwrap()).collect()
}

#[test]
fn what_was_not_processed_is_asked_again_after_a_moment() {
    for fault in [reply(too_many_requests()), refuse(503, "temporarily_unavailable")] {
        let server = AuthorizationServer::start();
        let env = due(&server);
        server.will(fault);
        server.will(issue());
        env.tokctl(["get"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
    }
}

#[test]
fn a_server_is_left_alone_as_long_as_it_asks() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(reply(too_many_requests().with("Retry-After", "2")));
    server.will(issue());
    let began = Instant::now();
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[test]
fn a_long_pause_that_a_server_asks_for_binds_every_process() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(reply(too_many_requests().with("Retry-After", "600")));
    env.tokctl(["get"]).assert().code(6);
    for verb in ["get", "refresh"] {
        let failed = env.tokctl([verb]).assert().code(6).stdout_eq("");
        assert!(stderr(&failed).contains("asks to be left alone"), "{}", stderr(&failed));
    }
    assert_eq!(server.token_requests().len(), 2);
    // What would be refused until then is no advice.
    let said = stdout(&env.tokctl(["why"]).assert().success());
    assert!(said.contains("to be left alone until 2"), "{said}");
    assert!(said.ends_with("tokctl status acme/x\n"), "{said}");
    // Somebody who logs in anew starts with a clean slate.
    env.log_in_again("x", &server, issue().expires_in(0));
    server.will(issue());
    env.tokctl(["get"]).assert().success();
}

/// Two logins of one client whose tokens have ended, and the server, which has just asked for a
/// pause of ten minutes about `x`.
fn paused() -> (AuthorizationServer, TestEnv) {
    let server = AuthorizationServer::start();
    let env = due(&server);
    env.log_in("y", &server, issue().expires_in(0));
    server.will(reply(too_many_requests().with("Retry-After", "600")));
    env.tokctl(["get", "acme/x"]).assert().code(6);
    (server, env)
}

#[test]
fn a_pause_is_for_all_credentials_of_the_client_that_was_told() {
    let (server, env) = paused();
    let sent = server.token_requests().len();
    for arguments in [&["get", "acme/y"][..], &["refresh", "acme/y"], &["refresh", "--all"]] {
        let said = stderr(&env.tokctl(arguments).assert().code(6).stdout_eq(""));
        assert!(said.contains("`acme/y`: its provider asks to be left alone until 2"), "{said}");
    }
    assert_eq!(server.token_requests().len(), sent);
    // Each command that looks says so, of the credential that was not asked about too.
    let why = stdout(&env.tokctl(["why", "acme/y"]).assert().success());
    assert!(why.contains("its provider asks to be left alone until 2"), "{why}");
    assert!(why.contains("paused until"), "{why}");
    assert!(why.ends_with("tokctl status acme/y\n"), "{why}");
    let status = stdout(&env.tokctl(["status", "acme/y"]).assert().code(6));
    assert!(status.contains("its provider asks for a pause, which ends in "), "{status}");
    let doctor = stdout(&env.tokctl(["doctor"]).assert().success());
    assert!(doctor.contains("its provider asks for a pause"), "{doctor}");
    // A person who logs in was answered, so the others are too.
    env.log_in_again("x", &server, issue().expires_in(0));
    server.will(issue());
    env.tokctl(["get", "acme/y"]).assert().success();
}

#[test]
fn a_pause_holds_back_no_other_client() {
    let (server, env) = paused();
    let other = AuthorizationServer::start_for(Client::public().of("other"));
    let env = env.with_provider(&other);
    other.will_log_in(issue().expires_in(0));
    let login = env.begin_login(["login", "other", "--user", "z"]);
    login.visit();
    login.finish().success();
    other.will(issue());
    env.tokctl(["get", "other/z"]).assert().success();
    drop(server);
}

#[test]
fn a_short_pause_is_waited_for_by_the_others_too() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    env.log_in("y", &server, issue().expires_in(0));
    server.will(reply(too_many_requests().with("Retry-After", "2")));
    server.will(issue());
    server.will(issue());
    let began = Instant::now();
    env.tokctl(["refresh", "--all", "--jobs", "1"]).assert().success();
    assert!(began.elapsed() >= Duration::from_secs(2));
    assert_eq!(server.token_requests().len(), 5);
}

#[test]
fn a_pause_that_was_forged_binds_nobody() {
    let (server, env) = paused();
    let beside = std::path::PathBuf::from(format!("{}.d", env.vault_path().display()));
    let pauses = || {
        let files = std::fs::read_dir(&beside).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|it| it == "pause")).collect::<Vec<_>>()
    };
    let [pause] = &pauses()[..] else { panic!("one client, one file") };
    std::fs::write(pause, [7; 64]).unwrap();
    server.will(issue());
    env.tokctl(["get", "acme/y"]).assert().success();
}

#[test]
fn an_absurd_pause_is_no_end_of_the_program() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    let answer = reply(too_many_requests().with("Retry-After", "18446744073709551615"));
    server.will(answer.after(Duration::from_millis(1100)));
    env.tokctl(["get"]).assert().code(6).stdout_eq("");
    let said = stdout(&env.tokctl(["why"]).assert().success());
    assert!(!said.contains("interrupted"), "nothing was done: {said}");
}

#[test]
fn what_is_damaged_is_found_before_a_refresh_token_is_spent() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    env.sql("UPDATE vault_2 SET sealed = zeroblob(130)");
    env.tokctl(["refresh"]).assert().code(7).stdout_eq("");
    assert_eq!(server.token_requests().len(), 1);
}

#[test]
fn a_token_that_works_is_handed_out_while_its_server_wants_to_be_left_alone() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config("refresh = { margin = \"2h\" }\n");
    env.log_in("x", &server, issue());
    server.will(reply(too_many_requests().with("Retry-After", "600")));
    for reason in ["fewer requests", "still works: its provider asks to be left alone until 2"] {
        let done = env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
        assert!(stderr(&done).contains(reason), "{}", stderr(&done));
    }
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_lost_answer_is_asked_for_again_where_the_provider_allows_it() {
    for reuse in ["tolerant", "10m"] {
        let server = AuthorizationServer::start();
        let env = due_at(&server, reuse);
        server.will(issue().lost());
        server.will(issue().for_a_spent_token());
        env.tokctl(["get"]).assert().success().stdout_eq("access-3\n").stderr_eq("");
    }
}

#[test]
fn a_lost_answer_is_not_asked_for_again_where_that_would_end_the_grant() {
    for reuse in ["strict", "0s"] {
        let server = AuthorizationServer::start();
        let env = due_at(&server, reuse);
        server.will(issue().lost());
        env.tokctl(["get"]).assert().code(6);
        assert_eq!(server.token_requests().len(), 2, "{reuse}");
    }
}

#[test]
fn a_crowd_takes_over_the_outcome_of_the_one_that_failed() {
    for (answer, code) in
        [(refuse(500, "server_error"), 6), (refuse(401, "invalid_client"), 2), (lose(), 6)]
    {
        let server = AuthorizationServer::start();
        let env = due(&server);
        assert_eq!(crowd(&env, &server, 10, answer), [code; 10]);
        assert_eq!(server.token_requests().len(), 2);
    }
}

#[test]
fn a_crowd_takes_over_a_refusal() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    assert_eq!(crowd(&env, &server, 10, refuse(400, "invalid_grant")), [4; 10]);
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn who_comes_after_a_failure_tries_for_itself() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(refuse(500, "server_error"));
    env.tokctl(["get"]).assert().code(6);
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn two_hundred_at_once_send_one_request_and_all_get_its_answer() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(issue().after(Duration::from_millis(500)));
    let children: Vec<_> = (0..200).map(|_| start(&env, &["get"])).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "access-2\n");
    }
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn one_credential_that_is_waited_for_does_not_delay_another() {
    let slow = AuthorizationServer::start();
    let env = due(&slow).with_static_token("y", "made-up-token");
    slow.will(issue().after(Duration::from_secs(2)));
    let mut waiting = start(&env, &["get", "acme"]);
    while slow.token_requests().len() == 1 {
        std::thread::sleep(Duration::from_millis(5));
    }
    env.tokctl(["get", "vendor", "--user", "y"]).assert().success();
    assert_eq!(waiting.try_wait().unwrap(), None, "the other one still waits");
    assert!(waiting.wait().unwrap().success());
}

#[test]
fn a_record_of_an_attempt_that_was_edited_decides_nothing() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(refuse(500, "server_error"));
    env.tokctl(["get"]).assert().code(6);
    for edit in [
        "json_set(last_attempt, '$.not_before', '9999-01-01T00:00:00Z')",
        "'nonsense'",
        "CAST(x'ff' AS TEXT)",
        "json_set(last_attempt, '$.clock_skew', -9223372036854775807 - 1)",
        "json_set(last_attempt, '$.message', char(27) || '[31m::error::')",
    ] {
        env.open_vault().execute_batch("CREATE TABLE kept AS SELECT * FROM credentials_2").unwrap();
        env.sql(&format!("UPDATE credentials_2 SET last_attempt = {edit}"));
        env.tokctl(["list", "--json"]).assert().success();
        for verb in ["why", "get", "refresh"] {
            let said = stderr(&env.tokctl([verb]).assert().code(7).stdout_eq(""));
            assert!(said.contains("hint: tokctl doctor"), "{verb}: {said}");
        }
        env.sql("INSERT OR REPLACE INTO credentials_2 SELECT * FROM kept");
        env.open_vault().execute_batch("DROP TABLE kept").unwrap();
        server.will(issue().expires_in(0));
        env.tokctl(["get"]).assert().success().stderr_eq("");
    }
}

#[test]
fn what_a_server_said_is_told_by_list() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    let listed = |env: &TestEnv| -> Value {
        json(&env.tokctl(["list", "--json"]).assert().success())["credentials"][0].clone()
    };
    server.will(refuse(500, "server_error"));
    env.tokctl(["get"]).assert().code(6);
    assert!(listed(&env)["last_error"].is_string());
    server.will(issue());
    env.tokctl(["get"]).assert().success();
    assert!(listed(&env)["last_error"].is_null());
}
