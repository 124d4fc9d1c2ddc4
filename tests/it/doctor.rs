//! `tokctl doctor`: each thing that can be out of order is found, with what mends it.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{FileExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::authorization_server::{AuthorizationServer, issue, refuse};
use crate::env::{TestEnv, another_key, json, made_up_key, set_mode, stderr, stdout};
use crate::export::{interrupt_a_move, with_bundle_key};
use crate::http::Response;

fn in_order() -> TestEnv {
    TestEnv::new().with_static_token("x", "made-up-token")
}

/// What `doctor` finds, and the code that it ends with.
fn examined(env: &TestEnv, arguments: &[&str]) -> (Vec<Value>, i32) {
    let done = env.tokctl(["doctor", "--json"].iter().chain(arguments)).assert();
    let code = done.get_output().status.code().expect("a code");
    let report = json(&done);
    assert_eq!(report["v"], 1);
    (report["checks"].as_array().expect("a list").clone(), code)
}

/// Expects the named check to have this result, with these words in its message and hint.
#[track_caller]
fn finds(env: &TestEnv, code: i32, [name, result, message, hint]: [&str; 4]) {
    finds_with(env, &[], code, [name, result, message, hint]);
}

#[track_caller]
fn finds_with(env: &TestEnv, arguments: &[&str], code: i32, expected: [&str; 4]) {
    let [name, result, message, hint] = expected;
    let (checks, ended) = examined(env, arguments);
    let found = checks.iter().any(|check| {
        check["name"] == name
            && check["result"] == result
            && check["message"].as_str().unwrap().contains(message)
            && check["hint"].as_str().unwrap_or_default().contains(hint)
    });
    assert!(found, "no {expected:?} in {checks:#?}");
    assert_eq!(ended, code, "{checks:#?}");
}

fn mode(path: &PathBuf) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn beside(env: &TestEnv, name: &str) -> PathBuf {
    env.path("data/tokctl/tokens.db.d").join(name)
}

#[test]
fn a_vault_in_order_is_told_to_be_so() {
    let (checks, code) = examined(&in_order(), &[]);
    assert_eq!(code, 0, "{checks:#?}");
    for name in [
        "environment",
        "configuration",
        "providers",
        "browser",
        "memory",
        "sqlite",
        "permissions",
        "disk",
        "vault",
        "integrity",
        "log",
        "refreshes",
        "leftovers",
        "unlock",
        "slots",
        "credentials",
        "audit",
        "logins",
        "keychain",
        "ports",
    ] {
        assert!(
            checks.iter().any(|check| check["name"] == name && check["result"] == "ok"),
            "{name} in {checks:#?}"
        );
    }
    for check in checks {
        assert!(["ok", "hint", "unknown"].contains(&check["result"].as_str().unwrap()), "{check}");
    }
}

#[test]
fn a_terminal_gets_a_list_and_quiet_callers_what_is_to_be_mended() {
    let env = in_order();
    let told = stdout(&env.tokctl(["doctor"]).assert().success().stderr_eq(""));
    assert!(told.lines().any(|line| line.starts_with("ok       credentials")), "{told}");
    env.tokctl(["doctor", "-q"]).assert().success().stdout_eq("").stderr_eq("");
    env.flip_a_sealed_bit("x");
    let done = env.tokctl(["doctor", "-q"]).assert().code(7);
    let told = stdout(&done);
    assert!(told.starts_with("damaged  credentials"), "{told}");
    assert_eq!(told.lines().count(), 2, "a line and its hint: {told}");
    assert!(stderr(&done).contains("hint: "), "{}", stderr(&done));
}

#[test]
fn looking_changes_nothing() {
    let env = crate::vaults::earlier("whole.db");
    set_mode(&env.vault_path(), 0o644);
    let before = fs::read(env.vault_path()).unwrap();
    finds(&env, 1, ["vault", "hint", "an earlier version", "tokctl rotate-key"]);
    assert!(fs::read(env.vault_path()).unwrap() == before);
    assert_eq!(mode(&env.vault_path()), 0o644);
    finds(&env, 1, ["credentials", "ok", "all 2 open", ""]);
}

