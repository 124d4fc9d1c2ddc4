//! `tokctl login` in the browser: authorization code, PKCE, state, loopback listener.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::json;

use crate::authorization_server::{
    AuthorizationServer, Client, TokenRequest, issue, lose, refuse, reply,
};
use crate::browser::{self, AuthorizationRequest, fetch};
use crate::env::{TestEnv, another_key, json, stderr};
use crate::http::Response;

const LOGIN: [&str; 4] = ["login", "acme", "--user", "x"];

/// A world that knows `server`, and nothing stored.
fn world(server: &AuthorizationServer) -> TestEnv {
    TestEnv::new().with_provider(server)
}

#[test]
fn a_login_in_the_browser_brings_a_token() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("access-1\n").stderr_eq("");
    let exchanges = server.token_requests();
    assert!(matches!(&exchanges[..], [TokenRequest::Code { code, .. }] if code == "code-1"));
    let asked = &server.authorizations()[0];
    assert_eq!(asked.param("scope"), Some("read offline_access"));
}

#[test]
fn each_login_asks_with_another_state_and_challenge() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    env.log_in("x", &server, issue());
    env.log_in_again("x", &server, issue());
    let asked = server.authorizations();
    for name in ["state", "code_challenge"] {
        assert_ne!(asked[0].param(name), asked[1].param(name), "{name}");
    }
}

#[test]
fn the_page_at_the_end_keeps_to_itself() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    let page = login.visit();
    login.finish().success().stdout_eq("");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    let text = page.text();
    let state = server.authorizations()[0].param("state").unwrap().to_owned();
    for secret in ["code-1", "access-1", "refresh-1", state.as_str()] {
        assert!(!text.contains(secret), "the page shows {secret}");
    }
}

#[test]
fn a_wrong_state_is_turned_away_and_the_right_one_still_counts() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    let asked = AuthorizationRequest::read(&login.address());
    for answer in [
        asked.answer(&[("code", "planted"), ("state", "0123456789abcdefghijklmnop")]),
        asked.answer(&[("code", "planted")]),
        asked.answer(&[("error", "access_denied")]),
        asked.answer(&[("error", "access_denied"), ("state", "0123456789abcdefghijklmnop")]),
    ] {
        assert_eq!(fetch(&answer, "GET", &[]).status, 400, "{answer}");
    }
    assert_eq!(login.visit().status, 200);
    login.finish().success();
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn stray_and_hostile_requests_neither_end_nor_block_a_login() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    let asked = AuthorizationRequest::read(&login.address());
    let state = asked.state();
    let right = asked.answer(&[("code", "planted"), ("state", &state)]);
    let port = right.port().unwrap();

    // A browser opens sockets ahead of need and leaves them idle.
    let idle = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let favicon = right.join("/favicon.ico").unwrap();
    assert_eq!(fetch(&favicon, "GET", &[]).status, 404);
    assert_eq!(fetch(&right.join("/").unwrap(), "GET", &[]).status, 404);
    for method in ["HEAD", "POST", "OPTIONS"] {
        assert_eq!(fetch(&right, method, &[]).status, 405, "{method}");
    }
    let other_host = fetch(&right, "GET", &[("Host", &format!("evil.example:{port}"))]);
    assert!([400, 421].contains(&other_host.status), "{}", other_host.status);
    for header in ["Sec-Purpose", "Purpose"] {
        assert_eq!(fetch(&right, "GET", &[(header, "prefetch")]).status, 204, "{header}");
    }
    let other_path = right.join("/callback/other").unwrap();
    assert_eq!(fetch(&other_path, "GET", &[]).status, 404);
    let mut long = right.clone();
    long.query_pairs_mut().append_pair("filler", &"x".repeat(64 * 1024));
    let _ = std::panic::catch_unwind(|| fetch(&long, "GET", &[]));

    assert_eq!(login.visit().status, 200);
    login.finish().success();
    drop(idle);
}

/// What one process may need at most while it listens, in KiB: what hostile clients send is not kept.
#[cfg(target_os = "linux")]
const MOST_MEMORY: u64 = 64 * 1024;

