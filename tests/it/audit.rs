//! `tokctl audit`: every use of a credential leaves an entry, and nobody takes one away unnoticed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, issue, refuse};
use crate::env::{TestEnv, another_key, json, made_up_key, set_mode, stderr, stdout};
use crate::key_slots::{add_recovery, id_of};

fn path(env: &TestEnv) -> PathBuf {
    env.path("data/tokctl/tokens.db.d/audit.jsonl")
}

fn lines(env: &TestEnv) -> Vec<String> {
    fs::read_to_string(path(env)).unwrap().lines().map(str::to_owned).collect()
}

fn rewrite(env: &TestEnv, lines: &[String]) {
    fs::write(path(env), lines.join("\n") + "\n").unwrap();
}

fn entries(env: &TestEnv) -> Vec<Value> {
    let shown = json(&env.tokctl(["audit", "--json"]).assert().success());
    assert_eq!(shown["v"], 1);
    shown["entries"].as_array().unwrap().clone()
}

/// Action, user and outcome of each entry.
fn told(env: &TestEnv) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    entries(env)
        .iter()
        .map(|entry| ["action", "user", "outcome"].map(|field| text(&entry[field])))
        .collect()
}

fn verify(env: &TestEnv) -> Value {
    json(&env.tokctl(["audit", "--verify", "--json"]).assert().success())
}

/// What `--verify` says of something wrong.
#[track_caller]
fn found(env: &TestEnv) -> String {
    stderr(&env.tokctl(["audit", "--verify"]).assert().code(7).stdout_eq(""))
}

/// A token, and an audit that is kept as `config` says.
fn kept_as(config: &str) -> TestEnv {
    let env = TestEnv::new();
    env.config(&format!("audit = {config}\n"));
    env.with_static_token("x", "made-up-token")
}

#[test]
fn every_use_leaves_an_entry() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(issue());
    env.tokctl(["get"]).assert().success();
    env.tokctl(["get"]).assert().success();
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh"]).assert().code(4);
    env.tokctl(["get"]).assert().success();
    env.tokctl(["get", "--min-ttl", "300d"]).assert().code(4);
    for _ in 0..3 {
        server.will_revoke(503);
    }
    env.tokctl(["delete", "acme", "--user", "x", "--yes"]).assert().code(6);
    server.will_revoke(200);
    server.will_revoke(200);
    env.tokctl(["delete", "acme", "--user", "x", "--yes"]).assert().success();
    let expected = [
        ["login", "x", "ok"],
        ["get", "x", "refreshed"],
        ["get", "x", "ok"],
        ["refresh", "x", "refreshed"],
        ["refresh", "x", "login_required"],
        ["get", "x", "fading"],
        ["get", "x", "login_required"],
        ["delete", "x", "provider_unavailable"],
        ["delete", "x", "ok"],
    ];
    assert_eq!(told(&env), expected.map(|entry| entry.map(str::to_owned)));
    assert_eq!(verify(&env)["entries"], 9);
}

/// Action, key slot and outcome of each entry that is about no credential.
fn told_of_keys(env: &TestEnv) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    entries(env)
        .iter()
        .filter(|entry| entry["provider"].is_null() && entry["user"].is_null())
        .map(|entry| ["action", "slot", "outcome"].map(|field| text(&entry[field])))
        .collect()
}

