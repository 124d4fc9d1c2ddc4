//! `tokctl key list`, `add` and `remove`: a vault opens where its owner is.

use std::time::{Duration, Instant};

use crate::env::{TestEnv, another_key, json, made_up_key, stderr, stdout};

const PASSPHRASE: &str = "made up for a test";

/// A token in a vault with one `key` slot.
fn keyed() -> TestEnv {
    TestEnv::new().with_static_token("x", "made-up-token")
}

/// Id and kind of each slot.
pub(crate) fn slots(env: &TestEnv) -> Vec<[String; 2]> {
    let listed = json(&env.tokctl(["key", "list", "--json"]).assert().success().stderr_eq(""));
    assert_eq!(listed["v"], 1);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let slots = listed["slots"].as_array().unwrap();
    slots.iter().map(|slot| [text(&slot["id"]), text(&slot["kind"])]).collect()
}

/// The id of the one slot of this kind.
pub(crate) fn id_of(env: &TestEnv, kind: &str) -> String {
    let mut found = slots(env).into_iter().filter(|slot| slot[1] == kind);
    let [id, _] = found.next().unwrap();
    assert!(found.next().is_none());
    id
}

/// Adds a slot that opens with a code, and gives the code.
pub(crate) fn add_recovery(env: &TestEnv) -> String {
    let done = env.tokctl(["key", "add", "recovery"]).assert().success();
    let code = stdout(&done);
    assert!(!stderr(&done).contains(code.trim()), "{}", stderr(&done));
    code.trim_end().to_owned()
}

#[track_caller]
pub(crate) fn opens(env: &TestEnv) {
    let get = ["get", "vendor", "--user", "x"];
    env.tokctl(get).assert().success().stdout_eq("made-up-token\n").stderr_eq("");
}

#[track_caller]
pub(crate) fn stays_closed(env: &TestEnv) {
    env.tokctl(["get", "vendor", "--user", "x"]).assert().code(5).stdout_eq("");
}

#[test]
fn a_list_of_slots_needs_no_key() {
    let env = keyed().unset("TOKCTL_KEY");
    assert_eq!(slots(&env).len(), 1);
    let id = id_of(&env, "key");
    let shown = stdout(&env.tokctl(["key", "list"]).assert().success());
    assert!(shown.contains(&id) && shown.contains("key"), "{shown}");
}

