//! Jira Cloud (3LO) against a server with Atlassian's ways: one exact callback, a client secret in
//! spite of PKCE, a site to be found out after the grant.

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Client, issue, refuse};
use crate::env::{TestEnv, json, stderr};
use crate::http::Response;
use crate::login_browser::free_port;

const SITES: &str = "/oauth/token/accessible-resources";

/// A second Jira that lives on the loopback, with its port.
fn jira() -> (AuthorizationServer, TestEnv, u16) {
    let port = free_port();
    let callback = format!("http://127.0.0.1:{port}/callback");
    let client =
        Client::public().of("work").with_post_secret("made-up-secret").redirected_to(&callback);
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new().set("TOKCTL_WORK_CLIENT_SECRET", "made-up-secret");
    env.config(&format!(
        "[providers.work]\n\
         extends = \"jira\"\n\
         authorization_endpoint = \"{}\"\n\
         token_endpoint = \"{}\"\n\
         accessible_resources_endpoint = \"{}\"\n\
         api_base_url = \"{}/ex/jira/{{site_id}}\"\n\
         client_id = \"tokctl-made-up\"\n\
         redirect_uri = \"{callback}\"\n",
        server.url("/authorize"),
        server.url("/token"),
        server.url(SITES),
        server.url(""),
    ));
    (server, env, port)
}

fn site(id: &str, url: &str) -> serde_json::Value {
    json!({ "id": id, "url": url, "name": "Made up", "scopes": ["read:jira-work"] })
}

/// The service says who logged in, at the site with this id.
fn will_identify(server: &AuthorizationServer, site: &str) {
    let path = format!("/ex/jira/{site}/rest/api/3/myself");
    let body = json!({ "emailAddress": "alice@example.com", "displayName": "Alice" });
    server.will_serve(&path, "Bearer access-1", Response::json(200, &body));
}

const LOGIN: [&str; 4] = ["login", "work", "--user", "x"];

#[test]
fn a_login_keeps_the_site_and_its_api() {
    let (server, env, port) = jira();
    server.will_log_in(issue());
    let sites = json!([site("11111111-2222", "https://made-up.example.net")]);
    server.will_serve(SITES, "Bearer access-1", Response::json(200, &sites));
    will_identify(&server, "11111111-2222");
    let login = env.begin_login(LOGIN);
    login.visit();
    let done = login.finish().success().stdout_eq("");
    let said = stderr(&done);
    assert!(
        said.contains("logged in to work as Alice (alice@example.com) on made-up.example.net"),
        "{said}"
    );

    let asked = server.authorizations()[0].clone();
    assert_eq!(asked.param("audience"), Some("api.atlassian.com"));
    assert_eq!(asked.param("prompt"), Some("consent"));
    let scopes: Vec<_> = asked.param("scope").unwrap().split(' ').map(str::to_owned).collect();
    assert!(scopes.contains(&"offline_access".to_owned()), "{scopes:?}");
    assert!(!scopes.contains(&"openid".to_owned()), "it breaks the consent page: {scopes:?}");
    let callback = format!("http://127.0.0.1:{port}/callback");
    assert_eq!(asked.param("redirect_uri"), Some(callback.as_str()));

    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["api_base_url"], server.url("/ex/jira/11111111-2222"));
    assert_eq!(got["server_url"], "https://made-up.example.net");
    assert_eq!(got["access_token"], "access-1");
    assert_eq!(got["username"], "alice@example.com");
}

#[test]
fn a_check_asks_the_gateway_for_the_site_and_wants_an_account() {
    let (server, env, _) = jira();
    server.will_log_in(issue());
    let sites = json!([site("11111111", "https://made-up.example.net")]);
    server.will_serve(SITES, "Bearer access-1", Response::json(200, &sites));
    will_identify(&server, "11111111");
    let login = env.begin_login(LOGIN);
    login.visit();
    login.finish().success();
    let myself = "/ex/jira/11111111/rest/api/3/myself";
    let somebody = Response::json(200, &json!({ "accountId": "5b1" }));
    server.will_serve(myself, "Bearer access-1", somebody);
    env.tokctl(["check"]).assert().success();
    // Atlassian ends a grant that is not used for 90 days.
    env.tokctl(["list", "--expiring-within", "89d"]).assert().success();
    env.tokctl(["list", "--expiring-within", "91d"]).assert().code(4);
    let nobody = Response::json(200, &json!({ "displayName": "Anonymous" }));
    server.will_serve(myself, "Bearer access-1", nobody);
    env.tokctl(["check"]).assert().code(4);
}

#[test]
fn without_a_site_there_is_nothing_to_be_asked() {
    let (server, env, _) = jira();
    server.will_log_in(issue());
    server.will_serve(SITES, "Bearer access-1", Response::new(503, "text/html", ""));
    let login = env.begin_login(LOGIN);
    login.visit();
    login.finish().success();
    let failed = env.tokctl(["check"]).assert().code(2).stdout_eq("");
    assert!(stderr(&failed).contains("nothing says how to ask"), "{}", stderr(&failed));
}

