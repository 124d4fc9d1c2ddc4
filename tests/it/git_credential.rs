//! `tokctl git-credential`: git is answered for a credential's own server, and for no other.

use serde_json::Value;

use crate::authorization_server::{AuthorizationServer, issue, refuse};
use crate::env::{TestEnv, another_key, json, stderr, stdout};

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
fn what_git_would_store_changes_nothing_nor_does_a_token_that_is_not_ours() {
    let env = world("alice", "https://git.example");
    let before = env.vault_bytes();
    let request = "protocol=https\nhost=git.example\nusername=alice\n";
    for (operation, token) in [
        ("store", "password=made-up-alice\n"),
        ("store", "password=made-up-other\n"),
        ("erase", "password=made-up-other\n"),
        ("erase", ""),
        ("erase", "capability[]=authtype\nauthtype=Bearer\ncredential=made-up-alice\n"),
        ("capability", ""),
    ] {
        let request = format!("{request}{token}");
        let done = env.tokctl(["git-credential", operation]).stdin(request).assert().success();
        done.stdout_eq("").stderr_eq("");
    }
    assert!(env.vault_bytes() == before);
    // Nor does what git says of another server or another user.
    for request in [
        "protocol=https\nhost=git.example:8443\nusername=alice\npassword=made-up-alice\n",
        "protocol=http\nhost=git.example\nusername=alice\npassword=made-up-alice\n",
        "protocol=https\nhost=git.example\nusername=bob\npassword=made-up-alice\n",
    ] {
        env.tokctl(["git-credential", "erase"]).stdin(request).assert().success();
        assert_eq!(status(&env), "active", "{request}");
    }
    assert_eq!(answered(&env, request), "username=alice\npassword=made-up-alice\n");
}

/// The status of the only credential.
fn status(env: &TestEnv) -> String {
    let list = json(&env.tokctl(["list", "--json"]).assert().success());
    list["credentials"][0]["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_grant_whose_token_a_server_refused_is_renewed_before_the_next_answer() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&format!("{}server = \"https://git.example\"\n", server.definition()));
    env.log_in("x", &server, issue());
    let request = "protocol=https\nhost=git.example\n";
    let before = answered(&env, request);
    assert!(before.contains("password=access-1\n"), "{before}");
    let erase = env.tokctl(["git-credential", "erase"]).stdin(format!("{request}{before}"));
    erase.assert().success().stdout_eq("").stderr_eq("");
    server.will(issue());
    assert!(answered(&env, request).contains("password=access-2\n"));
    // What git says late, of a token that is not in use any more, costs no refresh.
    let erase = env.tokctl(["git-credential", "erase"]).stdin(format!("{request}{before}"));
    erase.assert().success();
    assert!(answered(&env, request).contains("password=access-2\n"));
}

#[test]
fn a_personal_token_that_a_server_refused_is_told_with_each_use() {
    let env = world("alice", "https://git.example");
    let request = "protocol=https\nhost=git.example\n";
    let refused = format!("{request}username=alice\npassword=made-up-alice\n");
    let erase = env.tokctl(["-v", "git-credential", "erase"]).stdin(refused);
    let said = stderr(&erase.assert().success());
    assert!(said.contains("noted that a server refused the token of `vendor/alice`"), "{said}");
    assert_eq!(status(&env), "inactive");
    let (answer, said) = asked(&env, &[], request);
    assert_eq!(answer, "username=alice\npassword=made-up-alice\n");
    assert!(said.contains("was refused by the service"), "{said}");
    let why = stdout(&env.tokctl(["why", "vendor/alice"]).assert());
    assert!(why.contains("it was refused"), "{why}");
    let audit = json(&env.tokctl(["--json", "audit"]).assert().success());
    let noted = audit["entries"].as_array().unwrap().iter().any(|entry| {
        (&entry["command"], &entry["action"], &entry["outcome"])
            == (&"git-credential".into(), &"check".into(), &"inactive".into())
    });
    assert!(noted, "{audit}");
}

