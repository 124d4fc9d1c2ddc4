//! The services that are built in as data alone: each against a stand-in that does what its
//! documentation says.

use serde_json::{Value, json};

use crate::authorization_server::{
    Audience, AuthorizationServer, Client, SigningClient, TokenRequest, issue, refuse, reply,
};
use crate::env::{TestEnv, json as read_json, stderr, stdout};
use crate::http::Response;
use crate::login_browser::free_port;

/// Where the endpoints of a service are below its address: of authorization, token, revocation and
/// the person.
struct Paths(&'static str, &'static str, &'static str, &'static str);

/// A stand-in of `provider` for a public client that comes back to `host`, and its port.
fn stand_in(provider: &str, host: &str, client: Client) -> (AuthorizationServer, String) {
    let port = free_port().to_string();
    let redirect_uri = format!("http://{host}:{port}/callback/{provider}");
    let client = client.of(provider).redirected_to(&redirect_uri);
    (AuthorizationServer::start_for(client), port)
}

/// Lets the endpoints be where the service has them, below `base`.
fn place(server: &AuthorizationServer, base: &str, paths: &Paths) {
    for (path, usual) in [(paths.0, "/authorize"), (paths.1, "/token"), (paths.2, "/revoke")] {
        server.is_also_at(&format!("{base}{path}"), usual);
    }
}

fn log_in(env: &TestEnv, args: &[&str]) -> String {
    let login = env.begin_login(["login"].iter().chain(args));
    login.visit();
    stderr(&login.finish().success().stdout_eq(""))
}

