//! An address in the place of a service: every command takes it, and by one rule.

use crate::env::{TestEnv, json, stderr, stdout};
use crate::export::with_bundle_key;
use crate::http::Response;
use crate::registering_server::RegisteringServer;

const NAME: &str = RegisteringServer::NAME;

/// A world with a login by address as `default`, and with a credential of another service.
fn world(server: &RegisteringServer) -> (TestEnv, String) {
    let env = with_bundle_key(TestEnv::new().with_static_token("x", "made-up-token"));
    let address = server.url("/mcp");
    log_in(&env, &[&address]);
    (env, address)
}

fn log_in(env: &TestEnv, words: &[&str]) {
    let login = env.begin_login([&["login"], words].concat());
    login.visit();
    login.finish().success();
}

#[test]
fn every_command_takes_the_address_or_one_below_it() {
    let server = RegisteringServer::start();
    server.state().served = Response::new(405, "text/plain", "POST, please");
    let (env, address) = world(&server);
    for address in [&address, &format!("{address}/below?x=y")] {
        env.tokctl(["get", address]).assert().success().stdout_eq("access-1\n").stderr_eq("");
        let listed = json(&env.tokctl(["list", address, "--json"]).assert().success());
        assert_eq!(listed["credentials"].as_array().unwrap().len(), 1);
        let status = stdout(&env.tokctl(["status", address]).assert().success());
        assert!(status.starts_with(&format!("{NAME}/default\t")), "{status}");
        assert_eq!(status.lines().count(), 1, "{status}");
        env.tokctl(["why", address]).assert().success();
        env.tokctl(["check", address]).assert().success();
        let audit = json(&env.tokctl(["audit", address, "--json"]).assert().success());
        let of = |entry: &serde_json::Value| entry["provider"].as_str() == Some(NAME);
        assert!(audit["entries"].as_array().unwrap().iter().all(of), "{audit}");
        let variable = format!("TOKEN={address}");
        let set = stdout(&env.tokctl(["env", &variable]).assert().success());
        assert!(set.contains("access-1"), "{set}");
        let run = ["run", "--env", &variable, "--no-masking", "--", "sh", "-c", "echo $TOKEN"];
        env.tokctl(run).assert().success().stdout_eq("access-1\n");
        let run = ["run", "--file", &variable, "--no-masking", "--", "sh", "-c", "cat $TOKEN"];
        env.tokctl(run).assert().success().stdout_eq("access-1");
        let file = env.file("made-up.env", format!("TOKEN=tokctl://{NAME}/default\n"));
        let file = file.display().to_string();
        let run = ["run", "--env-file", &file, "--only", address, "--no-masking", "--"];
        let run = [&run[..], &["sh", "-c", "echo $TOKEN"]].concat();
        env.tokctl(run).assert().success().stdout_eq("access-1\n");
        let file = env.file("other.env", "TOKEN=tokctl://vendor/x\n").display().to_string();
        let run = ["run", "--env-file", &file, "--only", address, "--", "true"];
        env.tokctl(run).assert().code(2);
        env.tokctl(["export", address, "--to", "key:bundle.key"]).assert().success();
    }
    env.tokctl(["refresh", &address]).assert().success();
    env.tokctl(["get", NAME]).assert().success().stdout_eq("access-2\n");
    env.tokctl(["delete", &address, "--yes"]).assert().success();
    env.tokctl(["get", "vendor/x"]).assert().success();
    env.tokctl(["get", NAME]).assert().code(3);
}

#[test]
fn an_address_is_for_the_directory_what_its_name_is() {
    let server = RegisteringServer::start();
    let (env, address) = world(&server);
    log_in(&env, &[&address, "--user", "alice"]);
    env.tokctl(["use", "vendor/x"]).assert().success();
    env.tokctl(["use", &address]).assert().code(2);
    env.tokctl(["use", &address, "--user", "alice"]).assert().success();
    env.tokctl(["get", &address]).assert().success().stdout_eq("access-2\n");
    env.tokctl(["use", "--unset", &address]).assert().success();
    let chosen = stdout(&env.tokctl(["use"]).assert().success());
    assert!(chosen.starts_with("vendor\tx\t") && chosen.lines().count() == 1, "{chosen}");
    for command in ["get", "why"] {
        let unclear = env.tokctl([command, &address]).assert().code(2).stdout_eq("");
        assert!(stderr(&unclear).contains(NAME), "{}", stderr(&unclear));
    }
    env.tokctl(["delete", &address]).assert().code(2);
}

#[test]
fn an_address_that_nothing_is_stored_for_is_answered_with_its_login() {
    let server = RegisteringServer::start();
    let (env, address) = world(&server);
    let beside = format!("{address}-other");
    // It is a resource as well, so that the login has somebody to ask.
    server.answers("GET /mcp-other", Response::new(503, "text/plain", "later"));
    let variable = format!("TOKEN={beside}");
    for command in [
        &["get", &beside][..],
        &["list", &beside],
        &["status", &beside],
        &["why", &beside],
        &["check", &beside],
        &["audit", &beside],
        &["refresh", &beside],
        &["use", &beside],
        &["use", "--unset", &beside],
        &["delete", &beside, "--yes"],
        &["export", &beside, "--to", "key:bundle.key"],
        &["env", &variable],
        &["run", "--env", &variable, "--", "true"],
    ] {
        let failed = env.tokctl(command).assert().code(3).stdout_eq("");
        let hint = format!("hint: tokctl login {beside}\n");
        assert!(stderr(&failed).contains(&hint), "{command:?}: {}", stderr(&failed));
    }
    env.tokctl(["import", "google", "x", "--provider", &address]).assert().code(2);
    let env = env.set("TOKCTL_VAULT", "memory:");
    env.tokctl(["get", &address]).assert().code(2).stdout_eq("");
}
