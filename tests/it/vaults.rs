//! Vaults that released versions wrote: every later version has to open them.
//!
//! `tests/it/vaults` has a folder for each release, with vaults and what lies beside them, and in
//! `secrets.json` what opens them; all of it is made up. Nothing in them ages: tokens end long after
//! anybody will run this. They are never written again. A release adds its own once its version
//! stands in Cargo.toml: `cargo test --test it vaults::freeze -- --ignored`, and commit the folder.
//!
//! Those that begin with `before-0.1.0` are none of a release: their tables are of earlier versions,
//! and have to be migrated.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, another_key, json, made_up_key, stderr, stdout};
use crate::export::{export, import, interrupt_a_move, with_bundle_key};

/// Fifty years, in seconds.
const LONG: i64 = 1_577_880_000;

const PASSPHRASE: &str = "made up for a test";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/vaults")
}

/// The folder of the first release's own tables.
const FIRST: &str = "0.1.0";

const BEFORE: &str = "before-0.1.0";

/// The folder of the tables under which seals did not cover the columns beside them.
const UNCOVERED: &str = "before-0.1.0-tables-4";

/// The folders of all releases, and of what came before them.
fn releases() -> Vec<PathBuf> {
    let found: Vec<PathBuf> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(found.iter().any(|path| path.ends_with(FIRST)), "{found:?}");
    assert!(found.iter().any(|path| path.ends_with(BEFORE)), "{found:?}");
    found
}

/// Those with a vault that handed credentials over.
fn with_bundles() -> Vec<PathBuf> {
    let mut found = releases();
    found.retain(|path| path.join("handed_over.db").exists());
    assert!(found.iter().any(|path| path.ends_with(FIRST)), "{found:?}");
    found
}

/// Which version of the tables a file has.
fn tables(file: &Path) -> i64 {
    let vault = rusqlite::Connection::open(file).unwrap();
    vault.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// The variables that open a release's vaults, each by itself, and what opens its bundles.
fn keys(release: &Path) -> BTreeMap<String, (String, String)> {
    let text = fs::read_to_string(release.join("secrets.json")).unwrap();
    let secrets: BTreeMap<String, [String; 2]> = serde_json::from_str(&text).unwrap();
    secrets.into_iter().map(|(kind, [name, value])| (kind, (name, value))).collect()
}

/// A world with a copy of one of a release's vaults, opened by one of its slots.
fn copy(release: &Path, vault: &str, kind: &str) -> TestEnv {
    let env = TestEnv::without_key();
    let target = env.vault_path();
    for folder in [target.parent().unwrap(), &target.with_extension("db.d")] {
        fs::create_dir_all(folder).unwrap();
        crate::env::set_mode(folder, 0o700);
    }
    env.file("data/tokctl/tokens.db", fs::read(release.join(vault)).unwrap());
    for entry in fs::read_dir(release.join(format!("{vault}.d"))).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        env.file(&format!("data/tokctl/tokens.db.d/{name}"), fs::read(&path).unwrap());
    }
    let (name, value) = keys(release).remove(kind).unwrap();
    env.set(&name, value)
}

#[test]
fn a_vault_of_any_release_opens_with_each_of_its_slots() {
    for release in releases() {
        let mut kinds: Vec<String> = keys(&release).into_keys().collect();
        kinds.retain(|kind| kind != "bundle");
        assert_eq!(kinds, ["key", "passphrase", "recovery"]);
        for kind in kinds {
            let env = copy(&release, "whole.db", &kind);
            let get = |user: &str| env.tokctl(["get", "--user", user]).assert().success();
            assert_eq!(stdout(&get("x")), "access-2\n", "{release:?}, {kind}");
            assert_eq!(stdout(&get("y")), "made-up-token\n", "{release:?}, {kind}");
        }
    }
}

