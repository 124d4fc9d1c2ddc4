//! Facebook: no refresh token, but an exchange of the access token for one that lives longer, as
//! long as it works.

use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, Client, TokenRequest, issue, reply};
use crate::env::{TestEnv, json, stderr};
use crate::http::Response;
use crate::login_browser::free_port;

const ME: &str = "/me?fields=id,name";
const ACCOUNTS: &str = "/me/accounts?limit=100";
const SIXTY_DAYS: i64 = 5_184_000;

fn facebook() -> (AuthorizationServer, TestEnv) {
    let callback = format!("http://localhost:{}/callback/work", free_port());
    let client = Client::public()
        .of("work")
        .with_post_secret("made-up-secret")
        .redirected_to(&callback)
        .without_challenge();
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new().set("TOKCTL_WORK_CLIENT_SECRET", "made-up-secret");
    env.config(&format!(
        "[providers.work]\n\
         extends = \"facebook\"\n\
         authorization_endpoint = \"{}\"\n\
         token_endpoint = \"{}\"\n\
         revocation_endpoint = \"{}\"\n\
         check_url = \"{}\"\n\
         identity = {{ url = \"{}\" }}\n\
         pages = {{ url = \"{}\" }}\n\
         redirect_uri = \"{callback}\"\n\
         client_id = \"tokctl-made-up\"\n",
        server.url("/authorize"),
        server.url("/token"),
        server.url("/me/permissions"),
        server.url(ME),
        server.url(ME),
        server.url(ACCOUNTS),
    ));
    (server, env)
}

/// A login whose code brings `access-1` for an hour, exchanged for `access-2`, which lives so long.
fn log_in(server: &AuthorizationServer, env: &TestEnv, seconds: i64) -> String {
    server.will_log_in(issue().without_refresh_token());
    server.will(issue().without_refresh_token().expires_in(seconds));
    let alice = Response::json(200, &json!({ "id": "10001", "name": "Alice" }));
    server.will_serve(ME, "Bearer access-2", alice);
    let login = env.begin_login(["login", "work", "--scope", "pages_show_list,public_profile"]);
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

fn exchange(token: &str) -> TokenRequest {
    TokenRequest::Exchange { access_token: token.to_owned() }
}

fn dead() -> Response {
    let error = json!({ "message": "Session has expired", "type": "OAuthException", "code": 190, "error_subcode": 463 });
    Response::json(400, &json!({ "error": error }))
}

#[test]
fn a_login_exchanges_its_token_at_once_for_one_of_sixty_days() {
    let (server, env) = facebook();
    let said = log_in(&server, &env, SIXTY_DAYS);
    assert!(said.contains("logged in to work as Alice"), "{said}");
    assert!(!said.contains("no refresh token"), "{said}");
    assert_eq!(server.authorizations()[0].param("scope"), Some("pages_show_list,public_profile"));
    assert_eq!(server.token_requests().last(), Some(&exchange("access-1")));
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!((&got["access_token"], &got["user"]), (&json!("access-2"), &json!("10001")));
    // A person has to be there at its end, unless it is exchanged before.
    env.tokctl(["list", "--expiring-within", "59d"]).assert().success();
    env.tokctl(["list", "--expiring-within", "61d"]).assert().code(4);
}

#[test]
fn an_exchange_that_fails_at_login_is_made_up_for_by_the_first_use() {
    let (server, env) = facebook();
    server.will_log_in(issue().without_refresh_token());
    server.will(reply(Response::new(503, "text/html", "")));
    let alice = Response::json(200, &json!({ "id": "10001" }));
    server.will_serve(ME, "Bearer access-1", alice);
    let login = env.begin_login(["login", "work"]);
    login.visit();
    login.finish().success();
    server.will(issue().without_refresh_token().expires_in(SIXTY_DAYS));
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.token_requests().last(), Some(&exchange("access-1")));
}

#[test]
fn a_token_is_exchanged_ten_days_before_its_end_and_handed_out_if_that_fails() {
    let (server, env) = facebook();
    log_in(&server, &env, 9 * 86_400);
    let busy = json!({ "error": { "message": "An unknown error occurred", "code": 1 } });
    server.will(reply(Response::json(400, &busy)));
    let got = env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert!(stderr(&got).contains("An unknown error occurred"), "{}", stderr(&got));
    server.will(issue().without_refresh_token().expires_in(SIXTY_DAYS));
    env.tokctl(["refresh"]).assert().success();
    assert_eq!(server.token_requests().last(), Some(&exchange("access-2")));
    env.tokctl(["get"]).assert().success().stdout_eq("access-3\n").stderr_eq("");
}

#[test]
fn a_token_that_has_ended_is_not_sent_and_needs_a_login() {
    let (server, env) = facebook();
    log_in(&server, &env, 0);
    let asked = server.token_requests().len();
    env.tokctl(["get"]).assert().code(4).stdout_eq("");
    env.tokctl(["get", "--min-ttl", "1h"]).assert().code(4).stdout_eq("");
    env.tokctl(["refresh"]).assert().code(4);
    assert_eq!(server.token_requests().len(), asked);
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"][0]["status"], "expired");
    let why = env.tokctl(["why", "work/10001"]).assert();
    let said = String::from_utf8_lossy(&why.get_output().stdout).into_owned() + &stderr(&why);
    assert!(said.contains("tokctl login work"), "{said}");
}

