//! An authorization server's metadata, as servers publish it: where they stand, and what is in them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, stderr};
use crate::http::{Request, Response};

const LOGIN: [&str; 4] = ["login", "acme", "--user", "x"];
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

fn missing() -> Response {
    Response::new(404, "text/html", "<h1>Not found</h1>")
}

/// The metadata of `server` under the name `issuer`.
fn metadata(server: &AuthorizationServer, issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": server.url("/authorize"),
        "token_endpoint": server.url("/token"),
    })
}

fn world(issuer: &str) -> TestEnv {
    let env = TestEnv::new();
    env.config(&format!(
        "[providers.acme]\nissuer = \"{issuer}\"\nclient_id = \"tokctl-made-up\"\n\
         token_endpoint_auth_method = \"none\"\nscopes = [\"read\"]\n"
    ));
    env
}

/// Logs in at `server`, whose metadata were announced under the issuer at `path`.
fn logs_in(server: &AuthorizationServer, path: &str) {
    let env = world(&server.url(path));
    env.log_in("x", server, issue());
}

/// Fails to log in with the issuer at `path`, and returns what is said.
fn fails(server: &AuthorizationServer, path: &str, code: i32) -> String {
    let failed = world(&server.url(path)).tokctl(LOGIN).assert().code(code).stdout_eq("");
    stderr(&failed)
}

#[test]
fn an_issuer_with_a_path_is_looked_up_at_three_places() {
    let server = AuthorizationServer::start();
    let issuer = server.url("/tenant");
    server.will_serve_to(&format!("{OAUTH}/tenant"), &[], missing());
    server.will_serve_to(&format!("/tenant{OPENID}"), &[], missing());
    let found = Response::json(200, &metadata(&server, &issuer));
    server.will_serve_to(&format!("{OPENID}/tenant"), &[], found);
    logs_in(&server, "/tenant");
}

#[test]
fn microsofts_issuer_for_any_tenant_is_the_one_that_is_configured() {
    let server = AuthorizationServer::start();
    server.will_serve_to(&format!("{OAUTH}/common/v2.0"), &[], missing());
    let found = Response::json(200, &metadata(&server, &server.url("/{tenantid}/v2.0")));
    server.will_serve_to(&format!("/common/v2.0{OPENID}"), &[], found);
    logs_in(&server, "/common/v2.0");
}

#[test]
fn a_tenant_of_another_host_or_path_is_another_issuer() {
    for named in ["https://login.example/{tenantid}/v2.0", "/{tenantid}/v1.0"] {
        let server = AuthorizationServer::start();
        let named = if named.starts_with('/') { server.url(named) } else { named.to_owned() };
        let found = || Response::json(200, &metadata(&server, &named));
        for place in [
            format!("{OAUTH}/common/v2.0"),
            format!("/common/v2.0{OPENID}"),
            format!("{OPENID}/common/v2.0"),
        ] {
            server.will_serve_to(&place, &[], found());
        }
        let said = fails(&server, "/common/v2.0", 2);
        assert!(
            said.contains("another issuer") && said.contains("in place of `{tenantid}`"),
            "{said}"
        );
    }
}

#[test]
fn null_and_a_byte_order_mark_cost_nothing() {
    let server = AuthorizationServer::start();
    let mut sent = metadata(&server, &server.url(""));
    for field in [
        "device_authorization_endpoint",
        "revocation_endpoint",
        "token_endpoint_auth_methods_supported",
        "code_challenge_methods_supported",
        "authorization_response_iss_parameter_supported",
    ] {
        sent[field] = Value::Null;
    }
    let body = format!("\u{feff}{sent}");
    server.will_serve_to(OAUTH, &[], Response::new(200, "application/json", body));
    logs_in(&server, "");
}

#[test]
fn a_redirect_is_followed_on_the_same_server_and_to_no_other() {
    for status in [301, 302, 307, 308] {
        let server = AuthorizationServer::start();
        let redirect = Response::new(status, "text/html", "").with("Location", "/metadata.json");
        server.will_serve_to(OAUTH, &[], redirect);
        let found = Response::json(200, &metadata(&server, &server.url("")));
        server.will_serve_to("/metadata.json", &[], found);
        logs_in(&server, "");
    }
    let (server, other) = (AuthorizationServer::start(), AuthorizationServer::start());
    for place in [OAUTH, OPENID] {
        server.will_serve_to(place, &[], Response::redirect(&other.url(place)));
    }
    let said = fails(&server, "", 2);
    assert!(said.contains(&format!("at another server, `{}`", other.url(""))), "{said}");
}

#[test]
fn a_circle_of_redirects_ends() {
    let server = AuthorizationServer::start();
    for place in [OAUTH, OPENID] {
        for _ in 0..3 {
            server.will_serve_to(place, &[], Response::redirect(&server.url(place)));
        }
    }
    assert!(fails(&server, "", 2).contains("publishes no metadata"));
}

#[test]
fn what_one_document_leaves_out_another_of_the_same_issuer_has() {
    let server = AuthorizationServer::start();
    let bare = json!({ "issuer": server.url(""), "jwks_uri": server.url("/jwks") });
    server.will_serve_to(OAUTH, &[], Response::json(200, &bare));
    let found = Response::json(200, &metadata(&server, &server.url("")));
    server.will_serve_to(OPENID, &[], found);
    logs_in(&server, "");

    let server = AuthorizationServer::start();
    let bare = json!({ "issuer": server.url("") });
    server.will_serve_to(OAUTH, &[], Response::json(200, &bare));
    let foreign = Response::json(200, &metadata(&server, "https://other.example"));
    server.will_serve_to(OPENID, &[], foreign);
    // What is missing is told of the metadata, and not of the definition.
    let said = fails(&server, "", 2);
    assert!(said.contains("name no `token_endpoint` that can be used"), "{said}");
}

#[test]
fn a_server_in_trouble_is_no_server_without_metadata() {
    let server = AuthorizationServer::start();
    server.will_serve_to(OAUTH, &[], Response::new(503, "text/html", "<h1>Busy</h1>"));
    server.will_serve_to(OPENID, &[], missing());
    assert!(fails(&server, "", 6).contains("HTTP 503"));
}

#[test]
fn an_address_that_drops_the_connection_does_not_hide_the_next() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let document = json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "device_authorization_endpoint": format!("{base}/device"),
        "token_endpoint": format!("{base}/token"),
    });
    let served = thread::spawn(move || {
        let mut asked = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let path = Request::read(&mut stream).unwrap().unwrap().path().to_owned();
            asked.push(path.clone());
            if path == OPENID {
                Response::json(200, &document).write(&mut stream).unwrap();
                let _ = stream.flush();
            } else if path == "/device" {
                let page = Response::new(400, "application/json", r#"{"error":"invalid_client"}"#);
                page.write(&mut stream).unwrap();
                let _ = stream.read(&mut [0]);
                return asked;
            }
        }
        asked
    });
    let env = world(&base);
    env.tokctl(["login", "acme", "--user", "x", "--method", "device"]).assert().code(2);
    assert_eq!(served.join().unwrap(), [OAUTH, OPENID, "/device"]);
}
