//! Shared vaults, as far as they need no database: identities, names of vaults, and what is refused
//! before anybody is asked. With a database: `tests/real/shared`.

use std::fs;

use serde_json::Value;

use crate::env::{TestEnv, another_key, json, made_up_key, private_folder, stderr, stdout};

/// An address at which nobody listens, with a pin.
const NOBODY: &str = "postgres://tok@127.0.0.1:1/team\
                      #1.ao4qw6jv4l63zzxwavtve6i4e6jz4kzru262afiu7ypnocdusy7q";

fn identity(env: &TestEnv) -> String {
    stdout(&env.tokctl(["key", "generate", "--identity"]).assert().success().stderr_eq(""))
        .trim()
        .to_owned()
}

fn member(env: &TestEnv) -> String {
    stdout(&env.tokctl(["key", "public"]).assert().success().stderr_eq("")).trim().to_owned()
}

#[test]
fn an_identity_is_made_once_and_lies_in_a_file_of_its_own() {
    let env = TestEnv::new();
    let first = member(&env);
    assert!(first.starts_with("tokctl-member-1-"), "{first}");
    assert_eq!(member(&env), first);
    assert!(!env.vault_path().exists());
    let file = env.path("data/tokctl/identity.db");
    let sealed = fs::read(&file).unwrap();
    assert!(!sealed.windows(15).any(|bytes| bytes == b"tokctl-identity"));
    // It opens with what made it, and with nothing else.
    let other = TestEnv::new().set("XDG_DATA_HOME", env.path("data"));
    assert_eq!(member(&other), first);
    let other = other.set("TOKCTL_KEY", another_key());
    other.tokctl(["key", "public"]).assert().code(5).stdout_eq("");
    // A recovery code for paper, as for every vault.
    let file = file.to_str().unwrap();
    env.tokctl(["--vault", file, "key", "add", "recovery"]).assert().success();
    env.tokctl(["--vault", file, "rotate-key"]).assert().success();
    assert_eq!(member(&env), first);
}

#[test]
fn two_that_begin_together_get_one_identity() {
    let env = TestEnv::new();
    let started: Vec<_> = (0..4)
        .map(|_| env.command(["key", "public"]).stdout(std::process::Stdio::piped()).spawn())
        .collect();
    let printed: std::collections::BTreeSet<_> = started
        .into_iter()
        .map(|child| child.unwrap().wait_with_output().unwrap().stdout)
        .collect();
    assert_eq!(printed.len(), 1, "{printed:?}");
    assert_eq!(member(&env).as_bytes(), printed.first().unwrap().trim_ascii());
}

#[test]
fn an_identity_in_the_environment_counts_and_makes_no_file() {
    let env = TestEnv::without_key();
    let given = identity(&env);
    assert!(given.starts_with("tokctl-identity-1-"), "{given}");
    assert_ne!(given, identity(&env));
    let env = env.set("TOKCTL_KEY", given.clone());
    let first = member(&env);
    let file = env.file("ci.identity", format!("# of the job\n{given}\n"));
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_KEY_FILE", file);
    assert_eq!(member(&env), first);
    assert!(!env.path("data/tokctl").exists());
}

#[test]
fn an_identity_opens_no_file_and_a_key_no_shared_vault() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let given = identity(&env);
    let env = env.set("TOKCTL_KEY", given.clone());
    for command in [&["get"][..], &["key", "add", "recovery"], &["rotate-key"]] {
        let failed = env.tokctl(command).assert().code(5).stdout_eq("");
        assert!(stderr(&failed).contains("identity"), "{}", stderr(&failed));
        assert!(!stderr(&failed).contains(&given));
    }
    // Nor does it become the key of a slot, or of a bundle.
    let file = env.file("identity", given);
    let env = env.set("TOKCTL_KEY", made_up_key()).set("TOKCTL_NEW_KEY_FILE", file.clone());
    let failed = env.tokctl(["key", "add", "key"]).assert().code(5);
    assert!(stderr(&failed).contains("holds an identity, not a key"), "{}", stderr(&failed));
    let to = format!("key:{}", file.display());
    env.tokctl(["export", "vendor/x", "--to", &to, "--output", "b"]).assert().code(2);

    let failed = env.tokctl(["--vault", NOBODY, "get"]).assert().code(5).stdout_eq("");
    assert!(stderr(&failed).contains("opens with an identity"), "{}", stderr(&failed));
}

