//! `tokctl login` over a login that is stored: the earlier grant is revoked, but only once the new
//! one is safe, and not where that would end the new one too.

use crate::authorization_server::{AuthorizationServer, Revocation, issue, refuse};
use crate::env::{TestEnv, stderr};

#[test]
fn the_earlier_grant_is_revoked_and_the_new_one_kept() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will_revoke(200);
    server.will_revoke(200);
    server.will_log_in(issue().expires_in(0));
    let login = env.begin_login(["login", "acme", "--user", "x"]);
    login.visit();
    let done = login.finish().success();
    assert!(stderr(&done).contains("the earlier login was revoked"), "{}", stderr(&done));
    let revoked =
        [Revocation::of_refresh_token("refresh-1"), Revocation::of_access_token("access-1")];
    assert_eq!(server.revocations(), revoked);
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-3\n");
}

#[test]
fn a_revocation_that_fails_is_a_warning_and_the_new_login_stands() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    for _ in 0..3 {
        server.will_revoke(503);
    }
    server.will_log_in(issue());
    let login = env.begin_login(["login", "acme", "--user", "x"]);
    login.visit();
    let done = login.finish().success();
    assert!(stderr(&done).contains("could not be revoked"), "{}", stderr(&done));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_grant_that_the_new_login_shares_is_left_alone() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config("revocation_scope = \"grant\"\n");
    env.log_in("x", &server, issue());
    server.will_log_in(issue());
    let login = env.begin_login(["login", "acme", "--user", "x"]);
    login.visit();
    let done = login.finish().success();
    assert!(stderr(&done).contains("was not revoked, since"), "{}", stderr(&done));
    assert_eq!(server.revocations(), []);
}

#[test]
fn a_login_that_fails_leaves_the_earlier_one_as_it_was() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will_log_in(refuse(400, "invalid_grant"));
    let login = env.begin_login(["login", "acme", "--user", "x"]);
    login.visit();
    login.finish().code(8);
    assert_eq!(server.revocations(), []);
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn another_users_login_is_not_revoked() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.log_in("y", &server, issue());
    assert_eq!(server.revocations(), []);
    env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("access-1\n");
}
