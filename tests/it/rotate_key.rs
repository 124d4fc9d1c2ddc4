//! `tokctl rotate-key`: new keys for everything, and nothing is lost on the way.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::authorization_server::{AuthorizationServer, TokenRequest, issue};
use crate::env::{TestEnv, another_key, json, made_up_key, stderr, stdout};
use crate::key_slots::{add_recovery, id_of, opens, slots, stays_closed};

const PASSPHRASE: &str = "made up for a test";

fn keyed() -> TestEnv {
    TestEnv::new().with_static_token("x", "made-up-token")
}

/// With a new key for the `key` slot set.
fn with_new_key(env: TestEnv) -> TestEnv {
    let file = env.file("new.key", another_key());
    env.set("TOKCTL_NEW_KEY_FILE", file)
}

fn generation(env: &TestEnv) -> i64 {
    env.open_vault().query_row("SELECT generation FROM vault_2", [], |row| row.get(0)).unwrap()
}

/// Everything in the file that is sealed.
fn sealed(env: &TestEnv) -> Vec<Vec<u8>> {
    let vault = env.open_vault();
    let all = "SELECT sealed FROM credentials_2 UNION ALL SELECT evidence FROM credentials_2
               UNION ALL SELECT wrapped_key FROM key_slots_2 UNION ALL SELECT sealed FROM vault_2";
    // The header comes last: every write seals it anew.
    let mut statement = vault.prepare(all).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_rotated_vault_opens_with_the_new_key_and_not_with_the_old_one() {
    let env = with_new_key(keyed());
    let before = slots(&env);
    let done = env.tokctl(["rotate-key"]).assert().success().stdout_eq("");
    assert!(stderr(&done).contains("1 credential is sealed"), "{}", stderr(&done));
    let next =
        format!("unset TOKCTL_KEY; export TOKCTL_KEY_FILE={}\n", env.path("new.key").display());
    assert!(stderr(&done).contains(&next), "{}", stderr(&done));
    assert_eq!(generation(&env), 2);
    assert_ne!(slots(&env), before);
    stays_closed(&env);
    let env = env.set("TOKCTL_KEY", another_key());
    opens(&env);
}

#[test]
fn a_key_that_is_not_replaced_goes_on_and_that_is_said() {
    let env = keyed();
    for expected in 2..5 {
        let done = env.tokctl(["rotate-key"]).assert().success();
        assert!(stderr(&done).contains("did not change"), "{}", stderr(&done));
        assert_eq!(generation(&env), expected);
        opens(&env);
    }
}

#[test]
fn a_verified_rotation_does_the_same() {
    let env = with_new_key(keyed());
    env.tokctl(["rotate-key", "--verify"]).assert().success();
    let env = env.set("TOKCTL_KEY", another_key());
    opens(&env);
}

#[test]
fn a_passphrase_is_replaced_or_kept() {
    let env = TestEnv::without_key()
        .set("TOKCTL_PASSPHRASE", PASSPHRASE)
        .with_static_token("x", "made-up-token");
    let done = env.tokctl(["rotate-key"]).assert().success();
    assert!(stderr(&done).contains("did not change"), "{}", stderr(&done));
    opens(&env);
    let env = env.set("TOKCTL_NEW_PASSPHRASE", "another one, made up too");
    env.tokctl(["rotate-key", "--verify"]).assert().success();
    stays_closed(&env);
    let env = env.set("TOKCTL_PASSPHRASE", "another one, made up too");
    opens(&env);
}

#[test]
fn a_recovery_code_is_issued_again() {
    let env = keyed();
    let old = add_recovery(&env);
    let new = stdout(&env.tokctl(["rotate-key", "--verify"]).assert().success());
    let env = env.set("TOKCTL_KEY", old);
    stays_closed(&env);
    let env = env.set("TOKCTL_KEY", new.trim_end());
    opens(&env);
}

#[test]
fn a_vault_can_be_rotated_with_its_recovery_code() {
    let env = keyed();
    let code = add_recovery(&env);
    let id = id_of(&env, "key");
    let env = env.set("TOKCTL_KEY", code);
    let new = stdout(&env.tokctl(["rotate-key", "--drop-slot", &id]).assert().success());
    let env = env.set("TOKCTL_KEY", new.trim_end());
    opens(&env);
    assert_eq!(slots(&env).len(), 1);
}

#[test]
fn an_undecided_slot_stops_everything_and_can_be_dropped() {
    let env = keyed().set("TOKCTL_NEW_PASSPHRASE", PASSPHRASE);
    env.tokctl(["key", "add", "passphrase"]).assert().success();
    let env = env.unset("TOKCTL_NEW_PASSPHRASE");
    let (before, id) = (sealed(&env), id_of(&env, "passphrase"));
    let failed = env.tokctl(["rotate-key"]).assert().code(2).stdout_eq("");
    for part in [&id, "TOKCTL_NEW_PASSPHRASE", "--drop-slot"] {
        assert!(stderr(&failed).contains(part), "{part}: {}", stderr(&failed));
    }
    assert_eq!(sealed(&env), before);
    env.tokctl(["rotate-key", "--drop-slot", &id]).assert().success();
    assert_eq!(slots(&env).len(), 1);
    opens(&env);
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_PASSPHRASE", PASSPHRASE);
    stays_closed(&env);
}

#[test]
fn a_new_key_is_for_the_slot_that_the_old_one_opens() {
    let env = with_new_key(keyed());
    env.tokctl(["key", "add", "key"]).assert().success();
    let third = stdout(&env.tokctl(["key", "generate"]).assert().success());
    let file = env.file("third.key", &third);
    let env = env.set("TOKCTL_NEW_KEY_FILE", file);
    let failed = env.tokctl(["rotate-key"]).assert().code(2);
    let undecided: Vec<String> = slots(&env)
        .into_iter()
        .map(|[id, _]| id)
        .filter(|id| stderr(&failed).contains(id.as_str()))
        .collect();
    assert_eq!(undecided.len(), 1, "{}", stderr(&failed));
    env.tokctl(["rotate-key", "--drop-slot", &undecided[0]]).assert().success();
    let env = env.set("TOKCTL_KEY", third.trim_end());
    opens(&env);
}

#[test]
fn not_every_slot_can_be_dropped() {
    let env = keyed();
    let id = id_of(&env, "key");
    env.tokctl(["rotate-key", "--drop-slot", &id]).assert().code(2);
    env.tokctl(["rotate-key", "--drop-slot", "0123456789abcdef"]).assert().code(2);
    assert_eq!(generation(&env), 1);
    opens(&env);
}

#[test]
fn nothing_is_rotated_while_something_does_not_open() {
    let env = with_new_key(keyed())
        .with_static_token("it's", "made-up-2")
        .with_static_token("z", "made-up-3");
    env.flip_a_sealed_bit("it's");
    env.sql("UPDATE credentials_2 SET server_url = 'https://evil.example' WHERE user = 'z'");
    let before = sealed(&env);
    let failed = env.tokctl(["rotate-key"]).assert().code(7).stdout_eq("");
    let said = stderr(&failed);
    for command in
        [r"tokctl delete 'vendor/it'\''s' --no-revoke", "tokctl delete vendor/z --no-revoke"]
    {
        assert!(said.contains(command), "{said}");
    }
    assert!(!said.contains("vendor/x"), "{said}");
    let now = sealed(&env);
    assert_eq!(now[..now.len() - 1], before[..before.len() - 1]);
    for user in ["it's", "z"] {
        env.tokctl(["delete", "vendor", "--user", user, "--no-revoke", "--yes"]).assert().success();
    }
    env.tokctl(["rotate-key"]).assert().success();
    let env = env.set("TOKCTL_KEY", another_key());
    opens(&env);
}

#[test]
fn a_row_with_an_impossible_name_is_not_passed_over() {
    let env = keyed().with_static_token("y", "made-up-2");
    env.sql("UPDATE credentials_2 SET provider = 'NO PROVIDER' WHERE user = 'y'");
    env.tokctl(["rotate-key"]).assert().code(7);
    assert_eq!(generation(&env), 1);
}

#[test]
fn a_new_recovery_code_says_that_the_one_on_paper_is_void() {
    let env = keyed();
    let void = "code from before opens this vault no more";
    let said = stderr(&env.tokctl(["rotate-key"]).assert().success());
    assert!(!said.contains(void), "{said}");
    let code = add_recovery(&env);
    let said = stderr(&env.tokctl(["rotate-key"]).assert().success());
    assert!(said.contains(void), "{said}");
    env.tokctl(["get"]).env("TOKCTL_KEY", code).assert().code(5);
    let before = slots(&env);
    let another = env.file("another.key", another_key());
    env.tokctl(["key", "add", "key"]).env("TOKCTL_NEW_KEY_FILE", another).assert().success();
    let added = slots(&env).into_iter().find(|slot| !before.contains(slot)).unwrap();
    let said = stderr(&env.tokctl(["key", "remove", &added[0]]).assert().success());
    assert!(said.contains(void), "{said}");
}

#[test]
fn a_key_file_is_replaced_while_jobs_go_on() {
    let env = TestEnv::without_key();
    let key_file = env.file("vault.key", made_up_key());
    let new = env.file("new.key", another_key());
    let env = env.set("TOKCTL_KEY_FILE", &key_file).with_static_token("x", "made-up-token");
    let job = || env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
    let old = id_of(&env, "key");
    env.tokctl(["key", "add", "key"]).env("TOKCTL_NEW_KEY_FILE", &new).assert().success();
    job();
    std::fs::rename(&new, &key_file).unwrap();
    job();
    env.tokctl(["key", "remove", &old]).assert().success();
    job();
    let with_the_old_key = env.unset("TOKCTL_KEY_FILE").set("TOKCTL_KEY", made_up_key());
    with_the_old_key.tokctl(["get"]).assert().code(5);
}

#[test]
fn what_was_sealed_under_the_old_key_is_nowhere_in_the_files() {
    let long = "made-up-".repeat(4000);
    let env = with_new_key(keyed()).with_static_token("long", &long);
    add_recovery(&env);
    // Somebody else has the vault open, so that its log is not simply removed at the end.
    let other = env.open_vault();
    let _: i64 = other.query_row("SELECT count(*) FROM vault_2", [], |row| row.get(0)).unwrap();
    let before = sealed(&env);
    assert_eq!(before.len(), 7);
    let holds = |sealed: &[u8]| {
        let files = env.vault_bytes();
        // Any part of it, but for the version in front.
        sealed[1..].chunks_exact(24).any(|part| files.windows(24).any(|window| window == part))
    };
    assert!(before.iter().all(|sealed| holds(sealed)));
    env.tokctl(["rotate-key"]).assert().success();
    assert!(!before.iter().any(|sealed| holds(sealed)));
    drop(other);
    let env = env.set("TOKCTL_KEY", another_key());
    env.tokctl(["get", "--user", "long"]).assert().success().stdout_eq(long + "\n");
}

#[test]
fn a_row_kept_from_before_a_rotation_does_not_open() {
    let env = keyed();
    let old: Vec<u8> = env
        .open_vault()
        .query_row("SELECT sealed FROM credentials_2", [], |row| row.get(0))
        .unwrap();
    env.tokctl(["rotate-key"]).assert().success();
    env.open_vault().execute("UPDATE credentials_2 SET sealed = ?1", [old]).unwrap();
    env.tokctl(["get"]).assert().code(7).stdout_eq("");
}

#[test]
fn an_answer_that_lies_beside_the_vault_is_taken_up_first() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    env.leave_answer_beside("get", &server, issue());

    env.tokctl(["rotate-key"]).assert().success();
    env.tokctl(["get", "--no-refresh"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(server.token_requests().len(), 2, "the refresh token was spent once");
}

#[test]
fn a_refresh_in_doubt_stays_so_through_a_rotation() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(issue().lost());
    env.tokctl(["refresh"]).assert().code(6);
    env.tokctl(["rotate-key"]).assert().success();
    let spared = env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    assert!(stderr(&spared).contains("warning"), "{}", stderr(&spared));
    env.tokctl(["refresh"]).assert().code(6);
    assert_eq!(server.token_requests().len(), 2, "a second use would end the grant");
}

#[test]
fn a_rotation_waits_for_a_refresh_in_flight() {
    let server = AuthorizationServer::start();
    let env = with_new_key(TestEnv::new().with_login("x", &server, issue().expires_in(0)));
    server.will(issue().expires_in(0).after(Duration::from_millis(600)));
    let mut refresh = env.command(["refresh"]);
    let child = refresh.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while server.token_requests().len() < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    env.tokctl(["rotate-key"]).assert().success();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let env = env.set("TOKCTL_KEY", another_key());
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-3\n");
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-2")));
}

#[test]
fn the_audit_stays_whole() {
    let env = with_new_key(keyed());
    opens(&env);
    env.tokctl(["audit", "--verify"]).assert().success();
    env.tokctl(["rotate-key"]).assert().success();
    let env = env.set("TOKCTL_KEY", another_key());
    opens(&env);
    env.tokctl(["audit", "--verify"]).assert().success();
    let shown = json(&env.tokctl(["audit", "--json"]).assert().success());
    // A login, a rotation, and two uses.
    assert_eq!(shown["entries"].as_array().unwrap().len(), 4);
}

#[test]
fn eight_readers_and_refreshers_notice_nothing_of_five_rotations() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    for _ in 0..400 {
        server.will(issue().expires_in(0));
    }
    let children: Vec<_> = (0..8)
        .map(|number| {
            let verb = if number % 2 == 0 { "get" } else { "refresh" };
            let script = "count=0
                while ! [ -e stop ]; do \"$0\" $1 acme --user x >/dev/null || exit 9
                count=$((count + 1)); done; echo $count";
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).arg(snapbox::cmd::cargo_bin("tokctl")).arg(verb);
            env.settle(&mut command);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for _ in 0..5 {
        let so_far = server.token_requests().len();
        while server.token_requests().len() < so_far + 3 {
            thread::sleep(Duration::from_millis(5));
        }
        env.tokctl(["rotate-key"]).assert().success();
    }
    env.file("stop", "");
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_ne!(String::from_utf8_lossy(&output.stdout).trim(), "0", "{said}");
    }
    assert_eq!(generation(&env), 6);
    // Nobody spent a refresh token twice, and the last one is the one that is kept.
    let spent = server.token_requests().len();
    server.expects_no_more();
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    let last = TokenRequest::refresh(&format!("refresh-{spent}"));
    assert_eq!(server.token_requests().last(), Some(&last));
}

