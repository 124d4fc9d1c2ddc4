//! `tokctl list`: shows what is stored, never a secret, and needs no key.

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, json, stderr, stdout};
use crate::screens::Screen;

/// What `list` prints into a pipe, as fields.
fn fields(env: &TestEnv, arguments: &[&str]) -> Vec<Vec<String>> {
    let listed = stdout(&env.tokctl(arguments).assert().success());
    listed.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn a_pipe_gets_four_fields_between_tabs_and_nothing_else() {
    let env = TestEnv::new().with_static_token("y z", "made-up-token");
    for (user, expires) in [("over", "2098-01-01"), (&*"x".repeat(250), "2099-01-01")] {
        let login = ["login", "vendor", "--user", user, "--token-stdin", "--expires", expires];
        env.tokctl(login).stdin("made-up-token").assert().success();
    }
    env.sql("UPDATE credentials_2 SET expires_at = 1577923199 WHERE user = 'over'");
    let expected = [
        ["vendor", "over", "expired", "2020-01-01T23:59:59Z"],
        ["vendor", &"x".repeat(250), "active", "2099-01-01T23:59:59Z"],
        ["vendor", "y z", "active", "-"],
    ];
    assert_eq!(fields(&env, &["list"]), expected);
    assert!(fields(&env, &["list", "--wide"]).iter().all(|fields| fields.len() == 9));
}

#[test]
fn columns_and_their_order_are_chosen_by_name() {
    let server = AuthorizationServer::start();
    let env =
        TestEnv::new().with_login("x", &server, issue()).with_static_token("a", "made-up-token");
    let listed = fields(&env, &["list", "--columns", "user,scopes,kind", "--sort", "user"]);
    assert_eq!(listed, [["a", "-", "static"], ["x", "read offline_access", "oauth"]]);
    let users = |sort: &str| fields(&env, &["list", "--columns", "user", "--sort", sort]);
    assert_eq!(users("provider"), [["x"], ["a"]]);
    // What has no end comes last.
    assert_eq!(users("expires"), [["x"], ["a"]]);
    let listed = json(&env.tokctl(["list", "--json", "--sort", "user"]).assert().success());
    assert_eq!(listed["credentials"][0]["user"], "a");
    env.tokctl(["list", "--columns", "secret"]).assert().code(2);
    env.tokctl(["list", "--wide", "--columns", "user"]).assert().code(2);
}

#[test]
fn an_end_in_the_past_that_the_next_use_renews_is_told_so() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    let screen = Screen::of(&env, 80, "list").text();
    assert!(screen.contains("refreshes when used"), "{screen}");
    assert!(fields(&env, &["list"])[0][3].ends_with('Z'));
}

#[test]
fn a_name_that_nothing_has_is_no_empty_answer() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("alice", &server, issue());
    for command in ["list", "status", "audit", "refresh --all", "refresh --watch", "check --all"] {
        for (typed, meant) in [("acne", "acme/alice"), ("acme/alcie", "acme/alice")] {
            let words = command.split(' ').chain([typed]);
            let failed = env.tokctl(words).assert().code(3).stdout_eq("");
            let said = stderr(&failed);
            assert!(said.contains(&format!("did you mean `{meant}`")), "{command}: {said}");
        }
    }
    let failed = env.tokctl(["list", "acne", "--json"]).assert().code(3).stdout_eq("");
    assert!(stderr(&failed).contains("\"not_found\""), "{}", stderr(&failed));
    // A name that is right has no need to have anything that ends.
    env.tokctl(["list", "acme", "--expiring-within", "1d"]).assert().success().stdout_eq("");
    env.tokctl(["list", "acne", "--expiring-within", "1d"]).assert().code(3);
    // What was deleted is in the audit.
    env.tokctl(["delete", "acme/alice", "--no-revoke", "--yes"]).assert().success();
    let audit = stdout(&env.tokctl(["audit", "acme/alice"]).assert().success());
    assert!(audit.contains("alice"), "{audit}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut list = env.command(["list"]);
    let output = list.stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_table_in_a_pipe_is_plain() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new()
        .with_login("x@example.com", &server, issue())
        .with_static_token("y@example.com", "made-up-token");
    let table = stdout(&env.tokctl(["list"]).assert().success().stderr_eq(""));
    for expected in ["acme", "x@example.com", "vendor", "y@example.com"] {
        assert!(table.contains(expected), "{table}");
    }
    assert!(!table.contains('\u{1b}'), "{table}");
    for secret in ["access-", "refresh-1", "made-up-token"] {
        assert!(!table.contains(secret), "{table}");
    }
}

#[test]
fn no_key_is_needed() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("TOKCTL_KEY");
    let table = stdout(&env.tokctl(["list"]).assert().success().stderr_eq(""));
    assert!(table.contains("vendor"), "{table}");
}

#[test]
fn json_has_every_field_of_the_contract() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["v"], 1);
    let credential = listed["credentials"][0].as_object().unwrap();
    for (field, value) in
        [("provider", "acme"), ("user", "x"), ("kind", "oauth"), ("status", "active")]
    {
        assert_eq!(credential[field], value, "{field}");
    }
    assert_eq!(credential["refreshable"], true);
    assert_eq!(credential["scopes"], serde_json::json!(["read", "offline_access"]));
    for field in ["expires_at", "created_at", "updated_at"] {
        assert!(credential[field].as_str().unwrap().ends_with('Z'), "{field}");
    }
    for field in ["server_url", "username", "login_by", "last_refreshed_at", "last_error"] {
        assert!(credential.contains_key(field), "{field}");
    }
    for secret in ["access-1", "refresh-1"] {
        assert!(!listed.to_string().contains(secret));
    }
}

#[test]
fn a_static_token_says_what_it_is() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    let credential = &listed["credentials"][0];
    assert_eq!(credential["kind"], "static");
    assert_eq!(credential["refreshable"], false);
    assert_eq!(credential["expires_at"], serde_json::Value::Null);
}

#[test]
fn provider_and_user_narrow_the_list() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y");
    let users = |arguments: &[&str]| {
        let listed = json(&env.tokctl(arguments).assert().success());
        let credentials = listed["credentials"].as_array().unwrap().clone();
        credentials.into_iter().map(|credential| credential["user"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(users(&["list", "--json"]), ["x", "y"]);
    assert_eq!(users(&["list", "--json", "--user", "y"]), ["y"]);
    assert_eq!(users(&["list", "--json", "vendor", "--user", "x"]), ["x"]);
}

#[test]
fn without_a_vault_there_is_nothing_to_list() {
    let failed = TestEnv::new().tokctl(["list"]).assert().code(3).stdout_eq("");
    assert!(stderr(&failed).contains("tokctl providers"), "{}", stderr(&failed));
}

#[test]
fn text_that_somebody_wrote_into_the_file_paints_no_terminal() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.sql("UPDATE credentials_2 SET scopes = 'a' || char(27) || '[31mb', server_url = char(27)");
    let listed = env.tokctl(["list", "--color", "always"]).assert();
    assert!(!stdout(&listed).contains("\u{1b}[31mb"), "{}", stdout(&listed));
}