#[test]
fn a_server_of_ones_own_is_named_with_the_login() {
    for (provider, base, paths, person) in [
        (
            "keycloak",
            "/realms/made-up",
            Paths(
                "/protocol/openid-connect/auth",
                "/protocol/openid-connect/token",
                "/protocol/openid-connect/revoke",
                "/protocol/openid-connect/userinfo",
            ),
            json!({ "sub": "1", "preferred_username": "alice", "name": "Alice" }),
        ),
        (
            "okta",
            "/oauth2/default",
            Paths("/v1/authorize", "/v1/token", "/v1/revoke", "/v1/userinfo"),
            json!({ "sub": "1", "preferred_username": "alice", "name": "Alice" }),
        ),
        (
            "auth0",
            "",
            Paths("/authorize", "/oauth/token", "/oauth/revoke", "/userinfo"),
            json!({ "sub": "auth0|1", "email": "alice", "name": "Alice" }),
        ),
        (
            "gitlab",
            "/git",
            Paths("/oauth/authorize", "/oauth/token", "/oauth/revoke", "/api/v4/user"),
            json!({ "id": 1, "username": "alice", "name": "Alice" }),
        ),
    ] {
        let (server, port) = stand_in(provider, "127.0.0.1", Client::public());
        place(&server, base, &paths);
        let env = TestEnv::new();
        let address = server.url(base);
        let answer = issue().expires_in(0);
        let has_id_token = provider != "gitlab";
        server.will_log_in(if has_id_token { answer.with_id_token(json!({})) } else { answer });
        let whose = format!("{base}{}", paths.3);
        server.will_serve(&whose, "Bearer access-1", Response::json(200, &person));
        let login = [provider, "--server", &address, "--client-id", "tokctl-made-up"];
        let said = log_in(&env, &[&login[..], &["--port", &port]].concat());
        assert!(said.contains(&format!("logged in to {provider} as Alice")), "{said}");
        let asked = server.authorizations()[0].clone();
        let scope = asked.param("scope").unwrap().to_owned();
        assert_eq!(scope.contains("offline_access"), has_id_token, "{scope}");
        server.will(issue());
        env.tokctl(["get"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
        server.will_serve(&whose, "Bearer access-2", Response::json(200, &person));
        env.tokctl(["check"]).assert().success();
        let account = format!("{provider}/alice");
        server.will_revoke(200);
        server.will_revoke(200);
        env.tokctl(["delete", &account, "--yes"]).assert().success();
        let needs = env.tokctl(["login", provider, "--client-id", "x"]).assert();
        if provider != "gitlab" {
            assert!(stderr(&needs.code(2)).contains("--server"));
        }
    }
}

#[test]
fn gitlabs_token_ends_as_its_answer_says_and_one_that_was_made_there_is_kept() {
    let (server, port) = stand_in("gitlab", "127.0.0.1", Client::public());
    let paths = Paths("/oauth/authorize", "/oauth/token", "/oauth/revoke", "/api/v4/user");
    place(&server, "", &paths);
    let env = TestEnv::new();
    let long_ago = json!(1_700_000_000);
    server.will_log_in(issue().expires_in(7200).with("created_at", long_ago));
    let person = || Response::json(200, &json!({ "id": 1, "username": "alice" }));
    server.will_serve("/api/v4/user", "Bearer access-1", person());
    let address = server.url("");
    let login = ["gitlab", "--server", &address, "--client-id", "tokctl-made-up", "--port", &port];
    log_in(&env, &login);
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    env.tokctl(["login", "gitlab", "--user", "robot", "--server", &address, "--token-stdin"])
        .stdin("glpat-made-up")
        .assert()
        .success();
    server.will_serve("/api/v4/user", "Bearer glpat-made-up", person());
    env.tokctl(["check", "gitlab/robot"]).assert().success();
}

#[test]
fn oktas_clients_sign_for_the_address_of_each_request() {
    let key = SigningClient::rsa("RS256").for_audience(Audience::EachEndpoint);
    let client = Client::public().of("okta").with_key(&key);
    let server = AuthorizationServer::start_for(client);
    server.is_also_at("/oauth2/default/v1/token", "/token");
    let env = TestEnv::new().set("TOKCTL_OKTA_CLIENT_KEY", key.pem());
    server.will(issue().without_refresh_token());
    let address = server.url("/oauth2/default");
    let login = ["login", "okta", "--server", &address, "--client-id", "tokctl-made-up"];
    env.tokctl(login.iter().chain(&["--method", "client-credentials"])).assert().success();
}

/// A configured provider that extends `base` and asks the stand-in about persons.
fn extended(server: &AuthorizationServer, base: &str, more: &str) -> TestEnv {
    let env = TestEnv::new();
    env.config(&format!(
        "[providers.work]\nextends = \"{base}\"\nclient_id = \"tokctl-made-up\"\n\
         check_url = \"{0}\"\nidentity = {{ url = \"{0}\" }}\n{more}",
        server.url("/me")
    ));
    env
}

#[test]
fn microsofts_refusals_for_a_second_factor_need_a_person() {
    let (server, port) = stand_in("microsoft", "localhost", Client::public());
    let paths = Paths("/oauth2/v2.0/authorize", "/oauth2/v2.0/token", "/oauth2/v2.0/logout", "/me");
    place(&server, "/made-up-tenant", &paths);
    let tenant = server.url("/made-up-tenant");
    let env = extended(&server, "microsoft", &format!("server = \"{tenant}\"\n"));
    let person = json!({ "id": "1", "userPrincipalName": "alice@example.com" });
    let log_in_at = |number: usize| {
        server.will_log_in(issue().expires_in(0).with_id_token(json!({})));
        let token = format!("Bearer access-{number}");
        server.will_serve("/me", &token, Response::json(200, &person));
        log_in(&env, &["work", "--port", &port, "--scope", "Mail.Read"]);
    };
    log_in_at(1);
    let scope = server.authorizations()[0].param("scope").unwrap().to_owned();
    assert_eq!(scope, "Mail.Read openid profile offline_access");
    // A spent refresh token works on, so an answer that was lost costs nothing.
    server.will(issue().expires_in(0).lost());
    server.will(issue().expires_in(0).for_a_spent_token());
    env.tokctl(["get"]).assert().success().stdout_eq("access-3\n");
    let mut number = 3;
    for (error, description) in [
        ("interaction_required", "AADSTS50076: you must use multi-factor authentication"),
        ("invalid_grant", "AADSTS50079: the user is required to use multi-factor authentication"),
        ("invalid_grant", "AADSTS700082: the refresh token has expired due to inactivity"),
    ] {
        let body = json!({ "error": error, "error_description": description });
        server.will(reply(Response::json(400, &body)));
        env.tokctl(["get"]).assert().code(4).stdout_eq("");
        let why = stdout(&env.tokctl(["why"]).assert());
        assert!(why.contains("AADSTS"), "{why}");
        number += 1;
        log_in_at(number);
    }
}

#[test]
fn microsofts_token_for_mail_is_not_shown_to_graph() {
    for (scope, service) in [
        ("https://outlook.office.com/IMAP.AccessAsUser.All", Some("https://outlook.office.com")),
        ("api://made-up-api/read", Some("api://made-up-api")),
        (
            "https://graph.microsoft.com.evil.example/x",
            Some("https://graph.microsoft.com.evil.example"),
        ),
        ("https://graph.microsoft.com/Mail.Read", None),
    ] {
        let (server, port) = stand_in("microsoft", "localhost", Client::public());
        let paths =
            Paths("/oauth2/v2.0/authorize", "/oauth2/v2.0/token", "/oauth2/v2.0/logout", "/me");
        place(&server, "/made-up-tenant", &paths);
        let tenant = server.url("/made-up-tenant");
        let env = extended(&server, "microsoft", &format!("server = \"{tenant}\"\n"));
        let person =
            || Response::json(200, &json!({ "id": "1", "userPrincipalName": "a@example.com" }));
        server.will_log_in(issue().with_id_token(json!({ "preferred_username": "a@example.com" })));
        if service.is_none() {
            server.will_serve("/me", "Bearer access-1", person());
        }
        log_in(&env, &["work", "--port", &port, "--scope", scope]);
        let Some(service) = service else {
            server.will_serve("/me", "Bearer access-1", person());
            env.tokctl(["check", "work/a@example.com"]).assert().success();
            continue;
        };
        let refused = env.tokctl(["check", "work/a@example.com"]).assert().code(2);
        let told = format!("is for `{service}`, where nothing says whether it works");
        assert!(stderr(&refused).contains(&told), "{}", stderr(&refused));
        let all = env.tokctl(["check", "--all"]).assert().success();
        assert!(stderr(&all).contains("1 skipped"), "{}", stderr(&all));
        server.will(issue());
        env.tokctl(["refresh", "work/a@example.com"]).assert().success();
    }
}

#[test]
fn salesforces_instance_is_the_address_of_its_api() {
    let (server, port) = stand_in("salesforce", "localhost", Client::public());
    let paths = Paths(
        "/services/oauth2/authorize",
        "/services/oauth2/token",
        "/services/oauth2/revoke",
        "/services/oauth2/userinfo",
    );
    place(&server, "", &paths);
    let env = TestEnv::new();
    let instance = server.url("/instance");
    let answer = || {
        let answer = issue().without("expires_in").with("instance_url", json!(instance));
        answer.with("issued_at", json!("1708058728442")).with("signature", json!("bWFkZS11cA="))
    };
    server.will_log_in(answer().with_id_token(json!({})));
    let whose = "/instance/services/oauth2/userinfo";
    let person =
        || Response::json(200, &json!({ "user_id": "005", "preferred_username": "a@example.com" }));
    server.will_serve(whose, "Bearer access-1", person());
    let address = server.url("");
    let login = ["salesforce", "--server", &address, "--client-id", "tokctl-made-up"];
    log_in(&env, &[&login[..], &["--port", &port]].concat());
    let got = read_json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["api_base_url"], Value::from(instance.clone()));
    assert_eq!((&got["expiry"], &got["user"]), (&json!("unknown"), &json!("a@example.com")));
    server.will_serve(whose, "Bearer access-1", person());
    env.tokctl(["check"]).assert().success();
    server.will(answer().without_refresh_token());
    env.tokctl(["refresh"]).assert().success();
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
    let got = read_json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["api_base_url"], Value::from(instance.clone()));
    // The organization moved, and the answer to a refresh says so.
    let moved = server.url("/moved");
    server.will(answer().without_refresh_token().with("instance_url", json!(moved)));
    env.tokctl(["refresh"]).assert().success();
    let got = read_json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["api_base_url"], Value::from(moved));
    server.will_serve("/moved/services/oauth2/userinfo", "Bearer access-3", person());
    env.tokctl(["check"]).assert().success();
    // Where it says something else than an address, or nothing, the base stays.
    server
        .will(answer().without_refresh_token().with("instance_url", json!("http://evil.example")));
    env.tokctl(["refresh"]).assert().success();
    let got = read_json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["api_base_url"], Value::from(server.url("/moved")));
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh"]).assert().code(4);
}