#[test]
fn a_rotation_that_finds_the_vault_busy_says_so() {
    let env = keyed();
    let other_writer = env.open_vault();
    other_writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    env.tokctl(["rotate-key"]).assert().code(9);
    other_writer.execute_batch("ROLLBACK").unwrap();
    assert_eq!(generation(&env), 1);
    opens(&env);
}

#[test]
fn a_wrong_key_rotates_nothing() {
    let env = keyed().set("TOKCTL_KEY", another_key());
    env.tokctl(["rotate-key"]).assert().code(5);
    let env = env.set("TOKCTL_KEY", made_up_key());
    opens(&env);
    assert_eq!(generation(&env), 1);
}

#[test]
fn a_copy_from_before_opens_with_the_key_from_before() {
    let env = with_new_key(keyed());
    env.tokctl(["backup", "copy.db"]).assert().success();
    env.tokctl(["rotate-key"]).assert().success();
    let get = ["--vault", "copy.db", "get", "vendor", "--user", "x"];
    env.tokctl(get).assert().success().stdout_eq("made-up-token\n");
    let env = env.set("TOKCTL_KEY", another_key());
    env.tokctl(get).assert().code(5);
    opens(&env);
}

#[test]
fn a_slot_that_somebody_edited_stops_a_rotation_until_it_is_dropped() {
    let env = keyed().set("TOKCTL_NEW_PASSPHRASE", PASSPHRASE);
    env.tokctl(["key", "add", "passphrase"]).assert().success();
    let env = env.unset("TOKCTL_NEW_PASSPHRASE").set("TOKCTL_PASSPHRASE", PASSPHRASE);
    env.sql("UPDATE key_slots_2 SET memory = 4294967295 WHERE kind = 'passphrase'");
    env.tokctl(["rotate-key"]).assert().code(7);
    assert_eq!(generation(&env), 1);
    let id = id_of(&env, "passphrase");
    env.tokctl(["rotate-key", "--drop-slot", &id]).assert().success();
    opens(&env);
}
