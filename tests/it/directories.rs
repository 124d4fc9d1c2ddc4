//! `tokctl use` and `.tokctl.toml`: the user that a directory chooses for a service that was named.

use std::fs;

use crate::env::{TestEnv, json, stderr, stdout};
use crate::hints::Tokctl;

fn world() -> TestEnv {
    let env = TestEnv::new();
    for folder in ["project/deep", "other"] {
        fs::create_dir_all(env.path(folder)).unwrap();
    }
    env.with_static_token("alice", "made-up-a").with_static_token("bob", "made-up-b")
}

/// A command in a folder of the world's home.
fn inside(env: &TestEnv, folder: &str, arguments: &[&str]) -> Tokctl {
    env.tokctl(arguments).current_dir(env.path(folder))
}

#[test]
fn a_directory_has_a_user_for_what_is_named_there() {
    let env = world();
    inside(&env, "project", &["use", "vendor/bob"]).assert().success();
    for folder in ["project", "project/deep"] {
        let got = inside(&env, folder, &["get", "vendor"]).assert().success();
        got.stdout_eq("made-up-b\n").stderr_eq("");
    }
    inside(&env, "other", &["get", "vendor"]).assert().code(2);
    // It never chooses the service.
    inside(&env, "project", &["get"]).assert().code(2);
    // The nearest one counts.
    inside(&env, "project/deep", &["use", "vendor/alice"]).assert().success();
    inside(&env, "project/deep", &["get", "vendor"]).assert().success().stdout_eq("made-up-a\n");
    inside(&env, "project", &["get", "vendor"]).assert().success().stdout_eq("made-up-b\n");
    let shown = stdout(&inside(&env, "project/deep", &["use"]).assert().success());
    assert!(shown.contains("vendor\talice\t") && !shown.contains("bob"), "{shown}");
    // What is said is taken back.
    inside(&env, "project/deep", &["use", "--unset"]).assert().success();
    inside(&env, "project/deep", &["get", "vendor"]).assert().success().stdout_eq("made-up-b\n");
    inside(&env, "project", &["use", "--unset", "vendor"]).assert().success();
    inside(&env, "project", &["get", "vendor"]).assert().code(2);
}

#[test]
fn it_comes_behind_the_environment_and_before_the_configuration() {
    let env = world();
    let head = "default_user = \"alice\"\n";
    let config = fs::read_to_string(env.path("config/tokctl/config.toml")).unwrap();
    env.config(&format!("{head}{config}"));
    inside(&env, "project", &["get", "vendor"]).assert().success().stdout_eq("made-up-a\n");
    inside(&env, "project", &["use", "vendor/bob"]).assert().success();
    inside(&env, "project", &["get", "vendor"]).assert().success().stdout_eq("made-up-b\n");
    inside(&env, "project", &["get", "vendor", "--user", "alice"])
        .assert()
        .success()
        .stdout_eq("made-up-a\n");
    let env = env.set("TOKCTL_USER", "alice");
    inside(&env, "project", &["get", "vendor"]).assert().success().stdout_eq("made-up-a\n");
    let shown = stdout(&inside(&env, "project", &["use"]).assert().success());
    assert!(shown.contains("TOKCTL_USER") && shown.contains("default_user"), "{shown}");
}

#[test]
fn a_projects_file_that_a_choice_stands_above_says_so() {
    let env = world();
    fs::write(env.path("project/.tokctl.toml"), "vendor = \"bob\"\n").unwrap();
    inside(&env, "project", &["use", "vendor/alice"]).assert().success();
    let said = stderr(&inside(&env, "project", &["use", "--allow"]).assert().success());
    assert!(said.contains("`vendor` stays `vendor/alice` here"), "{said}");
    inside(&env, "project", &["use", "--unset", "vendor"]).assert().success();
    let said = stderr(&inside(&env, "project", &["use", "--allow"]).assert().success());
    assert!(!said.contains("stays"), "{said}");
}

