//! A server that is busy or broken for a moment ends no login that can be tried again.

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Client, issue, refuse, reply};
use crate::env::{TestEnv, stderr};
use crate::http::Response;

const LOGIN: [&str; 4] = ["login", "acme", "--user", "x"];
const CLIENT_LOGIN: [&str; 6] = ["login", "acme", "--user", "x", "--method", "client-credentials"];

fn busy(seconds: &str) -> Response {
    Response::new(429, "text/plain", "").with("Retry-After", seconds)
}

fn broken(status: u16) -> Response {
    Response::new(status, "text/html", "<html>made up</html>")
}

fn confidential() -> (AuthorizationServer, TestEnv) {
    let client = Client::public().with_post_secret("made-up-secret");
    let server = AuthorizationServer::start_for(client);
    let env =
        TestEnv::new().with_provider(&server).set("TOKCTL_ACME_CLIENT_SECRET", "made-up-secret");
    (server, env)
}

#[test]
fn a_client_that_logs_in_for_itself_asks_again() {
    let (server, env) = confidential();
    for trouble in [busy("1"), broken(503)] {
        server.will(reply(trouble));
    }
    server.will(issue().without_refresh_token());
    let done = env.tokctl(CLIENT_LOGIN).assert().success();
    assert_eq!(stderr(&done).matches("trying again in ").count(), 2, "{}", stderr(&done));
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn what_no_pause_mends_ends_a_login_at_once() {
    let (server, env) = confidential();
    server.will(refuse(401, "invalid_client"));
    env.tokctl(CLIENT_LOGIN).assert().code(2);
    // Longer than a person waits.
    server.will(reply(busy("600")));
    let failed = env.tokctl(CLIENT_LOGIN).assert().code(6);
    assert!(stderr(&failed).contains("try again after 600 s"), "{}", stderr(&failed));
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_code_is_redeemed_after_the_pause_that_the_server_asks_for() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(reply(busy("1")));
    server.will(issue());
    let login = env.begin_login(LOGIN);
    login.visit();
    let done = login.finish().success();
    assert!(stderr(&done).contains("trying again in 1 s"), "{}", stderr(&done));
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_code_that_may_be_spent_is_not_sent_again() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(reply(broken(503)));
    let login = env.begin_login(LOGIN);
    login.visit();
    login.finish().code(6);
    assert_eq!(server.token_requests().len(), 1);
}

#[test]
fn a_code_for_a_device_is_asked_for_again() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&server.device_endpoint());
    server.will_answer_the_device(broken(502));
    server.will_give_a_code(json!({ "verification_uri": server.url("/enter"), "interval": 0 }));
    server.will(issue());
    let args = ["login", "acme", "--user", "x", "--method", "device", "--no-browser"];
    let done = env.tokctl(args).assert().success();
    assert!(stderr(&done).contains("trying again in 1 s"), "{}", stderr(&done));
}
