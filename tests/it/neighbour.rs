//! Another user of this machine, who saw the address of a login and brings an answer of his own.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::browser::AuthorizationRequest;
use crate::env::{TestEnv, stderr};

/// A user whom no system has.
const SOMEBODY: u32 = 64_999;

/// Brings `address` to the listener as another user; `None` where only root could.
fn bring(address: &url::Url) -> Option<String> {
    let (host, port) = (address.host_str().unwrap(), address.port().unwrap());
    let target = format!("{}?{}", address.path(), address.query().unwrap());
    let script = format!(
        "exec 3<>/dev/tcp/{host}/{port}; \
         printf 'GET %s HTTP/1.1\\r\\nHost: {host}:{port}\\r\\n\\r\\n' \"$0\" >&3; cat <&3"
    );
    let mut bash = Command::new("bash");
    bash.args(["-c", &script, &target]).current_dir("/").uid(SOMEBODY).gid(SOMEBODY);
    let Ok(done) = bash.output() else {
        eprintln!("skipped: nobody but root can run a program as another user");
        return None;
    };
    Some(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[test]
fn an_answer_that_another_user_brings_is_refused_and_the_login_waits_on() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    let login = env.begin_login(["login", "acme", "--user", "x"]);
    let request = AuthorizationRequest::read(&login.address());
    let foreign = request.answer(&[("code", "made-up-code"), ("state", &request.state())]);
    for _ in 0..2 {
        let Some(page) = bring(&foreign) else { return };
        assert!(page.starts_with("HTTP/1.1 400 "), "{page}");
    }
    server.will_log_in(issue());
    login.visit();
    let said = stderr(&login.finish().success());
    assert_eq!(said.matches("another user of this machine (number 64999)").count(), 1, "{said}");
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn who_logged_in_is_shown_whatever_the_login_is_called() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&server.definition_with_identity());
    for (user, warned) in [("work", false), ("alice@example.com", true)] {
        server.will_log_in(issue());
        let token = if warned { "access-2" } else { "access-1" };
        server.will_identify(token, "mallory@example.com");
        let login = env.begin_login(["login", "acme", "--user", user]);
        login.visit();
        let said = stderr(&login.finish().success());
        assert!(said.contains("logged in to acme as mallory@example.com"), "{said}");
        assert_eq!(said.contains("logged in, not alice@example.com"), warned, "{said}");
    }
}

#[test]
fn an_authorization_endpoint_that_sets_what_a_login_sets_is_refused() {
    let server = AuthorizationServer::start();
    for tail in ["#there", "?state=made-up", "?a=b&redirect_uri=https://made-up.example"] {
        let env = TestEnv::new();
        let tailed = format!("/authorize{tail}\"");
        env.config(&server.definition().replace("/authorize\"", &tailed));
        let failed = env.tokctl(["login", "acme", "--user", "x"]).assert().code(2);
        assert!(stderr(&failed).contains("authorization_endpoint"), "{}", stderr(&failed));
        assert_eq!(env.browser_environment(), None);
    }
    let env = TestEnv::new();
    env.config(&server.definition().replace("/authorize\"", "/authorize?tenant=made-up\""));
    let login = env.begin_login(["login", "acme", "--user", "x"]);
    assert!(login.address().contains("tenant=made-up&response_type=code"), "{}", login.address());
}
