//! Shopify: a shop that is looked at before any address is made of it, an answer that is signed,
//! requests in JSON, a header of its own for the token.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use url::{Url, form_urlencoded};

use crate::authorization_server::{AuthorizationServer, Client, TokenRequest, issue, lose};
use crate::env::{TestEnv, json, stderr};
use crate::http::Response;
use crate::login_browser::free_port;
use crate::login_pasted::{asked, consented};
use crate::terminal::{at_a_terminal, ending};

const SHOP: &str = "made-up.myshopify.com";
const SERVER: &str = "https://made-up.myshopify.com";
const ABOUT: &str = "/admin/api/2026-10/shop.json";
const SCOPES: &str = "/admin/oauth/access_scopes.json";
const HEADER: &str = "x-shopify-access-token";

fn shopify() -> (AuthorizationServer, TestEnv) {
    let callback = format!("http://127.0.0.1:{}/callback/work", free_port());
    let client = Client::public()
        .of("work")
        .with_post_secret("made-up-secret")
        .redirected_to(&callback)
        .without_challenge()
        .in_json()
        .sending("authorization_code", "expiring", "1");
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new().set("TOKCTL_WORK_CLIENT_SECRET", "made-up-secret");
    env.config(&format!(
        "[providers.work]\n\
         extends = \"shopify\"\n\
         authorization_endpoint = \"{}\"\n\
         token_endpoint = \"{}\"\n\
         check_url = \"{}\"\n\
         identity = {{ url = \"{}\" }}\n\
         redirect_uri = \"{callback}\"\n\
         client_id = \"tokctl-made-up\"\n",
        server.url("/authorize"),
        server.url("/token"),
        server.url(SCOPES),
        server.url(ABOUT),
    ));
    (server, env)
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Makes of an answer one that Shopify signed for `shop` at `timestamp`.
fn sign(answer: &mut Url, shop: &str, timestamp: i64, secret: &str) {
    let mut parameters: Vec<(String, String)> = answer.query_pairs().into_owned().collect();
    parameters.push(("shop".into(), shop.into()));
    parameters.push(("timestamp".into(), timestamp.to_string()));
    parameters.push(("host".into(), "YWRtaW4uc2hvcGlmeS5jb20=".into()));
    parameters.sort();
    let message =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    let hmac = HEXLOWER.encode(&mac.finalize().into_bytes());
    answer.query_pairs_mut().clear().append_pair("hmac", &hmac).extend_pairs(&parameters);
}

fn log_in(server: &AuthorizationServer, env: &TestEnv, seconds: i64) -> String {
    server.user_consents_with(|answer| sign(answer, SHOP, now(), "made-up-secret"));
    let answer = issue().expires_in(seconds).with("refresh_token_expires_in", json!(7_776_000));
    server.will(answer.with("scope", json!("read_products,read_orders")));
    let about = json!({ "shop": { "name": "Made up", "myshopify_domain": SHOP } });
    server.will_serve_with(ABOUT, (HEADER, "access-1"), Response::json(200, &about));
    let scopes = ["--scope", "read_products", "--scope", "read_orders"];
    let login = env.begin_login(["login", "work", "--server", SERVER].into_iter().chain(scopes));
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

#[test]
fn a_login_is_for_one_shop_and_its_token_goes_into_a_header_of_its_own() {
    let (server, env) = shopify();
    let said = log_in(&server, &env, 3600);
    assert!(said.contains("logged in to work as Made up on made-up.myshopify.com"), "{said}");
    assert!(!said.contains("granted"), "{said}");
    let asked = server.authorizations()[0].clone();
    assert_eq!(asked.param("scope"), Some("read_products,read_orders"));
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!((&got["user"], &got["server_url"]), (&json!(SHOP), &json!(SERVER)));
    assert_eq!(got["api_base_url"], format!("{SERVER}/admin/api/2026-10"));
    let scopes = Response::json(200, &json!({ "access_scopes": [{ "handle": "read_products" }] }));
    server.will_serve_with(SCOPES, (HEADER, "access-1"), scopes);
    env.tokctl(["check"]).assert().success();
    // A shop that is frozen or locked says nothing of the token.
    for status in [402, 423] {
        let closed = Response::json(status, &json!({ "errors": "Unavailable Shop" }));
        server.will_serve_with(SCOPES, (HEADER, "access-1"), closed);
        env.tokctl(["check"]).assert().code(6);
    }
}

#[test]
fn a_refresh_is_json_too_and_may_be_repeated_after_a_lost_answer() {
    let (server, env) = shopify();
    log_in(&server, &env, 0);
    server.will(lose());
    server.will(issue().expires_in(3600));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
}

#[test]
fn a_host_that_is_no_shop_gets_no_request() {
    let (server, env) = shopify();
    for host in [
        "https://evil.com",
        "https://evil.com/made-up.myshopify.com",
        "https://made-up.myshopify.com.evil.com",
        "https://made-up.myshopify.com@evil.com",
        "https://made-up.myshopify.com/..%2f",
        "http://127.0.0.1:1",
    ] {
        let failed =
            env.tokctl(["login", "work", "--user", "x", "--server", host]).assert().code(2);
        failed.stdout_eq("");
        let token = env
            .tokctl(["login", "work", "--user", "x", "--server", host, "--token-stdin"])
            .stdin("made-up")
            .assert();
        token.code(2);
    }
    env.tokctl(["login", "work", "--user", "x"]).assert().code(2);
    assert!(server.authorizations().is_empty());
}

#[test]
fn an_answer_that_shopify_did_not_sign_for_this_shop_just_now_ends_the_login() {
    type Alter = fn(&mut Url);
    let forged: [(Alter, &str); 5] = [
        (|answer| sign(answer, "evil.com", now(), "made-up-secret"), "another shop"),
        (|answer| sign(answer, SHOP, now(), "another-secret"), "`hmac` is wrong"),
        (|answer| sign(answer, SHOP, now() - 3600, "made-up-secret"), "too old"),
        (
            |answer| {
                sign(answer, SHOP, now(), "made-up-secret");
                answer.query_pairs_mut().append_pair("host", "evil");
            },
            "twice",
        ),
        (|_| {}, "no `hmac`"),
    ];
    for (alter, why) in forged {
        let (server, env) = shopify();
        server.user_consents_with(alter);
        let login = env.begin_login(["login", "work", "--user", "x", "--server", SERVER]);
        login.visit();
        let failed = login.finish().code(8).stdout_eq("");
        assert!(stderr(&failed).contains(why), "{why}: {}", stderr(&failed));
        assert!(server.token_requests().is_empty(), "{why}: the code was sent");
    }
}

#[test]
fn a_pasted_answer_has_to_be_signed_as_well() {
    for (secret, exit) in [("made-up-secret", 0), ("another-secret", 8)] {
        let (server, env) = shopify();
        server.user_consents_with(move |answer| sign(answer, SHOP, now(), secret));
        let login = ["login", "work", "--server", SERVER, "--user", "x"];
        let mut session = at_a_terminal(&env, &login);
        let address = asked(&mut session);
        if exit == 0 {
            server.will(issue());
            let about = json!({ "shop": { "name": "Made up", "myshopify_domain": SHOP } });
            server.will_serve_with(ABOUT, (HEADER, "access-1"), Response::json(200, &about));
        }
        session.send_line(&consented(&address)).unwrap();
        let (said, code) = ending(session);
        assert_eq!(code, exit, "{said}");
    }
}
