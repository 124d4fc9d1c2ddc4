//! Files that are not as they should be: secrets that others can read, and what a service or a
//! vault misses.

use std::fs;
use std::os::unix::fs::symlink;

use crate::authorization_server::{AuthorizationServer, Client, issue, refuse};
use crate::env::{TestEnv, made_up_key, set_mode, stderr, stdout};

#[test]
fn a_client_secret_that_others_can_read_is_told_once_with_what_closes_it() {
    let server = AuthorizationServer::start_for(Client::public().with_post_secret("made-up"));
    let env = TestEnv::new().with_provider(&server);
    let secret = env.file("client secret", "made-up\n");
    set_mode(&secret, 0o644);
    let file = secret.to_str().unwrap();
    server.will_log_in(issue());
    let login = env.begin_login(["login", "acme", "--user", "x", "--client-secret-file", file]);
    login.visit();
    let said = stderr(&login.finish().success());
    let told = format!("`{file}` can be read by others: chmod 600 '{file}'");
    assert_eq!(said.matches(&told).count(), 1, "{said}");
    // The same file as the configuration names it.
    env.add_config(&format!("client_secret_file = \"{file}\"\n"));
    server.will_log_in(issue());
    let login = env.begin_login(["login", "acme", "--user", "y"]);
    login.visit();
    let said = stderr(&login.finish().success());
    assert_eq!(said.matches(&told).count(), 1, "{said}");
    set_mode(&secret, 0o600);
    server.will_log_in(issue());
    let login = env.begin_login(["login", "acme", "--user", "z"]);
    login.visit();
    let said = stderr(&login.finish().success());
    assert!(!said.contains("read by others"), "{said}");
}

#[test]
fn a_secret_that_kubernetes_mounted_is_closed_in_the_pods_specification() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let volume = env.path("secrets");
    let version = volume.join("..2026_11_28_14_00_00.1234567890");
    fs::create_dir_all(&version).unwrap();
    set_mode(&volume, 0o700);
    set_mode(&version, 0o700);
    let key = version.join("vault.key");
    fs::write(&key, made_up_key()).unwrap();
    symlink(version.file_name().unwrap(), volume.join("..data")).unwrap();
    symlink("..data/vault.key", volume.join("vault.key")).unwrap();
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_KEY_FILE", volume.join("vault.key"));
    set_mode(&key, 0o644);
    let said = stderr(&env.tokctl(["get"]).assert().success());
    assert!(said.contains("`defaultMode: 0400`") && !said.contains("chmod"), "{said}");
    let env = env.set("TOKCTL_BUNDLE_KEY_FILE", volume.join("vault.key"));
    let found = stdout(&env.tokctl(["doctor"]).assert().code(1));
    assert_eq!(found.matches("`defaultMode: 0400`").count(), 1, "{found}");
    assert!(!found.contains("chmod"), "{found}");
    // What `fsGroup` does to a mode of 0400.
    set_mode(&key, 0o440);
    env.tokctl(["get"]).assert().success().stderr_eq("");
    let found = stdout(&env.tokctl(["doctor"]).assert().success());
    assert!(!found.contains("read by others"), "{found}");
}

#[test]
fn a_unit_is_printed_with_what_its_service_will_miss() {
    let env = TestEnv::new().unset("TOKCTL_KEY");
    let print = ["refresh", "--watch", "--print-unit"];
    let said = |env: &TestEnv, more: &[&str]| {
        stderr(&env.tokctl(print.iter().chain(more)).assert().success())
    };
    let none = said(&env, &[]);
    assert!(none.contains("there is no vault at ") && none.contains("log in first"), "{none}");
    let missing = env.path("no/such/folder");
    let metrics = missing.join("tokctl.prom");
    let told = said(&env, &["--metrics", metrics.to_str().unwrap()]);
    assert!(told.contains(&format!("mkdir -p {}", missing.display())), "{told}");
    let env = env.set("TOKCTL_KEY", made_up_key()).with_static_token("x", "made-up-token");
    let set = said(&env, &[]);
    assert!(set.contains("the service gets no variables"), "{set}");
    let env = env.unset("TOKCTL_KEY");
    let unset = said(&env, &[]);
    assert!(unset.contains("nothing gives the service what opens the vault"), "{unset}");
    let file = env.path("no.key");
    let env = env.set("TOKCTL_KEY_FILE", file);
    let gone = said(&env, &[]);
    assert!(gone.contains("no.key`, which TOKCTL_KEY_FILE names, is not there"), "{gone}");
    let file = env.file("no.key", made_up_key());
    set_mode(&file, 0o600);
    assert_eq!(said(&env, &[]), "");
}