#[test]
fn every_change_of_the_keys_leaves_an_entry() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    add_recovery(&env);
    let recovery = id_of(&env, "recovery");
    env.tokctl(["key", "add", "keychain"]).assert().code(5);
    env.tokctl(["rotate-key", "--drop-slot", &recovery]).assert().success();
    let key = id_of(&env, "key");
    env.tokctl(["key", "remove", &key]).assert().code(2);
    env.flip_a_sealed_bit("x");
    env.tokctl(["rotate-key"]).assert().code(7);
    let expected = [
        ["add-slot", recovery.as_str(), "ok"],
        ["add-slot", "-", "key_unavailable"],
        ["rotate-key", "-", "ok"],
        ["remove-slot", key.as_str(), "usage"],
        ["rotate-key", "-", "vault_damaged"],
    ];
    assert_eq!(told_of_keys(&env), expected.map(|entry| entry.map(str::to_owned)));
    let entries = entries(&env);
    assert_eq!(entries[3]["command"], "rotate-key");
    assert!(entries[3]["pid"].as_u64().unwrap() > 0);
    // After the last one nothing was written any more.
    assert_eq!((&verify(&env)["remembered"], &verify(&env)["entries"]), (&json!(5), &json!(6)));
    let shown = stdout(&env.tokctl(["audit"]).assert().success());
    assert!(shown.contains(&format!("add-slot {recovery}")), "{shown}");
    assert_eq!(
        json(&env.tokctl(["audit", "vendor", "--json"]).assert().success())["entries"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_change_of_the_keys_that_somebody_took_out_is_found() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["rotate-key"]).assert().success();
    let all = lines(&env);
    assert_eq!(all.len(), 2);
    rewrite(&env, &all[..1]);
    assert!(found(&env).contains("cut off"), "{}", found(&env));
    rewrite(&env, &[all[0].clone(), all[1].replace("rotate-key", "get")]);
    found(&env);
    rewrite(&env, &all);
    assert_eq!(verify(&env)["entries"], 2);
}

#[test]
fn what_was_tampered_with_leaves_an_entry_when_it_is_used() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.flip_a_sealed_bit("x");
    env.tokctl(["get"]).assert().code(7);
    let login = ["login", "vendor", "--user", "x", "--token-stdin"];
    env.tokctl(login).stdin("made-up-token").assert().code(7);
    assert_eq!(told(&env)[1..], [["get", "x", "vault_damaged"], ["login", "x", "vault_damaged"]]);
}

#[test]
fn a_login_that_fails_leaves_an_entry_too() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    let login = ["login", "acme", "--user", "x", "--timeout", "0s"];
    env.tokctl(login).assert().code(8);
    env.define_vendor();
    let login = ["login", "vendor", "--user", "y", "--token-stdin"];
    env.tokctl(login).stdin("").assert().code(2);
    assert_eq!(told(&env), [["login", "x", "login_failed"], ["login", "y", "usage"]]);
}

#[test]
fn an_entry_says_who_asked_and_when() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let mut get = env.command(["get"]);
    get.stdout(Stdio::null());
    let script = env.file("asker", "#!/bin/sh\n\"$@\"\nexit 0\n");
    set_mode(&script, 0o700);
    let mut asker = Command::new(&script);
    asker.arg(get.get_program()).args(get.get_args()).stdout(Stdio::null());
    env.settle(&mut asker);
    assert!(asker.status().unwrap().success());
    let last = entries(&env).pop().unwrap();
    assert_eq!(last["n"], 2);
    assert_eq!(last["provider"], "vendor");
    assert_eq!(last["command"], "get");
    assert_eq!(last["missed"], 0);
    assert!(last["pid"].as_u64().unwrap() > 1);
    if cfg!(target_os = "linux") {
        assert_eq!(last["parent"], "asker");
    }
    let at = last["at"].as_str().unwrap();
    assert!(at.len() == "2026-01-02T03:04:05.678Z".len() && at.ends_with('Z'), "{at}");
}

#[test]
fn entries_can_be_chosen_and_shown_without_a_key() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y");
    env.tokctl(["get", "vendor", "--user", "x"]).assert().success();
    let env = env.unset("TOKCTL_KEY");
    let count = |arguments: &[&str]| {
        let shown = env.tokctl(["audit", "--json"].iter().chain(arguments)).assert().success();
        json(&shown)["entries"].as_array().unwrap().len()
    };
    assert_eq!(count(&[]), 3);
    assert_eq!(count(&["--user", "x"]), 2);
    assert_eq!(count(&["vendor", "--user", "x", "--last", "1"]), 1);
    env.tokctl(["audit", "--json", "jira"]).assert().code(3);
    let table = stdout(&env.tokctl(["audit", "--last", "2"]).assert().success());
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert!(rows[1].contains("login") && rows[2].contains("get"), "{table}");
    TestEnv::new().tokctl(["audit"]).assert().code(3);
}