#[test]
fn what_a_vault_of_any_release_tells_without_a_key_can_be_read() {
    for release in releases() {
        let env = copy(&release, "whole.db", "key").unset("TOKCTL_KEY");
        let listed = json(&env.tokctl(["list", "--json"]).assert().success());
        let listed: Vec<_> = listed["credentials"].as_array().unwrap().iter().collect();
        let field = |name: &str| listed.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
        assert_eq!(field("user"), ["x", "y"], "{release:?}");
        assert_eq!(field("kind"), ["oauth", "static"], "{release:?}");
        assert_eq!(field("last_attempt_outcome"), [Value::from("done"), Value::Null]);
        let audit = json(&env.tokctl(["audit", "--json"]).assert().success());
        let actions: Vec<_> =
            audit["entries"].as_array().unwrap().iter().map(|one| one["action"].clone()).collect();
        for action in ["login", "refresh", "get"] {
            assert!(actions.contains(&action.into()), "{release:?}: {actions:?}");
        }
    }
}

#[test]
fn the_audit_of_any_release_is_whole() {
    for release in releases() {
        let env = copy(&release, "whole.db", "key");
        env.tokctl(["audit", "--verify"]).assert().success();
        env.tokctl(["get", "--user", "y"]).assert().success();
        env.tokctl(["audit", "--verify"]).assert().success();
    }
}

#[test]
fn a_vault_of_any_release_is_rotated_like_any_other() {
    for release in releases() {
        let (_, passphrase) = keys(&release).remove("passphrase").unwrap();
        let env = copy(&release, "whole.db", "key").set("TOKCTL_PASSPHRASE", passphrase);
        let code = stdout(&env.tokctl(["rotate-key", "--verify"]).assert().success());
        env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("access-2\n");
        env.tokctl(["audit", "--verify"]).assert().success();
        let env = env.set("TOKCTL_KEY", code.trim_end());
        env.tokctl(["get", "--user", "y"]).assert().success().stdout_eq("made-up-token\n");
    }
}

#[test]
fn an_answer_that_any_release_left_beside_its_vault_is_taken_up() {
    for release in releases() {
        let env = copy(&release, "interrupted.db", "key");
        let doubtful = json(&env.tokctl(["list", "--json"]).assert().success());
        let told = doubtful["credentials"][0]["last_error"].as_str().unwrap_or_default().to_owned();
        assert!(told.contains("not known"), "{release:?}: {told}");
        env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("access-2\n");
        let settled = json(&env.tokctl(["list", "--json"]).assert().success());
        assert_eq!(settled["credentials"][0]["last_error"], Value::Null, "{release:?}");
    }
}

#[test]
fn an_answer_that_any_release_left_survives_a_rotation() {
    for release in releases() {
        let env = copy(&release, "interrupted.db", "key");
        env.tokctl(["rotate-key"]).assert().success();
        env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("access-2\n");
    }
}

#[test]
fn a_bundle_that_any_release_did_not_see_in_its_place_can_be_had() {
    for release in with_bundles() {
        let env = copy(&release, "handed_over.db", "key");
        env.tokctl(["get", "acme", "--user", "x"]).assert().code(4).stdout_eq("");
        env.tokctl(["rotate-key"]).assert().success();
        env.tokctl(["export", "--resume", "--output", "x.bundle"]).assert().success();
        let (name, value) = keys(&release).remove("bundle").unwrap();
        let there = TestEnv::new().set(&name, value);
        import(&there, &fs::read_to_string(env.path("x.bundle")).unwrap()).success();
        there.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    }
}

#[test]
fn a_bundle_that_any_release_took_in_does_not_come_in_again() {
    for release in with_bundles() {
        let (name, value) = keys(&release).remove("bundle").unwrap();
        let env = copy(&release, "handed_over.db", "key").set(&name, value);
        let again = import(&env, &fs::read_to_string(release.join("taken.bundle")).unwrap());
        assert!(stderr(&again.code(1)).contains("a bundle opens once"), "{release:?}");
        let get = ["get", "vendor", "--user", "z"];
        env.tokctl(get).assert().success().stdout_eq("made-up-taken\n");
    }
}

