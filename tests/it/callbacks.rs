//! What a browser brings to the listener: in which form, where, and what is told of the rest.

use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Client, issue};
use crate::browser::{AuthorizationRequest, fetch, post_query};
use crate::env::{TestEnv, stderr};
use crate::login_browser::{discover, free_port};

const LOGIN: [&str; 4] = ["login", "acme", "--user", "x"];

#[test]
fn a_redirect_uri_may_have_no_path() {
    let uri = format!("http://localhost:{}", free_port());
    let server = AuthorizationServer::start_for(Client::public().redirected_to(&uri));
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&format!("redirect_uri = \"{uri}\"\n"));
    env.log_in("x", &server, issue());
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-1\n");
}

/// Where the browser is sent after the person consented at `server`.
fn consented(server: &AuthorizationServer, address: &str) -> url::Url {
    let page = fetch(&url::Url::parse(address).unwrap(), "GET", &[]);
    assert_eq!(server.authorizations().len(), 1);
    page.header("location").unwrap().parse().unwrap()
}

#[test]
fn an_answer_in_a_form_is_taken() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    let page = post_query(&consented(&server, &login.address()));
    assert_eq!(page.status, 200, "{}", page.text());
    login.finish().success();
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_form_of_anybody_else_gains_nothing() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    let asked = AuthorizationRequest::read(&login.address());
    for params in [
        &[("code", "code-of-evil")][..],
        &[("code", "code-of-evil"), ("state", "00000000000000000000000000000000")],
        &[("error", "access_denied")],
        &[("error", "type `evil`\n::error::"), ("error_description", "run `evil`")],
    ] {
        let page = post_query(&asked.answer(params));
        assert_eq!(page.status, 400, "{params:?}");
        assert!(!page.text().contains("evil"), "{params:?}");
    }
    let rebound = [("Host", "evil.example"), ("Content-Length", "0")];
    let place = asked.answer(&[("code", "x"), ("state", &asked.state())]);
    assert_eq!(fetch(&place, "POST", &rebound).status, 421);
    login.visit();
    let done = login.finish().success();
    let said = stderr(&done);
    assert!(!said.contains("evil"), "{said}");
    assert_eq!(said.matches("names no login").count(), 2, "each kind once: {said}");
}

#[test]
fn each_kind_that_is_no_answer_is_told_once_and_the_login_waits_on() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    let asked = AuthorizationRequest::read(&login.address());
    let state = asked.state();
    let mut slash = asked.answer(&[("code", "x"), ("state", &state)]);
    slash.set_path("/callback/acme/");
    let mut elsewhere = slash.clone();
    elsewhere.set_path("/");
    let empty = asked.answer(&[]);
    for _ in 0..2 {
        assert_eq!(fetch(&slash, "GET", &[]).status, 404);
        assert_eq!(fetch(&elsewhere, "GET", &[]).status, 404);
        let page = fetch(&empty, "GET", &[]);
        assert!(page.status == 400 && page.text().contains("a # in it"), "{}", page.text());
        for params in [
            &[("error", "access_denied")][..],
            &[("code", "x")],
            &[("code", "x"), ("state", "0")],
            &[("code", "x"), ("code", "y"), ("state", &state)],
        ] {
            assert_eq!(fetch(&asked.answer(params), "GET", &[]).status, 400, "{params:?}");
        }
    }
    // Browsers ask for it by themselves.
    let mut icon = empty.clone();
    icon.set_path("/favicon.ico");
    assert_eq!(fetch(&icon, "GET", &[]).status, 404);
    login.visit();
    let done = login.finish().success();
    let said = stderr(&done);
    for told in [
        "a slash more or less at its end",
        "to another path than this login's",
        "response_mode",
        "is not verified: `access_denied`",
        "it has no `state`",
        "an answer to another login came",
        "can't be used",
    ] {
        assert_eq!(said.matches(told).count(), 1, "{told}: {said}");
    }
    assert_eq!(said.matches("the login waits on").count(), 7, "{said}");
}

#[test]
fn an_answer_in_a_jwt_ends_the_login_if_it_is_this_logins() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    let jwt = |claims: &serde_json::Value| {
        format!("e30.{}.c2ln", BASE64URL_NOPAD.encode(claims.to_string().as_bytes()))
    };
    for is_error in [false, true] {
        let login = env.begin_login(LOGIN);
        let asked = AuthorizationRequest::read(&login.address());
        // Another login's, none's, and one that is encrypted: anybody could have sent them.
        for stranger in
            [jwt(&json!({ "code": "x", "state": "0" })), jwt(&json!({})), "a.b.c.d.e".into()]
        {
            let page = fetch(&asked.answer(&[("response", &stranger)]), "GET", &[]);
            assert_eq!(page.status, 400, "{}", page.text());
        }
        let (name, value) =
            if is_error { ("error", "access_denied") } else { ("code", "made-up-code") };
        let own = jwt(&json!({ name: value, "state": asked.state(), "iss": server.url("") }));
        let answer = asked.answer(&[("response", &own)]);
        let page = if is_error { fetch(&answer, "GET", &[]) } else { post_query(&answer) };
        assert!(page.text().contains("Not logged in"), "{}", page.text());
        let said = stderr(&login.finish().code(2));
        assert_eq!(said.matches("the login waits on").count(), 1, "{said}");
        assert!(said.contains("an answer came as a JWT (JARM)"), "{said}");
        assert!(said.contains("it answers in JWTs (JARM)"), "{said}");
        assert!(said.contains("response_mode = \"query\""), "{said}");
        assert!(said.contains("hint: tokctl providers acme"), "{said}");
        assert!(!said.contains(value) && !said.contains(&own), "{said}");
    }
}

#[test]
fn a_browser_that_came_back_with_something_else_is_not_said_to_have_stayed_away() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    let login = env.begin_login(["login", "acme", "--user", "x", "--timeout", "3s"]);
    let asked = AuthorizationRequest::read(&login.address());
    fetch(&asked.answer(&[("error", "server_error")]), "GET", &[]);
    let said = stderr(&login.finish().code(8));
    assert!(said.contains("came back, and not with the answer"), "{said}");
}

#[test]
fn an_answer_that_does_not_say_whose_it_is_shows_its_error_as_nobodys() {
    for (error, shown) in [(Some("access_denied"), true), (None, false)] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new();
        discover(&env, &server);
        let document = serde_json::json!({
            "issuer": server.url(""),
            "authorization_endpoint": server.url("/authorize"),
            "token_endpoint": server.url("/token"),
            "authorization_response_iss_parameter_supported": true,
        });
        let place = "/.well-known/oauth-authorization-server";
        server.will_serve_to(place, &[], crate::http::Response::json(200, &document));
        let login = env.begin_login(LOGIN);
        let asked = AuthorizationRequest::read(&login.address());
        let state = asked.state();
        let answer = match error {
            Some(error) => asked.answer(&[("error", error), ("state", &state)]),
            None => asked.answer(&[("code", "code-1"), ("state", &state)]),
        };
        assert_eq!(fetch(&answer, "GET", &[]).status, 400);
        let said = stderr(&login.finish().code(8));
        assert!(said.contains("doesn't say which authorization server"), "{said}");
        assert_eq!(said.contains("not verified, is access_denied"), shown, "{said}");
        assert_eq!(server.token_requests(), []);
    }
}