#[test]
fn a_crowd_of_hostile_clients_neither_ends_nor_holds_up_a_login_nor_fills_the_memory() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    let asked = AuthorizationRequest::read(&login.address());
    let state = asked.state();
    let right = asked.answer(&[("code", "planted"), ("state", &state)]);
    let port = right.port().unwrap();
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();

    let idle: Vec<TcpStream> = (0..500).map(|_| connect()).collect();
    // Ten megabytes of headers: thrown away, if they are not cut off.
    let mut endless = connect();
    let _ = write!(endless, "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n", right.path());
    let line = format!("X-Filler: {}\r\n", "x".repeat(10_000));
    let _ = (0..1000).try_for_each(|_| endless.write_all(line.as_bytes()));
    if let Ok(answer) = Response::read(&mut endless) {
        assert_eq!(answer.status, 431);
    }
    // A head that never comes to its end.
    let mut slow = connect();
    slow.write_all(b"GET /callback/acme?code=planted HTTP/1.1\r\nX-Slow: ").unwrap();
    let twice = asked.answer(&[("code", "a"), ("code", "b"), ("state", &state)]);
    let planted =
        asked.answer(&[("code", "planted"), ("state", "0123456789abcdef0123456789abcdef")]);
    for answer in [twice, planted] {
        assert_eq!(fetch(&answer, "GET", &[]).status, 400, "{answer}");
    }
    assert_eq!(fetch(&right, "GET", &[("Host", &format!("evil.example:{port}"))]).status, 421);
    assert_eq!(fetch(&right, "GET", &[("Sec-Purpose", "prefetch;prerender")]).status, 204);
    assert_eq!(fetch(&right, "HEAD", &[]).status, 405);

    #[cfg(target_os = "linux")]
    assert!(login.peak_memory() < MOST_MEMORY, "{} KiB", login.peak_memory());
    assert_eq!(login.visit().status, 200);
    login.finish().success();
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    drop((idle, endless, slow));
}

#[test]
fn a_repeated_parameter_is_no_answer() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    let login = env.begin_login(LOGIN);
    let asked = AuthorizationRequest::read(&login.address());
    let state = asked.state();
    let twice = asked.answer(&[("code", "a"), ("code", "b"), ("state", &state)]);
    assert_eq!(fetch(&twice, "GET", &[]).status, 400);
}

#[test]
fn a_person_who_says_no_ends_the_login() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.user_refuses();
    let login = env.begin_login(LOGIN);
    login.visit();
    login.finish().code(8).stdout_eq("");
    env.tokctl(["get", "--user", "x"]).assert().code(3);
}

#[test]
fn a_person_who_never_comes_back_is_waited_for_as_long_as_was_said() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    let login = env.begin_login(LOGIN.into_iter().chain(["--timeout", "1s"]));
    login.finish().code(8).stdout_eq("");
}

#[test]
fn an_interrupted_login_says_so_by_its_code() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let login = env.begin_login(LOGIN);
        login.address();
        login.signal(signal);
        let ended = login.finish();
        let status = ended.get_output().status;
        let by_signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(status.code().or(by_signal.map(|number| 128 + number)), Some(code));
    }
}

#[test]
fn a_fixed_port_that_is_taken_is_an_error_before_the_browser_opens() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let server = AuthorizationServer::start();
    let env = world(&server);
    env.add_config(&format!("redirect_uri = \"http://127.0.0.1:{port}/callback/acme\"\n"));
    let failed = env.tokctl(LOGIN).assert().code(2).stdout_eq("");
    assert!(stderr(&failed).contains(&port.to_string()), "{}", stderr(&failed));
    let owner = format!("(process {})", std::process::id());
    assert!(!cfg!(target_os = "linux") || stderr(&failed).contains(&owner), "{}", stderr(&failed));
    assert_eq!(env.browser_environment(), None);
}

#[test]
fn a_second_login_for_the_same_credential_fails_at_once() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    login.address();
    let failed = env.tokctl(LOGIN).assert().code(9).stdout_eq("");
    assert!(stderr(&failed).contains("under way"), "{}", stderr(&failed));
    // Another credential is another matter, and the first login goes on.
    server.will_log_in(issue());
    let other = env.begin_login(["login", "acme", "--user", "y"]);
    other.visit();
    other.finish().success();
    browser::visit(&login.address_on_stderr());
    login.finish().success();
}

#[test]
fn a_refresh_does_not_wait_for_a_person_at_the_browser() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    env.log_in("x", &server, issue().expires_in(0));
    let login = env.begin_login(LOGIN);
    login.address();
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    server.will_revoke(200);
    server.will_revoke(200);
    server.will_log_in(issue());
    login.visit();
    login.finish().success();
    env.tokctl(["get"]).assert().success().stdout_eq("access-3\n");
}

#[test]
fn a_port_may_be_asked_for() {
    let port = free_port();
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN.into_iter().chain(["--port", &port.to_string()]));
    let asked = AuthorizationRequest::read(&login.address());
    assert_eq!(asked.redirect_uri().port(), Some(port));
    login.visit();
    login.finish().success();
}