#[test]
fn an_identity_that_does_not_open_is_no_vault_that_does_not_open() {
    let said = |env: &TestEnv| {
        let failed = env.tokctl(["--vault", NOBODY, "get"]).assert().code(5).stdout_eq("");
        let said = stderr(&failed);
        assert!(said.contains("your identity, in `") && !said.contains("the vault's"), "{said}");
        assert!(said.contains("an identity that an admin added"), "{said}");
        said
    };
    let env = TestEnv::new();
    member(&env);
    let env = env.unset("TOKCTL_KEY");
    assert!(said(&env).contains("nothing here opens"));
    let env = env.set("TOKCTL_KEY", another_key());
    let wrong = said(&env);
    assert!(wrong.contains("what is given does not open"), "{wrong}");
    assert!(wrong.contains("TOKCTL_KEY_FILE to the key of that file"), "{wrong}");
    // Where there is none yet, and nothing to keep it under.
    let env = TestEnv::without_key();
    let failed = env.tokctl(["key", "public"]).assert().code(5).stdout_eq("");
    let said = stderr(&failed);
    assert!(said.contains("your identity could not be kept in") && !said.contains("vault's"));
}

#[test]
fn each_variable_that_names_a_key_is_named_by_its_own_name() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let (address, _) = NOBODY.split_once('#').unwrap();
    let file = env.vault_path();
    let init = ["vault", "init", address, "--from", file.to_str().unwrap()];
    let refused = |env: &TestEnv| stderr(&env.tokctl(init).assert().code(5).stdout_eq(""));
    let (bad, nowhere) = (env.file("bad", "made up\n"), env.path("nowhere"));
    // The key of the file, beside an identity.
    let beside = TestEnv::without_key();
    let given = identity(&beside);
    let mut beside = beside.set("TOKCTL_KEY", given);
    assert!(refused(&beside).contains("hint: set TOKCTL_NEW_KEY_FILE to"), "{}", refused(&beside));
    for (path, said) in [(&bad, "holds no key"), (&nowhere, "can't be used")] {
        beside = beside.set("TOKCTL_NEW_KEY_FILE", path);
        let text = refused(&beside);
        assert!(text.contains(&format!("TOKCTL_NEW_KEY_FILE {said}")), "{text}");
        assert!(!text.contains("TOKCTL_KEY_FILE"), "{text}");
    }
    let right = beside.file("right", made_up_key());
    let beside = beside.set("TOKCTL_NEW_KEY_FILE", right);
    beside.tokctl(init).assert().code(9);
    // What else opens a vault.
    for (variable, value, said) in [
        ("TOKCTL_KEY_FILE", bad.clone(), "holds no key"),
        ("TOKCTL_KEY_FILE", nowhere.clone(), "can't be used"),
        ("TOKCTL_KEY_COMMAND", format!("cat {}", bad.display()).into(), "holds no key"),
        ("TOKCTL_KEY_COMMAND", format!("cat {}", nowhere.display()).into(), "can't be used"),
        ("TOKCTL_PASSPHRASE_FILE", nowhere.clone(), "can't be used"),
        ("TOKCTL_NEW_PASSPHRASE", "".into(), "its key is missing"),
    ] {
        let env = TestEnv::without_key().set(variable, value);
        let text = refused(&env);
        assert!(text.contains(said), "{variable}: {text}");
        assert!(said.ends_with("missing") || text.contains(variable), "{variable}: {text}");
    }
}

#[test]
fn nothing_is_trusted_because_it_came_first() {
    let env = TestEnv::without_key();
    let env = env.set("TOKCTL_KEY", identity(&TestEnv::without_key()));
    let (address, _) = NOBODY.split_once('#').unwrap();
    for command in [&["--vault", address, "get"][..], &["vault", "join", address]] {
        let failed = env.tokctl(command).assert().code(2).stdout_eq("");
        assert!(stderr(&failed).contains("join line"), "{}", stderr(&failed));
    }
    let cut = &NOBODY[..NOBODY.len() - 1];
    let failed = env.tokctl(["vault", "join", cut]).assert().code(2);
    assert!(stderr(&failed).contains("no pin"), "{}", stderr(&failed));
}