#[test]
fn the_file_is_private_and_holds_no_secret() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new()
        .with_login("x", &server, issue().expires_in(0))
        .with_static_token("y", "made-up-token");
    server.will(issue());
    env.tokctl(["get", "acme"]).assert().success();
    set_mode(&path(&env), 0o644);
    env.tokctl(["get", "vendor"]).assert().success();
    let mode = fs::metadata(path(&env)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let text = fs::read_to_string(path(&env)).unwrap();
    for secret in ["made-up-token", "access-", "refresh-", "code-", made_up_key()] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[test]
fn what_stands_in_the_file_can_not_paint_the_terminal() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let forged = lines(&env)[0].replace("\"x\"", "\"\\u001b[31mx\\u202e\"");
    rewrite(&env, &[forged, "junk".to_owned()]);
    let shown = env.tokctl(["audit"]).assert().success();
    assert!(stdout(&shown).contains("[31mx"), "{}", stdout(&shown));
    assert!(!stdout(&shown).contains(['\u{1b}', '\u{202e}']), "{}", stdout(&shown));
    assert!(stderr(&shown).contains("--verify"), "{}", stderr(&shown));
}

#[test]
fn fifty_at_once_keep_one_chain() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let running: Vec<_> =
        (0..50).map(|_| env.command(["get"]).stdout(Stdio::piped()).spawn().unwrap()).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "made-up-token\n");
    }
    // On a machine that is too busy some may have waited in vain, and were counted.
    env.tokctl(["get"]).assert().success();
    let missed: u64 = entries(&env).iter().map(|entry| entry["missed"].as_u64().unwrap()).sum();
    assert_eq!(lines(&env).len() as u64 + missed, 1 + 50 + 1);
    assert_eq!(verify(&env)["entries"], lines(&env).len());
}

#[test]
fn a_get_of_a_fresh_token_writes_nothing_else_and_reads_no_configuration() {
    let env = kept_as("{ mode = \"required\", keep = 5 }");
    let before = fs::read(env.vault_path()).unwrap();
    env.config("audit = { this is no configuration");
    env.tokctl(["get", "vendor", "--user", "x"]).assert().success().stdout_eq("made-up-token\n");
    assert!(fs::read(env.vault_path()).unwrap() == before);
    assert_eq!(told(&env).len(), 2);
    // Not even pruned.
    for _ in 0..9 {
        env.tokctl(["get", "vendor", "--user", "x"]).assert().success();
    }
    assert_eq!(lines(&env).len(), 11);
}

/// Runs `get` where it may write no byte to any file.
fn get_without_room(env: &TestEnv) -> std::process::Output {
    let get = env.command(["get"]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "ulimit -f 0; exec \"$@\"", "sh"]);
    shell.arg(get.get_program()).args(get.get_args());
    env.settle(&mut shell);
    shell.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn without_room_the_token_is_printed_all_the_same() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let before = lines(&env);
    let got = get_without_room(&env);
    assert_eq!(String::from_utf8_lossy(&got.stderr), "");
    assert_eq!(String::from_utf8_lossy(&got.stdout), "made-up-token\n");
    assert_eq!(lines(&env), before);
    env.tokctl(["get"]).assert().success();
    assert_eq!(verify(&env)["entries"], 2);
}

#[test]
fn required_means_no_token_without_an_entry() {
    let env = kept_as("\"required\"");
    let refused = get_without_room(&env);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&refused.stdout), "");
    let said = String::from_utf8_lossy(&refused.stderr);
    for word in ["could not be recorded", "caused by: ", "audit.jsonl", "hint: "] {
        assert!(said.contains(word), "{said}");
    }
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
    assert_eq!(lines(&env).len(), 2);
}

