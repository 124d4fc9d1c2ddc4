//! What completion scripts are told: names from the vault, with no key and without a trace.

use std::fs;

use crate::env::{TestEnv, set_mode, stdout};

/// The names that fit after `words`, which the shell has taken apart.
#[track_caller]
fn names(env: &TestEnv, shell: &str, words: &[&str]) -> Vec<String> {
    let command = ["__complete", shell, "tokctl"].into_iter().chain(words.iter().copied());
    let done = env.tokctl(command).assert().success().stderr_eq("");
    stdout(&done).lines().map(ToOwned::to_owned).collect()
}

/// A vault whose key is not at hand.
fn world(users: &[&str]) -> TestEnv {
    users
        .iter()
        .fold(TestEnv::new(), |env, user| env.with_static_token(user, "made-up"))
        .unset("TOKCTL_KEY")
}

#[test]
fn names_are_told_without_a_key() {
    let env = world(&["alice@example.com", "b c/d"]);
    assert_eq!(names(&env, "zsh", &["get", ""]), ["vendor"]);
    assert_eq!(names(&env, "zsh", &["get", "--user", ""]), ["alice@example.com", "b c/d"]);
    assert_eq!(
        names(&env, "bash", &["get", "--user="]),
        ["--user=alice@example.com", r"--user=b\ c/d"]
    );
    assert_eq!(names(&env, "fish", &["get", "--user="]), ["alice@example.com", "b c/d"]);
    assert_eq!(names(&env, "bash", &["get", "-ual"]), ["-ualice@example.com", r"-ub\ c/d"]);
    assert_eq!(names(&env, "bash", &["get", "--user", "\"b"]).last().unwrap(), "\"b c/d");
    assert_eq!(names(&env, "zsh", &["--vault", "~/data/tokctl/tokens.db", "get", ""]), ["vendor"]);
    assert_eq!(names(&env, "zsh", &["--vault", "~/elsewhere.db", "get", ""]), [""; 0]);
    let sources = names(&env, "fish", &["import", ""]);
    assert!(sources.iter().any(|line| line.starts_with("rclone\trclone.conf")), "{sources:?}");
    assert_eq!(names(&env, "zsh", &["get", "acme", "--user", ""]), [""; 0]);
    let references = ["tokctl://vendor/b%20c%2Fd", "vendor/alice@example.com"];
    assert_eq!(names(&env, "zsh", &["export", ""]), references);
    assert_eq!(names(&env, "zsh", &["why", ""]), ["vendor"]);
    assert_eq!(names(&env, "zsh", &["why", "vendor/"]), references);
    let references = ["tokctl://vendor/alice%40example.com", "tokctl://vendor/b%20c%2Fd"];
    assert_eq!(names(&env, "zsh", &["why", "tokctl:"]), references);
    assert!(names(&env, "zsh", &["login", ""]).contains(&"shopify".to_owned()));
    for words in
        [&["get", "--us"][..], &["get", "--format", ""], &["no-such-command", ""], &["import", ""]]
    {
        let command = ["__complete", "zsh", "tokctl"].into_iter().chain(words.iter().copied());
        env.tokctl(command).assert().code(1).stdout_eq("").stderr_eq("");
    }
    env.tokctl(["__complete"]).assert().code(1).stdout_eq("").stderr_eq("");
}

#[test]
fn an_address_that_is_begun_is_completed_from_the_vault() {
    let env = world(&["x", "y", "z", "w"]);
    for (user, server) in [
        ("x", "https://mcp.example.com/mcp"),
        ("y", "https://mcp.example.com/other"),
        ("z", "http://127.0.0.1:8000/mcp"),
        ("w", "https://mcp.example.com/\u{202e}"),
    ] {
        env.sql(&format!("UPDATE credentials_2 SET server_url = '{server}' WHERE user = '{user}'"));
    }
    let both = ["https://mcp.example.com/mcp", "https://mcp.example.com/other"];
    for command in ["get", "check", "delete", "why", "login", "export", "list", "use"] {
        assert_eq!(names(&env, "zsh", &[command, "https:"]), both, "{command}");
    }
    assert_eq!(names(&env, "bash", &["get", "https://mcp.example.com/o"]), both[1..]);
    let all = ["http://127.0.0.1:8000/mcp", both[0], both[1], "vendor"];
    assert_eq!(names(&env, "zsh", &["get", "htt"]), all);
    let variable = names(&env, "bash", &["run", "--env", "TOKEN=http:"]);
    assert_eq!(variable, ["TOKEN=http://127.0.0.1:8000/mcp"]);
    assert_eq!(names(&env, "zsh", &["get", "https://elsewhere"]), [""; 0]);
    assert_eq!(names(&env, "zsh", &["get", ""]), ["vendor"]);
}

