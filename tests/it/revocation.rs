//! Revocations: tried again where that can help, told where nothing can, and finished by the next
//! command where the first one was killed.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Client, Revocation, issue, refuse};
use crate::env::{TestEnv, stderr};

const LOGIN: [&str; 4] = ["login", "acme", "--user", "x"];
const DELETE: [&str; 3] = ["delete", "acme/x", "--yes"];

/// Logs in to a server that was told what to answer. Returns what the login said.
fn log_in(env: &TestEnv) -> String {
    let login = env.begin_login(LOGIN);
    login.visit();
    stderr(&login.finish().success())
}

#[test]
fn a_server_in_trouble_is_asked_again_for_a_revocation() {
    for trouble in [429, 500, 503] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_login("x", &server, issue());
        server.will_revoke(trouble);
        server.will_revoke(200);
        server.will_revoke(200);
        let done = env.tokctl(DELETE).assert().success();
        assert!(stderr(&done).contains("trying again in 1 s"), "{}", stderr(&done));
        let first = Revocation::of_refresh_token("refresh-1");
        assert_eq!(server.revocations()[..2], [first.clone(), first]);
        env.tokctl(["get", "acme/x"]).assert().code(3);
    }
}

#[test]
fn a_login_that_was_killed_before_the_earlier_one_was_revoked_is_finished_by_the_next_request() {
    for next in [&["refresh", "acme/x"][..], &["login", "acme/x"], DELETE.as_slice()] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_login("x", &server, issue());
        server.will_log_in(issue());
        server.will_revoke_after(Duration::from_secs(2), 503);
        let login = env.begin_login(LOGIN);
        login.visit();
        let deadline = Instant::now() + Duration::from_secs(20);
        while server.revocations().is_empty() {
            assert!(Instant::now() < deadline, "no revocation came");
            thread::sleep(Duration::from_millis(5));
        }
        login.signal("KILL");
        drop(login);
        // The new login is whole.
        env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
        let tokens = if next[0] == "refresh" { 2 } else { 4 };
        for _ in 0..tokens {
            server.will_revoke(200);
        }
        match next[0] {
            "login" => {
                server.will_log_in(issue());
                let login = env.begin_login(next);
                login.visit();
                login.finish().success();
            }
            "refresh" => {
                server.will(issue());
                env.tokctl(next).assert().success();
            }
            _ => drop(env.tokctl(next).assert().success()),
        }
        let revoked = server.revocations();
        let earlier = Revocation::of_refresh_token("refresh-1");
        assert_eq!(revoked.iter().filter(|one| **one == earlier).count(), 2, "{next:?}");
        // It is done once, and what was done is forgotten.
        if next[0] == "refresh" {
            server.will(issue());
            env.tokctl(next).assert().success();
        }
    }
}

/// A world in which the earlier of two logins was not revoked: its server was in trouble.
fn with_a_revocation_that_failed() -> (TestEnv, AuthorizationServer) {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    for _ in 0..3 {
        server.will_revoke(503);
    }
    server.will_log_in(issue());
    let said = log_in(&env);
    assert!(said.contains("which the next refresh tries again"), "{said}");
    (env, server)
}

#[test]
fn a_revocation_that_failed_in_passing_is_tried_again_with_a_later_refresh_and_not_for_ever() {
    let (env, server) = with_a_revocation_that_failed();
    for _ in 0..4 {
        server.will(issue());
        server.will_revoke(503);
        env.tokctl(["refresh", "acme/x"]).assert().success();
    }
    server.will(issue());
    env.tokctl(["refresh", "acme/x"]).assert().success();
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-7\n");
}

#[test]
fn what_was_recorded_of_a_refresh_outlives_a_revocation_that_is_made_up_for() {
    let (env, server) = with_a_revocation_that_failed();
    server.will(issue());
    server.will_revoke(200);
    server.will_revoke(200);
    env.tokctl(["refresh", "acme/x"]).assert().success();
    let why = env.tokctl(["why", "acme/x"]).assert().success();
    assert!(crate::env::stdout(&why).contains("it succeeded"), "{}", crate::env::stdout(&why));
}

