//! A vault that somebody damaged or edited: exit 7, nothing sent, nothing changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, another_key, made_up_key, set_mode, stderr, stdout};

/// Two logins, both due: whatever is wrong has to be found before a refresh token is sent.
fn two_due_logins(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new().with_provider(server);
    env.log_in("x", server, issue().expires_in(0));
    env.log_in("y", server, issue().expires_in(0));
    env
}

const GET_X: [&str; 4] = ["get", "acme", "--user", "x"];
const GET_Y: [&str; 4] = ["get", "acme", "--user", "y"];

#[test]
fn a_flipped_bit_spoils_its_own_credential_and_no_other() {
    let server = AuthorizationServer::start();
    let env = two_due_logins(&server);
    env.flip_a_sealed_bit("x");
    env.tokctl(GET_X).assert().code(7).stdout_eq("");
    server.will(issue());
    env.tokctl(GET_Y).assert().success().stdout_eq("access-3\n");
}

#[test]
fn exchanged_credentials_do_not_open() {
    let server = AuthorizationServer::start();
    let env = two_due_logins(&server);
    for (from, to) in [("x", "nobody"), ("y", "x"), ("nobody", "y")] {
        env.sql(&format!("UPDATE credentials_2 SET user = '{to}' WHERE user = '{from}'"));
    }
    env.tokctl(GET_X).assert().code(7).stdout_eq("");
    env.tokctl(GET_Y).assert().code(7).stdout_eq("");
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_renamed_credential_does_not_open() {
    let server = AuthorizationServer::start();
    let env = two_due_logins(&server);
    env.sql("UPDATE credentials_2 SET user = 'z' WHERE user = 'x'");
    env.tokctl(["get", "acme", "--user", "z"]).assert().code(7).stdout_eq("");
    env.sql("UPDATE credentials_2 SET provider = 'jira' WHERE user = 'y'");
    env.tokctl(["get", "jira", "--user", "y"]).assert().code(7).stdout_eq("");
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn an_edited_copy_of_what_is_sealed_is_noticed() {
    for change in [
        "server_url = 'https://evil.example'",
        "expires_at = 4102444800",
        "scopes = 'everything'",
        "status = 'login_required'",
        "username = 'mallory'",
        "refreshable = 0",
        "kind = 'static'",
        "created_at = created_at - 1",
        "updated_at = updated_at + 1",
        "last_refreshed_at = 1700000000",
        "login_by = 1700000000",
    ] {
        let server = AuthorizationServer::start();
        let env = two_due_logins(&server);
        env.sql(&format!("UPDATE credentials_2 SET {change} WHERE user = 'x'"));
        for command in [&GET_X[..], &["rotate-key"]] {
            let failed = env.tokctl(command).assert().stdout_eq("");
            let code = failed.get_output().status.code();
            assert_eq!(code, Some(7), "{change}, {command:?}: {}", stderr(&failed));
        }
        let told = stdout(&env.tokctl(["doctor"]).assert().failure());
        assert!(told.contains("acme/x"), "{change}: {told}");
        assert_eq!(server.token_requests().len(), 2, "{change}");
    }
}

#[test]
fn a_later_programs_vault_is_refused() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.open_vault().pragma_update(None, "user_version", 9999).unwrap();
    for command in ["get", "list"] {
        env.tokctl([command]).assert().code(7).stdout_eq("");
    }
}

#[test]
fn another_programs_database_is_refused() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.open_vault().pragma_update(None, "application_id", 7).unwrap();
    for command in ["get", "list"] {
        env.tokctl([command]).assert().code(7).stdout_eq("");
    }
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    fs::write(env.vault_path(), "not a database, made up for a test".repeat(64)).unwrap();
    let before = fs::read(env.vault_path()).unwrap();
    env.tokctl(["get"]).assert().code(7).stdout_eq("");
    env.tokctl(["login", "vendor", "--user", "x", "--token-stdin"])
        .stdin("made-up-token")
        .assert()
        .code(7);
    assert!(fs::read(env.vault_path()).unwrap() == before);
}

#[test]
fn a_truncated_file_is_refused() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let whole = fs::read(env.vault_path()).unwrap();
    for length in [100, 4096, whole.len() / 2, whole.len() - 4096] {
        fs::write(env.vault_path(), &whole[..length]).unwrap();
        env.tokctl(["get", "vendor", "--user", "x"]).assert().code(7).stdout_eq("");
    }
}

