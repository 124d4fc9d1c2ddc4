//! Authorization requests that are pushed before the browser opens (RFC 9126), and what servers
//! demand that tokctl does not have.

use serde_json::{Value, json};

use crate::authorization_server::{
    Audience, AuthorizationServer, Client, SigningClient, issue, reply,
};
use crate::env::{TestEnv, stderr};
use crate::http::Response;

const LOGIN: [&str; 4] = ["login", "acme", "--user", "x"];
const DEMANDED: &str = "require_pushed_authorization_requests";
const ENDPOINT: &str = "pushed_authorization_request_endpoint";

fn by_issuer(client: Client) -> (AuthorizationServer, TestEnv) {
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new();
    env.config(&server.definition_by_issuer());
    (server, env)
}

/// Lets the server publish that it has these fields.
fn describes(server: &AuthorizationServer, fields: &[(&'static str, Value)]) {
    for (name, value) in fields {
        server.describes_itself_with(name, value.clone());
    }
    server.will_describe_itself();
}

fn refused(env: &TestEnv) -> String {
    let refused = env.tokctl(LOGIN).assert().code(2).stdout_eq("");
    assert!(env.browser_environment().is_none(), "the browser was opened");
    stderr(&refused)
}

#[test]
fn a_request_is_pushed_where_the_server_demands_it_by_every_kind_of_client() {
    let key = SigningClient::p256().for_audience(Audience::Issuer);
    for (client, variable, proof) in [
        (Client::public(), "MADE_UP", ""),
        (Client::public().with_basic_secret("made-up-1"), "TOKCTL_ACME_CLIENT_SECRET", "made-up-1"),
        (Client::public().with_post_secret("made-up-1"), "TOKCTL_ACME_CLIENT_SECRET", "made-up-1"),
        (Client::public().with_key(&key), "TOKCTL_ACME_CLIENT_KEY", key.pem()),
    ] {
        let (server, env) = by_issuer(client);
        let env = env.set(variable, proof);
        describes(&server, &[(DEMANDED, json!(true)), (ENDPOINT, json!(server.url("/par")))]);
        server.will_take_a_push();
        server.will_log_in(issue());
        let login = env.begin_login(LOGIN);
        login.visit();
        let said = stderr(&login.finish().success());
        assert!(said.contains("request_uri=urn"), "{said}");
        assert!(!said.contains("code_challenge"), "{said}");
        assert!(server.authorizations()[0].param("code_challenge").is_some());
        env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    }
}

#[test]
fn a_definition_decides_whether_a_request_is_pushed() {
    let server = AuthorizationServer::start();
    let endpoint = format!("{ENDPOINT} = \"{}\"\n", server.url("/par"));
    for (settings, is_pushed) in [
        (String::new(), false),
        (endpoint.clone(), true),
        (format!("{endpoint}{DEMANDED} = true\n"), true),
        (format!("{endpoint}{DEMANDED} = false\n"), false),
    ] {
        let env = TestEnv::new().with_provider(&server);
        env.add_config(&settings);
        if is_pushed {
            server.will_take_a_push();
        }
        env.log_in("x", &server, issue());
    }
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&format!("{DEMANDED} = true\n"));
    let said = refused(&env);
    assert!(said.contains(&format!("has no `{ENDPOINT}`")), "{said}");
}

#[test]
fn a_push_that_is_refused_ends_the_login_before_the_browser_opens() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&format!("{ENDPOINT} = \"{}\"\n", server.url("/par")));
    for (status, error) in [(400, "invalid_request"), (401, "invalid_client")] {
        let body = json!({ "error": error, "error_description": "made up for a test" });
        server.will_answer_a_push(Response::json(status, &body));
        let said = refused(&env);
        assert!(said.contains(error) && said.contains("made up for a test"), "{said}");
    }
    server.will_answer_a_push(Response::json(200, &json!({ "expires_in": 60 })));
    let failed = env.tokctl(LOGIN).assert().code(6);
    assert!(stderr(&failed).contains("no `request_uri`"), "{}", stderr(&failed));
}

#[test]
fn the_end_of_an_address_that_somebody_has_to_open_is_told() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&format!("{ENDPOINT} = \"{}\"\n", server.url("/par")));
    let reference = json!({ "request_uri": "urn:made-up:1", "expires_in": 1 });
    server.will_answer_a_push(Response::json(201, &reference));
    let login = LOGIN.iter().chain(&["--no-browser", "--timeout", "3s"]);
    let said = stderr(&env.tokctl(login).assert().code(8));
    assert!(said.contains("within 1 s") && said.contains("opens no more"), "{said}");
}

#[test]
fn a_server_in_trouble_is_asked_again_for_its_reference() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&format!("{ENDPOINT} = \"{}\"\n", server.url("/par")));
    server.will_answer_a_push(Response::new(503, "text/plain", ""));
    server.will_take_a_push();
    env.log_in("x", &server, issue());
}

#[test]
fn what_metadata_demand_is_told_before_the_browser_opens() {
    for (name, value, told) in [
        ("require_signed_request_object", json!(true), "signed request objects (RFC 9101)"),
        ("response_modes_supported", json!(["jwt", "query.jwt"]), "(JARM)"),
    ] {
        let (server, env) = by_issuer(Client::public());
        describes(&server, &[(name, value)]);
        let said = refused(&env);
        assert!(said.contains(told), "{said}");
    }
    // What is offered beside what tokctl has is no demand.
    let (server, env) = by_issuer(Client::public());
    describes(&server, &[("response_modes_supported", json!(["query", "jwt"]))]);
    env.log_in("x", &server, issue());
}

#[test]
fn a_secret_for_a_server_that_takes_none_is_told() {
    let server = AuthorizationServer::start_for(Client::public().with_undecoded_secret("made-up"));
    let env = TestEnv::new().set("TOKCTL_ACME_CLIENT_SECRET", "made-up");
    env.config(&server.definition_by_issuer());
    let methods = json!(["client_secret_jwt", "private_key_jwt"]);
    describes(&server, &[("token_endpoint_auth_methods_supported", methods)]);
    let said = refused(&env);
    let told = "it takes no client secret, but client_secret_jwt, private_key_jwt";
    assert!(said.contains(told), "{said}");
}

#[test]
fn what_is_demanded_later_is_told_by_its_name() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    for (description, told) in [
        ("Pushed Authorization Request is required", DEMANDED),
        ("DPoP key binding is required", "DPoP (RFC 9449)"),
    ] {
        server.user_consents_with(move |url| {
            let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
            url.query_pairs_mut()
                .clear()
                .append_pair("error", "invalid_request")
                .append_pair("error_description", description)
                .append_pair("state", &state);
        });
        let login = env.begin_login(LOGIN);
        login.visit();
        let said = stderr(&login.finish().code(2));
        assert!(said.contains(told), "{said}");
    }
    server.user_consents();
    let body = json!({ "error": "invalid_dpop_proof", "error_description": "made up" });
    server.will(reply(Response::json(400, &body)));
    let login = env.begin_login(LOGIN);
    login.visit();
    let said = stderr(&login.finish().code(2));
    assert!(said.contains("it demands DPoP (RFC 9449)"), "{said}");
}