#[test]
fn where_there_is_no_vault_the_rest_is_looked_at() {
    let env = TestEnv::new();
    let (checks, code) = examined(&env, &[]);
    assert_eq!(code, 3);
    assert!(checks.iter().any(|check| check["name"] == "ports"), "{checks:#?}");
    let said = stderr(&env.tokctl(["doctor"]).assert().code(3));
    assert!(said.contains("hint: tokctl providers"), "{said}");
    assert!(!env.path("data/tokctl").exists());
}

#[test]
fn files_that_others_can_read_are_found() {
    for place in ["tokens.db", "tokens.db.d", "tokens.db.d/audit.jsonl"] {
        let env = in_order();
        let path = env.path("data/tokctl").join(place);
        set_mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
        finds(&env, 1, ["permissions", "finding", "can be read by others", "chmod go= "]);
    }
}

#[test]
fn files_that_others_can_write_are_found() {
    for place in ["", "tokens.db", "tokens.db.d/vault.lock"] {
        let env = in_order();
        let path = env.path("data/tokctl").join(place);
        set_mode(&path, if path.is_dir() { 0o777 } else { 0o666 });
        finds(&env, 1, ["permissions", "finding", "can be written by others", "chmod go-w "]);
    }
}

/// Only root can give files away.
#[test]
fn files_that_are_somebody_elses_are_found() {
    for place in ["", "tokens.db", "tokens.db.d", "tokens.db.d/audit.jsonl"] {
        let env = in_order();
        let path = env.path("data/tokctl").join(place);
        if chown(&path, Some(65_000), None).is_err() {
            return;
        }
        finds(&env, 1, ["permissions", "finding", "belongs to another user", "run it as `65000`"]);
    }
}

#[test]
fn a_key_file_that_others_can_read_is_found_and_opens_the_vault() {
    let env = in_order().unset("TOKCTL_KEY");
    let path = env.file("key", made_up_key());
    let env = env.set("TOKCTL_KEY_FILE", path.clone());
    set_mode(&path, 0o644);
    finds(&env, 1, ["permissions", "finding", "key` can be read by others", "chmod go= "]);
    set_mode(&path, 0o600);
    finds(&env, 0, ["unlock", "ok", "`key` slot", ""]);
}

#[test]
fn a_bundles_secret_that_others_can_read_is_found() {
    for name in ["TOKCTL_BUNDLE_KEY_FILE", "TOKCTL_BUNDLE_PASSPHRASE_FILE"] {
        let env = in_order();
        let path = env.file("bundle-secret", another_key());
        let env = env.set(name, path.clone());
        set_mode(&path, 0o644);
        finds(&env, 1, ["permissions", "finding", "bundle-secret` can be read", "chmod go= "]);
        set_mode(&path, 0o600);
        assert_eq!(examined(&env, &[]).1, 0, "{name}");
    }
}

#[test]
fn a_damaged_page_is_damage_though_every_credential_opens() {
    let env = in_order();
    // A page of a table that nothing else is read from.
    let page: u64 = env
        .open_vault()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'intents_2'", [], |row| {
            row.get::<_, i64>(0)
        })
        .unwrap()
        .try_into()
        .unwrap();
    let file = fs::OpenOptions::new().write(true).open(env.vault_path()).unwrap();
    file.write_all_at(&[0xFF; 4096], (page - 1) * 4096).unwrap();
    finds(&env, 7, ["integrity", "damaged", "damaged", "restore"]);
    finds(&env, 7, ["credentials", "ok", "the one that is stored opens", ""]);
}

