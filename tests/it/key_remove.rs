//! `tokctl key remove`: who kept a slot and its secret is locked out.

use crate::env::{TestEnv, another_key, made_up_key, stderr, stdout};
use crate::key_slots::{add_recovery, id_of, opens, slots, stays_closed};
use crate::terminal::{at_a_terminal, ending};

const PASSPHRASE: &str = "made up for a test";

/// A token in a vault with a `key` slot and a `passphrase` slot, whose secret is not at hand.
fn also_by_passphrase() -> TestEnv {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let env = env.set("TOKCTL_NEW_PASSPHRASE", PASSPHRASE);
    env.tokctl(["key", "add", "passphrase"]).assert().success();
    env.unset("TOKCTL_NEW_PASSPHRASE")
}

/// All that the file holds about slots and seals.
fn contents(env: &TestEnv) -> Vec<Vec<u8>> {
    let vault = env.open_vault();
    let all = "SELECT wrapped_key FROM key_slots_2 UNION ALL SELECT sealed FROM credentials_2";
    let mut statement = vault.prepare(all).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Removes the passphrase's slot and puts its row back, as somebody who kept it would.
fn removed_and_put_back(flags: &[&str]) -> TestEnv {
    let env = also_by_passphrase();
    let kept = "CREATE TABLE kept AS SELECT * FROM key_slots_2 WHERE kind = 'passphrase'";
    env.open_vault().execute_batch(kept).unwrap();
    let id = id_of(&env, "passphrase");
    env.tokctl([&["key", "remove", &id], flags].concat()).assert().success().stdout_eq("");
    opens(&env);
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_PASSPHRASE", PASSPHRASE);
    stays_closed(&env);
    env.sql("INSERT INTO key_slots_2 SELECT * FROM kept");
    env
}

#[test]
fn a_removed_slot_that_is_put_back_opens_nothing() {
    let env = removed_and_put_back(&[]);
    env.tokctl(["get"]).assert().code(7).stdout_eq("");
    let env = env.unset("TOKCTL_PASSPHRASE").set("TOKCTL_KEY", made_up_key());
    opens(&env);
}

#[test]
fn without_a_rotation_a_kept_slot_goes_on_opening_the_vault_and_that_is_said() {
    opens(&removed_and_put_back(&["--no-rotate"]));
    let env = also_by_passphrase();
    let id = id_of(&env, "passphrase");
    let done = env.tokctl(["key", "remove", &id, "--no-rotate"]).assert().success();
    assert!(stderr(&done).contains("kept a removed slot"), "{}", stderr(&done));
    assert!(stderr(&done).contains("tokctl rotate-key"), "{}", stderr(&done));
}

#[test]
fn a_slot_that_can_not_be_renewed_is_named_and_nothing_is_touched() {
    let env = also_by_passphrase();
    add_recovery(&env);
    let (before, passphrase) = (contents(&env), id_of(&env, "passphrase"));
    let recovery = id_of(&env, "recovery");
    let failed = env.tokctl(["key", "remove", &recovery]).assert().code(2).stdout_eq("");
    let said = stderr(&failed);
    for part in [
        &*format!("the `passphrase` key slot {passphrase}: set TOKCTL_PASSPHRASE"),
        &format!("`tokctl key remove {recovery} {passphrase} --yes`"),
        &format!("`tokctl key remove {recovery} --no-rotate --yes`"),
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(contents(&env), before);
    env.tokctl(["key", "remove", &recovery, &passphrase]).assert().success();
    assert_eq!(slots(&env).len(), 1);
    opens(&env);
}

#[test]
fn no_way_is_offered_that_would_close_the_vault_for_good() {
    let env = also_by_passphrase();
    let (key, passphrase) = (id_of(&env, "key"), id_of(&env, "passphrase"));
    let failed = env.tokctl(["key", "remove", &key]).assert().code(2);
    assert!(!stderr(&failed).contains("remove that too"), "{}", stderr(&failed));
    assert!(stderr(&failed).contains("--no-rotate"), "{}", stderr(&failed));
    env.tokctl(["key", "remove", &key, &passphrase]).assert().code(2);
    env.tokctl(["key", "remove", &key, &passphrase, "--no-rotate"]).assert().code(2);
    assert_eq!(slots(&env).len(), 2);
    opens(&env);
}

#[test]
fn the_slots_that_stay_keep_their_secrets() {
    let env = also_by_passphrase().set("TOKCTL_PASSPHRASE", PASSPHRASE);
    let code = add_recovery(&env);
    env.tokctl(["key", "remove", &id_of(&env, "recovery"), &id_of(&env, "recovery")])
        .assert()
        .success()
        .stdout_eq("");
    opens(&env);
    let env = env.unset("TOKCTL_KEY");
    opens(&env);
    let env = env.unset("TOKCTL_PASSPHRASE").set("TOKCTL_KEY", code);
    stays_closed(&env);
}

#[test]
fn a_recovery_code_that_is_not_at_hand_is_replaced_and_one_that_is_stays() {
    let env = also_by_passphrase();
    let old = add_recovery(&env);
    let new = stdout(&env.tokctl(["key", "remove", "passphrase"]).assert().success());
    assert!(new.starts_with("tokctl-recovery-"), "{new}");
    let env = env.set("TOKCTL_KEY", old);
    stays_closed(&env);
    let env = env.set("TOKCTL_KEY", new.trim_end());
    opens(&env);
    env.tokctl(["key", "remove", "key"]).assert().code(2).stdout_eq("");
    assert_eq!(slots(&env).len(), 2, "nothing but a recovery code would be left");
    for flags in [&["--yes"][..], &["--yes", "--no-rotate"]] {
        let id = id_of(&env, "key");
        let done = env.tokctl([&["key", "remove", &id[..6]], flags].concat()).assert();
        let done = done.success().stdout_eq("");
        assert!(stderr(&done).contains("key slots: `recovery` "), "{}", stderr(&done));
        opens(&env);
        assert_eq!(slots(&env).len(), 1);
        let file = env.file("again.key", made_up_key());
        env.tokctl(["key", "add", "key"]).env("TOKCTL_NEW_KEY_FILE", file).assert().success();
    }
}

#[test]
fn a_name_that_means_no_slot_or_several_is_refused_before_anything_is_opened() {
    let env = also_by_passphrase().set("TOKCTL_NEW_PASSPHRASE", "another one, made up too");
    env.tokctl(["key", "add", "passphrase"]).assert().success();
    let env = env.unset("TOKCTL_KEY");
    for name in ["passphrase", "recovery", "nonsense", "", "0123456789abcdef"] {
        for command in [&["key", "remove", name][..], &["rotate-key", "--drop-slot", name]] {
            let failed = env.tokctl(command).assert().code(2).stdout_eq("");
            assert!(stderr(&failed).contains("hint: tokctl key list"), "{}", stderr(&failed));
        }
    }
}

#[test]
fn at_a_terminal_who_would_be_locked_out_is_asked() {
    let env = also_by_passphrase();
    let mut session = at_a_terminal(&env, &["key", "remove", "key", "--no-rotate"]);
    session.exp_string("that opens the vault now").unwrap();
    session.send_line("n").unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 1, "{said}");
    assert_eq!(slots(&env).len(), 2);
}

#[test]
fn at_a_terminal_the_passphrase_that_stays_is_asked_for() {
    let env = also_by_passphrase();
    add_recovery(&env);
    let mut session = at_a_terminal(&env, &["key", "remove", &id_of(&env, "recovery")]);
    session.exp_string("which stays").unwrap();
    session.send_line("a slip of the hand").unwrap();
    session.exp_string("type it again").unwrap();
    session.exp_string("which stays").unwrap();
    session.send_line(PASSPHRASE).unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("removed the `recovery` key slot"), "{said}");
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_PASSPHRASE", PASSPHRASE);
    opens(&env);
}