#[test]
fn a_client_without_a_secret_is_told_that_its_server_never_revokes_for_it() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&server.definition_by_issuer());
    let methods = json!(["client_secret_basic", "client_secret_post"]);
    server.describes_itself_with("revocation_endpoint_auth_methods_supported", methods);
    let log_in = || {
        server.will_describe_itself();
        server.will_log_in(issue());
        log_in(&env)
    };
    log_in();
    // No request is sent, whose answer is known.
    let again = log_in();
    assert!(again.contains("the earlier login can't be revoked"), "{again}");
    assert_eq!(server.revocations(), []);
    let failed = stderr(&env.tokctl(DELETE).assert().code(2));
    assert!(failed.contains("can't be revoked, now or later"), "{failed}");
    assert!(
        failed.contains("hint: tokctl delete acme/x ") && failed.contains("--no-revoke"),
        "{failed}"
    );
    env.tokctl(["get", "acme/x"]).assert().success();
    env.tokctl(["delete", "acme/x", "--no-revoke", "--yes"]).assert().success();
}

#[test]
fn a_server_that_publishes_nothing_may_still_want_a_secret_for_a_revocation() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will_revoke(401);
    let failed = stderr(&env.tokctl(DELETE).assert().code(2));
    assert!(failed.contains("can't be revoked, now or later"), "{failed}");
    assert!(
        failed.contains("hint: tokctl delete acme/x ") && failed.contains("--no-revoke"),
        "{failed}"
    );
    // Whoever has a secret is told of the refusal alone.
    let client = Client::public().with_post_secret("made-up-secret");
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new().set("TOKCTL_ACME_CLIENT_SECRET", "made-up-secret");
    let env = env.with_login("x", &server, issue());
    server.will_revoke(401);
    let failed = stderr(&env.tokctl(DELETE).assert().code(6));
    assert!(!failed.contains("now or later"), "{failed}");
}

#[test]
fn a_provider_that_revokes_nothing_can_be_configured_so() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config("revocation_method = \"none\"\n");
    env.log_in("x", &server, issue());
    env.tokctl(DELETE).assert().code(2);
    assert_eq!(server.revocations(), []);
}

/// A world with a due token of `client`, whose secret is in the environment and whose server is
/// known by its issuer.
fn with_a_due_token_of_an_issuer(client: Client) -> (TestEnv, AuthorizationServer) {
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new().set("TOKCTL_ACME_CLIENT_SECRET", "made-up-secret");
    env.config(&server.definition_by_issuer());
    server.will_describe_itself();
    server.will_log_in(issue().expires_in(0));
    log_in(&env);
    (env, server)
}

#[test]
fn a_secret_that_was_replaced_is_tried_where_the_endpoints_come_from_the_issuer() {
    let client =
        Client::public().with_post_secret("made-up-secret").or_post_secret("made-up-new-secret");
    let (env, server) = with_a_due_token_of_an_issuer(client);
    let env = env.set("TOKCTL_ACME_CLIENT_SECRET", "made-up-new-secret");
    for (number, status) in [(2, 401), (3, 400)] {
        let error = if status == 401 { "unauthorized_client" } else { "invalid_client" };
        if number == 2 {
            server.will(refuse(status, error));
            server.will_describe_itself();
        }
        server.will(issue().expires_in(0));
        let token = format!("access-{number}\n");
        env.tokctl(["get", "acme/x"]).assert().success().stdout_eq(token);
    }
}

#[test]
fn a_secret_does_not_follow_an_issuer_that_moved() {
    let client = Client::public().with_post_secret("made-up-secret");
    let (env, server) = with_a_due_token_of_an_issuer(client);
    let elsewhere = AuthorizationServer::start();
    let env = env.set("TOKCTL_ACME_CLIENT_SECRET", "made-up-new-secret");
    env.config(&server.definition_by_issuer().replace(&server.url(""), &elsewhere.url("")));
    server.will(refuse(401, "invalid_client"));
    elsewhere.will_describe_itself();
    env.tokctl(["get", "acme/x"]).assert().code(2);
    assert_eq!(elsewhere.token_requests(), []);
}
