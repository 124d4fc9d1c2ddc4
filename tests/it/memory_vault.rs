//! The vault `memory:`: a job that keeps nothing.

use std::fs;

use crate::env::{TestEnv, stderr, stdout};
use crate::platform::{Platform, good_token};

const AUDIENCE: &str = "https://id.acme.example";

/// A world with no key and a vault in memory, in which `acme` takes the identity in a variable.
fn world(platform: &Platform) -> TestEnv {
    let env = TestEnv::without_key()
        .set("TOKCTL_VAULT", "memory:")
        .set("ACME_ID_TOKEN", good_token(AUDIENCE, "1"));
    env.config(&format!(
        "[providers.acme]\n\
         token_endpoint = \"{}\"\n\
         refresh = {{ kind = \"token_exchange\" }}\n\
         assertion = {{ gitlab = \"ACME_ID_TOKEN\", audience = \"{AUDIENCE}\" }}\n\
         [providers.vendor]\n",
        platform.url("/token")
    ));
    env
}

/// The names of all that commands left behind.
fn left_behind(env: &TestEnv) -> Vec<String> {
    ["data", "state", "cache", "run", "tmp"]
        .iter()
        .flat_map(|folder| fs::read_dir(env.path(folder)).unwrap().flatten())
        .map(|entry| entry.path().display().to_string())
        .collect()
}

#[test]
fn a_reference_is_logged_in_at_its_first_use_and_nothing_is_left() {
    let platform = Platform::start();
    let env = world(&platform);
    platform.will_issue("access-1", 3600);
    env.tokctl(["get", "acme/ci"]).assert().success().stdout_eq("access-1\n").stderr_eq("");
    platform.will_issue("access-2", 3600);
    env.tokctl(["get", "acme"]).assert().success().stdout_eq("access-2\n");
    platform.will_issue("access-3", 3600);
    let both = ["--env", "A=acme/ci", "--env", "E=acme/ci/expires_at", "--no-masking"];
    let run = [&["run"][..], &both, &["--", "sh", "-c", "echo $A ${ACME_ID_TOKEN-none}"]].concat();
    env.tokctl(&run).assert().success().stdout_eq("access-3 none\n");
    platform.will_issue("access-4", 3600);
    let file = ["run", "--no-masking", "--file", "F=acme/ci", "--", "sh", "-c", "cat $F"];
    env.tokctl(file).assert().success().stdout_eq("access-4");
    platform.will_issue("access-5", 3600);
    let set = env.tokctl(["env", "A=acme/ci"]).assert().success();
    assert!(stdout(&set).contains("access-5"));
    assert_eq!(left_behind(&env), Vec::<String>::new());
    env.tokctl(["get", "acme/ci", "--no-refresh"]).assert().code(1);
}

#[test]
fn a_file_is_replaced_before_its_token_ends() {
    let platform = Platform::start();
    let env = world(&platform);
    platform.will_issue("access-1", 1);
    platform.will_issue("access-2", 3600);
    let wait = "i=0; while [ \"$(cat $F)\" != access-2 ] && [ $i -lt 100 ]; do sleep 0.1; \
                i=$((i+1)); done; cat $F";
    let run = ["run", "--no-masking", "--file", "F=acme/ci", "--", "sh", "-c", wait];
    env.tokctl(run).assert().success().stdout_eq("access-2");
}

#[test]
fn what_is_to_be_kept_is_refused() {
    let platform = Platform::start();
    let env = world(&platform);
    for command in [
        &["login", "vendor/x", "--token-stdin"][..],
        &["login", "gdrive", "--client-id", "x", "--no-browser"],
        &["import", "google", "x.json"],
        &["list"],
        &["check", "acme/ci"],
        &["get", "vendor/x"],
    ] {
        let failed = env.tokctl(command).assert().code(2).stdout_eq("");
        let said = stderr(&failed);
        assert!(said.contains("memory"), "{command:?}: {said}");
    }
    platform.will_issue("access-1", 3600);
    env.tokctl(["login", "acme/ci", "--method", "workload-identity"]).assert().success();
    let config = fs::read_to_string(env.path("config/tokctl/config.toml")).unwrap();
    env.config(&format!("audit = \"required\"\n{config}"));
    for command in [&["get", "acme/ci"][..], &["run", "--env", "A=acme/ci", "--", "true"]] {
        let failed = env.tokctl(command).assert().code(2).stdout_eq("");
        assert!(stderr(&failed).contains("requires the audit"), "{}", stderr(&failed));
    }
}

#[test]
fn an_identity_that_is_missing_is_told_as_for_any_login() {
    let platform = Platform::start();
    let env = world(&platform).unset("ACME_ID_TOKEN");
    let failed = env.tokctl(["get", "acme/ci"]).assert().code(3).stdout_eq("");
    assert!(stderr(&failed).contains("is not set"), "{}", stderr(&failed));
    let failed = env.tokctl(["run", "--env", "A=acme/ci", "--", "true"]).assert().code(3);
    assert!(stderr(&failed).contains("`A` can't be set"), "{}", stderr(&failed));
}

#[test]
fn a_file_of_variables_names_no_more_than_it_may() {
    let platform = Platform::start();
    let env = world(&platform);
    let file = env.file("job.env", "A=tokctl://acme/ci\nB=plain\n").display().to_string();
    let run = |only: &str| {
        let words = ["run", "-v", "--only", only, "--env-file", &file, "--", "true"];
        env.tokctl(words).assert()
    };
    for only in ["acme", "acme/ci", "tokctl://acme/ci"] {
        platform.will_issue("access-1", 3600);
        let said = stderr(&run(only).success());
        assert!(said.contains("names A = acme/ci"), "{said}");
    }
    for only in ["vendor", "acme/other"] {
        let failed = run(only).code(2);
        assert!(stderr(&failed).contains("which `--only` does not"), "{}", stderr(&failed));
    }
    // What the command line itself names is what its user wants.
    platform.will_issue("access-2", 3600);
    env.tokctl(["run", "--only", "vendor", "--env", "A=acme/ci", "--", "true"]).assert().success();
}
