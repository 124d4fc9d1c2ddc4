//! `tokctl key generate`, and where a key may come from.

use std::io::Write;
use std::process::Stdio;

use crate::env::{TestEnv, another_key, json, made_up_key, set_mode, stderr, stdout};

#[test]
fn generate_prints_one_line_with_a_key_and_nothing_else() {
    let env = TestEnv::without_key();
    let done = env.tokctl(["key", "generate"]).assert().success().stderr_eq("");
    let text = stdout(&done);
    assert_eq!(text.lines().count(), 1, "{text:?}");
    assert!(text.starts_with("tokctl-key-") && text.ends_with('\n'), "{text:?}");
    assert!(!env.vault_path().exists());
}

#[test]
fn no_two_keys_are_the_same() {
    assert_ne!(made_up_key(), another_key());
}

#[test]
fn a_key_opens_what_it_closed() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n").stderr_eq("");
}

#[test]
fn another_key_opens_nothing() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let env = env.set("TOKCTL_KEY", another_key());
    let failed = env.tokctl(["get"]).assert().code(5).stdout_eq("");
    assert!(!stderr(&failed).contains("made-up-token"));
}

#[test]
fn a_password_is_refused_as_a_key_and_never_repeated() {
    let env = TestEnv::without_key().set("TOKCTL_KEY", "correct horse battery");
    env.define_vendor();
    let failed = env
        .tokctl(["login", "vendor", "--user", "x", "--token-stdin"])
        .stdin("made-up-token")
        .assert()
        .code(5)
        .stdout_eq("");
    assert!(!stderr(&failed).contains("horse"), "{}", stderr(&failed));
    assert!(stderr(&failed).contains("tokctl key generate"), "{}", stderr(&failed));
    assert!(!env.vault_path().exists());
}

#[test]
fn a_mistyped_key_is_refused() {
    let mistyped = made_up_key().replacen(char::is_numeric, "a", 1).to_uppercase();
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let env = env.set("TOKCTL_KEY", format!("{mistyped}a"));
    env.tokctl(["get"]).assert().code(5).stdout_eq("");
}

#[test]
fn a_key_may_lie_in_a_file() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("TOKCTL_KEY");
    let file = env.file("vault.key", format!("{}\n", made_up_key()));
    let env = env.set("TOKCTL_KEY_FILE", file);
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n").stderr_eq("");
}

#[test]
fn a_key_comes_as_platforms_and_editors_leave_it() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("TOKCTL_KEY");
    let key = made_up_key();
    for text in [
        format!("\"{key}\""),
        format!("'{key}'\n"),
        format!("\u{feff}{key}\r\n"),
        format!("# the vault's key\n\n{key}\n"),
    ] {
        let file = env.file("vault.key", &text);
        let get = env.command(["get"]).env("TOKCTL_KEY_FILE", file).output().unwrap();
        assert_eq!(get.stdout, b"made-up-token\n", "{text}");
    }
    let two = env.file("vault.key", format!("{key}\n{key}\n"));
    env.set("TOKCTL_KEY_FILE", two).tokctl(["get"]).assert().code(5);
}

#[test]
fn an_empty_key_is_said_to_be_empty() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    for name in ["TOKCTL_KEY", "TOKCTL_KEY_FILE", "TOKCTL_KEY_COMMAND"] {
        let mut command = env.command(["get"]);
        let output = command.env_remove("TOKCTL_KEY").env(name, "").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(said.contains(&format!("{name} is set, but empty")), "{said}");
    }
    // One that is there counts.
    let file = env.file("vault.key", made_up_key());
    let env = env.set("TOKCTL_KEY", "").set("TOKCTL_KEY_FILE", file);
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
}

#[test]
fn a_key_file_that_others_read_is_worth_a_warning() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("TOKCTL_KEY");
    let file = env.file("vault.key", made_up_key());
    set_mode(&file, 0o644);
    let env = env.set("TOKCTL_KEY_FILE", file);
    let done = env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
    assert!(stderr(&done).contains("chmod"), "{}", stderr(&done));
}