#[test]
fn a_file_that_can_not_be_written_stops_only_where_it_is_required() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    fs::remove_file(path(&env)).unwrap();
    fs::create_dir(path(&env)).unwrap();
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n").stderr_eq("");
    let told = env.tokctl(["get", "-v"]).assert().success();
    assert!(stderr(&told).contains("audit.jsonl"), "{}", stderr(&told));
    fs::remove_dir(path(&env)).unwrap();

    let env = kept_as("\"required\"");
    fs::remove_file(path(&env)).unwrap();
    fs::create_dir(path(&env)).unwrap();
    env.tokctl(["get"]).assert().code(1).stdout_eq("");
    // A login hands out nothing: it is not undone.
    let login = ["login", "vendor", "--user", "x", "--token-stdin"];
    let done = env.tokctl(login).stdin("made-up-token").assert().success();
    assert!(stderr(&done).contains("could not be recorded"), "{}", stderr(&done));
}

#[test]
fn a_missing_folder_is_made_anew() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    fs::remove_dir_all(path(&env).parent().unwrap()).unwrap();
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n").stderr_eq("");
    assert_eq!(lines(&env).len(), 1);
    assert!(found(&env).contains("line 1"));
}

#[test]
fn switched_off_it_writes_nothing() {
    let env = kept_as("\"off\"");
    env.tokctl(["get"]).assert().success();
    assert!(!path(&env).exists());
    env.tokctl(["audit"]).assert().success().stdout_eq("");
    assert_eq!(verify(&env)["entries"], 0);
}

#[test]
fn verify_puts_a_changed_configuration_in_force() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.add_config("audit = \"off\"\n");
    env.config(&format!("audit = \"off\"\n{}", "[providers.vendor]\napi_auth = \"bearer\"\n"));
    env.tokctl(["get"]).assert().success();
    assert_eq!(lines(&env).len(), 2);
    let done = env.tokctl(["audit", "--verify"]).assert().success();
    assert!(stderr(&done).contains("is off from now on"), "{}", stderr(&done));
    env.tokctl(["get"]).assert().success();
    assert_eq!(lines(&env).len(), 2);
    let again = env.tokctl(["audit", "--verify"]).assert().success();
    assert_eq!(stderr(&again).lines().count(), 1, "{}", stderr(&again));
}

#[test]
fn what_is_pruned_leaves_a_file_that_can_be_verified() {
    let env = kept_as("{ keep = 5 }");
    for _ in 0..4 {
        for _ in 0..3 {
            env.tokctl(["get"]).assert().success();
        }
        let login = ["login", "vendor", "--user", "x", "--token-stdin"];
        env.tokctl(login).stdin("made-up-token").assert().success();
        assert!(verify(&env)["entries"].as_u64().unwrap() <= 5);
    }
    let numbers: Vec<_> = entries(&env).iter().map(|entry| entry["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [13, 14, 15, 16, 17]);
    assert_eq!(lines(&env).len(), 6);
    let mode = fs::metadata(path(&env)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    let kept = lines(&env);
    rewrite(&env, &kept[1..]);
    assert!(found(&env).contains("entries 1 to 12 were removed before line 1"), "{}", found(&env));
}

#[test]
fn whatever_was_changed_is_named_with_its_line() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    for _ in 0..3 {
        env.tokctl(["get"]).assert().success();
    }
    let whole = lines(&env);

    let mut changed = whole.clone();
    changed[1] = changed[1].replace("\"user\":\"x\"", "\"user\":\"y\"");
    rewrite(&env, &changed);
    assert!(found(&env).contains("line 2 was changed"), "{}", found(&env));

    let mut removed = whole.clone();
    removed.remove(2);
    rewrite(&env, &removed);
    assert!(found(&env).contains("entry 3 was removed before line 3"), "{}", found(&env));

    let mut moved = whole.clone();
    moved.swap(1, 2);
    rewrite(&env, &moved);
    assert!(found(&env).contains("line 3 holds entry 2"), "{}", found(&env));

    rewrite(&env, &whole);
    assert_eq!(verify(&env)["entries"], 4);
}

#[test]
fn the_vault_remembers_the_last_entry_before_a_refresh() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    for _ in 0..3 {
        env.tokctl(["get"]).assert().success();
    }
    assert_eq!(verify(&env), json!({"v": 1, "entries": 4, "remembered": 1, "unsealed": 3}));
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    env.tokctl(["get"]).assert().success();
    assert_eq!(verify(&env), json!({"v": 1, "entries": 6, "remembered": 4, "unsealed": 2}));

    // What came after it may be cut off, and it says so.
    let whole = lines(&env);
    rewrite(&env, &whole[..4]);
    let said = stderr(&env.tokctl(["audit", "--verify"]).assert().success());
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("after entry 4 would not be noticed"), "{said}");
    rewrite(&env, &whole[..3]);
    assert!(found(&env).contains("entry 4 was cut off at the end"), "{}", found(&env));
    fs::remove_file(path(&env)).unwrap();
    assert!(found(&env).contains("entries 1 to 4 were cut off"), "{}", found(&env));
}

