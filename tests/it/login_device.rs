//! `tokctl login --method device`: a code that is entered in a browser elsewhere.

use serde_json::{Value, json};

use crate::authorization_server::{
    AuthorizationServer, Client, TokenRequest, issue, lose, refuse, reply,
};
use crate::env::{TestEnv, stderr};
use crate::http::Response;

const LOGIN: [&str; 6] = ["login", "acme", "--user", "x", "--method", "device"];

/// A world that knows `server` and its device endpoint, with nothing stored and no browser.
fn world(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new().with_provider(server).unset("BROWSER");
    env.add_config(&server.device_endpoint());
    env
}

fn code() -> Value {
    json!({ "verification_uri": "https://as.example/device", "interval": 1 })
}

#[test]
fn a_code_that_is_entered_elsewhere_brings_a_token() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_give_a_code(code());
    server.will(refuse(400, "authorization_pending"));
    server.will(issue().expires_in(0));
    let done = env.tokctl(LOGIN).assert().success().stdout_eq("");
    let said = stderr(&done);
    assert!(said.contains("https://as.example/device") && said.contains("WDJB-MJHT"), "{said}");
    assert!(!said.contains("device-1"), "{said}");
    assert_eq!(server.device_scopes(), ["read offline_access"]);
    let asked = TokenRequest::Device { device_code: "device-1".to_owned() };
    assert_eq!(server.token_requests(), [asked.clone(), asked]);
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
}

#[test]
fn the_next_login_goes_by_a_code_as_the_last_one_did() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&server.device_endpoint());
    let by_code = |arguments: &[&str]| {
        server.will_give_a_code(code());
        server.will(issue());
        env.tokctl(arguments).assert().success();
    };
    by_code(&LOGIN);
    for again in [&["login", "acme/x"][..], &["login", "acme/x", "--timeout", "1m"]] {
        // The refresh token, and the access token.
        server.will_revoke(200);
        server.will_revoke(200);
        by_code(again);
    }
    assert_eq!(server.device_scopes().len(), 3);
    // The browser's own flag is for the browser, and so is what comes after.
    server.will_log_in(issue());
    server.will_revoke(200);
    server.will_revoke(200);
    let login = env.begin_login(["login", "acme/x", "--method", "browser"]);
    login.visit();
    login.finish().success();
    env.log_in_again("x", &server, issue());
    assert_eq!(server.device_scopes().len(), 3);
}

#[test]
fn waiting_is_told_in_every_form_that_servers_use() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    let google = json!({ "verification_url": "https://as.example/device", "interval": 0 });
    server.will_give_a_code(json!({ "expires_in": 60 }).merged(google));
    server.will(refuse(428, "authorization_pending"));
    server.will(refuse(200, "authorization_pending"));
    server.will(issue());
    env.tokctl(LOGIN).assert().success();
}

#[test]
fn trouble_with_the_connection_is_waited_out() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_give_a_code(code());
    server.will(lose());
    server.will(reply(Response::new(502, "text/html", "<h1>Bad gateway</h1>")));
    server.will(issue());
    env.tokctl(LOGIN).assert().success();
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_give_a_code(code());
    server.will(refuse(400, "slow_down"));
    server.will(issue());
    let began = std::time::Instant::now();
    env.tokctl(LOGIN).assert().success();
    // One second before the first request, and six before the second.
    assert!(began.elapsed().as_secs() >= 7, "{:?}", began.elapsed());
}

#[test]
fn no_and_too_late_end_a_login() {
    for error in ["access_denied", "expired_token"] {
        let server = AuthorizationServer::start();
        let env = world(&server);
        server.will_give_a_code(code());
        server.will(refuse(400, error));
        env.tokctl(LOGIN).assert().code(8).stdout_eq("");
        env.tokctl(["get", "acme", "--user", "x"]).assert().code(3);
    }
}

#[test]
fn a_code_is_waited_for_until_it_expires() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_give_a_code(code().merged(json!({ "expires_in": 2 })));
    server.will(refuse(400, "authorization_pending"));
    let failed = env.tokctl(LOGIN).assert().code(8).stdout_eq("");
    assert!(stderr(&failed).contains("in time"), "{}", stderr(&failed));
}

#[test]
fn a_person_may_wait_for_less() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_give_a_code(code().merged(json!({ "interval": 60 })));
    env.tokctl(LOGIN.into_iter().chain(["--timeout", "1s"])).assert().code(8);
}

#[test]
fn an_interrupted_wait_says_so_by_its_code() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_give_a_code(code().merged(json!({ "interval": 60 })));
    let login = env.begin_login(LOGIN);
    login.address_on_stderr();
    login.signal("INT");
    let ended = login.finish();
    let status = ended.get_output().status;
    let by_signal = std::os::unix::process::ExitStatusExt::signal(&status);
    assert_eq!(status.code().or(by_signal.map(|number| 128 + number)), Some(130));
}

#[test]
fn a_browser_gets_the_address_that_holds_the_code() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&server.device_endpoint());
    let whole = "https://as.example/device?code=WDJB-MJHT";
    server.will_give_a_code(code().merged(json!({ "verification_uri_complete": whole })));
    server.will(issue());
    let login = env.begin_login(LOGIN);
    assert_eq!(login.address(), whole);
    let said = stderr(&login.finish().success());
    assert!(said.contains("WDJB-MJHT") && said.contains(whole), "{said}");
    assert!(said.contains("https://as.example/device\n"), "{said}");
}

#[test]
fn an_address_that_is_not_safe_to_open_ends_the_login() {
    for uri in ["javascript:alert(1)", "file:///etc/passwd", "http://as.example/device"] {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_provider(&server);
        env.add_config(&server.device_endpoint());
        server.will_give_a_code(json!({ "verification_uri": uri }));
        let failed = env.tokctl(LOGIN).assert().failure().stdout_eq("");
        assert!(!stderr(&failed).contains("alert"), "{}", stderr(&failed));
        assert_eq!(env.browser_environment(), None);
    }
}

#[test]
fn the_client_proves_itself_as_it_is_registered() {
    for client in [
        Client::public().with_post_secret("made-up-secret"),
        Client::public().with_basic_secret("made-up-secret"),
    ] {
        let server = AuthorizationServer::start_for(client);
        let env = world(&server).set("TOKCTL_ACME_CLIENT_SECRET", "made-up-secret");
        server.will_give_a_code(code());
        server.will(issue());
        env.tokctl(LOGIN).assert().success();
    }
}

#[test]
fn the_endpoint_is_found_from_the_issuer() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().unset("BROWSER");
    env.config(&format!(
        "[providers.acme]\nissuer = \"{}\"\nclient_id = \"tokctl-made-up\"\nscopes = [\"read\"]\n",
        server.url("")
    ));
    server.will_describe_itself();
    server.will_give_a_code(code());
    server.will(issue());
    env.tokctl(LOGIN).assert().success();
}

#[test]
fn a_provider_without_such_an_endpoint_is_a_mistake() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    let failed = env.tokctl(LOGIN).assert().code(2);
    assert!(stderr(&failed).contains("device_authorization_endpoint"), "{}", stderr(&failed));
    let token = LOGIN.into_iter().chain(["--token-stdin"]);
    env.tokctl(token).stdin("made-up").assert().code(2);
}

trait Merged {
    /// With the fields of `other`.
    fn merged(self, other: Value) -> Value;
}

impl Merged for Value {
    fn merged(mut self, other: Value) -> Value {
        for (name, value) in other.as_object().unwrap() {
            self[name] = value.clone();
        }
        self
    }
}