#[test]
fn a_key_file_that_others_write_is_refused() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("TOKCTL_KEY");
    let file = env.file("vault.key", made_up_key());
    set_mode(&file, 0o622);
    let env = env.set("TOKCTL_KEY_FILE", file);
    let failed = env.tokctl(["get"]).assert().code(5).stdout_eq("");
    assert!(stderr(&failed).contains("chmod"), "{}", stderr(&failed));
}

#[test]
fn a_missing_key_file_is_said_by_name() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("TOKCTL_KEY");
    let env = env.set("TOKCTL_KEY_FILE", "nowhere.key");
    let failed = env.tokctl(["get"]).assert().code(5).stdout_eq("");
    assert!(stderr(&failed).contains("nowhere.key"), "{}", stderr(&failed));
}

#[test]
fn a_key_may_be_handed_over_by_systemd() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("TOKCTL_KEY");
    env.file("run/tokctl.key", made_up_key());
    let folder = env.path("run");
    let env = env.set("CREDENTIALS_DIRECTORY", folder);
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n").stderr_eq("");
}

#[test]
fn a_key_may_be_printed_by_a_program_which_sees_no_key() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("TOKCTL_KEY");
    env.file("the key", made_up_key());
    let script = "env > seen; cat 'the key'";
    let env = env.set("TOKCTL_KEY_COMMAND", format!("/bin/sh -c \"{script}\""));
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n").stderr_eq("");
    let seen = std::fs::read_to_string(env.path("seen")).unwrap();
    assert!(!seen.contains("TOKCTL_KEY"), "{seen}");
}

#[test]
fn two_keys_at_once_are_an_unclear_choice() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let file = env.file("vault.key", made_up_key());
    let env = env.set("TOKCTL_KEY_FILE", file);
    env.tokctl(["get"]).assert().code(2).stdout_eq("");
}

#[test]
fn a_passphrase_opens_what_it_closed_and_no_other_does() {
    let env = TestEnv::without_key()
        .set("TOKCTL_PASSPHRASE", "made up for a test")
        .with_static_token("x", "made-up-token");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n").stderr_eq("");
    let env = env.set("TOKCTL_PASSPHRASE", "another one, made up too");
    let failed = env.tokctl(["get"]).assert().code(5).stdout_eq("");
    assert!(!stderr(&failed).contains("another one"), "{}", stderr(&failed));
}

#[test]
fn without_keychain_and_key_a_login_says_how_to_go_on() {
    let env = TestEnv::without_key();
    env.define_vendor();
    let failed = env
        .tokctl(["login", "vendor", "--user", "x", "--token-stdin"])
        .stdin("made-up-token")
        .assert()
        .code(5)
        .stdout_eq("");
    assert!(stderr(&failed).contains("hint: "), "{}", stderr(&failed));
}

#[test]
fn without_keychain_and_key_a_vault_stays_closed() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("TOKCTL_KEY");
    let failed = env.tokctl(["get"]).assert().code(5).stdout_eq("");
    assert!(stderr(&failed).contains("TOKCTL_KEY"), "{}", stderr(&failed));
}

#[test]
fn ten_first_logins_at_once_make_one_vault() {
    let env = TestEnv::new();
    env.define_vendor();
    let children: Vec<_> = (0..10)
        .map(|number| {
            let user = format!("user-{number}");
            let mut command = env.command(["login", "vendor", "--user", &user, "--token-stdin"]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(b"made-up-token").unwrap();
            child
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"].as_array().unwrap().len(), 10);
    env.tokctl(["get", "--user", "user-7"]).assert().success().stdout_eq("made-up-token\n");
}

#[test]
fn an_empty_passphrase_file_makes_no_vault() {
    let env = TestEnv::without_key();
    env.define_vendor();
    let path = env.file("passphrase", "\n");
    let env = env.set("TOKCTL_PASSPHRASE_FILE", path);
    let login = ["login", "vendor", "--user", "x", "--token-stdin"];
    env.tokctl(login).stdin("made-up-token").assert().code(5);
    assert!(!env.vault_path().exists());
}