#[test]
fn a_removal_and_its_rotation_are_in_the_audit() {
    let env = also_by_passphrase();
    env.tokctl(["key", "remove", &id_of(&env, "passphrase")]).assert().success();
    let shown = stdout(&env.tokctl(["audit"]).assert().success());
    for action in ["remove-slot", "rotate-key"] {
        assert!(shown.contains(action), "{action}: {shown}");
    }
    env.tokctl(["audit", "--verify"]).assert().success();
}

#[test]
fn nothing_is_removed_while_a_credential_does_not_open() {
    let env = also_by_passphrase();
    env.flip_a_sealed_bit("x");
    let (before, id) = (contents(&env), id_of(&env, "passphrase"));
    env.tokctl(["key", "remove", &id]).assert().code(7);
    assert_eq!(contents(&env), before);
    env.tokctl(["key", "remove", &id, "--no-rotate"]).assert().success();
    assert_eq!(slots(&env).len(), 1);
}

#[test]
fn of_two_keys_each_can_stay_through_a_rotation() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let file = env.file("other.key", another_key());
    env.tokctl(["key", "add", "key"]).env("TOKCTL_NEW_KEY_FILE", &file).assert().success();
    let failed = env.tokctl(["rotate-key"]).assert().code(2);
    let said = stderr(&failed);
    assert!(said.contains("set TOKCTL_NEW_KEY_FILE to a file with its key"), "{said}");
    let env = env.set("TOKCTL_NEW_KEY_FILE", file);
    env.tokctl(["rotate-key"]).assert().success();
    opens(&env);
    let env = env.set("TOKCTL_KEY", another_key());
    opens(&env);
    assert_eq!(slots(&env).len(), 2);
}