#[test]
fn a_vault_without_a_slot_and_the_slot_of_another_vault_are_told() {
    let env = in_order();
    env.sql("DELETE FROM key_slots_2");
    finds(&env, 7, ["recovery", "damaged", "no key slot", "restore"]);
    let refused = env.tokctl(["get"]).assert().code(5).stdout_eq("");
    assert!(stderr(&refused).contains("hint: tokctl doctor\n"), "{}", stderr(&refused));

    let env = in_order();
    env.sql(
        "INSERT INTO key_slots_2 SELECT x'0102030405060708', x'01020304050607080102030405060708',
           kind, memory, passes, lanes, salt, key_check, wrapped_key, created_at FROM key_slots_2",
    );
    finds(&env, 7, ["slots", "damaged", "0102030405060708", "tokctl doctor --repair --yes"]);
    let (checks, _) = examined(&env, &[]);
    assert!(!checks.iter().any(|check| check["name"] == "recovery"), "{checks:#?}");
    // All else is looked at, since another slot opens the vault.
    assert!(checks.iter().any(|check| check["name"] == "credentials"), "{checks:#?}");
    env.tokctl(["get"]).assert().code(7);
    let repaired = env.tokctl(["doctor", "--repair", "--yes"]).assert().success();
    assert!(stderr(&repaired).contains("0102030405060708 names another vault"));
    env.tokctl(["get"]).assert().success();
    env.tokctl(["doctor"]).assert().success();
}

#[test]
fn a_slot_of_another_vault_is_not_taken_out_where_it_may_be_the_only_way_in() {
    let env = in_order();
    env.sql("UPDATE key_slots_2 SET vault_id = x'01020304050607080102030405060708'");
    finds(&env, 7, ["slots", "damaged", "of another vault, or was edited", "restore"]);
    env.tokctl(["doctor", "--repair", "--yes"]).assert().failure();
    let left: i64 = env
        .open_vault()
        .query_row("SELECT count(*) FROM key_slots_2", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 1);
}

#[test]
fn one_of_a_kind_is_told_in_the_singular() {
    let env = in_order();
    env.tokctl(["audit", "--verify"]).assert().success();
    let text = stdout(&env.tokctl(["doctor"]).assert().success());
    for plural in ["all 1 ", " 1 entries", "1 rows", "1 slots"] {
        assert!(!text.contains(plural), "{text}");
    }
    env.tokctl(["delete", "vendor/x", "--yes"]).assert().success();
    finds(&env, 0, ["credentials", "ok", "there is none yet", ""]);
}

#[test]
fn hints_name_the_vault_that_a_flag_named() {
    let env = in_order();
    let vault = env.vault_path();
    let vault = vault.to_str().unwrap();
    finds_with(
        &env,
        &["--vault", vault],
        0,
        [
            "recovery",
            "hint",
            "the one `key` slot",
            &format!("tokctl --vault {vault} key add recovery"),
        ],
    );
}

#[test]
fn a_credential_that_does_not_open_is_named_with_what_takes_it_away() {
    let env = in_order();
    env.flip_a_sealed_bit("x");
    let hint = "tokctl delete vendor/x --no-revoke";
    finds(&env, 7, ["credentials", "damaged", "`vendor/x`", hint]);
    env.tokctl(["delete", "vendor", "--user", "x", "--no-revoke", "--yes"]).assert().success();
    finds(&env, 0, ["credentials", "ok", "there is none yet", ""]);
}

#[test]
fn an_edited_key_slot_is_damage() {
    let env = in_order();
    env.sql("UPDATE key_slots_2 SET salt = zeroblob(16)");
    finds(&env, 7, ["unlock", "damaged", "key slot", "restore"]);
    finds(&env, 7, ["credentials", "unknown", "does not open", ""]);
    finds(&env, 7, ["integrity", "ok", "whole", ""]);
}

#[test]
fn what_is_no_database_is_damage() {
    let env = in_order();
    fs::write(env.vault_path(), "not a database, made up for a test".repeat(64)).unwrap();
    finds(&env, 7, ["vault", "damaged", "damaged", "restore"]);
}

#[test]
fn errors_of_a_damaged_vault_lead_here() {
    let env = in_order();
    env.sql("UPDATE key_slots_2 SET salt = zeroblob(16)");
    let said = stderr(&env.tokctl(["get"]).assert().code(7));
    assert!(said.contains("tokctl doctor"), "{said}");
}