#[test]
fn a_wrong_key_is_found_before_the_browser_opens() {
    let server = AuthorizationServer::start();
    let env = world(&server).with_static_token("y", "made-up-token");
    let env = env.set("TOKCTL_KEY", another_key());
    env.tokctl(LOGIN).assert().code(5).stdout_eq("");
    assert_eq!(env.browser_environment(), None);
}

#[test]
fn a_damaged_vault_is_found_before_the_browser_opens() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    env.log_in("x", &server, issue());
    std::fs::remove_file(env.path("browser.env")).unwrap();
    env.open_vault().pragma_update(None, "user_version", 9999).unwrap();
    env.tokctl(LOGIN).assert().code(7).stdout_eq("");
    assert_eq!(env.browser_environment(), None);
}

#[test]
fn the_browser_never_sees_the_key() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let seen = env.browser_environment().unwrap();
    assert!(seen.contains("HOME="), "{seen}");
    assert!(!seen.contains("TOKCTL_KEY"), "{seen}");
}

#[test]
fn without_input_no_browser_is_opened() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    let mut arguments = LOGIN.to_vec();
    arguments.push("--no-input");
    env.tokctl(&arguments).assert().code(2).stdout_eq("");
    let env = env.set("CI", "true");
    env.tokctl(LOGIN).assert().code(2).stdout_eq("");
    assert_eq!(env.browser_environment(), None);
}

#[test]
fn the_address_is_printed_whether_or_not_a_browser_opens() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    assert_eq!(login.address(), login.address_on_stderr());
    login.visit();
    login.finish().success().stdout_eq("");
}

#[test]
fn without_a_browser_the_address_is_printed_and_the_answer_awaited() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN.into_iter().chain(["--no-browser"]));
    let page = browser::visit(&login.address_on_stderr());
    assert_eq!(page.status, 200);
    login.finish().success();
    assert_eq!(env.browser_environment(), None);
}

#[test]
fn a_browser_that_fails_to_start_ends_no_login() {
    let server = AuthorizationServer::start();
    let env = world(&server).set("BROWSER", "/nowhere/browser");
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    browser::visit(&login.address_on_stderr());
    let said = stderr(&login.finish().success());
    assert!(said.contains("the browser `/nowhere/browser` can't be started"), "{said}");
}

#[test]
fn a_secret_with_odd_characters_is_form_encoded_in_basic_authentication() {
    let server =
        AuthorizationServer::start_for(Client::public().with_basic_secret("made up/secret:+%"));
    let env = world(&server).set("TOKCTL_ACME_CLIENT_SECRET", "made up/secret:+%");
    env.log_in("x", &server, issue().expires_in(0));
    let env = env.unset("TOKCTL_ACME_CLIENT_SECRET");
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_secret_in_the_body_is_sealed_at_login_and_needed_no_more() {
    let server =
        AuthorizationServer::start_for(Client::public().with_post_secret("made-up-secret"));
    let env = world(&server);
    let file = env.file("client-secret", "made-up-secret\n");
    env.add_config(&format!("client_secret_file = \"{}\"\n", file.display()));
    env.log_in("x", &server, issue().expires_in(0));
    env.config("");
    std::fs::remove_file(file).unwrap();
    server.will(issue());
    env.tokctl(["get", "acme", "--user", "x"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn client_settings_that_the_provider_refuses_are_named() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(refuse(401, "invalid_client"));
    let login = env.begin_login(LOGIN);
    login.visit();
    let failed = login.finish().code(2).stdout_eq("");
    assert!(stderr(&failed).contains("client"), "{}", stderr(&failed));
    env.tokctl(["get", "--user", "x"]).assert().code(3);
}

#[test]
fn a_code_is_exchanged_once_whatever_becomes_of_the_answer() {
    for answer in [
        reply(Response::new(502, "text/html", "<h1>Bad gateway</h1>")),
        lose(),
        reply(Response::new(200, "text/html", "<h1>Welcome</h1>")),
    ] {
        let server = AuthorizationServer::start();
        let env = world(&server);
        server.will_log_in(answer);
        let login = env.begin_login(LOGIN);
        login.visit();
        login.finish().code(6).stdout_eq("");
        assert_eq!(server.token_requests().len(), 1);
    }
}

#[test]
fn a_failed_login_leaves_the_earlier_one_alone() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.user_refuses();
    let login = env.begin_login(LOGIN);
    login.visit();
    login.finish().code(8);
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn an_expiry_is_understood_in_every_form_that_servers_use() {
    for (answer, expiry) in [
        (issue().with("expires_in", json!("3600")), "known"),
        (issue().with("expires_in", json!(3600.0)), "known"),
        (issue().without("expires_in"), "unknown"),
        (issue().with("expires_in", json!(null)), "unknown"),
    ] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_login("x", &server, answer);
        let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
        assert_eq!(got["expiry"], expiry);
        assert_eq!(got["access_token"], "access-1");
    }
}

#[test]
fn an_absurd_expiry_breaks_nothing() {
    let server = AuthorizationServer::start();
    let huge = issue().with("expires_in", json!(9_223_372_036_854_775_807_i64));
    let env = TestEnv::new().with_login("x", &server, huge);
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");

    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(-5));
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_token_that_could_break_out_of_a_header_is_not_taken() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue().with("access_token", json!("made-up\r\nX-Evil: 1")));
    let login = env.begin_login(LOGIN);
    login.visit();
    let failed = login.finish().failure().stdout_eq("");
    assert!(!stderr(&failed).contains("X-Evil"), "{}", stderr(&failed));
    env.tokctl(["get", "--user", "x"]).assert().code(3);
}

