//! `tokctl refresh --all`, and what narrows it; `--if-token-is`.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::authorization_server::{AuthorizationServer, Client, TokenRequest, issue, refuse};
use crate::env::{TestEnv, json, stderr};

/// A server of the provider `other`.
fn other() -> AuthorizationServer {
    AuthorizationServer::start_for(Client::public().of("other"))
}

/// Logs `user` in at `other`.
fn log_in_there(env: &TestEnv, user: &str, server: &AuthorizationServer) {
    server.will_log_in(issue());
    let login = env.begin_login(["login", "other", "--user", user]);
    login.visit();
    login.finish().success();
}

/// Logins of these users at `acme`.
fn logins(server: &AuthorizationServer, users: &[&str]) -> TestEnv {
    let env = TestEnv::new().with_provider(server);
    for user in users {
        env.log_in(user, server, issue());
    }
    env
}

fn announce(server: &AuthorizationServer, count: usize) {
    for _ in 0..count {
        server.will(issue());
    }
}

#[test]
fn all_that_can_be_refreshed_is_and_the_rest_skipped() {
    let server = AuthorizationServer::start();
    let env = logins(&server, &["x", "y"]).with_static_token("pat", "made-up-token");
    announce(&server, 2);
    let done = env.tokctl(["refresh", "--all"]).assert().success().stdout_eq("");
    assert_eq!(stderr(&done), "refreshed 2, skipped 1, failed 0\n");
}

#[test]
fn a_login_that_was_refused_is_a_failure_every_time_and_no_request() {
    let server = AuthorizationServer::start();
    let env = logins(&server, &["x", "z"]);
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh", "--user", "z"]).assert().code(4);
    for _ in 0..2 {
        announce(&server, 1);
        let failed = env.tokctl(["refresh", "--all"]).assert().code(4).stdout_eq("");
        assert!(stderr(&failed).contains("tokctl login acme/z"), "{}", stderr(&failed));
    }
    env.tokctl(["get", "acme", "--user", "z", "--no-refresh"]).assert().stdout_eq("access-2\n");
}

#[test]
fn what_has_been_due_longest_comes_first() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    for (user, life) in [("a", 3600), ("b", 60), ("c", 600)] {
        env.log_in(user, &server, issue().expires_in(life));
    }
    for order in [["refresh-2", "refresh-3", "refresh-1"], ["refresh-4", "refresh-5", "refresh-6"]]
    {
        let before = server.token_requests().len();
        for life in [60, 600, 3600] {
            server.will(issue().expires_in(life));
        }
        env.tokctl(["refresh", "--all", "--jobs", "1"]).assert().success();
        assert_eq!(server.token_requests()[before..], order.map(TokenRequest::refresh));
    }
}

#[test]
fn one_that_fails_stops_no_other_and_is_told_on_a_line() {
    let (server, there) = (AuthorizationServer::start(), other());
    let env = logins(&server, &["x", "y"]).with_provider(&there);
    log_in_there(&env, "x", &there);
    announce(&server, 2);
    there.will(refuse(400, "invalid_grant"));
    let failed = env.tokctl(["refresh", "--all"]).assert().code(4).stdout_eq("");
    let said = stderr(&failed);
    let line = said.lines().find(|line| line.starts_with("other/x: ")).expect(&said);
    assert!(line.contains("needs a new login") && line.contains("tokctl login other"), "{said}");
    assert!(said.ends_with("tokctl: error: refreshed 2, skipped 0, failed 1\n"), "{said}");
}

#[test]
fn the_gravest_failure_is_the_exit_code() {
    let (server, there) = (AuthorizationServer::start(), other());
    let env = logins(&server, &["x", "y"]).with_provider(&there);
    log_in_there(&env, "z", &there);
    for _ in 0..2 {
        server.will(refuse(401, "invalid_client"));
    }
    announce(&there, 1);
    env.tokctl(["refresh", "--all"]).assert().code(2);
    for _ in 0..2 {
        server.will(refuse(401, "invalid_client"));
    }
    there.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh", "--all"]).assert().code(4);
    env.flip_a_sealed_bit("y");
    server.will(refuse(401, "invalid_client"));
    env.tokctl(["refresh", "--all"]).assert().code(7);
}

#[test]
fn provider_and_user_narrow_it() {
    let (server, there) = (AuthorizationServer::start(), other());
    let env = logins(&server, &["x", "y"]).with_provider(&there);
    log_in_there(&env, "y", &there);
    announce(&there, 1);
    env.tokctl(["refresh", "other", "--all"]).assert().success();
    announce(&server, 1);
    env.tokctl(["refresh", "--all", "--user", "x"]).assert().success();
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
    env.tokctl(["refresh", "jira", "--all"]).assert().code(3).stdout_eq("");
}

#[test]
fn only_tokens_that_end_soon_are_meant() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server).with_static_token("pat", "made-up-token");
    env.log_in("hour", &server, issue());
    env.log_in("minute", &server, issue().expires_in(60));
    server.will(issue());
    let args = ["refresh", "--all", "--expiring-within", "10m", "--json"];
    let done = json(&env.tokctl(args).assert().success());
    assert_eq!(done["refreshed"], 1);
    assert_eq!(done["skipped"], 0);
    assert_eq!(done["results"].as_array().unwrap().len(), 1);
    assert_eq!(done["results"][0]["user"], "minute");
    let one = ["refresh", "acme", "--user", "hour", "--expiring-within", "10m"];
    let spared = env.tokctl(one).assert().success();
    assert!(stderr(&spared).contains("lives longer"), "{}", stderr(&spared));
}

