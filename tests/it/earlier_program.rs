//! The program of 0.1.0 on the machine where today's program migrates its vault.
//!
//! What that program does to the file is done here by its own statements, so that it need not be
//! built. The real one was tried by hand: a `get` of a due token, `refresh --watch` and `run` that
//! were started before the migration found a newer vault, and sent nothing.

use std::fs::{self, OpenOptions};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::env::{TestEnv, json, stderr};
use crate::vaults;

/// The statements with which the program of 0.1.0 finds a credential, begins a refresh and stores
/// its answer. The first that fails ends what it does.
const STATEMENTS: [&str; 9] = [
    "SELECT vault_id, generation FROM vault",
    "SELECT id, kind, memory, passes, lanes, salt, key_check, wrapped_key FROM key_slots",
    "SELECT provider, user FROM credentials",
    "SELECT revision, sealed FROM credentials WHERE provider = 'acme' AND user = 'x'",
    "SELECT revision, attempt, started_at FROM refresh_journal",
    "UPDATE vault SET revision = revision + 1",
    "INSERT OR REPLACE INTO refresh_journal (provider, user, revision, attempt, started_at)
      VALUES ('acme', 'x', 1, x'00', 0)",
    "UPDATE credentials SET sealed = x'00', revision = 1 WHERE provider = 'acme' AND user = 'x'",
    "DELETE FROM refresh_journal",
];

fn version(env: &TestEnv) -> i64 {
    env.open_vault().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

#[test]
fn one_that_still_runs_finds_none_of_its_tables() {
    let env = vaults::earlier("whole.db");
    let running = env.open_vault();
    for statement in STATEMENTS {
        running.prepare_cached(statement).unwrap();
    }
    let before = version(&env);
    let env = env.with_static_token("z", "made-up");
    assert!(version(&env) > before, "or it would take the vault for its own");
    for statement in STATEMENTS {
        let failed = running.prepare_cached(statement).err();
        let failed = failed.or_else(|| {
            let mut prepared = running.prepare_cached(statement).unwrap();
            prepared.raw_execute().err()
        });
        let said = failed.map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("no such table"), "{statement}: {said}");
    }
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-2\n");
    env.tokctl(["get", "vendor/y"]).assert().success().stdout_eq("made-up-token\n");
}

#[test]
fn its_request_that_is_on_its_way_is_waited_for_by_the_migration() {
    let env = vaults::earlier("whole.db");
    env.define_vendor();
    // It holds this lock from before it writes its journal until its answer is stored.
    let in_use = env.path("data/tokctl/tokens.db.d/vault.lock");
    let in_use = OpenOptions::new().create(true).append(true).open(in_use).unwrap();
    in_use.lock_shared().unwrap();
    let token = env.file("token", "made-up");
    let before = version(&env);
    let write = env
        .command(["login", "vendor", "--user", "z", "--token-stdin"])
        .stdin(fs::File::open(token).unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_millis(700));
    assert_eq!(version(&env), before, "its answer could not be stored any more");
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-2\n");
    let running = env.open_vault();
    for statement in STATEMENTS {
        running.prepare(statement).unwrap();
    }
    in_use.unlock().unwrap();
    let written = write.wait_with_output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    assert!(version(&env) > before);
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn its_journal_and_its_audit_are_carried_through_the_migration() {
    let env = vaults::earlier("interrupted.db");
    // Without the answer that lies beside the vault, the refresh stays in doubt.
    for entry in fs::read_dir(env.path("data/tokctl/tokens.db.d")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "spill") {
            fs::remove_file(path).unwrap();
        }
    }
    let audit = ["audit", "--verify", "--json"];
    let entries = json(&env.tokctl(audit).assert().success())["entries"].as_u64().unwrap();
    let before = version(&env);
    let env = env.with_static_token("z", "made-up");
    assert!(version(&env) > before);
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    let told = listed["credentials"][0]["last_error"].as_str().unwrap_or_default();
    assert!(told.contains("not known"), "the journal is gone: {listed}");
    let now = json(&env.tokctl(audit).assert().success())["entries"].as_u64().unwrap();
    assert!(now > entries, "{now} entries after {entries}");
    // Its key came along: whoever takes the earlier entries away is found out.
    let path = env.path("data/tokctl/tokens.db.d/audit.jsonl");
    let kept = fs::read_to_string(&path).unwrap();
    fs::write(&path, kept.split_once('\n').unwrap().1).unwrap();
    let found = env.tokctl(["audit", "--verify"]).assert().code(7);
    assert!(!stderr(&found).is_empty());
}