#[test]
fn without_a_user_the_login_is_kept_under_the_name_that_the_service_gives() {
    let (server, env, _) = jira();
    server.will_log_in(issue());
    let sites = json!([site("11111111", "https://made-up.example.net")]);
    server.will_serve(SITES, "Bearer access-1", Response::json(200, &sites));
    will_identify(&server, "11111111");
    let login = env.begin_login(["login", "work"]);
    login.visit();
    login.finish().success();
    env.tokctl(["get", "--user", "alice@example.com"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_site_that_the_login_does_not_reach_is_told_and_not_taken() {
    let (server, env, _) = jira();
    server.will_log_in(issue());
    let sites = json!([site("11111111", "https://one.example.net")]);
    server.will_serve(SITES, "Bearer access-1", Response::json(200, &sites));
    let login = env.begin_login(LOGIN.into_iter().chain(["--server", "https://two.example.net"]));
    login.visit();
    let done = login.finish().success();
    assert!(stderr(&done).contains("https://one.example.net"), "{}", stderr(&done));
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["api_base_url"], serde_json::Value::Null);
}

#[test]
fn of_several_sites_the_one_that_was_asked_for_is_taken() {
    let (server, env, _) = jira();
    server.will_log_in(issue());
    let sites = json!([
        site("11111111", "https://one.example.net"),
        site("22222222", "https://two.example.net"),
    ]);
    server.will_serve(SITES, "Bearer access-1", Response::json(200, &sites));
    will_identify(&server, "22222222");
    let login = env.begin_login(LOGIN.into_iter().chain(["--server", "https://two.example.net"]));
    login.visit();
    login.finish().success();
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["api_base_url"], server.url("/ex/jira/22222222"));
}

#[test]
fn a_look_up_that_fails_is_a_warning_and_no_failed_login() {
    let (server, env, _) = jira();
    server.will_log_in(issue());
    server.will_serve(SITES, "Bearer access-1", Response::new(503, "text/html", "<h1>No</h1>"));
    let login = env.begin_login(LOGIN);
    login.visit();
    let done = login.finish().success();
    assert!(stderr(&done).contains("warning"), "{}", stderr(&done));
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_refresh_sends_the_secret_and_a_403_says_that_the_login_is_over() {
    let (server, env, _) = jira();
    server.will_log_in(issue().expires_in(0));
    let sites = json!([site("11111111", "https://made-up.example.net")]);
    server.will_serve(SITES, "Bearer access-1", Response::json(200, &sites));
    will_identify(&server, "11111111");
    let login = env.begin_login(LOGIN);
    login.visit();
    login.finish().success();
    let env = env.unset("TOKCTL_WORK_CLIENT_SECRET");
    server.will(issue().expires_in(0));
    env.tokctl(["get", "--format", "json"]).assert().success();
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"][0]["server_url"], "https://made-up.example.net");
    server.will(refuse(403, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4).stdout_eq("");
}

#[test]
fn a_missing_secret_is_a_matter_of_settings() {
    let (server, env, _) = jira();
    server.will_log_in(refuse(401, "access_denied"));
    let login = env.begin_login(LOGIN);
    login.visit();
    login.finish().code(2).stdout_eq("");
    env.tokctl(["get", "--user", "x"]).assert().code(3);
}

#[test]
fn an_api_token_with_scopes_is_led_to_the_gateway() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    let gateway = server.url("/ex/jira/{site_id}");
    env.config(&format!("[providers.work]\nextends = \"jira\"\napi_base_url = \"{gateway}\"\n"));
    let login = |more: &[&str]| {
        let login = ["login", "work", "--user", "x", "--token-stdin"];
        env.tokctl(login.iter().chain(more)).stdin("made-up").assert().success();
    };
    login(&["--server", &server.url(""), "--username", "alice@example.com"]);
    // printf 'alice@example.com:made-up' | base64
    let basic = "Basic YWxpY2VAZXhhbXBsZS5jb206bWFkZS11cA==";
    let me = "/rest/api/3/myself";
    let refused = || Response::json(401, &json!({}));
    server.will_serve(me, basic, refused());
    let tenant = Response::json(200, &json!({ "cloudId": "made-up-site" }));
    server.will_serve_to("/_edge/tenant_info", &[], tenant);
    let said = stderr(&env.tokctl(["check", "work/x"]).assert().code(4));
    assert!(said.contains("which works at the gateway alone"), "{said}");
    let there = server.url("/ex/jira/made-up-site");
    let hint = format!("hint: tokctl login work/x --server {there} --token-stdin");
    assert!(said.contains(&hint), "{said}");
    // What is typed works, and leads nowhere else once more.
    env.tokctl(["login", "work/x", "--server", &there, "--token-stdin"])
        .stdin("made-up")
        .assert()
        .success();
    let at_gateway = "/ex/jira/made-up-site/rest/api/3/myself";
    server.will_serve(at_gateway, basic, Response::json(200, &json!({ "accountId": "1" })));
    env.tokctl(["check", "work/x"]).assert().success();
    // A site that does not tell its id costs nothing but the hint.
    login(&["--server", &server.url(""), "--username", "alice@example.com"]);
    server.will_serve(me, basic, refused());
    server.will_serve_to("/_edge/tenant_info", &[], Response::new(404, "text/html", ""));
    let said = stderr(&env.tokctl(["check", "work/x"]).assert().code(4));
    assert!(said.contains("no longer takes the token"), "{said}");
}