#[test]
fn of_two_keys_that_are_not_at_hand_each_way_that_is_named_works() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let file = env.file("other.key", another_key());
    env.tokctl(["key", "add", "key"]).env("TOKCTL_NEW_KEY_FILE", &file).assert().success();
    let code = add_recovery(&env);
    let env = env.set("TOKCTL_KEY", code);
    let said = stderr(&env.tokctl(["rotate-key"]).assert().code(2));
    let way = "set TOKCTL_KEY to its key, or TOKCTL_NEW_KEY_FILE to a file with it";
    assert_eq!(said.matches(way).count(), 2, "{said}");
    let env = env.set("TOKCTL_KEY", made_up_key()).set("TOKCTL_NEW_KEY_FILE", file);
    env.tokctl(["rotate-key"]).assert().success();
    opens(&env);
    let env = env.set("TOKCTL_KEY", another_key());
    opens(&env);
}

#[test]
fn of_two_passphrases_each_can_stay_through_a_rotation() {
    let other = "another one, made up too";
    let env = also_by_passphrase().set("TOKCTL_NEW_PASSPHRASE", other);
    env.tokctl(["key", "add", "passphrase"]).assert().success();
    let env = env.set("TOKCTL_PASSPHRASE", PASSPHRASE);
    env.tokctl(["rotate-key"]).assert().success();
    let mut env = env.unset("TOKCTL_KEY");
    for passphrase in [PASSPHRASE, other] {
        env = env.set("TOKCTL_PASSPHRASE", passphrase);
        opens(&env);
    }
}

#[test]
fn a_secret_that_opens_a_slot_already_makes_no_second_one() {
    let env = also_by_passphrase().set("TOKCTL_NEW_PASSPHRASE", PASSPHRASE);
    let file = env.file("same.key", made_up_key());
    let env = env.set("TOKCTL_NEW_KEY_FILE", file);
    for kind in ["key", "passphrase"] {
        let failed = env.tokctl(["key", "add", kind]).assert().code(2).stdout_eq("");
        assert!(stderr(&failed).contains(&id_of(&env, kind)), "{}", stderr(&failed));
    }
    assert_eq!(slots(&env).len(), 2);
}

#[test]
fn a_slot_that_is_named_by_its_id_is_the_only_one_that_is_tried() {
    let env = also_by_passphrase();
    let (key, passphrase) = (id_of(&env, "key"), id_of(&env, "passphrase"));
    let other = "another one, made up too";
    let env = env.set("TOKCTL_NEW_PASSPHRASE", other);
    env.tokctl(["key", "add", "passphrase"]).assert().success();
    let login = |env: &TestEnv, id: &str| {
        let login = ["login", "vendor", "--user", "y", "--token-stdin", "--key-slot", id];
        env.tokctl(login).stdin("made-up-2").assert().get_output().status.code().unwrap()
    };
    assert_eq!(login(&env, &key), 0);
    assert_eq!(login(&env, &passphrase), 2, "nobody can be asked for it");
    assert_eq!(login(&env, "0123456789abcdef"), 2);
    assert_eq!(login(&env, "nonsense"), 2);
    let env = env.set("TOKCTL_PASSPHRASE", other);
    assert_eq!(login(&env, &passphrase), 5, "it is the other slot's");
    let env = env.set("TOKCTL_PASSPHRASE", PASSPHRASE);
    assert_eq!(login(&env, &passphrase), 0);
    let env = env.unset("TOKCTL_KEY").unset("TOKCTL_PASSPHRASE");
    assert_eq!(login(&env, &key), 2, "it needs its key");
    let mut session = at_a_terminal(
        &env,
        &["login", "vendor", "--user", "y", "--token-stdin", "--key-slot", &passphrase],
    );
    session.exp_string("passphrase").unwrap();
    session.send_line(PASSPHRASE).unwrap();
    session.exp_string("token").unwrap();
    session.send_line("made-up-3").unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn no_vault_is_made_for_the_id_of_a_slot() {
    let env = TestEnv::new();
    env.define_vendor();
    let login = ["login", "vendor", "--user", "y", "--token-stdin", "--key-slot"];
    let with_id = login.iter().chain(&["0123456789abcdef"]);
    env.tokctl(with_id).stdin("made-up-2").assert().code(3);
    assert!(!env.vault_path().exists());
}