#[test]
fn json_tells_what_came_of_each() {
    let server = AuthorizationServer::start();
    let env = logins(&server, &["x"]).with_static_token("pat", "made-up-token");
    server.will(refuse(400, "invalid_grant"));
    let failed = env.tokctl(["refresh", "--all", "--json"]).assert().code(4);
    let report = json(&failed);
    assert_eq!((&report["v"], &report["refreshed"]), (&1.into(), &0.into()));
    assert_eq!((&report["skipped"], &report["failed"]), (&1.into(), &1.into()));
    let [x, pat] = &report["results"].as_array().unwrap()[..] else { panic!("{report}") };
    assert_eq!((&x["provider"], &x["outcome"]), (&"acme".into(), &"failed".into()));
    assert!(x["error"].as_str().unwrap().contains("needs a new login"), "{x}");
    assert_eq!((&pat["user"], &pat["outcome"]), (&"pat".into(), &"skipped".into()));
    assert!(pat["error"].is_null());
    let error: serde_json::Value = serde_json::from_str(&stderr(&failed)).unwrap();
    assert_eq!(error["error"]["exit"], 4);
}

#[test]
fn jobs_are_between_1_and_256_and_for_several() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    for jobs in ["0", "257", "-1", "many"] {
        env.tokctl(["refresh", "--all", &format!("--jobs={jobs}")]).assert().code(2);
    }
    env.tokctl(["refresh", "--jobs", "2"]).assert().code(2);
    for jobs in ["1", "256"] {
        env.tokctl(["refresh", "--all", "--jobs", jobs]).assert().success();
    }
}

#[test]
fn a_provider_that_is_slow_holds_up_no_other() {
    const DELAY: Duration = Duration::from_secs(2);
    let (slow, fast) = (AuthorizationServer::start(), other());
    let env = logins(&slow, &["x", "y"]).with_provider(&fast);
    for user in ["a", "b", "c", "d"] {
        log_in_there(&env, user, &fast);
    }
    announce(&fast, 4);
    for _ in 0..2 {
        slow.will(issue().after(DELAY));
    }
    let mut command = env.command(["refresh", "--all", "--jobs", "2"]);
    let mut all = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while fast.token_requests().len() < 4 + 4 {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(slow.token_requests().len(), 2 + 1, "it keeps its share, one of two threads");
    assert!(all.wait().unwrap().success());
}

#[test]
fn a_signal_ends_it_once_what_is_under_way_is_stored() {
    const DELAY: Duration = Duration::from_millis(700);
    let users = ["a", "b", "c", "d"];
    let server = AuthorizationServer::start();
    let env = logins(&server, &users);
    for _ in 0..2 {
        server.will(issue().after(DELAY));
    }
    let mut command = env.command(["refresh", "--all", "--jobs", "2"]);
    let mut all = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while server.token_requests().len() < 4 + 2 {
        thread::sleep(Duration::from_millis(5));
    }
    let pid = all.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    assert_eq!(all.wait().unwrap().signal(), Some(2));
    // The server complains of a refresh token that comes again.
    announce(&server, 4);
    env.tokctl(["refresh", "--all"]).assert().success();
}

#[test]
fn a_token_that_was_replaced_already_is_left_alone() {
    let server = AuthorizationServer::start();
    let env = logins(&server, &["x"]);
    let args = ["refresh", "--if-token-is", "-"];
    server.will(issue());
    env.tokctl(args).stdin("access-1\n").assert().success();
    let again = env.tokctl(args).stdin("access-1\n").assert().success().stdout_eq("");
    assert!(stderr(&again).contains("another token"), "{}", stderr(&again));
    let told = json(&env.tokctl([&args[..], &["--json"]].concat()).stdin("access-1").assert());
    assert_eq!(told["skipped"], 1);
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_token_is_not_taken_from_the_command_line() {
    let server = AuthorizationServer::start();
    let env = logins(&server, &["x"]);
    let refused = env.tokctl(["refresh", "--if-token-is", "access-1"]).assert().code(2);
    assert!(!stderr(&refused).contains("access-1"), "{}", stderr(&refused));
    env.tokctl(["refresh", "--all", "--if-token-is", "-"]).assert().code(2);
    env.tokctl(["refresh", "--if-token-is", "-"]).stdin("").assert().code(2);
}

#[test]
fn each_of_many_is_in_the_audit() {
    let users: Vec<String> = (0..12).map(|number| format!("u{number}")).collect();
    let server = AuthorizationServer::start();
    let env = logins(&server, &users.iter().map(String::as_str).collect::<Vec<_>>());
    announce(&server, users.len());
    env.tokctl(["refresh", "--all", "--jobs", "12"]).assert().success();
    let shown = json(&env.tokctl(["audit", "--json"]).assert().success());
    let entries = shown["entries"].as_array().unwrap();
    let refreshed = entries.iter().filter(|entry| entry["action"] == "refresh").count();
    assert_eq!(refreshed, users.len(), "{shown}");
    env.tokctl(["audit", "--verify"]).assert().success();
}
