//! `tokctl login` with a token that a service already issued.

use std::os::unix::fs::MetadataExt;

use crate::authorization_server::AuthorizationServer;
use crate::env::{TestEnv, json, stderr};

const LOGIN: [&str; 4] = ["login", "vendor", "--token-stdin", "--user"];

#[test]
fn a_token_from_stdin_comes_back_from_get() {
    let env = TestEnv::new();
    env.define_vendor();
    env.tokctl(LOGIN.into_iter().chain(["x"]))
        .stdin("made-up-token\n")
        .assert()
        .success()
        .stdout_eq("");
    env.tokctl(["get", "vendor", "--user", "x"])
        .assert()
        .success()
        .stdout_eq("made-up-token\n")
        .stderr_eq("");
}

#[test]
fn a_static_token_is_stored_without_a_request() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&format!("check_url = \"{}\"\n", server.url("/me")));
    env.tokctl(["login", "acme", "--user", "x", "--token-stdin"])
        .stdin("made-up-token")
        .assert()
        .success();
    server.assert_done();
}

#[test]
fn nobody_else_can_look_into_the_vault() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let vault = env.vault_path();
    let folder = vault.parent().unwrap();
    assert_eq!(folder.metadata().unwrap().mode() & 0o777, 0o700);
    for entry in folder.read_dir().unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.mode() & 0o777, expected, "{}", entry.path().display());
    }
}

#[test]
fn the_token_is_nowhere_in_the_vault_in_the_clear() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let bytes = env.vault_bytes();
    assert!(!bytes.windows(13).any(|window| window == b"made-up-token"));
}

#[test]
fn a_second_login_replaces_the_token() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-1").with_static_token("x", "made-up-2");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-2\n");
    let vault = env.open_vault();
    let count = vault.query_row("SELECT count(*) FROM credentials_2", [], |row| row.get(0));
    assert_eq!(count, Ok(1));
}

#[test]
fn users_are_kept_apart() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y");
    env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("made-up-x\n");
    env.tokctl(["get", "--user", "y"]).assert().success().stdout_eq("made-up-y\n");
}

#[test]
fn a_token_may_hold_anything_but_control_characters() {
    let env = TestEnv::new().with_static_token("x", "made-up\u{e9}'\"$");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up\u{e9}'\"$\n");
    let blank = env.tokctl(LOGIN.into_iter().chain(["z"])).stdin("made up").assert().success();
    assert!(stderr(&blank).contains("a blank in this token"), "{}", stderr(&blank));
    for token in ["made\u{1b}[31mup", "made\nup\n", "", "\n"] {
        let command = env.tokctl(LOGIN.into_iter().chain(["y"]));
        command.stdin(token).assert().code(2).stdout_eq("");
    }
    env.tokctl(["get", "--user", "y"]).assert().code(3);
}

#[test]
fn an_unknown_provider_is_no_such_thing() {
    let env = TestEnv::new();
    let failed = env
        .tokctl(["login", "nobody", "--user", "x", "--token-stdin"])
        .stdin("made-up-token")
        .assert()
        .code(3)
        .stdout_eq("");
    assert!(stderr(&failed).contains("nobody"), "{}", stderr(&failed));
    assert!(!env.vault_path().exists());
}

#[test]
fn a_user_name_has_up_to_255_bytes_and_no_control_characters() {
    let env = TestEnv::new();
    env.define_vendor();
    for (user, code) in [
        ("\u{e9}".repeat(127) + "e", 0),
        ("e".repeat(256), 2),
        ("\u{e9}".repeat(128), 2),
        ("a\u{1b}[31mb".to_owned(), 2),
        ("a\nb".to_owned(), 2),
        (String::new(), 2),
    ] {
        let done = env
            .tokctl(LOGIN.into_iter().chain([user.as_str()]))
            .stdin("made-up-token")
            .assert()
            .code(code);
        assert!(!stderr(&done).contains('\u{1b}'), "{}", stderr(&done));
    }
}

#[test]
fn a_user_name_may_begin_with_a_dash() {
    let env = TestEnv::new();
    env.define_vendor();
    env.tokctl(["login", "vendor", "--token-stdin", "--user=-x"])
        .stdin("made-up-token")
        .assert()
        .success();
    env.tokctl(["get", "--user=-x"]).assert().success().stdout_eq("made-up-token\n");
}

#[test]
fn a_user_has_to_be_named_where_nobody_else_names_one() {
    let env = TestEnv::new();
    env.define_vendor();
    let failed = env
        .tokctl(["login", "vendor", "--token-stdin"])
        .stdin("made-up-token")
        .assert()
        .code(2)
        .stdout_eq("");
    assert!(stderr(&failed).contains("--user"), "{}", stderr(&failed));
}