#[test]
fn a_wrong_key_is_found_and_nothing_is_asked() {
    let env = in_order().set("TOKCTL_KEY", another_key());
    finds(&env, 1, ["unlock", "finding", "that key does not open this vault", "TOKCTL_KEY"]);
    finds(&env, 1, ["credentials", "unknown", "does not open", ""]);
}

#[test]
fn an_environment_that_contradicts_itself_is_found() {
    let env = in_order();
    let path = env.file("key", made_up_key());
    let env = env.set("TOKCTL_KEY_FILE", path);
    finds(&env, 1, ["environment", "finding", "TOKCTL_KEY_FILE", "unset"]);
    let env = env.unset("TOKCTL_KEY_FILE").set("TOKCTL_PASSPHRASE", "made-up");
    finds(&env, 0, ["environment", "hint", "not used", "unset TOKCTL_PASSPHRASE"]);
    let env = env.unset("TOKCTL_PASSPHRASE").set("XDG_CONFIG_HOME", "relative");
    finds(&env, 0, ["environment", "hint", "XDG_CONFIG_HOME", "unset XDG_CONFIG_HOME"]);
}

#[test]
fn a_vault_with_one_way_in_is_advised_of_another() {
    let env = in_order();
    finds(&env, 0, ["recovery", "hint", "`key` slot", "tokctl key add recovery"]);
    env.tokctl(["key", "add", "recovery"]).assert().success();
    finds(&env, 0, ["recovery", "ok", "2 slots", ""]);
    finds(&env, 0, ["slots", "ok", "`key` slot", ""]);
    finds(&env, 0, ["slots", "unknown", "`recovery` slot", ""]);
}

#[test]
fn an_audit_that_was_changed_is_damage() {
    let env = in_order();
    let path = beside(&env, "audit.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("login", "lagin")).unwrap();
    finds(&env, 7, ["audit", "damaged", "line 1", "tokctl audit --verify"]);
}

#[test]
fn an_interrupted_refresh_is_found_and_one_that_is_under_way_is_none() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(issue().after(Duration::from_secs(3)));
    let mut refresh = env.command(["refresh", "--quiet"]).spawn().unwrap();
    while server.token_requests().len() < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    finds(&env, 0, ["refreshes", "ok", "may be under way", ""]);
    assert!(refresh.wait().unwrap().success());
    server.will(issue().lost());
    env.tokctl(["refresh"]).assert().code(6);
    // Its process has ended, whatever the time of day is.
    finds(&env, 1, ["refreshes", "finding", "`acme/x`", "tokctl why acme/x"]);
}

#[test]
fn an_answer_beside_the_vault_is_found() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(issue().lost());
    env.tokctl(["refresh"]).assert().code(6);
    let entries = fs::read_dir(beside(&env, "")).unwrap().map(|entry| entry.unwrap().path());
    let spill = entries.filter(|path| path.extension().is_some_and(|end| end == "spill"));
    let [spill] = &spill.collect::<Vec<_>>()[..] else { panic!("one spill file") };
    finds(&env, 1, ["leftovers", "ok", "lock files", ""]);
    fs::OpenOptions::new().write(true).open(spill).unwrap().write_all_at(&[1], 0).unwrap();
    finds(&env, 1, ["leftovers", "finding", "answer for `acme/x`", "tokctl get acme/x"]);
    env.sql("UPDATE credentials_2 SET journal = NULL");
    finds(&env, 7, ["leftovers", "finding", "nothing waits for", "rm "]);
}

#[test]
fn files_that_nobody_needs_are_found() {
    let env = in_order();
    env.file("data/tokctl/tokens.db.d/audit.new", "made up");
    finds(&env, 1, ["leftovers", "finding", "audit.new", "rm "]);
    fs::remove_file(beside(&env, "audit.new")).unwrap();
    env.file("data/tokctl/tokens.db.d/notes.txt", "made up");
    finds(&env, 0, ["leftovers", "hint", "notes.txt", "ls -ld "]);
}