#[test]
fn a_vault_that_was_emptied_is_damage_and_no_first_login() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["get"]).assert().success();
    let vault = env.vault_path();
    for beside in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{beside}", vault.display()));
    }
    fs::write(&vault, "").unwrap();
    for arguments in [
        &["get"][..],
        &["list"],
        &["status"],
        &["refresh", "--all"],
        &["login", "vendor/y", "--token-stdin"],
    ] {
        let done = env.tokctl(arguments).stdin("made-up-token").assert().code(7);
        let said = stderr(&done);
        assert!(said.contains("is empty, and what lies beside it is of a vault"), "{said}");
        assert!(said.contains("hint: tokctl doctor\n"), "{said}");
    }
    assert_eq!(fs::metadata(&vault).unwrap().len(), 0, "nothing was written");
    let doctor = stdout(&env.tokctl(["doctor"]).assert().code(7));
    let advice = "restore the vault's file from a backup, or move it away and";
    assert!(doctor.split_whitespace().collect::<Vec<_>>().join(" ").contains(advice), "{doctor}");
    fs::rename(&vault, env.path("aside")).unwrap();
    env.tokctl(["list"]).assert().code(3);
    let login = ["login", "vendor/y", "--token-stdin"];
    env.tokctl(login).stdin("made-up-token").assert().success();
    env.tokctl(["get"]).assert().success();
}

#[test]
fn an_audit_beside_a_vault_that_was_put_back_is_first_said_to_be_anothers() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let copy = env.path("copy.db");
    env.tokctl(["backup", copy.to_str().unwrap()]).assert().success();
    let vault = env.vault_path();
    for beside in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{beside}", vault.display()));
    }
    let env = env.with_static_token("y", "made-up-token");
    env.tokctl(["get"]).assert().success();
    for beside in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{beside}", vault.display()));
    }
    fs::copy(&copy, &vault).unwrap();
    set_mode(&vault, 0o600);
    env.tokctl(["doctor", "--accept-older", "--yes"]).assert().success();
    let verified = env.tokctl(["audit", "--verify"]).assert();
    let code = verified.get_output().status.code();
    let said = stderr(&verified);
    assert!(!said.contains("tampered with"), "{said}");
    if code == Some(7) {
        assert!(said.contains("none of its entries is of this vault, as after"), "{said}");
        assert!(said.contains("tokctl doctor --repair"), "{said}");
        env.tokctl(["doctor", "--repair", "--yes"]).assert().success();
    }
    env.tokctl(["doctor"]).assert().success();
}

#[test]
fn a_page_in_the_place_of_an_answer_is_named_with_what_sends_such_pages() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    let page = "<html>made-up-refresh-token-in-a-page</html>";
    let html = |status| crate::http::Response::new(status, "text/html; charset=utf-8", page);
    let said = |status| {
        server.will(crate::authorization_server::reply(html(status)));
        stderr(&env.tokctl(["get"]).assert().code(6))
    };
    let wrong = said(404);
    assert!(wrong.contains("HTTP 404, a web page and no OAuth error"), "{wrong}");
    assert!(wrong.contains("the address may be wrong"), "{wrong}");
    let proxy = said(403);
    assert!(proxy.contains("a proxy or a firewall may have sent it"), "{proxy}");
    assert!(!proxy.contains("made-up-refresh"), "{proxy}");
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4);
}

#[test]
fn where_no_keychain_is_the_words_are_few_and_name_what_is_missing() {
    let env = TestEnv::without_key()
        .set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/made-up/bus")
        .set("TOKCTL_PASSPHRASE", "made up for a test");
    let env = env.with_static_token("x", "made-up-token").unset("TOKCTL_PASSPHRASE");
    let said = stderr(&env.tokctl(["get"]).assert().code(5));
    assert!(said.contains("nothing here opens the vault: its passphrase is missing\n"), "{said}");
    assert!(said.contains("hint: set TOKCTL_PASSPHRASE to the vault's passphrase\n"), "{said}");
    let other = env.path("data/other.db");
    let env = env.set("TOKCTL_VAULT", other);
    let login = ["login", "vendor/x", "--token-stdin"];
    let said = stderr(&env.tokctl(login).stdin("made-up-token").assert().code(5));
    assert!(said.contains("caused by: there is no keychain here\n"), "{said}");
    assert!(said.contains("TOKCTL_KEY_FILE") && said.contains("TOKCTL_PASSPHRASE"), "{said}");
    let told =
        stderr(&env.tokctl(["-vv", "login", "vendor/x", "--token-stdin"]).stdin("x").assert());
    assert!(told.contains("/made-up/bus"), "{told}");
    let env = env.unset("TOKCTL_VAULT").set("TOKCTL_PASSPHRASE", "made up for a test");
    let env = env.set("TOKCTL_PASSPHRASE_FILE", "elsewhere");
    let said = stderr(&env.tokctl(["get"]).assert().code(2));
    assert!(said.contains("hint: unset TOKCTL_PASSPHRASE_FILE\n"), "{said}");
    // A wrong secret, or a vault that was edited: nobody can tell.
    let env = env.unset("TOKCTL_PASSPHRASE_FILE").set("TOKCTL_PASSPHRASE", "another made up one");
    let said = stderr(&env.tokctl(["get"]).assert().code(5));
    assert!(said.contains("put a backup in the place of the vault's file"), "{said}");
}
