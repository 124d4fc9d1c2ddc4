//! A refresh that is under way while somebody deletes the files of the locks, as a tool that cleans
//! or synchronises directories does.
//!
//! The server is a strict one: a refresh token that comes twice ends its grant.

use std::process::{Child, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::authorization_server::{AuthorizationServer, Revocation, issue};
use crate::env::TestEnv;

/// The time that the server takes for its answer.
const DELAY: Duration = Duration::from_secs(2);

/// Less than [`DELAY`], with room for a machine that is busy.
const AT_ONCE: Duration = Duration::from_millis(1500);

/// Starts a command whose request the server answers after [`DELAY`], and returns once the server
/// has the request.
fn under_way(env: &TestEnv, server: &AuthorizationServer, args: &[&str]) -> Child {
    server.will(issue().after(DELAY));
    let before = server.token_requests().len();
    let child = start(env, args);
    while server.token_requests().len() == before {
        thread::sleep(Duration::from_millis(5));
    }
    child
}

fn start(env: &TestEnv, args: &[&str]) -> Child {
    let mut command = env.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[track_caller]
fn assert_printed(output: &Output, token: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{token}\n"), "{said}");
}

#[test]
fn deleted_lock_files_cost_no_grant() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    let first = under_way(&env, &server, &["get"]);
    env.remove_locks();
    let second = start(&env, &["get"]);
    assert_printed(&second.wait_with_output().unwrap(), "access-2");
    assert_printed(&first.wait_with_output().unwrap(), "access-2");
    assert_eq!(server.token_requests().len(), 2, "the login's, and one refresh");
}

#[test]
fn whoever_waits_loses_its_lock_file_too_and_sends_nothing() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    let mut all = vec![under_way(&env, &server, &["get"])];
    for _ in 0..4 {
        env.remove_locks();
        all.push(start(&env, &["get"]));
        all.push(start(&env, &["refresh", "--quiet"]));
        thread::sleep(Duration::from_millis(100));
    }
    for child in all {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn two_hundred_at_once_send_one_request_while_lock_files_vanish() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(issue().after(DELAY));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // Another look at a file that vanished meanwhile is none of this test's business.
                let _ = std::panic::catch_unwind(|| env.remove_locks());
                thread::sleep(Duration::from_millis(20));
            }
        });
        let all: Vec<Child> = (0..200).map(|_| start(&env, &["get"])).collect();
        let all: Vec<_> = all.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        // Before anything is asserted: a thread that nobody stops would keep the test for good.
        done.store(true, Ordering::Relaxed);
        for output in all {
            assert_printed(&output, "access-2");
        }
    });
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_good_token_is_printed_at_once_while_another_process_refreshes_it() {
    for locks_vanish in [false, true] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_login("x", &server, issue());
        let refresh = under_way(&env, &server, &["refresh", "--quiet"]);
        if locks_vanish {
            env.remove_locks();
        }
        let started = Instant::now();
        env.tokctl(["get"]).assert().success().stdout_eq("access-1\n").stderr_eq("");
        assert!(started.elapsed() < AT_ONCE, "it waited for {:?}", started.elapsed());
        assert!(refresh.wait_with_output().unwrap().status.success());
        env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    }
}

#[test]
fn a_refresh_that_died_is_finished_at_once() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config("refresh = { reuse = \"tolerant\" }\n");
    env.log_in("x", &server, issue());
    let mut child = under_way(&env, &server, &["refresh"]);
    child.kill().unwrap();
    child.wait().unwrap();
    // The server has spent the token by then.
    thread::sleep(DELAY);
    server.will(issue().for_a_spent_token());
    env.tokctl(["get"]).assert().success();
    assert_eq!(server.token_requests().len(), 3);
}

#[test]
fn a_refresh_that_died_is_taken_for_one_under_way_where_its_lock_file_is_gone() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let mut child = under_way(&env, &server, &["refresh"]);
    child.kill().unwrap();
    child.wait().unwrap();
    env.remove_locks();
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n").stderr_eq("");
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_deletion_revokes_the_answer_of_a_refresh_whose_lock_file_is_gone() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    let child = under_way(&env, &server, &["get"]);
    env.remove_locks();
    server.will_revoke(200);
    server.will_revoke(200);
    env.tokctl(["delete", "--user", "x", "--yes"]).assert().success();
    assert_printed(&child.wait_with_output().unwrap(), "access-2");
    assert_eq!(server.revocations()[0], Revocation::of_refresh_token("refresh-2"));
}

#[test]
fn a_rotation_whose_lock_file_is_gone_loses_no_answer() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    let child = under_way(&env, &server, &["get"]);
    env.remove_locks();
    env.tokctl(["rotate-key"]).assert().success();
    assert_printed(&child.wait_with_output().unwrap(), "access-2");
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.token_requests().len(), 2);
}