#[test]
fn keychain_entries_that_an_interrupted_rotation_wrote_down_are_found() {
    let env = in_order();
    env.sql(
        "INSERT INTO intents_2 (keychain_entry, created_at)
         SELECT lower(hex(vault_id)) || '/0011223344556677', 1700000000 FROM vault_2",
    );
    finds(&env, 1, ["leftovers", "finding", "1 keychain entry", "tokctl doctor --repair"]);
    // No keychain is to be had here, so that nothing deletes it.
    env.tokctl(["rotate-key"]).assert().success();
    finds(&env, 1, ["leftovers", "finding", "1 keychain entry", "tokctl doctor --repair"]);
    let refused = env.tokctl(["doctor", "--repair"]).assert().code(2);
    assert!(stderr(&refused).contains("no keychain here deletes"), "{}", stderr(&refused));
    env.tokctl(["doctor", "--repair", "--yes"]).assert().success();
    finds(&env, 0, ["leftovers", "ok", "lock files", ""]);
}

#[test]
fn a_bundle_that_never_reached_its_place_is_found() {
    let server = AuthorizationServer::start();
    let env = with_bundle_key(TestEnv::new().with_login("x", &server, issue()));
    interrupt_a_move(&env);
    let hint = "tokctl why acme/x";
    finds(&env, 1, ["leftovers", "finding", "bundle is not known to be in its place", hint]);
    let why = env.tokctl(["why", "acme/x"]).assert();
    assert!(stdout(&why).contains("tokctl export --resume --output moved.bundle"));
    env.tokctl(["export", "--resume", "--output", "again.bundle"]).assert().success();
    finds(&env, 0, ["leftovers", "ok", "lock files", ""]);
}

#[test]
fn a_slip_in_the_configuration_is_found_with_its_line() {
    let env = in_order();
    env.config("default_user = 'x'\n\n[providers.acme]\ncleint_id = 'typo'\n");
    finds(&env, 1, ["configuration", "finding", "line 4", "mend that line"]);
    finds(&env, 1, ["logins", "unknown", "configuration", ""]);
    env.config("");
    set_mode(&env.path("config/tokctl/config.toml"), 0o666);
    finds(&env, 1, ["configuration", "finding", "can be written by others", "chmod go-w "]);
}

#[test]
fn providers_that_can_not_be_used_are_found() {
    for (definition, message, hint) in [
        ("extends = 'nobody'", "no provider `nobody`", "tokctl providers"),
        ("redirect_uri = 'http://127.0.0.1/x'", "no port", "redirect_uri"),
        ("token_endpoint = 'http://id.example/token'", "address", "https"),
        ("ca_file = '/nonexistent/ca.pem'", "/nonexistent/ca.pem", "ls -ld"),
        ("client_secret_file = '/nonexistent/secret'", "/nonexistent/secret", "ls -ld"),
    ] {
        let env = in_order();
        env.add_config(&format!("[providers.acme]\n{definition}\n"));
        finds(&env, 1, ["providers", "finding", message, hint]);
    }
    let env = in_order();
    env.add_config("[providers.acme]\nclient_secret_env = 'ACME_SECRET'\n");
    finds(&env, 0, ["providers", "hint", "ACME_SECRET", "set ACME_SECRET"]);
}

#[test]
fn programs_that_are_not_there_are_found_and_those_that_are_there_are_not_run() {
    let env = in_order();
    env.config(
        "on_login_required = ['no-such-hook']\n[providers.vendor]\napi_auth = 'bearer'\n\
         client_secret_command = ['touch', 'ran']\n",
    );
    finds(&env, 1, ["programs", "finding", "`no-such-hook`", "config.toml"]);
    finds(&env, 1, ["programs", "ok", "`touch`", ""]);
    assert!(!env.path("ran").exists());
    let env = in_order().set("BROWSER", "/nonexistent/browser");
    finds(&env, 1, ["browser", "finding", "/nonexistent/browser", "--no-browser"]);
}

#[test]
fn a_registered_port_that_is_taken_is_found_with_its_owner() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let env = in_order();
    env.add_config(&format!("[providers.acme]\nredirect_uri = 'http://127.0.0.1:{port}/x'\n"));
    let owner = format!("process {}", std::process::id());
    let owner = if cfg!(target_os = "linux") { &owner } else { "another program" };
    finds(&env, 1, ["ports", "finding", owner, "--port"]);
    drop(taken);
    finds(&env, 0, ["ports", "ok", &format!("port {port}"), ""]);
}