#[test]
fn a_glance_leaves_no_trace() {
    // As an older version left it, and readable by others.
    let env = crate::vaults::earlier("whole.db");
    set_mode(&env.vault_path(), 0o644);
    let listed = || {
        let entries = fs::read_dir(env.path("data/tokctl")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = (env.vault_bytes(), listed());
    assert_eq!(names(&env, "zsh", &["get", "--user", ""]), ["x", "y"]);
    assert!((env.vault_bytes(), listed()) == before);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &env.vault_path().metadata().unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn what_another_process_is_just_writing_is_seen_or_not_but_never_waited_for() {
    let env = world(&["x"]);
    let writer = env.open_vault();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    writer.execute("UPDATE credentials_2 SET user = 'y'", []).unwrap();
    let started = std::time::Instant::now();
    let found = names(&env, "zsh", &["get", "--user", ""]);
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
    assert!(found.is_empty() || found == ["x"], "{found:?}");
}

#[test]
fn on_any_fault_there_is_silence() {
    let env = world(&["x"]);
    env.config("surprise = true\n");
    assert!(names(&env, "zsh", &["login", ""]).contains(&"github".to_owned()));
    assert_eq!(names(&env, "zsh", &["get", "--user", ""]), ["x"]);
    fs::write(env.vault_path(), "no vault").unwrap();
    assert_eq!(names(&env, "zsh", &["get", "--user", ""]), [""; 0]);
    fs::remove_file(env.vault_path()).unwrap();
    assert_eq!(names(&env, "zsh", &["get", ""]), [""; 0]);
    assert!(!env.vault_path().exists());
    let env = env.set("TOKCTL_LOG", "no-such-level");
    assert_eq!(names(&env, "zsh", &["get", ""]), [""; 0]);
}

#[test]
fn a_name_that_would_paint_the_terminal_is_not_shown() {
    let env = world(&["x", "a\u{202e}b", "y"]);
    env.sql("UPDATE credentials_2 SET provider = 'a' || char(27) || 'b' WHERE user = 'y'");
    assert_eq!(names(&env, "zsh", &["get", "--user", ""]), ["x"]);
    assert_eq!(names(&env, "zsh", &["get", ""]), ["vendor"]);
}

#[test]
fn a_name_that_would_be_an_option_is_joined_to_one() {
    let env = world(&["x"]);
    env.sql("UPDATE credentials_2 SET user = '-x'");
    assert_eq!(names(&env, "zsh", &["get", "--user", ""]), [""; 0]);
    assert_eq!(names(&env, "zsh", &["get", "--user="]), ["--user=-x"]);
}

#[test]
fn key_slots_are_told_by_kind_and_by_id() {
    let env = world(&["alice"]);
    let id = crate::key_slots::id_of(&env, "key");
    // The scripts for the other shells list fixed words themselves.
    let kinds = names(&env, "fish", &["key", "add", ""]);
    let kinds: Vec<&str> = kinds.iter().map(|line| line.trim_end()).collect();
    assert_eq!(kinds, ["key", "keychain", "passphrase", "recovery"]);
    for shell in ["bash", "zsh", "fish"] {
        let slots = [id.as_str(), "key"];
        assert_eq!(names(&env, shell, &["key", "remove", ""]), slots, "{shell}");
        assert_eq!(names(&env, shell, &["rotate-key", "--drop-slot", ""]), slots, "{shell}");
    }
    let script = stdout(&env.tokctl(["completions", "zsh"]).assert().success());
    assert!(script.contains("keychain passphrase") || script.contains("keychain key"), "{script}");
}

/// The lines that ask for names are put between those of clap's own scripts, which may be other ones
/// in its next version.
#[test]
fn each_script_that_can_asks_the_program_for_names() {
    let env = TestEnv::new();
    let script = |shell: &str| stdout(&env.tokctl(["completions", shell]).assert().success());
    let bash = script("bash");
    assert_eq!(bash.matches("tokctl __complete bash ").count(), 1);
    assert_eq!(bash.matches("complete -F _tokctl_names ").count(), 2);
    assert!(!bash.contains("complete -F _tokctl "));
    // Within the function that zsh calls, before what clap has it do.
    let zsh = script("zsh");
    let (_, function) = zsh.split_once("\n_tokctl() {\n").unwrap();
    assert!(function.trim_start().starts_with("# Names from the vault"));
    assert_eq!(function.matches("tokctl __complete zsh ").count(), 1);
    let fish = script("fish");
    assert_eq!(fish.matches("tokctl __complete fish ").count(), 1);
    assert!(fish.contains(" -l user -x -a '(__tokctl_names)'"));
}
