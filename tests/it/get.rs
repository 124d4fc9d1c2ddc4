//! `tokctl get`: which credential is meant, and in which form it is printed.

use serde_json::Value;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, json, stderr};

#[test]
fn a_fresh_token_is_printed_without_a_request() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    for _ in 0..3 {
        env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("access-1\n").stderr_eq("");
    }
}

#[test]
fn a_fresh_token_is_printed_without_touching_the_vault() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let before = std::fs::read(env.vault_path()).unwrap();
    let changed = env.vault_path().metadata().unwrap().modified().unwrap();
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    assert!(std::fs::read(env.vault_path()).unwrap() == before);
    assert_eq!(env.vault_path().metadata().unwrap().modified().unwrap(), changed);
}

#[test]
fn nothing_but_the_token_is_printed_at_any_level_of_chatter() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(issue());
    let done = env.tokctl(["-vvv", "get"]).assert().success().stdout_eq("access-2\n");
    for secret in ["access-", "refresh-1", "refresh-2", "tokctl-key-"] {
        assert!(!stderr(&done).contains(secret), "{secret} in {}", stderr(&done));
    }
}

#[test]
fn without_a_vault_there_is_nothing_to_get() {
    let env = TestEnv::new();
    let failed = env.tokctl(["get", "--user", "x"]).assert().code(3).stdout_eq("");
    assert!(stderr(&failed).contains("tokctl providers"), "{}", stderr(&failed));
    assert!(!env.vault_path().exists());
}

#[test]
fn a_user_without_a_credential_is_no_such_thing() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let failed = env.tokctl(["get", "--user", "nobody"]).assert().code(3).stdout_eq("");
    assert!(stderr(&failed).contains("nobody"), "{}", stderr(&failed));
    env.tokctl(["get", "unheard-of"]).assert().code(3).stdout_eq("");
}

#[test]
fn an_unclear_choice_names_the_candidates() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y");
    let failed = env.tokctl(["get"]).assert().code(2).stdout_eq("");
    for candidate in ["vendor", "x", "y"] {
        assert!(stderr(&failed).contains(candidate), "{}", stderr(&failed));
    }
    assert!(!stderr(&failed).contains("made-up-"), "{}", stderr(&failed));
}

#[test]
fn one_user_of_two_providers_is_unclear_until_one_is_named() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue()).with_static_token("x", "made-up");
    let failed = env.tokctl(["get", "--user", "x"]).assert().code(2).stdout_eq("");
    assert!(stderr(&failed).contains("acme") && stderr(&failed).contains("vendor"));
    env.tokctl(["get", "acme", "--user", "x"]).assert().success().stdout_eq("access-1\n");
    env.tokctl(["get", "vendor"]).assert().success().stdout_eq("made-up\n");
}

#[test]
fn environment_and_configuration_may_name_the_user() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y");
    let env = env.set("TOKCTL_USER", "y");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-y\n");
    env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("made-up-x\n");
    let env = env.unset("TOKCTL_USER");
    env.config("default_user = \"x\"\n[providers.vendor]\n");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-x\n");
}

#[test]
fn a_slip_in_the_configuration_stops_no_call_that_names_everything() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.config("surprise = true\n");
    env.tokctl(["get", "vendor", "--user", "x"]).assert().success().stdout_eq("made-up-token\n");
}

#[test]
fn a_closed_stdout_ends_quietly() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = env.command(["get"]).stdout(writer).stderr(std::process::Stdio::piped()).output();
    assert_eq!(String::from_utf8_lossy(&ended.unwrap().stderr), "");
}

#[test]
fn json_has_every_field_of_the_contract() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success().stderr_eq(""));
    assert_eq!(got["v"], 1);
    assert_eq!(got["provider"], "acme");
    assert_eq!(got["user"], "x");
    assert_eq!(got["access_token"], "access-1");
    assert_eq!(got["token_type"], "Bearer");
    assert_eq!(got["expiry"], "known");
    assert_eq!(got["scopes"], serde_json::json!(["read", "offline_access"]));
    assert_eq!(got["refreshed"], false);
    let left = got["expires_in"].as_i64().unwrap();
    assert!((3500..=3600).contains(&left), "{left}");
    assert!(got["expires_at"].as_str().unwrap().ends_with('Z'), "{got}");
    for field in ["server_url", "username", "api_base_url"] {
        assert_eq!(got.get(field), Some(&Value::Null), "{field}");
    }
}

#[test]
fn json_says_whether_this_call_refreshed() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(issue());
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["refreshed"], true);
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["refreshed"], false);
}

#[test]
fn an_odd_name_on_the_command_line_is_a_usage_error() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["get", "--no-such-flag"]).assert().code(2).stdout_eq("");
    env.tokctl(["get", "--format", "no-such-format"]).assert().code(2).stdout_eq("");
    env.tokctl(["get", "--min-ttl", "soon"]).assert().code(2).stdout_eq("");
    env.tokctl(["no-such-command"]).assert().code(2).stdout_eq("");
}