#[test]
fn an_edited_key_slot_is_told_from_a_wrong_key() {
    for change in
        ["wrapped_key = randomblob(length(wrapped_key))", "memory = 4294967295", "passes = 1000000"]
    {
        let env = TestEnv::new().with_static_token("x", "made-up-token");
        env.sql(&format!("UPDATE key_slots_2 SET {change}"));
        let failed = env.tokctl(["get"]).assert();
        assert_eq!(failed.get_output().status.code(), Some(7), "{change}: {}", stderr(&failed));
    }
}

#[test]
fn a_key_slot_with_parameters_that_nobody_would_choose_is_not_even_tried() {
    const PASSPHRASE: &str = "made up for a test";
    let key = TestEnv::new().with_static_token("x", "made-up-token");
    let passphrase = TestEnv::without_key()
        .set("TOKCTL_PASSPHRASE", PASSPHRASE)
        .with_static_token("x", "made-up-token");
    for (env, columns) in [
        (&key, &["memory = 7", "memory = 0", "passes = 0", "lanes = 0", "lanes = 17"][..]),
        (&passphrase, &["memory = 8", "memory = 65535", "passes = 2", "lanes = 0"]),
        (&passphrase, &["memory = 1048577", "memory = 4294967295", "passes = 17", "lanes = 255"]),
    ] {
        for change in columns {
            let column = change.split(' ').next().unwrap();
            let before: i64 = env
                .open_vault()
                .query_row(&format!("SELECT {column} FROM key_slots_2"), [], |row| row.get(0))
                .unwrap();
            env.sql(&format!("UPDATE key_slots_2 SET {change}"));
            for command in [&["get"][..], &["rotate-key"], &["key", "add", "recovery"]] {
                let failed = env.tokctl(command).assert();
                let code = failed.get_output().status.code();
                assert_eq!(code, Some(7), "{change}, {command:?}: {}", stderr(&failed));
            }
            env.sql(&format!("UPDATE key_slots_2 SET {column} = {before}"));
            env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
        }
    }
}

/// What somebody who can write the file, and has no key, may do to x's row.
#[test]
fn whatever_was_done_to_a_row_nothing_is_sent_for_it() {
    for change in [
        "sealed = (SELECT sealed FROM credentials_2 WHERE user = 'y')",
        "(sealed, revision) = (SELECT sealed, revision FROM credentials_2 WHERE user = 'y')",
        "sealed = older",
        "revision = revision + 1",
        "server_url = 'https://evil.example/token'",
        "sealed = zeroblob(length(sealed))",
        "sealed = substr(sealed, 1, length(sealed) - 1)",
    ] {
        let server = AuthorizationServer::start();
        let env = two_due_logins(&server);
        // From the generation before.
        env.open_vault()
            .execute_batch(
                "CREATE TABLE kept AS SELECT provider, user, sealed AS older FROM credentials_2",
            )
            .unwrap();
        env.tokctl(["rotate-key"]).assert().success();
        env.sql(&format!(
            "UPDATE credentials_2 SET {change} FROM kept WHERE credentials_2.user = 'x' AND kept.user = 'x'"
        ));
        for command in ["get", "refresh", "check", "delete"] {
            let mut command = vec![command, "acme", "--user", "x"];
            if command[0] == "delete" {
                command.push("--yes");
            }
            let failed = env.tokctl(&command).assert().stdout_eq("");
            let code = failed.get_output().status.code();
            assert_eq!(code, Some(7), "{change}, {command:?}: {}", stderr(&failed));
        }
        assert_eq!(server.token_requests().len(), 2, "{change}");
    }
}

#[test]
fn a_vault_that_others_can_write_is_refused_with_the_way_out() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let vault = env.vault_path();
    let folder = vault.parent().unwrap();
    for (path, wrong, right) in
        [(folder, 0o777, 0o700), (folder, 0o702, 0o700), (&vault, 0o602, 0o600)]
    {
        set_mode(path, wrong);
        let failed = env.tokctl(["get"]).assert().code(1).stdout_eq("");
        let said = stderr(&failed);
        assert!(said.contains("chmod") && said.contains(path.to_str().unwrap()), "{said}");
        set_mode(path, right);
        env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n").stderr_eq("");
    }
}

#[test]
fn a_vault_that_others_can_read_is_mended_or_at_least_told() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    set_mode(&env.vault_path(), 0o644);
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
}

#[test]
fn a_vault_without_its_header_is_not_taken_for_a_new_one() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    env.sql("DELETE FROM vault_2");
    env.tokctl(["get"]).assert().code(7).stdout_eq("");
    let login = ["login", "vendor", "--user", "y", "--token-stdin"];
    env.tokctl(login).stdin("made-up-token").assert().code(7);
}