#[test]
fn earlier_tables_become_todays_and_nothing_is_lost() {
    let before = folder().join(BEFORE);
    let today = tables(&TestEnv::new().with_static_token("x", "made-up").vault_path());
    let env = copy(&before, "whole.db", "key");
    assert!(tables(&env.vault_path()) < today);
    env.tokctl(["get", "--user", "y"]).assert().success().stdout_eq("made-up-token\n");
    env.tokctl(["key", "list"]).assert().success();
    assert!(tables(&env.vault_path()) < today, "a command that reads changes nothing");
    let env = env.with_static_token("z", "made-up");
    assert_eq!(tables(&env.vault_path()), today);
    env.tokctl(["get", "--user", "y"]).assert().success().stdout_eq("made-up-token\n");
    env.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("access-2\n");
}

/// The version of the seal on each row.
fn seals(env: &TestEnv) -> Vec<String> {
    let vault = env.open_vault();
    let table = if tables(&env.vault_path()) < 6 { "credentials" } else { "credentials_2" };
    let sql = format!("SELECT hex(substr(sealed, 1, 1)) FROM {table} ORDER BY user");
    let mut rows = vault.prepare(&sql).unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn earlier_seals_become_todays_with_the_first_write() {
    for before in [BEFORE, UNCOVERED] {
        let env = copy(&folder().join(before), "whole.db", "key");
        env.tokctl(["get", "--user", "y"]).assert().success();
        assert_eq!(seals(&env), ["01", "01"], "{before}");
        let env = env.with_static_token("y", "made-up-again");
        assert_eq!(seals(&env), ["03", "03"], "{before}");
        let (_, passphrase) = keys(&folder().join(before)).remove("passphrase").unwrap();
        let env = env.set("TOKCTL_PASSPHRASE", passphrase);
        env.tokctl(["rotate-key"]).assert().success();
        assert_eq!(seals(&env), ["03", "03"], "{before}");
    }
}

/// Whoever has no key can have a row pass for an earlier one, whose columns are compared, or the
/// other way round; and gains nothing.
#[test]
fn a_row_that_is_passed_off_as_sealed_otherwise_does_not_open() {
    for release in releases() {
        let env = copy(&release, "whole.db", "key");
        let env = seals_are_taken_for_no_other(env, "credentials");
        // The first write seals all of them anew.
        seals_are_taken_for_no_other(env.with_static_token("z", "made-up"), "credentials_2");
    }
}

fn seals_are_taken_for_no_other(env: TestEnv, table: &str) -> TestEnv {
    let get = ["get", "--user", "y"];
    for version in ["00", "01", "02", "03", "04"] {
        if seals(&env)[1] == version {
            continue;
        }
        let edited = format!("CAST(x'{version}' || substr(sealed, 2) AS BLOB)");
        let kept = format!("CREATE TABLE kept AS SELECT sealed FROM {table} WHERE user = 'y'");
        env.open_vault().execute_batch(&kept).unwrap();
        env.sql(&format!("UPDATE {table} SET sealed = {edited} WHERE user = 'y'"));
        env.tokctl(get).assert().code(7).stdout_eq("");
        env.sql(&format!("UPDATE {table} SET sealed = (SELECT sealed FROM kept) WHERE user = 'y'"));
        env.open_vault().execute_batch("DROP TABLE kept").unwrap();
    }
    env.tokctl(get).assert().success().stdout_eq("made-up-token\n");
    env
}

/// One of the vaults of the first release; `whole.db` has a static token of `vendor/y`.
pub(crate) fn earlier(vault: &str) -> TestEnv {
    copy(&folder().join(FIRST), vault, "key")
}

/// Else a released program would meet tables that it has never seen, under its own version.
#[test]
fn tables_change_with_the_version_alone() {
    let release = folder().join(env!("CARGO_PKG_VERSION"));
    if !release.exists() {
        return;
    }
    let today = tables(&TestEnv::new().with_static_token("x", "made-up").vault_path());
    for vault in ["whole.db", "interrupted.db", "handed_over.db"] {
        let frozen = copy(&release, vault, "key");
        assert_eq!(tables(&frozen.vault_path()), today, "{vault} of {release:?}");
    }
}

/// Writes the vaults of this version, which must have none yet.
#[test]
#[ignore = "for a release: writes into the source tree"]
fn freeze() {
    let release = folder().join(env!("CARGO_PKG_VERSION"));
    fs::create_dir(&release).unwrap();
    let server = AuthorizationServer::start();
    let env = whole(&server);
    let code = stdout(&env.tokctl(["key", "add", "recovery"]).assert().success());
    keep(&env, &release, "whole.db");
    keep(&interrupted(), &release, "interrupted.db");
    let (env, taken) = handed_over();
    keep(&env, &release, "handed_over.db");
    fs::write(release.join("taken.bundle"), taken).unwrap();
    let secrets = serde_json::json!({
        "key": ["TOKCTL_KEY", made_up_key()],
        "passphrase": ["TOKCTL_PASSPHRASE", PASSPHRASE],
        "recovery": ["TOKCTL_KEY", code.trim_end()],
        "bundle": ["TOKCTL_BUNDLE_KEY", another_key()],
    });
    fs::write(release.join("secrets.json"), format!("{secrets:#}\n")).unwrap();
}

/// A grant that was refreshed, a static token, a key slot and one with a passphrase.
fn whole(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new()
        .with_login("x", server, issue().expires_in(LONG))
        .with_static_token("y", "made-up-token");
    server.will(issue().expires_in(LONG));
    env.tokctl(["refresh", "--user", "x"]).assert().success();
    env.tokctl(["get", "--user", "y"]).assert().success();
    let env = env.set("TOKCTL_NEW_PASSPHRASE", PASSPHRASE);
    env.tokctl(["key", "add", "passphrase"]).assert().success();
    env
}

/// A grant whose refresh could not be stored: its journal stands, and its answer lies beside it.
fn interrupted() -> TestEnv {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    env.leave_answer_beside("get", &server, issue().expires_in(LONG));
    env
}

/// A grant that was handed over in a bundle not known to be in its place, and a bundle taken in,
/// which is given.
fn handed_over() -> (TestEnv, String) {
    let server = AuthorizationServer::start();
    let elsewhere = with_bundle_key(TestEnv::new().with_static_token("z", "made-up-taken"));
    let taken = export(&elsewhere, &["vendor/z"]);
    let env = with_bundle_key(TestEnv::new().with_login("x", &server, issue().expires_in(LONG)))
        .set("TOKCTL_BUNDLE_KEY", another_key());
    import(&env, &taken).success();
    interrupt_a_move(&env);
    (env, taken)
}

/// Puts a copy of the vault, all of it in one file, and what lies beside it, into `release`.
fn keep(env: &TestEnv, release: &Path, name: &str) {
    // Not by `backup`: its copies begin an audit of their own.
    let target = release.join(name);
    env.open_vault().execute("VACUUM INTO ?1", [target.to_str().unwrap()]).unwrap();
    let beside = release.join(format!("{name}.d"));
    fs::create_dir(&beside).unwrap();
    for entry in fs::read_dir(env.vault_path().with_extension("db.d")).unwrap() {
        let path = entry.unwrap().path();
        // Locks, and room for an answer that nothing was written to, are made again.
        if fs::read(&path).unwrap().iter().any(|byte| *byte != 0) {
            fs::copy(&path, beside.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn a_configuration_that_is_a_pipe_is_refused_and_not_waited_for() {
    let env = TestEnv::new();
    let pipe = env.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for command in ["doctor", "providers"] {
        let done = env.tokctl(["--config", pipe.to_str().unwrap(), command]).assert();
        let said = stdout(&done) + &stderr(&done);
        assert!(said.contains("is not a plain file"), "{command}: {said}");
        assert!(!done.get_output().status.success());
    }
}