#[test]
fn a_database_that_is_away_is_told_from_a_vault_that_is_not() {
    let env = TestEnv::without_key();
    let env = env.set("TOKCTL_KEY", identity(&TestEnv::without_key())).set("TOKCTL_VAULT", NOBODY);
    for command in [&["get"][..], &["list"], &["status"], &["vault", "status"], &["member", "list"]]
    {
        let failed = env.tokctl(command).assert().code(9).stdout_eq("");
        assert!(stderr(&failed).contains("nothing is lost"), "{}", stderr(&failed));
    }
    let failed = env.tokctl(["get", "--json"]).assert().code(9);
    let error: Value = serde_json::from_str(&stderr(&failed)).unwrap();
    assert_eq!(error["error"]["code"], "vault_unreachable");
}

#[test]
fn engines_that_lose_tokens_are_refused_with_the_reason() {
    let env = TestEnv::new();
    for (address, word) in [
        ("mysql://db.example/x", "MySQL"),
        ("mariadb://db.example/x", "MariaDB"),
        ("redis://db.example", "durable"),
        ("https://db.example", "no address of PostgreSQL"),
    ] {
        let failed = env.tokctl(["vault", "init", address]).assert().code(2).stdout_eq("");
        assert!(stderr(&failed).contains(word), "{}", stderr(&failed));
        assert!(!env.path("data/tokctl/identity.db").exists());
    }
    let failed = env.tokctl(["vault", "init", "tokens.db"]).assert().code(2);
    assert!(stderr(&failed).contains("no address of a database"), "{}", stderr(&failed));
}

#[test]
fn a_vault_has_the_name_that_the_configuration_gives_it() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let path = env.vault_path();
    env.add_config(&format!("[vaults]\nown = '{}'\nteam = '{NOBODY}'\n", path.display()));
    let get = ["--vault", "own", "get"];
    env.tokctl(get).assert().success().stdout_eq("made-up-token\n").stderr_eq("");
    let identity = identity(&env);
    let env = env.set("TOKCTL_KEY", identity).set("TOKCTL_VAULT", "team");
    env.tokctl(["get"]).assert().code(9).stdout_eq("");
    // Another name is that of a file, as ever.
    let failed = env.tokctl(["--vault", "other", "get"]).assert().code(3);
    assert!(stderr(&failed).contains("`other`"), "{}", stderr(&failed));
}

#[test]
fn what_is_of_files_alone_says_so() {
    let env = TestEnv::new().set("TOKCTL_VAULT", NOBODY);
    for command in [&["key", "list"][..], &["key", "add", "recovery"]] {
        let failed = env.tokctl(command).assert().code(2).stdout_eq("");
        assert!(stderr(&failed).contains("a vault in a file"), "{}", stderr(&failed));
    }
    let env = env.unset("TOKCTL_VAULT");
    for command in [&["member", "list"][..], &["vault", "status"]] {
        let failed = env.tokctl(command).assert().code(2).stdout_eq("");
        assert!(stderr(&failed).contains("a shared vault"), "{}", stderr(&failed));
    }
}