#[test]
fn why_nothing_was_answered_is_said_with_v() {
    let env = world("alice", "https://git.example/forge");
    for (operation, request, reason) in [
        ("get", "protocol=http\nhost=git.example\n", "it asked for `http`"),
        ("get", "protocol=https\nhost=a@b\n", "`a@b` is not the name of a host"),
        (
            "get",
            "protocol=https\nhost=other.example\n",
            "no credential is for https://other.example",
        ),
        (
            "get",
            "protocol=https\nhost=git.example\npath=other/a.git\n",
            "`vendor/alice` is for https://git.example/forge, and git asked for \
             https://git.example/other/a.git",
        ),
        (
            "get",
            "protocol=https\nhost=git.example:8443\n",
            "`vendor/alice` is for https://git.example/forge, and git asked for \
             https://git.example:8443",
        ),
        (
            "get",
            "protocol=https\nhost=git.example\npath=forge/a.git\nusername=bob\n",
            "another user's was asked for and of `bob`",
        ),
        ("erase", "protocol=https\nhost=git.example\npath=forge\n", "which token was refused"),
        (
            "erase",
            "protocol=https\nhost=git.example\npath=forge\npassword=made-up\n",
            "`vendor/alice` has another token by now",
        ),
        ("store", "protocol=https\nhost=git.example\n", "came from here"),
        ("undo", "", "`undo` is not known"),
    ] {
        let quiet = env.tokctl(["git-credential", operation]).stdin(request).assert().success();
        quiet.stdout_eq("").stderr_eq("");
        let told = env.tokctl(["-v", "git-credential", operation]).stdin(request).assert();
        let told = told.success();
        assert_eq!(stdout(&told), "");
        let said = stderr(&told);
        assert!(said.starts_with("tokctl: no answer for git: "), "{said}");
        assert!(said.contains(reason), "{request}: {said}");
    }
    let env = TestEnv::without_key();
    let asked = env.tokctl(["-v", "git-credential", "get"]);
    let told = asked.stdin("protocol=https\nhost=git.example\n").assert().success();
    assert!(stderr(&told).contains("there is no vault yet"));
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
fn a_token_for_github_is_for_its_servers_of_git_without_being_told() {
    let env = TestEnv::new();
    let login = ["login", "github", "--user", "alice", "--token-stdin"];
    env.tokctl(login).stdin("made-up-alice").assert().success();
    for host in ["github.com", "gist.github.com"] {
        let answer = answered(&env, &format!("protocol=https\nhost={host}\n\n"));
        assert_eq!(answer, "username=alice\npassword=made-up-alice\n", "{host}");
    }
    for host in ["raw.github.com", "github.com.example", "github.com:8443", "gist.github.example"] {
        assert_eq!(answered(&env, &format!("protocol=https\nhost={host}\n\n")), "", "{host}");
    }
    // As one that is stored for it is for both.
    env.tokctl(["login", "github/alice", "--server", "https://github.com", "--token-stdin"])
        .stdin("made-up-alice")
        .assert()
        .success();
    let answer = answered(&env, "protocol=https\nhost=gist.github.com\n\n");
    assert_eq!(answer, "username=alice\npassword=made-up-alice\n");
    // An installation of one's own is another service, however the configuration calls it.
    env.config(
        "[providers.github]\nextends = \"github\"\napi_base_url = \"https://ghe.example/api/v3\"\n",
    );
    env.tokctl(["login", "github/bob", "--token-stdin"]).stdin("made-up-bob").assert().success();
    let answer = answered(&env, "protocol=https\nhost=ghe.example\nusername=bob\n\n");
    assert_eq!(answer, "username=bob\npassword=made-up-bob\n");
    assert_eq!(answered(&env, "protocol=https\nhost=github.com\nusername=bob\n\n"), "");
    // Nor does an edit of the configuration send a stored token elsewhere.
    env.config(
        "[providers.github]\nextends = \"github\"\napi_base_url = \"https://evil.example\"\n",
    );
    let (answer, said) =
        asked(&env, &["--provider", "github/bob"], "protocol=https\nhost=evil.example\n\n");
    assert_eq!((answer.as_str(), said.as_str()), ("", ""));
}

#[test]
fn a_token_stored_without_a_server_is_told_to_whoever_asked_for_it() {
    let env = TestEnv::new();
    env.define_vendor();
    let login = ["login", "vendor", "--user", "alice", "--token-stdin"];
    env.tokctl(login).stdin("made-up-alice").assert().success();
    let request = "protocol=https\nhost=git.example\n\n";
    assert_eq!(asked(&env, &[], request), (String::new(), String::new()));
    let (answer, said) = asked(&env, &["--provider", "vendor"], request);
    assert_eq!(answer, "");
    let command = "tokctl login vendor/alice --server https://git.example --token-stdin";
    assert!(said.contains(&format!("`{command}`")), "{said}");
    let words = command.split(' ').skip(1);
    env.tokctl(words).stdin("made-up-alice").assert().success();
    assert_eq!(answered(&env, request), "username=alice\npassword=made-up-alice\n");
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

#[test]
fn a_token_that_was_handed_over_is_not_said_to_lack_a_server() {
    let env = world("bob", "https://git.example");
    let key = env.file("bundle.key", another_key());
    let to = format!("key:{}", key.display());
    let export = ["export", "--all", "--move", "--yes", "--output", "x.bundle", "--to", &to];
    env.tokctl(export).assert().success();
    let request = "protocol=https\nhost=git.example\n";
    let done = env.tokctl(["git-credential", "--user", "bob", "get"]).stdin(request).assert();
    done.success().stdout_eq("").stderr_eq("");
}
