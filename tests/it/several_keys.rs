//! Slots of one kind with different secrets: each way that a refusal names is one that works.

use crate::env::{TestEnv, another_key, made_up_key, stderr, stdout};
use crate::key_slots::{add_recovery, opens, slots};

/// A token in a vault with three `key` slots. Returns the third key, with the files of the second and
/// the third.
fn with_three_keys() -> (TestEnv, String, [std::path::PathBuf; 2]) {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let third = stdout(&env.tokctl(["key", "generate"]).assert().success());
    let files = [env.file("other.key", another_key()), env.file("third.key", &third)];
    for file in &files {
        env.tokctl(["key", "add", "key"]).env("TOKCTL_NEW_KEY_FILE", file).assert().success();
    }
    (env, third.trim_end().to_owned(), files)
}

/// The command in the hint of what was said, without `tokctl`.
fn named_command(said: &str) -> Vec<String> {
    let (_, command) = said.split_once(": tokctl ").unwrap_or_else(|| panic!("{said}"));
    command.trim_end().split(' ').map(str::to_owned).collect()
}

#[test]
fn of_three_keys_the_one_that_can_not_be_given_is_dropped_as_is_said() {
    let (env, third, [second, _]) = with_three_keys();
    let said = stderr(&env.tokctl(["rotate-key"]).assert().code(2));
    assert_eq!(said.matches("set TOKCTL_NEW_KEY_FILE to a file with its key").count(), 2, "{said}");
    let env = env.set("TOKCTL_NEW_KEY_FILE", second);
    let said = stderr(&env.tokctl(["rotate-key"]).assert().code(2));
    assert_eq!(said.matches("it can't stay").count(), 1, "{said}");
    assert!(!said.contains("set TOKCTL_"), "no way that is none: {said}");
    let done = env.tokctl(named_command(&said)).assert().success();
    assert_eq!(slots(&env).len(), 2);
    assert!(!stderr(&done).contains("from now on"), "no key is new: {}", stderr(&done));
    for (key, code) in [(made_up_key(), 0), (another_key(), 0), (&third, 5)] {
        env.tokctl(["get", "vendor/x"]).env("TOKCTL_KEY", key).assert().code(code);
    }
}

#[test]
fn both_keys_that_are_not_at_hand_can_be_dropped_at_once() {
    let (env, third, _) = with_three_keys();
    let said = stderr(&env.tokctl(["rotate-key"]).assert().code(2));
    env.tokctl(named_command(&said)).assert().success();
    assert_eq!(slots(&env).len(), 1);
    opens(&env);
    let file = env.file("again.key", third);
    env.tokctl(["key", "add", "key"]).env("TOKCTL_NEW_KEY_FILE", file).assert().success();
}

#[test]
fn with_a_recovery_code_the_key_that_is_given_leaves_the_way_for_the_other() {
    let (env, third, [second, _]) = with_three_keys();
    let code = add_recovery(&env);
    let env = env.set("TOKCTL_KEY", code).set("TOKCTL_NEW_KEY_FILE", second);
    let said = stderr(&env.tokctl(["rotate-key"]).assert().code(2));
    assert_eq!(said.matches("set TOKCTL_KEY to its key\n").count(), 2, "{said}");
    let env = env.set("TOKCTL_KEY", third);
    let said = stderr(&env.tokctl(["rotate-key"]).assert().code(2));
    assert_eq!(said.matches("it can't stay").count(), 1, "{said}");
    env.tokctl(named_command(&said)).assert().success();
    assert_eq!(slots(&env).len(), 3);
    env.tokctl(["get", "vendor/x"])
        .env("TOKCTL_KEY", another_key())
        .assert()
        .success()
        .stdout_eq("made-up-token\n");
}

#[test]
fn nothing_is_offered_to_be_dropped_where_no_slot_would_be_left() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["key", "add", "passphrase"])
        .env("TOKCTL_NEW_PASSPHRASE", "made up for a test")
        .assert()
        .success();
    let key = slots(&env).into_iter().find(|slot| slot[1] == "key").unwrap()[0].clone();
    let failed = env.tokctl(["rotate-key", "--drop-slot", &key]).assert().code(2);
    assert!(stderr(&failed).contains("TOKCTL_PASSPHRASE"), "{}", stderr(&failed));
    assert!(!stderr(&failed).contains("tokctl rotate-key --drop-slot"), "{}", stderr(&failed));
    assert_eq!(slots(&env).len(), 2);
}

#[test]
fn a_removal_beside_a_key_that_is_not_at_hand_goes_on_by_each_way_that_is_named() {
    let (env, third, [second, _]) = with_three_keys();
    env.tokctl(["key", "add", "passphrase"])
        .env("TOKCTL_NEW_PASSPHRASE", "made up for a test")
        .assert()
        .success();
    let before = slots(&env);
    let failed = env.tokctl(["key", "remove", "passphrase"]).assert().code(2);
    let said = stderr(&failed);
    assert_eq!(said.matches("the `key` key slot").count(), 2, "{said}");
    assert!(said.contains("--no-rotate") && said.contains("remove that too"), "{said}");
    assert_eq!(slots(&env), before);
    let both = said.split('`').find(|piece| piece.starts_with("tokctl key remove ")).unwrap();
    let both: Vec<&str> = both.split(' ').skip(1).collect();
    let env = env.set("TOKCTL_NEW_KEY_FILE", second);
    env.tokctl(both).assert().success();
    assert_eq!(slots(&env).len(), 1);
    env.tokctl(["get", "vendor/x"]).env("TOKCTL_KEY", third).assert().code(5);
    opens(&env);
}

#[test]
fn a_removal_that_gives_a_slot_a_new_key_says_what_opens_the_vault_from_now_on() {
    let (env, _, [second, third]) = with_three_keys();
    let dropped = stderr(&env.tokctl(["rotate-key"]).assert().code(2));
    env.tokctl(named_command(&dropped)).assert().success();
    let added = env.tokctl(["key", "add", "key"]).env("TOKCTL_NEW_KEY_FILE", &second);
    let added = stderr(&added.assert().success());
    let other = added.trim_end().rsplit(' ').next().unwrap();
    let done =
        env.tokctl(["key", "remove", other]).env("TOKCTL_NEW_KEY_FILE", &third).assert().success();
    let told = stderr(&done);
    assert!(told.contains("from now on: unset TOKCTL_KEY; export TOKCTL_KEY_FILE="), "{told}");
    env.tokctl(["get", "vendor/x"]).assert().code(5);
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_KEY_FILE", third);
    opens(&env);
}