#[test]
fn the_environment_may_name_the_user() {
    let env = TestEnv::new().set("TOKCTL_USER", "x");
    env.define_vendor();
    env.tokctl(["login", "vendor", "--token-stdin"]).stdin("made-up-token").assert().success();
    env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("made-up-token\n");
}

#[test]
fn a_server_without_encryption_is_refused() {
    let env = TestEnv::new();
    let server = "http://jira.example.com";
    let failed = env
        .tokctl(["login", "jira-dc", "--user", "x", "--server", server, "--token-stdin"])
        .stdin("made-up-token")
        .assert()
        .code(2)
        .stdout_eq("");
    assert!(stderr(&failed).contains("https"), "{}", stderr(&failed));
}

#[test]
fn a_jira_data_center_token_knows_its_server() {
    let env = TestEnv::new();
    let server = "https://jira.example.com/context";
    env.tokctl(["login", "jira-dc", "--user", "x", "--server", server, "--token-stdin"])
        .stdin("made-up-pat")
        .assert()
        .success();
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-pat\n");
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["server_url"], server);
    assert_eq!(got["expires_at"], serde_json::Value::Null);
}

#[test]
fn a_jira_cloud_api_token_knows_the_account_that_made_it() {
    let env = TestEnv::new();
    let arguments = ["--server", "https://acme.example.net", "--username", "a@example.com"];
    env.tokctl(["login", "jira", "--user", "x", "--token-stdin"].into_iter().chain(arguments))
        .stdin("made-up-api-token")
        .assert()
        .success();
    let got = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["access_token"], "made-up-api-token");
    assert_eq!(got["server_url"], "https://acme.example.net");
    assert_eq!(got["username"], "a@example.com");
}

#[test]
fn a_vault_may_lie_elsewhere() {
    let env = TestEnv::new();
    env.define_vendor();
    let vault = env.path("run/other.db");
    let vault = vault.to_str().unwrap();
    let login = ["--vault", vault, "login", "vendor", "--user", "x", "--token-stdin"];
    env.tokctl(login).stdin("made-up-token").assert().success();
    assert!(!env.vault_path().exists());
    let env = env.set("TOKCTL_VAULT", vault);
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
}

#[test]
fn an_api_token_of_atlassians_cloud_comes_with_its_name() {
    let env = TestEnv::new();
    let login = ["login", "jira/alice", "--server", "example.atlassian.net", "--token-stdin"];
    let said = stderr(&env.tokctl(login).stdin("made-up-token").assert().code(2));
    assert!(said.contains("give `--username`"), "{said}");
    let named = login.iter().chain(&["--username", "alice@example.com"]);
    env.tokctl(named).stdin("made-up-token").assert().success();
    // A server of one's own takes a personal access token as it is.
    let own = ["login", "jira/bob", "--server", "jira.example.com", "--token-stdin"];
    env.tokctl(own).stdin("made-up-token").assert().success();
}

#[test]
fn a_token_that_names_its_own_end_is_stored_with_it_unless_its_user_knows_better() {
    let jwt = |end: i64| {
        let claims = format!("{{\"exp\":{end}}}");
        format!("e30.{}.c2ln", data_encoding::BASE64URL_NOPAD.encode(claims.as_bytes()))
    };
    let env = TestEnv::new();
    env.define_vendor();
    let stored_end = |args: &[&str], token: &str| {
        let login = LOGIN.into_iter().chain(["x"]).chain(args.iter().copied());
        let done = env.tokctl(login).stdin(token.to_owned()).assert().success();
        let listed = json(&env.tokctl(["list", "--json"]).assert().success());
        (listed["credentials"][0]["expires_at"].as_str().map(str::to_owned), stderr(&done))
    };
    let (end, said) = stored_end(&[], &jwt(4_000_000_000));
    assert_eq!(end.as_deref(), Some("2096-10-02T07:06:40Z"));
    assert!(said.contains("which says that it ends in"), "{said}");
    let (end, said) = stored_end(&["--expires", "never"], &jwt(4_000_000_000));
    assert!(end.is_none() && !said.contains("says that it"), "{end:?} {said}");
    let (end, said) = stored_end(&[], &jwt(1_700_000_000));
    assert_eq!(end.as_deref(), Some("2023-11-14T22:13:20Z"));
    assert!(said.contains("says that it is over") && said.contains("--expires"), "{said}");
    env.tokctl(["get", "vendor/x"]).assert().code(4).stdout_eq("");
}