#[test]
fn fewer_scopes_than_asked_for_are_kept_and_said() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue().with("scope", json!("read")));
    let login = env.begin_login(LOGIN);
    login.visit();
    let done = login.finish().success();
    assert!(stderr(&done).contains("offline_access"), "{}", stderr(&done));
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["scopes"], json!(["read"]));
}

#[test]
fn endpoints_are_discovered_from_the_issuer() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    discover(&env, &server);
    server.will_describe_itself();
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    login.visit();
    login.finish().success();
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

/// The server's metadata at the place of OpenID Connect, with this change.
fn will_describe(server: &AuthorizationServer, change: (&str, serde_json::Value)) {
    let mut metadata = json!({
        "issuer": server.url(""),
        "authorization_endpoint": server.url("/authorize"),
        "token_endpoint": server.url("/token"),
    });
    metadata[change.0] = change.1;
    let place = "/.well-known/openid-configuration";
    server.will_serve_to(place, &[], Response::json(200, &metadata));
}

#[test]
fn metadata_are_looked_for_at_both_places_and_count_only_for_their_issuer() {
    let oauth = "/.well-known/oauth-authorization-server";
    for first in [
        Response::new(404, "text/html", ""),
        Response::new(200, "text/html", "<html>"),
        Response::json(200, &json!({ "issuer": "https://other.example" })),
    ] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new();
        discover(&env, &server);
        server.will_serve_to(oauth, &[], first);
        will_describe(&server, ("scopes_supported", json!(["read"])));
        server.will_log_in(issue());
        let login = env.begin_login(LOGIN);
        login.visit();
        login.finish().success();
    }
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    discover(&env, &server);
    server.will_serve_to(oauth, &[], Response::new(404, "text/html", ""));
    will_describe(&server, ("issuer", json!(server.url("/"))));
    let failed = env.tokctl(LOGIN).assert().code(2).stdout_eq("");
    let named = format!("another issuer, `{}`", server.url("/"));
    assert!(stderr(&failed).contains(&named), "{}", stderr(&failed));
}

#[test]
fn a_server_that_knows_no_s256_gets_no_challenge_rather_than_a_plain_one() {
    let server = AuthorizationServer::start_for(Client::public().without_challenge());
    let env = TestEnv::new();
    discover(&env, &server);
    let missing = Response::new(404, "text/html", "");
    server.will_serve_to("/.well-known/oauth-authorization-server", &[], missing);
    will_describe(&server, ("code_challenge_methods_supported", json!(["plain"])));
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    login.visit();
    login.finish().success();
}

#[test]
fn an_answer_from_another_issuer_is_a_mix_up() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    discover(&env, &server);
    server.will_describe_itself();
    let login = env.begin_login(LOGIN);
    let asked = AuthorizationRequest::read(&login.address());
    let state = asked.state();
    let mixed_up =
        asked.answer(&[("code", "code-1"), ("state", &state), ("iss", "https://evil.example")]);
    assert_eq!(fetch(&mixed_up, "GET", &[]).status, 400);
    login.finish().code(8);
    assert_eq!(server.token_requests(), []);
}

pub(crate) fn discover(env: &TestEnv, server: &AuthorizationServer) {
    env.config(&format!(
        "[providers.acme]\nissuer = \"{}\"\nclient_id = \"tokctl-made-up\"\n\
         token_endpoint_auth_method = \"none\"\nscopes = [\"read\"]\n",
        server.url("")
    ));
}

/// A port that nobody listens on just now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_slow_exchange_is_waited_for() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    env.log_in("x", &server, issue().after(Duration::from_millis(300)));
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}
