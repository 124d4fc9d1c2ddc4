//! `tokctl git-credential`: git is answered for a credential's own server, and for no other.

use serde_json::Value;

use crate::authorization_server::{AuthorizationServer, issue, refuse};
use crate::env::{TestEnv, json, stderr, stdout};

/// A token of `user` for `server`, made by hand.
fn with_token(env: &TestEnv, user: &str, server: &str, more: &[&str]) {
    env.define_vendor();
    let login = ["login", "vendor", "--user", user, "--server", server, "--token-stdin"];
    let token = format!("made-up-{user}");
    env.tokctl(login.iter().chain(more)).stdin(token).assert().success();
}

/// A world with a token of `user` for `server`.
fn world(user: &str, server: &str) -> TestEnv {
    let env = TestEnv::new();
    with_token(&env, user, server, &[]);
    env
}

/// What git gets for a request, and what it sees on stderr.
#[track_caller]
fn asked(env: &TestEnv, arguments: &[&str], request: &str) -> (String, String) {
    let command = ["git-credential"].iter().chain(arguments).chain(&["get"]);
    let done = env.tokctl(command).stdin(request.to_owned()).assert().success();
    (stdout(&done), stderr(&done))
}

fn answered(env: &TestEnv, request: &str) -> String {
    let (answer, said) = asked(env, &[], request);
    assert_eq!(said, "", "{request}");
    answer
}

#[test]
fn a_token_is_the_password_for_its_own_server() {
    let env = world("alice", "https://git.example");
    let request = "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=git.example\n\
                   wwwauth[]=Basic realm=\"x\"\n\n";
    assert_eq!(answered(&env, request), "username=alice\npassword=made-up-alice\n");
    with_token(&env, "alice", "https://git.example", &["--username", "alice@example.com"]);
    let answer = "username=alice@example.com\npassword=made-up-alice\n";
    assert_eq!(answered(&env, request), answer);
    // A name that stands for nobody is kept: some forges look at it.
    let request = "protocol=https\nhost=git.example\nusername=x-token-auth\n";
    assert_eq!(answered(&env, request), "username=x-token-auth\npassword=made-up-alice\n");
}

#[test]
fn any_other_place_is_left_to_the_next_helper() {
    let env = world("alice", "https://git.example/forge");
    for request in [
        "protocol=http\nhost=git.example\npath=forge/a.git\n",
        "protocol=https\nhost=git.example:8443\npath=forge/a.git\n",
        "protocol=https\nhost=git.example.evil.example\npath=forge/a.git\n",
        "protocol=https\nhost=evil.example\npath=git.example/forge/a.git\n",
        "protocol=https\nhost=git.example@evil.example\npath=forge/a.git\n",
        "protocol=https\nhost=git.example\npath=forgery/a.git\n",
        "protocol=https\nhost=git.example\npath=forge/../a.git\n",
        "protocol=https\nhost=git.example\npath=forge/a.git\nusername=bob\n",
        "protocol=https\n",
        "host=git.example\npath=forge/a.git\n",
        "",
    ] {
        assert_eq!(answered(&env, request), "", "{request}");
    }
    let request = "protocol=https\nhost=git.example\npath=forge/a.git\nusername=alice\n";
    assert_eq!(answered(&env, request), "username=alice\npassword=made-up-alice\n");
    let (answer, said) = asked(&env, &[], "protocol=https\nhost=git.example\n");
    assert_eq!(answer, "");
    assert!(said.contains("credential.useHttpPath true"), "{said}");
}

#[test]
fn a_token_for_nowhere_in_particular_goes_nowhere() {
    let env = TestEnv::new().with_static_token("alice", "made-up");
    assert_eq!(answered(&env, "protocol=https\nhost=git.example\n"), "");
    // Nor is one sent in the clear, or where nobody has a vault.
    let env = world("alice", "http://127.0.0.1:1");
    assert_eq!(answered(&env, "protocol=http\nhost=127.0.0.1:1\n"), "");
    assert_eq!(answered(&env, "protocol=https\nhost=127.0.0.1:1\n"), "");
    assert_eq!(answered(&TestEnv::without_key(), "protocol=https\nhost=git.example\n"), "");
}