#[test]
fn slacks_token_of_a_person_is_found_within_the_answer_and_sent_as_a_bearers() {
    let (server, port) = stand_in("slack", "localhost", Client::public());
    let env = extended(
        &server,
        "slack",
        &format!(
            "authorization_endpoint = \"{}\"\ntoken_endpoint = \"{}\"\nrevocation_endpoint = \"{}\"\n",
            server.url("/authorize"),
            server.url("/token"),
            server.url("/revoke"),
        ),
    );
    server.has_issued("refresh-0");
    let person = json!({
        "id": "U1", "scope": "users:read,search:read", "access_token": "xoxe-made-up-0",
        "token_type": "user", "refresh_token": "refresh-0", "expires_in": 0,
    });
    let answer =
        json!({ "ok": true, "app_id": "A1", "authed_user": person, "team": { "id": "T1" } });
    server.will_log_in(reply(Response::json(200, &answer)));
    let whose = || Response::json(200, &json!({ "ok": true, "user": "alice", "user_id": "U1" }));
    server.will_serve("/me", "Bearer xoxe-made-up-0", whose());
    let said = log_in(&env, &["work", "--port", &port, "--scope", "search:read"]);
    assert!(said.contains("logged in to work as alice"), "{said}");
    let asked = server.authorizations()[0].clone();
    assert_eq!((asked.param("user_scope"), asked.param("scope")), (Some("search:read"), None));
    // A refresh is answered without the object around it.
    server
        .will(issue().expires_in(43200).with("ok", json!(true)).with("token_type", json!("user")));
    env.tokctl(["get", "--format", "header"])
        .assert()
        .success()
        .stdout_eq("Authorization: Bearer access-1\n");
    server.will_serve("/me", "Bearer access-1", Response::json(200, &json!({ "ok": false })));
    env.tokctl(["check"]).assert().code(4);
    let refused = json!({ "ok": false, "error": "invalid_refresh_token" });
    server.will(reply(Response::json(200, &refused)));
    env.tokctl(["refresh"]).assert().code(4);
}

#[test]
fn bitbuckets_consumer_shows_its_secret_in_the_header() {
    let client = Client::public().with_basic_secret("made-up-secret");
    let (server, port) = stand_in("bitbucket", "127.0.0.1", client);
    let env = extended(
        &server,
        "bitbucket",
        &format!(
            "authorization_endpoint = \"{}\"\ntoken_endpoint = \"{}\"\n",
            server.url("/authorize"),
            server.url("/token"),
        ),
    );
    let env = env.set("TOKCTL_WORK_CLIENT_SECRET", "made-up-secret");
    server.will_log_in(issue().expires_in(0).with("scopes", json!("account repository")));
    let person = json!({ "account_id": "1", "nickname": "alice", "display_name": "Alice" });
    server.will_serve("/me", "Bearer access-1", Response::json(200, &person));
    let said = log_in(&env, &["work", "--port", &port]);
    assert!(said.contains("logged in to work as Alice"), "{said}");
    assert!(server.authorizations()[0].param("scope").is_none());
    server.will(issue());
    let got = read_json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["scopes"], json!(["account", "repository"]));
}