#[test]
fn a_projects_file_counts_only_as_it_was_allowed() {
    let env = world();
    fs::write(env.path("project/.tokctl.toml"), "vendor = \"bob\"\n").unwrap();
    let get = |folder: &str| inside(&env, folder, &["get", "vendor"]).assert();
    let said = stderr(&get("project/deep").code(2).stdout_eq(""));
    assert!(said.contains("tokctl use --allow"), "{said}");
    let shown = json(&inside(&env, "project", &["use", "--json"]).assert().success());
    assert_eq!(shown["users"][0]["counts"], false);
    inside(&env, "project/deep", &["use", "--allow"]).assert().success();
    get("project/deep").success().stdout_eq("made-up-b\n").stderr_eq("");
    let shown = stdout(&inside(&env, "project", &["use"]).assert().success());
    assert!(shown.contains(".tokctl.toml"), "{shown}");
    // Another content is another file.
    fs::write(env.path("project/.tokctl.toml"), "vendor = \"alice\"\n").unwrap();
    get("project").code(2);
    inside(&env, "project", &["use", "--allow"]).assert().success();
    get("project").success().stdout_eq("made-up-a\n");
    inside(&env, "project", &["use", "--deny"]).assert().success();
    get("project").code(2);
    // A copy elsewhere was not allowed.
    inside(&env, "project", &["use", "--allow"]).assert().success();
    fs::copy(env.path("project/.tokctl.toml"), env.path("other/.tokctl.toml")).unwrap();
    get("other").code(2);
}

#[test]
fn a_projects_file_holds_users_and_nothing_else() {
    let env = world();
    for text in [
        "vendor = 1\n",
        "[providers.vendor]\nissuer = 'https://evil.example'\n",
        "x",
        "VENDOR = 'x'",
    ] {
        fs::write(env.path("project/.tokctl.toml"), text).unwrap();
        let said = stderr(&inside(&env, "project", &["use", "--allow"]).assert().code(2));
        assert!(said.contains(".tokctl.toml"), "{said}");
        inside(&env, "project", &["get", "vendor"]).assert().code(2);
        inside(&env, "project", &["get", "vendor/bob"]).assert().success();
    }
    let said = stderr(&inside(&env, "other", &["use", "--allow"]).assert().code(2));
    assert!(said.contains("there is no .tokctl.toml"), "{said}");
}

#[test]
fn a_directory_chooses_nothing_that_is_deleted() {
    let env = world();
    inside(&env, "project", &["use", "vendor/bob"]).assert().success();
    inside(&env, "project", &["delete", "vendor", "--yes"]).assert().code(2);
    inside(&env, "project", &["get", "vendor"]).assert().success();
}

#[test]
fn a_user_who_is_gone_is_told_with_the_reason() {
    let env = world();
    inside(&env, "project", &["use", "vendor/bob"]).assert().success();
    env.tokctl(["delete", "vendor/bob", "--yes"]).assert().success();
    let said = stderr(&inside(&env, "project", &["get", "vendor"]).assert().code(3));
    assert!(said.contains("tokctl use"), "{said}");
    inside(&env, "project", &["use", "vendor/nobody"]).assert().code(3);
    inside(&env, "project", &["use", "vendor"]).assert().success();
}

#[test]
fn where_others_could_write_what_was_kept_it_is_refused() {
    let env = world();
    inside(&env, "project", &["use", "vendor/bob"]).assert().success();
    let kept = env.path("state/tokctl/directories.toml");
    crate::env::set_mode(&kept, 0o666);
    let said = stderr(&inside(&env, "project", &["get", "vendor"]).assert().code(2));
    assert!(said.contains("chmod"), "{said}");
    inside(&env, "project", &["get", "vendor/bob"]).assert().success();
}

#[test]
fn a_mistake_about_a_directory_is_told() {
    let env = world();
    let said = stderr(&inside(&env, "project", &["use", "vendor"]).assert().code(2));
    assert!(
        said.contains("vendor/alice, vendor/bob") && said.contains("use vendor/alice"),
        "{said}"
    );
    inside(&env, "project", &["use", "vendor/bob"]).assert().success();
    let unset = inside(&env, "project/deep", &["use", "--unset", "vendor"]).assert().success();
    let said = stderr(&unset);
    assert!(said.contains("/project` above it"), "{said}");
    fs::write(env.path("other/.tokctl.toml"), "vendor = alice\n").unwrap();
    let said = stderr(&inside(&env, "other", &["use"]).assert().success());
    assert!(said.contains(".tokctl.toml") && said.contains("does not count"), "{said}");
}
