//! Hooks: run once per change of a credential's standing, with the facts and without a secret.

use std::fs;
use std::process::Stdio;

use crate::authorization_server::{AuthorizationServer, issue, refuse};
use crate::env::{TestEnv, stderr};

/// A world in which both hooks take down how they were called.
fn world(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new().set("TOKCTL_ACME_CLIENT_SECRET", "");
    let script = r#"env > "$HOME/hook.env"; echo "$1 $TOKCTL_HOOK $TOKCTL_PROVIDER $TOKCTL_USER: $TOKCTL_REASON" >> "$HOME/hook.log""#;
    for hook in ["login_required", "refresh_failed"] {
        env.add_config(&format!("on_{hook} = ['/bin/sh', '-c', '{script}', 'hook', '{hook}']\n"));
    }
    env.with_login("x", server, issue().expires_in(0))
}

fn calls(env: &TestEnv) -> Vec<String> {
    let log = fs::read_to_string(env.path("hook.log")).unwrap_or_default();
    log.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn a_new_login_is_asked_for_once() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4);
    let told = "login_required login_required acme x: the provider no longer renews the grant";
    assert_eq!(calls(&env), [told]);
    env.tokctl(["get"]).assert().code(4);
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh"]).assert().code(4);
    assert_eq!(calls(&env).len(), 1, "nothing changed");
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh", "--all"]).assert().code(4);
    assert_eq!(calls(&env), [told, told]);
    env.log_in("x", &server, issue().expires_in(0));
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4);
    assert_eq!(calls(&env).len(), 3, "a login is a change as well");
}

#[test]
fn a_refresh_that_fails_is_told_once() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    for _ in 0..2 {
        server.will(refuse(401, "invalid_client"));
        env.tokctl(["get"]).assert().code(2);
        let [call] = &calls(&env)[..] else { panic!("{:?}", calls(&env)) };
        assert!(call.starts_with("refresh_failed refresh_failed acme x: "), "{call}");
        assert!(call.contains("invalid_client"), "{call}");
    }
}

#[test]
fn a_hook_gets_no_secret() {
    let server = AuthorizationServer::start();
    let env = world(&server).set("TOKCTL_ACME_CLIENT_SECRET", "made-up-client-secret");
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4);
    let seen = fs::read_to_string(env.path("hook.env")).unwrap();
    assert!(seen.contains("TOKCTL_HOOK=login_required\n"), "{seen}");
    for secret in ["TOKCTL_KEY", "CLIENT_SECRET", "access-1", "refresh-1"] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
}

#[test]
fn a_crowd_tells_once() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will(refuse(400, "invalid_grant"));
    let crowd: Vec<_> = (0..6)
        .map(|_| {
            let mut command = env.command(["get"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in crowd {
        assert_eq!(child.wait().unwrap().code(), Some(4));
    }
    assert_eq!(calls(&env).len(), 1);
}

#[test]
fn a_hook_that_fails_is_a_warning() {
    let server = AuthorizationServer::start();
    for (hook, what) in [("['/bin/false']", "failed"), ("['/no/such/hook']", "started")] {
        let env = TestEnv::new();
        env.add_config(&format!("on_login_required = {hook}\n"));
        let env = env.with_login("x", &server, issue().expires_in(0));
        server.will(refuse(400, "invalid_grant"));
        let failed = env.tokctl(["get"]).assert().code(4);
        let said = stderr(&failed);
        assert!(said.contains("warning: the hook") && said.contains(what), "{said}");
        assert!(said.contains("tokctl login acme/x"), "{said}");
    }
}
