//! What an issuer publishes beside its endpoints for tokens: who somebody is, whether a token works,
//! and where a session ends.

use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, Client, issue};
use crate::env::{TestEnv, stderr};
use crate::http::Response;

fn world(
    client: Client,
    scopes: &str,
    published: &[(&'static str, Value)],
) -> (AuthorizationServer, TestEnv) {
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new();
    let definition = server.definition_by_issuer();
    env.config(&definition.replace("[\"read\", \"offline_access\"]", scopes));
    for (name, value) in published {
        let value = value.as_str().map_or_else(|| value.clone(), |path| json!(server.url(path)));
        server.describes_itself_with(name, value);
    }
    server.will_describe_itself();
    (server, env)
}

fn log_in(env: &TestEnv) -> String {
    let login = env.begin_login(["login", "acme"]);
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

const USERINFO: &str = "userinfo_endpoint";

#[test]
fn the_person_and_the_check_come_from_the_userinfo_endpoint() {
    let end = ("end_session_endpoint", json!("/logout"));
    let (server, env) =
        world(Client::public(), "[\"openid\"]", &[(USERINFO, json!("/userinfo")), end]);
    server.will_log_in(issue().with_id_token(json!({})));
    let alice = || Response::json(200, &json!({ "sub": "made-up-1", "email": "a@example.com" }));
    server.will_serve("/userinfo", "Bearer access-1", alice());
    log_in(&env);
    env.tokctl(["list", "acme/a@example.com"]).assert().success();
    server.will_serve("/userinfo", "Bearer access-1", alice());
    env.tokctl(["check"]).assert().success();
    server.will_serve("/userinfo", "Bearer access-1", Response::new(401, "text/plain", ""));
    env.tokctl(["check"]).assert().code(4);
    server.will_revoke(200);
    server.will_revoke(200);
    let said = stderr(&env.tokctl(["delete", "acme/a@example.com", "--yes"]).assert().success());
    assert!(said.contains(&server.url("/logout")), "{said}");
}

#[test]
fn an_id_token_that_names_the_person_needs_no_request_and_another_person_is_not_believed() {
    let published = [(USERINFO, json!("/userinfo"))];
    let (server, env) = world(Client::public(), "[\"openid\"]", &published);
    server.will_log_in(issue().with_id_token(json!({ "email": "b@example.com" })));
    log_in(&env);
    env.tokctl(["list", "acme/b@example.com"]).assert().success();
    let (server, env) = world(Client::public(), "[\"openid\"]", &published);
    server.will_log_in(issue().with_id_token(json!({})));
    let mallory = json!({ "sub": "made-up-2", "email": "m@example.com" });
    server.will_serve("/userinfo", "Bearer access-1", Response::json(200, &mallory));
    log_in(&env);
    // The server's number for whom its ID token names.
    env.tokctl(["list", "acme/made-up-1"]).assert().success();
}

#[test]
fn without_openid_a_user_is_named_and_the_server_is_asked_about_its_token() {
    let (server, env) = world(
        Client::public().with_post_secret("made-up-secret"),
        "[\"read\"]",
        &[(USERINFO, json!("/userinfo")), ("introspection_endpoint", json!("/introspect"))],
    );
    let env = env.set("TOKCTL_ACME_CLIENT_SECRET", "made-up-secret");
    let refused = env.tokctl(["login", "acme"]).assert().code(2);
    assert!(stderr(&refused).contains("--user"), "{}", stderr(&refused));
    server.will_log_in(issue());
    let login = env.begin_login(["login", "acme", "--user", "x"]);
    login.visit();
    login.finish().success();
    for (answer, code) in [
        (Response::json(200, &json!({ "active": true })), 0),
        (Response::json(401, &json!({ "error": "invalid_client" })), 2),
        (Response::json(200, &json!({ "active": false })), 4),
    ] {
        server.will_introspect("access-1", answer);
        let said = stderr(&env.tokctl(["check"]).assert().code(code));
        assert_eq!(said.contains("the client's settings: invalid_client"), code == 2, "{said}");
    }
}