#[test]
fn a_code_190_in_place_of_401_refuses_a_token() {
    let (server, env) = facebook();
    log_in(&server, &env, SIXTY_DAYS);
    server.will_serve(ME, "Bearer access-2", Response::json(200, &json!({ "id": "10001" })));
    env.tokctl(["check"]).assert().success();
    server.will_serve(ME, "Bearer access-2", dead());
    env.tokctl(["check"]).assert().code(4);
}

#[test]
fn an_exchange_that_is_refused_needs_a_login() {
    let (server, env) = facebook();
    log_in(&server, &env, 3600);
    server.will(reply(dead()));
    env.tokctl(["refresh"]).assert().code(4);
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"][0]["status"], "login_required");
    let last = &listed["credentials"][0]["last_error"];
    assert!(last.as_str().unwrap_or_default().contains("190"), "{last}");
}

#[test]
fn a_deletion_takes_the_permissions_back_and_a_new_login_does_not() {
    let (server, env) = facebook();
    log_in(&server, &env, SIXTY_DAYS);
    server.will_log_in(issue().without_refresh_token());
    server.will(issue().without_refresh_token().expires_in(SIXTY_DAYS));
    let alice = Response::json(200, &json!({ "id": "10001", "name": "Alice" }));
    server.will_serve(ME, "Bearer access-4", alice);
    let login = env.begin_login(["login", "work"]);
    login.visit();
    let said = stderr(&login.finish().success());
    assert!(said.contains("was not revoked, since"), "{said}");
    server.will_delete("/me/permissions", "Bearer access-4", "", 200);
    env.tokctl(["delete", "--user", "10001", "--yes"]).assert().success();
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"], Value::Array(Vec::new()));
}

/// A login with the pages, which asks for them with the long-lived token.
fn log_in_with_pages(server: &AuthorizationServer, env: &TestEnv, first: Response) -> String {
    server.will_log_in(issue().without_refresh_token());
    server.will(issue().without_refresh_token().expires_in(SIXTY_DAYS));
    let alice = Response::json(200, &json!({ "id": "10001", "name": "Alice" }));
    server.will_serve(ME, "Bearer access-2", alice);
    server.will_serve(ACCOUNTS, "Bearer access-2", first);
    let login = env.begin_login(["login", "work", "--pages"]);
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

#[test]
fn the_tokens_of_pages_are_credentials_of_their_own() {
    let (server, env) = facebook();
    let page = |id: &str, name: &str| json!({ "id": id, "name": name, "access_token": format!("page-{id}") });
    let next = format!("{}&access_token=x", server.url("/elsewhere"));
    let first = json!({
        "data": [page("20001", "Made up"), { "id": "20009", "name": "Of somebody else" }],
        "paging": { "cursors": { "before": "a", "after": "b/c" }, "next": next },
    });
    let second = json!({
        "data": [page("20002", "Also\u{1b}[31m")],
        "paging": { "cursors": { "before": "b", "after": "d" } },
    });
    let more = format!("{ACCOUNTS}&after=b%2Fc");
    server.will_serve(&more, "Bearer access-2", Response::json(200, &second));
    let said = log_in_with_pages(&server, &env, Response::json(200, &first));
    assert!(said.contains("the page Made up as work/20001"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains("page-2000"), "{said}");
    let scope = server.authorizations()[0].param("scope").unwrap().to_owned();
    assert_eq!(scope, "public_profile,pages_show_list");
    let got = json(&env.tokctl(["get", "--user", "20002", "--format", "json"]).assert().success());
    assert_eq!((&got["access_token"], &got["expiry"]), (&json!("page-20002"), &json!("none")));
    env.tokctl(["get", "--user", "10001"]).assert().success().stdout_eq("access-2\n");
    let itself = Response::json(200, &json!({ "id": "20001" }));
    server.will_serve(ME, "Bearer page-20001", itself);
    env.tokctl(["check", "--user", "20001"]).assert().success();
    // Changing the password ends them.
    server.will_serve(ME, "Bearer page-20001", dead());
    env.tokctl(["check", "--user", "20001"]).assert().code(4);
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"].as_array().map(Vec::len), Some(3));
}

#[test]
fn pages_that_are_not_listed_are_a_warning_and_the_login_stands() {
    let (server, env) = facebook();
    let said = log_in_with_pages(&server, &env, Response::new(503, "text/html", ""));
    assert!(said.contains("warning") && said.contains("did not list the pages"), "{said}");
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    let failed = env.tokctl(["login", "jira", "--pages", "--client-id", "x"]);
    failed.env("TOKCTL_JIRA_CLIENT_SECRET", "x").assert().code(2).stdout_eq("");
}