#[test]
fn of_several_the_one_that_is_named_answers() {
    let env = world("alice", "https://git.example");
    with_token(&env, "bob", "https://git.example", &["--username", "bob@example.com"]);
    with_token(&env, "carol", "https://other.example", &[]);
    let request = "protocol=https\nhost=git.example\n";
    let (answer, said) = asked(&env, &[], request);
    assert_eq!(answer, "");
    assert!(said.contains("vendor/alice, vendor/bob") && said.contains("--user"), "{said}");
    assert!(!said.contains("carol") && !said.contains("made-up"), "{said}");
    for name in ["bob", "bob@example.com"] {
        let answer = answered(&env, &format!("{request}username={name}\n"));
        assert_eq!(answer, format!("username={name}\npassword=made-up-bob\n"));
    }
    // On the helper's command line, whatever git asks for.
    let (answer, _) = asked(&env, &["--user", "alice"], &format!("{request}username=bob\n"));
    assert_eq!(answer, "username=bob\npassword=made-up-alice\n");
    let (answer, _) = asked(&env, &["--provider", "acme"], request);
    assert_eq!(answer, "");
    let env = env.set("TOKCTL_USER", "alice");
    assert_eq!(answered(&env, request), "username=alice\npassword=made-up-alice\n");
    let answer = "username=bob\npassword=made-up-bob\n";
    assert_eq!(answered(&env, &format!("{request}username=bob\n")), answer);
    let env = env.set("TOKCTL_USER", "carol");
    assert_eq!(answered(&env, request), "");
    let env = env.unset("TOKCTL_USER");
    env.config("default_user = \"alice\"\n[providers.vendor]\n");
    assert_eq!(answered(&env, request), "username=alice\npassword=made-up-alice\n");
}

#[test]
fn a_grant_is_renewed_first_and_tells_when_it_ends() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&format!("{}server = \"https://git.example\"\n", server.definition()));
    env.log_in("x", &server, issue().expires_in(0));
    server.will(issue());
    let answer = answered(&env, "protocol=https\nhost=git.example\n");
    let end = json(&env.tokctl(["get", "--format", "json"]).assert().success());
    let end: jiff::Timestamp = end["expires_at"].as_str().unwrap().parse().unwrap();
    let expected =
        format!("username=oauth2\npassword=access-2\npassword_expiry_utc={}\n", end.as_second());
    assert_eq!(answer, expected);
}

#[test]
fn a_token_that_can_t_be_had_is_no_answer_and_says_why() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&format!("{}server = \"https://git.example\"\n", server.definition()));
    env.log_in("x", &server, issue().expires_in(0));
    server.will(refuse(400, "invalid_grant"));
    let request = "protocol=https\nhost=git.example\n";
    let failed = env.tokctl(["git-credential", "get"]).stdin(request).assert().code(4);
    failed.stdout_eq("");
}

#[test]
fn what_git_would_store_or_erase_is_left_alone() {
    let env = world("alice", "https://git.example");
    let before = env.vault_bytes();
    let request = "protocol=https\nhost=git.example\nusername=alice\npassword=made-up-other\n";
    for operation in ["store", "erase", "capability"] {
        let done = env.tokctl(["git-credential", operation]).stdin(request).assert().success();
        done.stdout_eq("").stderr_eq("");
    }
    assert!(env.vault_bytes() == before);
    assert_eq!(answered(&env, request), "username=alice\npassword=made-up-alice\n");
}

#[test]
fn the_audit_tells_what_git_got() {
    let env = world("alice", "https://git.example");
    answered(&env, "protocol=https\nhost=git.example\n");
    answered(&env, "protocol=https\nhost=other.example\n");
    let audit = json(&env.tokctl(["--json", "audit"]).assert().success());
    let entries = audit["entries"].as_array().unwrap();
    let ours: Vec<&Value> =
        entries.iter().filter(|entry| entry["command"] == "git-credential").collect();
    assert_eq!(ours.len(), 1, "{audit}");
    assert_eq!((&ours[0]["action"], &ours[0]["outcome"]), (&"get".into(), &"ok".into()));
}

#[test]
fn a_row_that_was_made_to_look_like_another_server_s_is_not_handed_out() {
    let env = world("alice", "https://git.example");
    env.sql("UPDATE credentials_2 SET server_url = 'https://evil.example'");
    let request = "protocol=https\nhost=evil.example\n";
    let failed = env.tokctl(["git-credential", "get"]).stdin(request).assert().code(7);
    failed.stdout_eq("");
}

#[test]
fn a_token_stored_without_a_server_is_told_to_whoever_asked_for_it() {
    let env = TestEnv::new();
    let login = ["login", "github", "--user", "alice", "--token-stdin"];
    env.tokctl(login).stdin("made-up-alice").assert().success();
    let request = "protocol=https\nhost=github.com\n\n";
    assert_eq!(asked(&env, &[], request), (String::new(), String::new()));
    let (answer, said) = asked(&env, &["--provider", "github"], request);
    assert_eq!(answer, "");
    assert!(said.contains("log in again with `--server https://github.com`"), "{said}");
}

#[test]
fn a_helper_is_given_the_one_credential_that_it_answers_with() {
    let env = world("alice", "https://git.example");
    with_token(&env, "bob", "https://git.example", &[]);
    let request = "protocol=https\nhost=git.example\n";
    for (named, answer) in [
        ("vendor/bob", "username=bob\npassword=made-up-bob\n"),
        ("tokctl://vendor/alice", "username=alice\npassword=made-up-alice\n"),
        ("vendor/carol", ""),
    ] {
        assert_eq!(asked(&env, &["--provider", named], request).0, answer);
    }
    let two = ["git-credential", "--provider", "vendor/bob", "--user", "alice", "get"];
    let said = stderr(&env.tokctl(two).stdin(request).assert().code(2));
    assert!(said.contains("two users are named"), "{said}");
}
