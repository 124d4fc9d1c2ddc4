//! `tokctl status`, the other names of commands, and command lines that name none.

use crate::authorization_server::{AuthorizationServer, issue, refuse};
use crate::env::{TestEnv, json, stderr, stdout};

/// A world in which `acme/z` needs a login, `vendor/old` a new token, and `vendor/x` nothing.
fn world(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new().with_login("z", server, issue().expires_in(0));
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh", "acme/z"]).assert().code(4);
    let env = env.with_static_token("x", "made-up-x").with_static_token("old", "made-up-old");
    env.sql("UPDATE credentials_2 SET expires_at = 1577836800 WHERE user = 'old'");
    env
}

#[test]
fn what_needs_somebody_comes_first_and_ends_with_4() {
    let server = AuthorizationServer::start();
    let env = world(&server).unset("TOKCTL_KEY");
    let told = env.tokctl(["status"]).assert().code(4);
    let lines = stdout(&told);
    let lines: Vec<Vec<&str>> = lines.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(
        lines.iter().map(|line| line[0]).collect::<Vec<_>>(),
        ["acme/z", "vendor/old", "vendor/x"]
    );
    assert!(lines[0][1].contains("needs a login"), "{lines:?}");
    assert_eq!(lines[0][2], "tokctl login acme/z");
    assert!(lines[1][1].contains("needs a new token"), "{lines:?}");
    assert_eq!(lines[1][2], "tokctl login vendor/old --token-stdin");
    assert_eq!(lines[2][1..], ["not checked yet", ""]);
    let said = stderr(&told);
    assert!(said.contains("2 credentials need somebody"), "{said}");
    assert!(said.contains("hint: tokctl login acme/z\n"), "{said}");

    let well = env.tokctl(["status", "vendor/x"]).assert().success().stderr_eq("");
    assert_eq!(stdout(&well), "vendor/x\tnot checked yet\t\n");
    env.tokctl(["status", "vendor"]).assert().code(4);
    let said = stderr(&env.tokctl(["status", "vendor/y"]).assert().code(3));
    assert!(said.contains("no credential for `vendor/y`"), "{said}");
    let report = json(&env.tokctl(["status", "--json"]).assert().code(4));
    assert_eq!((&report["v"], &report["need_somebody"]), (&1.into(), &2.into()));
    assert_eq!(report["credentials"][0]["needs"], "login");
    assert_eq!(report["credentials"][2]["command"], serde_json::Value::Null);
}

#[test]
fn a_prompt_gets_a_word_or_nothing() {
    let server = AuthorizationServer::start();
    let short = ["status", "--short"];
    TestEnv::without_key().tokctl(short).assert().success().stdout_eq("").stderr_eq("");
    let env = TestEnv::new().with_static_token("x", "made-up").unset("TOKCTL_KEY");
    env.tokctl(short).assert().success().stdout_eq("").stderr_eq("");
    let env = world(&server).unset("TOKCTL_KEY");
    env.tokctl(short).assert().code(4).stdout_eq("2 logins! ").stderr_eq("");
    let one = ["status", "--short", "acme"];
    env.tokctl(one).assert().code(4).stdout_eq("acme/z! ").stderr_eq("");
}

#[test]
fn nothing_stored_is_told() {
    let env = TestEnv::new();
    assert!(stderr(&env.tokctl(["status"]).assert().code(3)).contains("hint: tokctl providers"));
}

#[test]
fn commands_have_the_names_that_others_give_them() {
    let env = TestEnv::new().with_static_token("x", "made-up").with_static_token("y", "made-up");
    let listed = stdout(&env.tokctl(["list"]).assert().success());
    env.tokctl(["ls"]).assert().success().stdout_eq(listed);
    env.tokctl(["rm", "vendor/x", "--yes"]).assert().success();
    env.tokctl(["logout", "vendor/y", "--yes"]).assert().success();
    for (word, meant, hint) in [
        ("whoami", "status", "tokctl status"),
        ("exec", "run", "tokctl run --help"),
        ("renew", "refresh", "tokctl refresh --help"),
        ("lst", "list", "tokctl list"),
        ("deletee", "delete", "tokctl delete --help"),
        ("gte", "get", "tokctl get --help"),
        ("stauts", "status", "tokctl status"),
        ("key delete", "remove", "tokctl key remove --help"),
        ("key lst", "list", "tokctl key list"),
    ] {
        let said = stderr(&env.tokctl(word.split(' ')).assert().code(2));
        assert!(said.contains(&format!("did you mean `{meant}`?")), "{said}");
        assert!(said.contains(&format!("hint: {hint}\n")), "{said}");
    }
    let said = stderr(&env.tokctl(["get", "--usr", "x"]).assert().code(2));
    assert!(said.contains("did you mean `--user`?"), "{said}");
}