#[test]
fn a_clock_that_is_off_is_found_from_the_last_answer() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    finds(&env, 0, ["clock", "unknown", "no server", "tokctl doctor --online"]);
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    // The record is edited, which is damage by itself.
    for (skew, result, message) in [(-30, "ok", "30 s off"), (300, "finding", "300 s behind")] {
        let edit = format!("json_set(last_attempt, '$.clock_skew', {skew})");
        env.sql(&format!("UPDATE credentials_2 SET last_attempt = {edit}"));
        let hint = if result == "ok" { "" } else { "clock" };
        finds(&env, 7, ["clock", result, message, hint]);
    }
}

#[test]
fn servers_are_asked_for_the_time_when_that_is_wanted_and_get_no_token() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let page = Response::new(404, "text/html", "").with("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    server.will_serve_to("/", &[], page);
    finds_with(&env, &["--online"], 1, ["clock", "finding", "ahead", "clock"]);
}

#[test]
fn a_configuration_that_departs_from_a_login_is_told() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    finds(&env, 0, ["logins", "ok", "all agree", ""]);
    let changed = server.definition().replace("/token", "/elsewhere");
    env.config(&changed);
    finds(&env, 0, ["logins", "hint", "token endpoint", "tokctl login acme/x"]);
}

#[test]
fn a_login_that_is_no_longer_good_is_a_finding() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4);
    let dead = ["logins", "finding", "`acme/x`: needs a login", "tokctl login acme/x"];
    finds(&env, 1, dead);
    // Without the key, and where only findings are wanted.
    let quiet = env.tokctl(["doctor", "-q"]).assert().code(1);
    assert!(stdout(&quiet).contains("tokctl login acme/x"), "{}", stdout(&quiet));
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_KEY", another_key());
    finds(&env, 1, dead);
}

#[test]
fn a_hundred_dead_logins_are_a_few_rows() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    for user in ["a", "b", "c", "d", "e", "f"] {
        let login = ["login", "github", "--user", user, "--token-stdin", "--expires", "2099-01-01"];
        env.tokctl(login).stdin("made-up-token").assert().success();
    }
    env.sql("UPDATE credentials_2 SET expires_at = 1577836800 WHERE user < 'x'");
    // What was edited is damage as well.
    finds(&env, 7, ["logins", "finding", "1 more need somebody", "tokctl status"]);
}

#[test]
fn no_secret_is_told() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let done = env.tokctl(["doctor", "-vvv"]).assert().success();
    let told = stdout(&done) + &stderr(&done);
    for secret in ["access-1", "refresh-1", made_up_key()] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[test]
fn tokens_of_a_run_that_was_killed_are_found() {
    let env = in_order();
    let mut killed = Vec::new();
    for (name, variable) in [("run", "XDG_RUNTIME_DIR"), ("tmp", "TMPDIR")] {
        let args = ["run", "--file", "A=vendor/x", "--", "sh", "-c", "echo ready; exec sleep 60"];
        let mut command = env.command(args);
        command.env_remove("XDG_RUNTIME_DIR").env_remove("TMPDIR").env(variable, env.path(name));
        let mut run = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        run.stdout.take().unwrap().read_exact(&mut ready).unwrap();
        let directory = fs::read_dir(env.path(name)).unwrap().next().unwrap().unwrap().path();
        let (checks, code) = examined(&env, &[]);
        let shown = directory.to_str().unwrap();
        assert!(!format!("{checks:?}").contains(shown), "it is in use: {checks:#?}");
        assert_eq!(code, i32::from(!killed.is_empty()));
        run.kill().unwrap();
        run.wait().unwrap();
        let command = format!("rm -r {shown}");
        finds(&env, 1, ["leftovers", "finding", shown, &command]);
        assert!(directory.join("A").exists(), "nothing is changed");
        killed.push(command);
    }
    for command in killed {
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }
    assert_eq!(examined(&env, &[]).1, 0);
}
