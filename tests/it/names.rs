//! The names of credentials: each command takes what `get` takes, and a slip is answered with the
//! command that was meant.

use crate::env::{TestEnv, stderr, stdout};

/// Returns the hint of an error, as the words of a command.
fn hint(said: &str) -> Vec<String> {
    let hint = said.lines().find_map(|line| line.strip_prefix("hint: tokctl ")).expect(said);
    hint.split(' ').map(|word| word.trim_matches('\'').to_owned()).collect()
}

fn world() -> TestEnv {
    let env = TestEnv::new();
    env.define_vendor();
    env.with_static_token("bot", "made-up-bot")
}

#[test]
fn a_service_alone_names_its_one_credential_everywhere() {
    let env = world();
    env.tokctl(["get", "vendor"]).assert().success().stdout_eq("made-up-bot\n");
    env.tokctl(["env", "T=vendor"]).assert().success().stdout_eq("export T='made-up-bot'\n");
    let run = ["run", "--no-masking", "--env", "T=vendor", "--file", "F=vendor", "--"];
    let print = ["sh", "-c", "echo \"$T $(cat \"$F\")\""];
    let printed = env.tokctl(run.iter().chain(&print)).assert().success();
    assert_eq!(stdout(&printed), "made-up-bot made-up-bot\n");
    let used = stderr(&env.tokctl(["use", "vendor"]).assert().success());
    assert!(used.contains("`vendor` means `vendor/bot` in "), "{used}");
}

#[test]
fn where_there_are_several_the_choice_is_named_that_holds_for_a_directory() {
    let env = world().with_static_token("zoe", "made-up-zoe");
    for arguments in
        [&["get", "vendor"][..], &["env", "T=vendor"], &["run", "--env", "T=vendor", "--", "true"]]
    {
        let said = stderr(&env.tokctl(arguments).assert().code(2).stdout_eq(""));
        let asked = "which one of vendor/bot, vendor/zoe? `tokctl use vendor/bot` chooses it";
        assert!(said.contains(asked), "{said}");
        env.tokctl(hint(&said)).assert().success();
    }
    let said = stderr(&env.tokctl(["use", "vendor"]).assert().code(2));
    assert_eq!(hint(&said), ["use", "vendor/bot"]);
    env.tokctl(hint(&said)).assert().success();
    env.tokctl(["env", "T=vendor"]).assert().success().stdout_eq("export T='made-up-bot'\n");
    env.tokctl(["use", "vendor"]).assert().code(2);
}

#[test]
fn a_mistyped_name_is_answered_with_the_command_that_was_meant() {
    let env = world();
    for arguments in [
        &["get", "vendor/bto"][..],
        &["env", "T=vendor/bto"],
        &["run", "--env", "T=vendor/bto", "--", "true"],
        &["run", "--env=T=tokctl://vendor/bto", "--file", "F=vendor/bto", "--", "true"],
        &["use", "vendor/bto"],
    ] {
        let said = stderr(&env.tokctl(arguments).assert().code(3).stdout_eq(""));
        let meant = hint(&said);
        assert_eq!(meant[0], arguments[0], "{said}");
        env.tokctl(&meant).assert().success();
    }
    // What may be a secret is repeated by no message.
    let secret = "made0up0secret0123456789";
    let taken = format!("T={secret}");
    let said = stderr(&env.tokctl(["run", "--env", &taken, "--", "true"]).assert().code(3));
    assert!(!said.contains(secret), "{said}");
}

#[test]
fn a_slip_is_answered_with_what_is_near_and_with_nothing_else() {
    let env = world();
    let said = |arguments: &[&str]| stderr(&env.tokctl(arguments).assert().code(2).stdout_eq(""));
    let gitlab = said(&["run", "--ci-mask", "gitlab", "--env", "T=vendor", "--", "true"]);
    assert!(gitlab.contains("one of github, azure\n"), "{gitlab}");
    let kye = said(&["key", "add", "kye"]);
    assert!(kye.contains("did you mean `key`?"), "{kye}");
}

#[test]
fn a_flag_before_its_command_is_put_behind_it() {
    let env = world();
    for flag in [&["--user", "bot"][..], &["--user=bot"], &["-u", "bot"]] {
        let typed = [flag, &["get", "vendor"]].concat();
        let said = stderr(&env.tokctl(&typed).assert().code(2).stdout_eq(""));
        assert!(said.contains("stands behind the command that it is for"), "{said}");
        env.tokctl(hint(&said)).assert().success().stdout_eq("made-up-bot\n");
    }
    let unknown = stderr(&env.tokctl(["--users", "bot", "get", "vendor"]).assert().code(2));
    assert!(unknown.contains("unexpected argument '--users'"), "{unknown}");
}

#[test]
fn a_command_without_its_mark_is_repeated_with_it_unless_it_may_hold_a_secret() {
    let env = world();
    let said = |arguments: &[&str]| stderr(&env.tokctl(arguments).assert().code(2).stdout_eq(""));
    let typed = said(&["run", "--env", "T=vendor", "true", "run"]);
    assert_eq!(hint(&typed), ["run", "--env", "T=vendor", "--", "true", "run"]);
    env.tokctl(hint(&typed)).assert().success();
    let secret = "made-up-secret-1234567890";
    let typed = said(&["run", "curl", "-H", &format!("Authorization: Bearer {secret}")]);
    assert!(!typed.contains(secret), "{typed}");
    assert_eq!(hint(&typed), ["run", "--help"]);
}