#[test]
fn a_list_says_which_slot_opens_here() {
    let env = keyed();
    let own = id_of(&env, "key");
    let file = env.file("new.key", another_key());
    let env = env.set("TOKCTL_NEW_KEY_FILE", file).set("TOKCTL_NEW_PASSPHRASE", PASSPHRASE);
    for kind in ["key", "passphrase"] {
        env.tokctl(["key", "add", kind]).assert().success();
    }
    let here = |env: &TestEnv| -> Vec<String> {
        let listed = json(&env.tokctl(["key", "list", "--json"]).assert().success());
        let slots = listed["slots"].as_array().unwrap().iter();
        let opening = slots.filter(|slot| slot["opens_here"] == true);
        opening.map(|slot| slot["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(here(&env), std::slice::from_ref(&own));
    let shown = stdout(&env.tokctl(["key", "list"]).assert().success());
    let line = shown.lines().find(|line| line.contains(&own)).unwrap();
    assert!(line.trim_end().ends_with("opens"), "{shown}");
    assert_eq!(shown.matches("opens").count(), 1, "{shown}");
    let env = env.set("TOKCTL_PASSPHRASE", PASSPHRASE);
    assert_eq!(here(&env).len(), 2);
    // A secret that can't be read opens nothing, and no program is asked for one.
    let env = env.unset("TOKCTL_PASSPHRASE").set("TOKCTL_KEY", "no key");
    assert_eq!(here(&env), [""; 0]);
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_KEY_COMMAND", "touch asked");
    assert_eq!(here(&env), [""; 0]);
    assert!(!env.path("asked").exists());
}

#[test]
fn a_passphrase_opens_its_slot_however_a_keyboard_writes_it() {
    let (composed, apart) = ("caf\u{e9} made up", "cafe\u{301} made\u{a0}up");
    for (first, second) in [(composed, apart), (apart, composed)] {
        let env = keyed().set("TOKCTL_NEW_PASSPHRASE", first);
        env.tokctl(["key", "add", "passphrase"]).assert().success();
        let env = env.unset("TOKCTL_KEY").set("TOKCTL_PASSPHRASE", second);
        opens(&env);
        let again = env.set("TOKCTL_NEW_PASSPHRASE", second);
        let refused = again.tokctl(["key", "add", "passphrase"]).assert().code(2);
        assert!(stderr(&refused).contains("opens"), "{}", stderr(&refused));
    }
}

#[test]
fn a_device_given_as_a_key_file_is_not_to_be_closed_to_others() {
    let env = keyed().unset("TOKCTL_KEY").set("TOKCTL_KEY_FILE", "/dev/null");
    let failed = env.tokctl(["get", "vendor", "--user", "x"]).assert().code(5).stdout_eq("");
    let said = stderr(&failed);
    assert!(said.contains("holds no key") && !said.contains("chmod"), "{said}");
}

#[test]
fn a_list_of_slots_needs_a_vault() {
    TestEnv::new().tokctl(["key", "list"]).assert().code(3).stdout_eq("");
}

#[test]
fn an_added_passphrase_opens_the_vault_and_so_does_the_key_still() {
    let env = keyed().set("TOKCTL_NEW_PASSPHRASE", PASSPHRASE);
    env.tokctl(["key", "add", "passphrase"]).assert().success().stdout_eq("");
    opens(&env);
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_PASSPHRASE", PASSPHRASE);
    opens(&env);
}

#[test]
fn an_added_key_opens_the_vault() {
    let env = keyed();
    let file = env.file("new.key", another_key());
    let env = env.set("TOKCTL_NEW_KEY_FILE", file);
    env.tokctl(["key", "add", "key"]).assert().success().stdout_eq("");
    opens(&env);
    let env = env.set("TOKCTL_KEY", another_key());
    opens(&env);
}

#[test]
fn a_new_secret_that_is_not_given_is_asked_for_by_name() {
    let env = keyed();
    for (kind, name) in [("key", "TOKCTL_NEW_KEY_FILE"), ("passphrase", "TOKCTL_NEW_PASSPHRASE")] {
        let failed = env.tokctl(["key", "add", kind]).assert().code(2).stdout_eq("");
        assert!(stderr(&failed).contains(name), "{}", stderr(&failed));
    }
    assert_eq!(slots(&env).len(), 1);
}

#[test]
fn a_new_key_file_is_trusted_like_any_other() {
    let env = keyed();
    for (content, mode) in [("correct horse", 0o600), (another_key(), 0o622)] {
        let file = env.file("new.key", content);
        crate::env::set_mode(&file, mode);
        let mut add = env.command(["key", "add", "key"]);
        let output = add.env("TOKCTL_NEW_KEY_FILE", file).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(!said.contains("horse"), "{said}");
    }
    assert_eq!(slots(&env).len(), 1);
}

#[test]
fn a_recovery_code_opens_the_vault_however_it_is_written() {
    let env = keyed();
    let code = add_recovery(&env);
    assert!(code.starts_with("tokctl-recovery-") && code.matches('-').count() > 10, "{code}");
    let env = env.set("TOKCTL_KEY", code.clone());
    opens(&env);
    let env = env.set("TOKCTL_KEY", code.to_uppercase().replace('-', " ").replacen(' ', "-", 2));
    opens(&env);
    let file = env.file("code", code.clone() + "\n");
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_KEY_FILE", file);
    opens(&env);
    let mut mistyped = code.clone();
    mistyped.replace_range(16..17, if code[16..].starts_with('a') { "b" } else { "a" });
    let env = env.unset("TOKCTL_KEY_FILE").set("TOKCTL_KEY", mistyped.clone());
    let failed = env.tokctl(["get"]).assert().code(5).stdout_eq("");
    assert!(stderr(&failed).contains("checksum"), "{}", stderr(&failed));
    assert!(!stderr(&failed).contains(&mistyped[16..]));
}

#[test]
fn a_recovery_code_that_nobody_can_read_is_not_added() {
    let env = keyed();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = env.command(["key", "add", "recovery"]).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(slots(&env).len(), 1);
}

#[test]
fn a_login_can_open_the_vault_by_its_recovery_code() {
    let env = keyed();
    let code = add_recovery(&env);
    let login = ["login", "vendor", "--user", "y", "--token-stdin", "--key-slot", "recovery"];
    env.tokctl(login).stdin("made-up-2").assert().code(2);
    let env = env.set("TOKCTL_KEY", code);
    env.tokctl(login).stdin("made-up-2").assert().success();
    env.tokctl(["get", "--user", "y"]).assert().success().stdout_eq("made-up-2\n");
}

#[test]
fn no_vault_begins_with_a_recovery_code() {
    let code = add_recovery(&keyed());
    let env = TestEnv::without_key().set("TOKCTL_KEY", code);
    env.define_vendor();
    for arguments in [&["--key-slot", "recovery"][..], &[]] {
        let login = ["login", "vendor", "--user", "x", "--token-stdin"];
        let login = login.iter().chain(arguments);
        env.tokctl(login).stdin("made-up-token").assert().code(2);
        assert!(!env.vault_path().exists());
    }
}

#[test]
fn a_removed_slot_opens_nothing_any_more() {
    let env = keyed().set("TOKCTL_NEW_PASSPHRASE", PASSPHRASE);
    env.tokctl(["key", "add", "passphrase"]).assert().success();
    let id = id_of(&env, "key");
    let remove = ["key", "remove", &id];
    let asked = env.tokctl(remove).assert().code(2).stdout_eq("");
    assert!(stderr(&asked).contains("--yes"), "{}", stderr(&asked));
    assert_eq!(slots(&env).len(), 2);
    env.tokctl(remove.iter().chain(&["--yes"])).assert().success().stdout_eq("");
    stays_closed(&env);
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_PASSPHRASE", PASSPHRASE);
    opens(&env);
    assert_eq!(slots(&env).len(), 1);
}

#[test]
fn a_removed_slot_leaves_nothing_in_the_files() {
    let env = keyed();
    add_recovery(&env);
    let wrapped: Vec<u8> = env
        .open_vault()
        .query_row("SELECT wrapped_key FROM key_slots_2 WHERE kind = 'recovery'", [], |row| {
            row.get(0)
        })
        .unwrap();
    let is_there = || env.vault_bytes().windows(24).any(|window| window == &wrapped[8..32]);
    assert!(is_there());
    env.tokctl(["key", "remove", &id_of(&env, "recovery")]).assert().success();
    assert!(!is_there());
}

#[test]
fn the_last_slot_stays() {
    let env = keyed();
    let id = id_of(&env, "key");
    let failed = env.tokctl(["key", "remove", &id]).assert().code(2);
    assert!(stderr(&failed).contains("key add"), "{}", stderr(&failed));
    env.tokctl(["key", "remove", "0123456789abcdef"]).assert().code(2);
    env.tokctl(["key", "remove", "nonsense"]).assert().code(2);
    opens(&env);
}

#[test]
fn slots_are_changed_only_by_who_can_open_the_vault() {
    let env = keyed();
    add_recovery(&env);
    let id = id_of(&env, "recovery");
    let env = env.set("TOKCTL_KEY", another_key());
    env.tokctl(["key", "remove", &id]).assert().code(5);
    env.tokctl(["key", "add", "recovery"]).assert().code(5).stdout_eq("");
    let env = env.set("TOKCTL_KEY", made_up_key());
    assert_eq!(slots(&env).len(), 2);
}

#[test]
fn without_a_keychain_no_slot_is_added_for_one() {
    let env = keyed();
    env.tokctl(["key", "add", "keychain"]).assert().code(5);
    assert_eq!(slots(&env).len(), 1);
    opens(&env);
    let doctor = stdout(&env.tokctl(["doctor"]).assert().success());
    assert!(!doctor.contains("finding"), "nothing is left to clear up: {doctor}");
}

#[test]
fn a_slot_that_costs_more_than_tokctl_asks_for_is_not_paid() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    for (memory, passes) in [(1_048_576, 16), (8, 2), (9, 1), (65_536, 3)] {
        env.sql(&format!("UPDATE key_slots_2 SET memory = {memory}, passes = {passes}"));
        let begun = std::time::Instant::now();
        env.tokctl(["get"]).assert().code(7).stdout_eq("");
        assert!(begun.elapsed().as_secs() < 5, "{memory} {passes}");
    }
}

#[test]
fn rows_that_cost_more_than_any_of_tokctls_are_refused_at_once() {
    for edit in [
        "UPDATE vault_2 SET sealed = zeroblob(100000000)",
        "UPDATE credentials_2 SET sealed = zeroblob(100000000)",
        "UPDATE key_slots_2 SET wrapped_key = zeroblob(100000000)",
        "INSERT INTO key_slots_2 SELECT randomblob(8), vault_id, kind, memory, passes, lanes, salt,
          zeroblob(16), wrapped_key, 1 FROM key_slots_2, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
          SELECT i + 1 FROM n LIMIT 100000) SELECT i FROM n)",
    ] {
        let env = TestEnv::new().with_static_token("x", "made-up-token");
        env.sql(edit);
        let began = Instant::now();
        env.tokctl(["get"]).assert().code(7).stdout_eq("");
        assert!(began.elapsed() < Duration::from_secs(3), "{edit}: {:?}", began.elapsed());
        env.tokctl(["doctor"]).assert().code(7);
    }
}

#[test]
fn a_vault_takes_four_passphrases_and_no_more() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    for number in 1..=5 {
        let mut command = env.command(["key", "add", "passphrase"]);
        command.env("TOKCTL_NEW_PASSPHRASE", format!("made-up passphrase {number}"));
        let done = command.output().unwrap();
        assert_eq!(done.status.code(), Some(if number <= 4 { 0 } else { 2 }), "{number}");
    }
}