#[test]
fn a_vault_that_misses_a_table_is_damaged() {
    for table in ["vault_2", "key_slots_2", "intents_2", "credentials_2"] {
        let env = TestEnv::new().with_static_token("x", "made-up");
        env.open_vault().execute_batch(&format!("DROP TABLE {table}")).unwrap();
        let failed = env.tokctl(["get", "vendor", "--user", "x"]).assert();
        let failed = failed.code(7).stdout_eq("");
        assert!(stderr(&failed).contains("tokctl doctor"), "{table}: {}", stderr(&failed));
        env.tokctl(["doctor"]).assert().code(7);
    }
}

#[test]
fn doctor_names_each_table_that_is_missing() {
    let env = TestEnv::new().with_static_token("x", "made-up");
    let connection = env.open_vault();
    let named = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables: Vec<String> = connection
        .prepare(named)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(tables, ["vault_2", "key_slots_2", "intents_2", "credentials_2"]);
    for table in tables {
        let name = |from: &str, to: &str| {
            // Not by ALTER TABLE, which would write the table's text with quotes.
            let edit = format!(
                "PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET name = '{to}', tbl_name = '{to}',
                  sql = replace(sql, '{from}', '{to}') WHERE name = '{from}';
                 UPDATE sqlite_schema SET name = replace(name, '{from}', '{to}'),
                  sql = replace(sql, '{from}', '{to}'), tbl_name = '{to}'
                 WHERE tbl_name = '{from}'"
            );
            env.open_vault().execute_batch(&edit).unwrap();
        };
        name(&table, "elsewhere");
        let told = stdout(&env.tokctl(["doctor"]).assert().code(7));
        name("elsewhere", &table);
        assert!(told.contains(&format!("the file misses {table}")), "{table}: {told}");
        assert!(told.contains("from a backup"), "{table}: {told}");
        assert!(!told.contains("hint: `tokctl doctor`"), "{table}: {told}");
    }
    assert!(stdout(&env.tokctl(["doctor"]).assert()).contains("the file's pages are whole"));
}

#[test]
fn a_row_that_can_not_be_read_does_not_hide_the_others() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-1").with_static_token("y", "made-up-2");
    env.sql("UPDATE credentials_2 SET status = 'nonsense' WHERE user = 'x'");
    let listed = env.tokctl(["list"]).assert().code(7);
    assert!(stdout(&listed).contains("\ty\t"), "{}", stdout(&listed));
    env.tokctl(["get", "--user", "y"]).assert().success().stdout_eq("made-up-2\n");
}

#[test]
fn a_file_that_is_no_vault_keeps_its_mode() {
    let env = TestEnv::new();
    let path = env.file("notes.txt", "made up, and long enough to be looked at: ".repeat(40));
    set_mode(&path, 0o644);
    env.tokctl(["--vault", path.to_str().unwrap(), "list"]).assert().code(7);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
}

/// What the README says can't be noticed, so that it stays true until it can.
#[test]
fn what_was_taken_from_the_file_can_be_put_back_until_the_key_is_rotated() {
    let env = TestEnv::new().with_static_token("x", "made-up-old");
    env.open_vault().execute_batch("CREATE TABLE kept AS SELECT * FROM credentials_2").unwrap();
    let env = env.with_static_token("x", "made-up-new");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-new\n");
    let put_back = "INSERT OR REPLACE INTO credentials_2 SELECT * FROM kept";
    env.sql(put_back);
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-old\n");

    env.open_vault().execute_batch("CREATE TABLE kept_slot AS SELECT * FROM key_slots_2").unwrap();
    let new = env.file("new-key", another_key());
    let env = env.set("TOKCTL_NEW_KEY_FILE", new);
    env.tokctl(["key", "add", "key"]).assert().success();
    let id: String = env
        .open_vault()
        .query_row("SELECT lower(hex(id)) FROM kept_slot", [], |row| row.get(0))
        .unwrap();
    let env = env.set("TOKCTL_KEY", another_key());
    env.tokctl(["key", "remove", &id, "--no-rotate"]).assert().success();
    env.sql("INSERT INTO key_slots_2 SELECT * FROM kept_slot");
    env.tokctl(["get"]).env("TOKCTL_KEY", made_up_key()).assert().success();

    env.tokctl(["key", "remove", &id]).assert().success();
    env.sql(put_back);
    env.tokctl(["get"]).env("TOKCTL_KEY", another_key()).assert().code(7).stdout_eq("");
    env.sql("INSERT INTO key_slots_2 SELECT * FROM kept_slot");
    env.tokctl(["get"]).env("TOKCTL_KEY", made_up_key()).assert().code(7).stdout_eq("");
}
