//! References: every command takes PROVIDER/USER wherever it takes a service and `--user`, and a
//! name that is not there is answered with the nearest that are.

use crate::env::{TestEnv, stderr, stdout};

fn world() -> TestEnv {
    TestEnv::new()
        .with_static_token("alice@example.com", "made-up-a")
        .with_static_token("bob", "made-up-b")
}

/// A world with the personal token of `user` at a Jira, stored under the name `provider`.
fn with_jira(provider: &str, user: &str) -> TestEnv {
    let env = TestEnv::new();
    let server = ["--server", "https://jira.example.com"];
    let login = ["login", provider, "--user", user, "--token-stdin"];
    env.tokctl(login.iter().chain(&server)).stdin("made-up-jira").assert().success();
    env
}

#[test]
fn a_reference_names_a_credential_in_every_command() {
    let env = world();
    for reference in ["vendor/bob", "tokctl://vendor/bob"] {
        env.tokctl(["get", reference]).assert().success().stdout_eq("made-up-b\n");
        env.tokctl(["get", reference, "--user", "bob"]).assert().success();
        for verb in ["why", "list", "audit"] {
            let said = stdout(&env.tokctl([verb, reference]).assert().success());
            assert!(said.contains("bob") && !said.contains("alice"), "{verb}: {said}");
        }
        // A static token, of which nothing says how to ask.
        env.tokctl(["check", reference]).assert().code(2);
        env.tokctl(["refresh", reference]).assert().failure();
        env.tokctl(["refresh", "--all", reference]).assert().success();
    }
    let percent = "tokctl://vendor/alice%40example.com";
    env.tokctl(["get", percent]).assert().success().stdout_eq("made-up-a\n");
    env.tokctl(["login", "vendor/carol", "--token-stdin"]).stdin("made-up-c").assert().success();
    env.tokctl(["get", "--user", "carol"]).assert().success().stdout_eq("made-up-c\n");
    env.tokctl(["delete", "vendor/carol", "--yes"]).assert().success();
    env.tokctl(["get", "vendor/carol"]).assert().code(3);
}

#[test]
fn a_reference_comes_before_the_environment() {
    let env = world().set("TOKCTL_USER", "alice@example.com");
    env.tokctl(["get", "vendor/bob"]).assert().success().stdout_eq("made-up-b\n");
    env.tokctl(["get", "vendor"]).assert().success().stdout_eq("made-up-a\n");
}

#[test]
fn a_reference_and_another_user_are_a_mistake() {
    let env = world();
    for verb in ["get", "why", "list", "refresh", "check", "delete", "audit", "login"] {
        let failed = env.tokctl([verb, "vendor/bob", "--user", "alice"]).assert().code(2);
        let said = stderr(&failed.stdout_eq(""));
        assert!(said.contains("`bob`") && said.contains("`alice`"), "{verb}: {said}");
    }
    let said = stderr(&env.tokctl(["get", "vendor/bob/username"]).assert().code(2));
    assert!(said.contains("`vendor/bob`"), "{said}");
}

#[test]
fn a_name_that_is_not_there_is_answered_with_the_nearest() {
    let env = world();
    for (arguments, meant) in [
        (&["get", "vendor/bbo"][..], "vendor/bob"),
        (&["get", "vendr/bob"], "vendor/bob"),
        (&["get", "jira/bob"], "vendor/bob"),
        (&["why", "vendor/alice"], "vendor/alice@example.com"),
        (&["check", "--user", "alice"], "vendor/alice@example.com"),
        (&["refresh", "--all", "--user", "alice"], "vendor/alice@example.com"),
        (&["delete", "vendor/alice", "--yes"], "vendor/alice@example.com"),
        (&["run", "--env", "A=vendor/alice", "--", "true"], "vendor/alice@example.com"),
        (&["get", "bob"], "vendor/bob"),
    ] {
        let said = stderr(&env.tokctl(arguments).assert().code(3).stdout_eq(""));
        assert!(said.contains(&format!("did you mean `{meant}`")), "{arguments:?}: {said}");
    }
    let said = stderr(&env.tokctl(["get", "vendor/zoe"]).assert().code(3));
    assert!(!said.contains("did you mean"), "{said}");
    assert!(said.contains("hint: tokctl login vendor/zoe --token-stdin\n"), "{said}");
    let said = stderr(&env.tokctl(["login", "jirra", "--user", "x"]).assert().code(3));
    assert!(said.contains("did you mean `jira`"), "{said}");
}

#[test]
fn one_name_of_jira_stands_for_the_other_where_it_has_no_credential() {
    for (stored, named) in [("jira-dc", "jira"), ("jira", "jira-dc")] {
        let env = with_jira(stored, "alice");
        let reference = format!("{named}/alice");
        for arguments in [&["get", named][..], &["get", &reference]] {
            let got = env.tokctl(arguments).assert().success().stdout_eq("made-up-jira\n");
            assert!(stderr(&got).contains(&format!("`{stored}`")), "{}", stderr(&got));
        }
        let variable = format!("A={reference}");
        let ran = env.tokctl(["run", "--env", &variable, "--", "sh", "-c", "test -n \"$A\""]);
        ran.assert().success();
        // What is deleted was named.
        env.tokctl(["delete", &reference, "--yes"]).assert().code(3);
        // The name that was typed stays.
        let server = "https://jira.example.com";
        env.tokctl(["login", &reference, "--server", server, "--token-stdin"])
            .stdin("made-up-own")
            .assert()
            .success();
        let got = env.tokctl(["get", &reference]).assert().success();
        got.stdout_eq("made-up-own\n").stderr_eq("");
    }
}