#[test]
fn no_command_at_all_prints_the_help() {
    let env = TestEnv::without_key();
    let help = stdout(&env.tokctl::<[&str; 0], &str>([]).assert().success().stderr_eq(""));
    for command in ["login", "get", "status"] {
        assert!(help.contains(command), "{help}");
    }
    // A command that lacks its own command is a mistake.
    env.tokctl(["key"]).assert().code(2);
}

#[test]
fn a_command_to_run_without_its_mark_is_told() {
    let env = TestEnv::new().with_static_token("x", "made-up");
    let said = stderr(&env.tokctl(["run", "--env", "A=vendor/x", "true", "-x"]).assert().code(2));
    assert!(said.contains("hint: tokctl run --env A=vendor/x -- true -x\n"), "{said}");
    let said = stderr(&env.tokctl(["run", "--env", "A=vendor/x"]).assert().code(2));
    assert!(said.contains("stands behind `--`"), "{said}");
    let said = stderr(&env.tokctl(["run", "vendor/x", "--", "true"]).assert().code(2));
    assert!(
        said.contains("--env NAME=REF") && said.contains("hint: tokctl run --help\n"),
        "{said}"
    );
}

#[test]
fn a_token_that_stands_where_none_is_taken_is_not_repeated() {
    let env = TestEnv::new().with_static_token("x", "made-up");
    let token = "ghp_MadeUpSecret1234567890";
    for arguments in
        [&[token][..], &["login", "github/x", token], &["get", token], &["use", "vendor/x", token]]
    {
        let said = stderr(&env.tokctl(arguments).assert().code(2));
        assert!(!said.contains(token) && said.contains('…'), "{said}");
    }
}

#[test]
fn a_client_that_is_refused_needs_somebody_and_a_dead_server_time() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(refuse(401, "invalid_client"));
    env.tokctl(["get"]).assert().code(2);
    let told = stdout(&env.tokctl(["status"]).assert().code(4));
    assert!(told.contains("the provider refuses its client"), "{told}");
    assert!(told.contains("tokctl login acme/x"), "{told}");
    let told = stdout(&env.tokctl(["list", "--expiring-within", "1d"]).assert().code(4));
    assert!(told.contains("acme"), "{told}");
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    drop(server);
    env.tokctl(["get"]).assert().code(6);
    let done = env.tokctl(["status"]).assert().code(6);
    let told = stdout(&done);
    assert!(told.contains("its token has ended; the last refresh failed"), "{told}");
    assert!(stderr(&done).contains("`acme/x` waits for its provider\nhint: tokctl why acme/x\n"));
    env.tokctl(["status", "--short"]).assert().success().stdout_eq("");
}

#[test]
fn a_prompt_gets_one_word_about_a_vault_that_can_not_be_read() {
    let env = TestEnv::new().with_static_token("x", "made-up-x");
    std::fs::write(env.vault_path(), "made up").unwrap();
    let short = ["status", "--short"];
    env.tokctl(short).assert().code(7).stdout_eq("tokctl doctor! ").stderr_eq("");
}

#[test]
fn a_vault_that_no_login_finished_is_none() {
    let env = TestEnv::without_key().set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/made-up/bus");
    let login = ["login", "github/x", "--token-stdin"];
    env.tokctl(login).stdin("made-up-token").assert().code(5);
    assert!(env.vault_path().exists());
    let copy = env.path("copy.db").to_string_lossy().into_owned();
    for arguments in [
        &["list"][..],
        &["status"],
        &["check", "--all"],
        &["list", "--expiring-within", "14d"],
        &["backup", &copy],
        &["get", "github/x"],
        &["refresh", "--all"],
    ] {
        let said = stderr(&env.tokctl(arguments).assert().code(3));
        assert!(said.contains("there is no vault"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_command_to_type_names_the_vault_that_was_named() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    let vault = env.vault_path().to_string_lossy().into_owned();
    let named = |words: &[&str]| {
        let words = ["--vault", &vault].into_iter().chain(words.iter().copied());
        env.tokctl(words).assert()
    };
    let login = format!("tokctl --vault {vault} login acme/z");
    let lines = stdout(&named(&["status"]).code(4));
    assert!(lines.lines().any(|line| line.ends_with(&format!("\t{login}"))), "{lines}");
    let said = stdout(&named(&["why", "acme/z"]).success());
    assert!(said.ends_with(&format!("\n{login}\n")), "{said}");

    let env = TestEnv::new().with_login("w", &server, issue().expires_in(3600));
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh", "acme/w"]).assert().code(4);
    let vault = env.vault_path().to_string_lossy().into_owned();
    let said = stderr(&env.tokctl(["--vault", &vault, "get", "acme/w"]).assert().success());
    assert!(said.contains(&format!("`tokctl --vault {vault} login acme/w")), "{said}");
}