#[test]
fn what_can_not_be_carried_is_refused_before_anybody_is_asked() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let (address, _) = NOBODY.split_once('#').unwrap();
    let from = |file: &str, code: i32| {
        env.tokctl(["vault", "init", address, "--from", file]).assert().code(code)
    };
    let failed = from("nowhere.db", 3);
    assert!(stderr(&failed).contains("hint: name the file"), "{}", stderr(&failed));
    let failed = from(NOBODY, 2);
    assert!(stderr(&failed).contains("help export"), "{}", stderr(&failed));
    assert!(!env.path("data/tokctl/identity.db").exists());
    // The vault in the file is as it was if the database is away.
    let failed = from("data/tokctl/tokens.db", 9);
    assert!(stderr(&failed).contains("nothing is lost"), "{}", stderr(&failed));
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
    let failed = from("data/tokctl/identity.db", 2);
    assert!(stderr(&failed).contains("your identity"), "{}", stderr(&failed));
    // What a copy of a shared vault takes means nothing for one of a file.
    for flags in [&["--move"][..], &["--move", "--yes"], &["--key-slot", "key"]] {
        let failed = env.tokctl(["backup", "b.db"].iter().chain(flags)).assert().code(2);
        assert!(stderr(&failed).contains("is for a shared vault"), "{}", stderr(&failed));
    }
    assert!(!env.path("b.db").exists());
}

#[test]
fn a_password_in_an_address_is_warned_of_and_never_shown() {
    let env = TestEnv::without_key();
    let env = env.set("TOKCTL_KEY", identity(&TestEnv::without_key()));
    let address = NOBODY.replace("tok@", "tok:made-up-password@");
    let failed = env.tokctl(["--vault", &address, "-vv", "list"]).assert().code(9).stdout_eq("");
    assert!(stderr(&failed).contains(".pgpass"), "{}", stderr(&failed));
    assert!(!stderr(&failed).contains("made-up-password"), "{}", stderr(&failed));
    let failed =
        env.tokctl(["--vault", &address, "doctor", "--accept-older", "--json"]).assert().code(9);
    assert!(!stderr(&failed).contains("made-up-password"), "{}", stderr(&failed));
}

#[test]
fn a_member_string_that_was_cut_off_is_refused_before_anybody_is_asked() {
    let env = TestEnv::new().set("TOKCTL_VAULT", NOBODY);
    let own = member(&env);
    for (string, word) in [(&own[..own.len() - 1], "cut off"), ("tokctl-key-x", "tokctl-member-1-")]
    {
        let failed = env.tokctl(["member", "add", "mia", string]).assert().code(2);
        assert!(stderr(&failed).contains(word), "{}", stderr(&failed));
    }
    let failed = env.tokctl(["member", "add", "-x", &own]).assert().code(2).stdout_eq("");
    drop(failed);
    env.tokctl(["member", "role", "mia", "owner"]).assert().code(2);
}

#[test]
fn the_help_of_a_shared_vault_is_in_the_program() {
    let env = TestEnv::without_key();
    for (words, text) in [
        (&["help", "shared"][..], "WHAT REMOVAL MEANS"),
        (&["help", "shared-format"], "TEST VECTORS"),
        (&["help", "vault", "join"], "JOIN-LINE"),
        (&["help", "member"], "tokctl member"),
    ] {
        let shown = stdout(&env.tokctl(words).assert().success());
        assert!(shown.contains(text), "{words:?}: {shown}");
    }
}

#[test]
fn a_local_vault_comes_before_one_that_was_joined() {
    let joined = format!(
        "default = 'team'\n[vaults.team]\naddress = '{}'\npin = '{}'\n",
        NOBODY.split_once('#').unwrap().0,
        NOBODY.split_once('#').unwrap().1
    );
    let env = TestEnv::new();
    private_folder(&env.path("data/tokctl"));
    env.file("data/tokctl/vaults.toml", joined.clone());
    let given = identity(&env);
    let away = TestEnv::new().set("XDG_DATA_HOME", env.path("data")).set("TOKCTL_KEY", given);
    away.tokctl(["get"]).assert().code(9);
    away.tokctl(["--vault", "team", "list"]).assert().code(9);
    let failed = away.tokctl(["key", "list"]).assert().code(2);
    assert!(stderr(&failed).contains("a vault in a file"), "{}", stderr(&failed));
    away.tokctl(["backup", "b.db"]).assert().code(9).stdout_eq("");
    assert!(!away.path("b.db").exists());
    // The address alone is enough, once it was joined.
    let (address, _) = NOBODY.split_once('#').unwrap();
    away.tokctl(["--vault", address, "list"]).assert().code(9);

    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.file("data/tokctl/vaults.toml", joined);
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"].as_array().unwrap().len(), 1);
}
