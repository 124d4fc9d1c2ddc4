//! What becomes of a refresh that is cut off between the provider's answer and the save.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::authorization_server::{Answer, AuthorizationServer, Client, Revocation, issue, refuse};
use crate::env::{TestEnv, json, stderr};

/// Long enough to act while the answer is on its way.
const DELAY: Duration = Duration::from_millis(600);

fn due(server: &AuthorizationServer) -> TestEnv {
    TestEnv::new().with_login("x", server, issue().expires_in(0))
}

/// Starts a `get` and returns once the provider has its request.
fn get_that_is_under_way(env: &TestEnv, server: &AuthorizationServer) -> Child {
    get_that_will_be_answered(env, server, issue())
}

fn get_that_will_be_answered(env: &TestEnv, server: &AuthorizationServer, answer: Answer) -> Child {
    server.will(answer.after(DELAY));
    let before = server.token_requests().len();
    let mut command = env.command(["get"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while server.token_requests().len() == before {
        thread::sleep(Duration::from_millis(5));
    }
    child
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_killed_refresh_frees_its_lock_and_is_remembered() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    let mut child = get_that_is_under_way(&env, &server);
    child.kill().unwrap();
    child.wait().unwrap();
    thread::sleep(DELAY);
    // The answer is lost, and the provider takes a second use for theft. The token in hand has
    // ended, so one try is still the only hope.
    server.will(refuse(400, "invalid_grant").for_a_spent_token());
    let refused = env.tokctl(["get"]).assert().code(4);
    assert!(stderr(&refused).contains("tokctl login acme/x"), "{}", stderr(&refused));
}

#[test]
fn a_signal_waits_until_the_answer_is_saved() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    for name in ["INT", "TERM", "HUP"] {
        let child = get_that_is_under_way(&env, &server);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), None, "{name} ended it");
        assert!(output.stdout.is_empty(), "nothing is printed after {name}");
        let requests = server.token_requests().len();
        env.tokctl(["get"]).assert().success().stdout_eq(format!("access-{requests}\n"));
        assert_eq!(server.token_requests().len(), requests, "the answer was saved");
        server.will(issue().expires_in(0));
        env.tokctl(["refresh"]).assert().success();
    }
}

#[test]
fn an_answer_that_can_not_be_saved_is_kept_beside_the_vault_and_taken_up() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    let child = get_that_is_under_way(&env, &server);
    let other_writer = env.open_vault();
    other_writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nothing is lost, it is kept sealed in"), "{said}");
    assert!(said.contains("tokens.db.d` on this machine"), "{said}");
    assert!(said.contains("hint: tokctl get acme/x\n"), "{said}");
    assert!(output.stdout.is_empty());
    other_writer.execute_batch("ROLLBACK").unwrap();
    drop(other_writer);

    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    env.tokctl(["get", "--no-refresh"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.token_requests().len(), 2, "the refresh token was spent once");
}

#[test]
fn an_answer_is_not_written_over_a_login_that_came_in_between() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    let child = get_that_is_under_way(&env, &server);
    env.sql("DELETE FROM credentials_2");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    env.tokctl(["get"]).assert().code(3);
}

#[test]
fn a_refusal_does_not_erase_what_a_login_brought_in_between() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    let child =
        get_that_will_be_answered(&env, &server, refuse(400, "invalid_grant").for_a_spent_token());
    // So that nothing but the revision stands between the two.
    env.remove_locks();
    env.log_in_again("x", &server, issue());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "access-2\n");
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
}

#[test]
fn a_signal_waits_for_the_second_request_of_a_command_as_well() {
    let server = AuthorizationServer::start_for(
        Client::public().with_post_secret("made-up-old").or_post_secret("made-up-new"),
    );
    let env = TestEnv::new()
        .set("TOKCTL_ACME_CLIENT_SECRET", "made-up-old")
        .with_login("x", &server, issue().expires_in(0))
        .set("TOKCTL_ACME_CLIENT_SECRET", "made-up-new");
    server.will(refuse(401, "invalid_client"));
    let child = get_that_is_under_way(&env, &server);
    while server.token_requests().len() < 3 {
        thread::sleep(Duration::from_millis(5));
    }
    signal(&child, "INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), None);
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_deletion_waits_for_the_answer_and_revokes_it() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    let child = get_that_is_under_way(&env, &server);
    server.will_revoke(200);
    server.will_revoke(200);
    env.tokctl(["delete", "--user", "x", "--yes"]).assert().success();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "access-2\n");
    assert_eq!(server.revocations()[0], Revocation::of_refresh_token("refresh-2"));
}

#[test]
fn a_promise_that_no_token_can_keep_spends_nothing() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(issue().lost());
    env.tokctl(["refresh"]).assert().code(6);
    env.tokctl(["get", "--min-ttl", "2h"]).assert().code(1).stdout_eq("");
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    env.tokctl(["refresh"]).assert().code(6);
    assert_eq!(server.token_requests().len(), 2, "a second use would end the grant");
}

#[test]
fn an_answer_that_did_nothing_does_not_stand_in_the_way_of_the_next_try() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(refuse(400, "something_new"));
    env.tokctl(["refresh"]).assert().code(6);
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
}

#[test]
fn a_list_tells_of_a_refresh_that_is_in_doubt() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let last_error = |env: &TestEnv| {
        let listed = json(&env.tokctl(["list", "--json"]).assert().success());
        listed["credentials"][0]["last_error"].clone()
    };
    assert!(last_error(&env).is_null());
    server.will(issue().lost());
    env.tokctl(["refresh"]).assert().code(6);
    assert!(last_error(&env).as_str().unwrap().contains("not known"));
}