#[test]
fn a_cut_is_not_mended_by_using_tokctl_on() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.tokctl(["get"]).assert().success();
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    rewrite(&env, &lines(&env)[..1]);
    env.tokctl(["get"]).assert().success();
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    env.tokctl(["get"]).assert().success();
    assert!(found(&env).contains("entry 2 was removed before line 2"), "{}", found(&env));
}

#[test]
fn an_edited_seal_is_found_before_a_token_is_printed() {
    for change in ["sealed = zeroblob(130)", "sealed = x''", "created_at = created_at + 1"] {
        let env = TestEnv::new().with_static_token("x", "made-up-token");
        env.sql(&format!("UPDATE vault_2 SET {change}"));
        env.tokctl(["get"]).assert().code(7).stdout_eq("");
        env.tokctl(["audit", "--verify"]).assert().code(7);
    }
}

#[test]
fn a_new_vault_does_not_go_on_with_the_audit_of_the_one_before() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let old = lines(&env);
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(env.path(&format!("data/tokctl/tokens.db{suffix}")));
    }
    let env = env.with_static_token("y", "made-up-token");
    assert_eq!(verify(&env)["entries"], 1);
    let kept: Vec<_> = fs::read_dir(path(&env).parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("audit.before-"))
        .collect();
    assert_eq!(fs::read_to_string(&kept[0]).unwrap().trim_end(), old[0]);
}

#[test]
fn verifying_needs_the_key() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let env = env.set("TOKCTL_KEY", another_key());
    env.tokctl(["audit", "--verify"]).assert().code(5);
}

#[test]
fn what_a_killed_process_left_unfinished_is_no_tampering() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let torn = format!("{}\n{}", lines(&env)[0], &lines(&env)[0][..50]);
    fs::write(path(&env), torn).unwrap();
    let said = stderr(&env.tokctl(["audit", "--verify"]).assert().success());
    assert!(said.contains("not finished"), "{said}");
    env.tokctl(["get"]).assert().success();
    assert_eq!(entries(&env)[1]["missed"], 1);
    assert_eq!(verify(&env)["entries"], 2);
}

#[test]
fn a_pipe_in_the_place_of_the_audit_is_waited_for_by_nobody() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    fs::remove_file(path(&env)).unwrap();
    assert!(Command::new("mkfifo").arg(path(&env)).status().unwrap().success());
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    for arguments in [&["audit"][..], &["audit", "--verify"]] {
        let failed = env.tokctl(arguments).assert().failure();
        assert!(stderr(&failed).contains("not a plain file"), "{}", stderr(&failed));
    }
}
