//! Edits of the vault's file by somebody who has no key, against commands, as a table.
//!
//! A vault of six credentials is made once. Each edit is tried with each command in a copy of it,
//! and has an exact outcome. The server is strict: a request that was not expected, or that carries
//! a spent token, fails the test, whatever the command says.

use std::fs;
use std::path::{Path, PathBuf};

use crate::authorization_server::{AuthorizationServer, Families, TokenRequest, issue};
use crate::env::{TestEnv, made_up_key, stderr, stdout};

/// The users of the grants. The edits are about the first, and about the static token `vendor/f`.
const USERS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The token that each of them has, in the same order. The first one was refreshed.
const TOKENS: [&str; 5] = ["access-6", "access-2", "access-3", "access-4", "access-5"];

const STATIC_TOKEN: &str = "made-up-f";

/// The commands, most of them about the first credential. `refresh` is the one that may send.
const COMMANDS: [&[&str]; 11] = [
    &["get", "acme/a"],
    &["get", "vendor/f"],
    &["refresh", "acme/a"],
    &["list"],
    &["delete", "acme/a", "--no-revoke", "--yes"],
    &["check", "acme/a"],
    &["rotate-key"],
    &["doctor"],
    &["audit", "--verify"],
    &["export", "acme/a", "--output", "bundle", "--to", "key:bundle.key"],
    &["run", "--env", "TOKEN=acme/a", "--", "true"],
];

/// The exit codes of the commands, in their order, and of `get` for each of the other four.
type Codes = ([i32; COMMANDS.len()], i32);

/// What is done to the file.
enum Edit {
    /// Statements, with the copies attached as `before` (under an earlier key) and `early`.
    Sql(String),
    /// The whole file becomes the one of this name.
    File(&'static str),
}

/// A vault that can be put back, with what its server issued.
struct World {
    env: TestEnv,
    server: AuthorizationServer,
    issued: Families,
}

impl World {
    fn new() -> Self {
        let server = AuthorizationServer::start();
        let env = TestEnv::new().with_provider(&server);
        env.file("bundle.key", made_up_key());
        env.add_config(&format!(
            "check_url = \"{}\"\ncheck_fields = [\"/email\"]\n",
            server.url("/me")
        ));
        for user in USERS {
            env.log_in(user, &server, issue());
        }
        let env = env.with_static_token("f", STATIC_TOKEN);
        let copy = |name: &str| {
            let path = env.path(name);
            env.open_vault().execute("VACUUM INTO ?1", [path.to_str().unwrap()]).unwrap();
        };
        copy("before.db");
        env.tokctl(["rotate-key"]).assert().success();
        copy("early.db");
        server.will(issue());
        env.tokctl(["refresh", "acme/a"]).assert().success();
        for folder in ["data", "state"] {
            copy_folder(&env.path(folder), &env.path("kept").join(folder));
        }
        let issued = server.issued();
        Self { env, server, issued }
    }

    /// Puts the world back, and makes the edit.
    fn edited(&self, edit: &Edit) {
        self.server.put_back(&self.issued);
        let _ = fs::remove_file(self.env.path("bundle"));
        for folder in ["data", "state"] {
            fs::remove_dir_all(self.env.path(folder)).unwrap();
            copy_folder(&self.env.path("kept").join(folder), &self.env.path(folder));
        }
        match edit {
            Edit::Sql(sql) => {
                let vault = self.env.open_vault();
                for name in ["before", "early"] {
                    let path = self.env.path(&format!("{name}.db"));
                    let attach = format!("ATTACH ?1 AS {name}");
                    vault.execute(&attach, [path.to_str().unwrap()]).unwrap();
                }
                let changed = vault.total_changes();
                vault.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
                let is_row = !sql.starts_with("DROP");
                assert!(!is_row || vault.total_changes() > changed, "`{sql}` changed nothing");
            }
            Edit::File(name) => {
                for suffix in ["-wal", "-shm"] {
                    let _ =
                        fs::remove_file(self.env.path(&format!("data/tokctl/tokens.db{suffix}")));
                }
                fs::copy(self.env.path(name), self.env.vault_path()).unwrap();
            }
        }
    }

    /// Tries `edit` with each command, and returns the exit codes.
    fn codes(&self, edit: &Edit, what: &str) -> Codes {
        let codes = COMMANDS.map(|command| {
            self.edited(edit);
            self.code(command, what)
        });
        self.edited(edit);
        let others: Vec<i32> = (1..USERS.len()).map(|number| self.get(number, what)).collect();
        assert!(others.iter().all(|code| *code == others[0]), "{what}: {others:?}");
        (codes, others[0])
    }

    fn code(&self, command: &[&str], what: &str) -> i32 {
        let sent = self.server.token_requests().len();
        match command[0] {
            "refresh" => self.server.will(issue()),
            "check" => self.server.will_identify(TOKENS[0], "a"),
            _ => {}
        }
        let done = self.env.tokctl(command).assert();
        self.server.expects_no_more();
        let code = done.get_output().status.code().unwrap();
        let requests = self.server.token_requests();
        let expected = if command[0] == "refresh" && code == 0 {
            vec![TokenRequest::refresh("refresh-6")]
        } else {
            Vec::new()
        };
        assert_eq!(requests[sent..], expected, "{what}: {command:?}: {}", stderr(&done));
        if command[0] == "get" {
            // A token of an earlier row that is still good may be printed.
            let said = stdout(&done);
            let is_older = what.contains("early") || what.contains("before");
            let good = match command[1] {
                "vendor/f" => said == format!("{STATIC_TOKEN}\n"),
                _ => said == format!("{}\n", TOKENS[0]) || (said == "access-1\n" && is_older),
            };
            assert!(if code == 0 { good } else { said.is_empty() }, "{what}: {said}");
        }
        code
    }

    fn get(&self, number: usize, what: &str) -> i32 {
        let got = self.env.tokctl(["get", "acme", "--user", USERS[number]]).assert();
        let code = got.get_output().status.code().unwrap();
        let expected = if code == 0 { format!("{}\n", TOKENS[number]) } else { String::new() };
        assert_eq!(stdout(&got), expected, "{what}: {}", stderr(&got));
        code
    }

    /// Fails unless each edit has its outcome.
    fn assert_outcomes(&self, table: Vec<(Edit, Codes)>) {
        let mut wrong = Vec::new();
        for (edit, expected) in table {
            let what = match &edit {
                Edit::Sql(sql) => sql.as_str(),
                Edit::File(name) => name,
            };
            let found = self.codes(&edit, what);
            if found != expected {
                wrong.push(format!("{what}\n  is {found:?}, not {expected:?}"));
            }
        }
        let commands = COMMANDS.map(|command| command[0]);
        assert!(wrong.is_empty(), "{commands:?}\n{}", wrong.join("\n"));
    }
}

fn copy_folder(from: &Path, to: &Path) {
    crate::env::private_folder(to);
    for entry in fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn sql(text: impl Into<String>) -> Edit {
    Edit::Sql(text.into())
}

/// Sets a column of the first credential, and of the static token.
fn row(assignment: &str) -> Edit {
    sql(format!("UPDATE credentials_2 SET {assignment} WHERE user IN ('a', 'f')"))
}

fn header(assignment: &str) -> Edit {
    sql(format!("UPDATE vault_2 SET {assignment}"))
}

fn slot(assignment: &str) -> Edit {
    sql(format!("UPDATE key_slots_2 SET {assignment}"))
}

/// Nothing that counts was changed.
const NOTHING: Codes = ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0);
/// The credential does not open: it can be listed, deleted and told, and the others go on.
const ROW: Codes = ([7, 7, 7, 0, 0, 7, 7, 7, 0, 7, 7], 0);
/// The credential can't be listed either.
const ODD: Codes = ([7, 7, 7, 7, 0, 7, 7, 7, 0, 7, 7], 0);
/// The credential is under another name, where it does not open.
const RENAMED: Codes = ([3, 3, 3, 0, 3, 3, 7, 7, 0, 3, 3], 0);
/// The credential is not there.
const GONE: Codes = ([3, 3, 3, 0, 3, 3, 0, 0, 0, 3, 3], 0);
/// The notes about the credential are forged: a good token is printed, and nothing is sent.
const EVIDENCE: Codes = ([0, 0, 7, 0, 0, 7, 7, 7, 0, 7, 0], 0);
/// The credential is older than this machine has seen: likewise.
const OLDER_ROW: Codes = ([0, 0, 7, 0, 0, 7, 0, 7, 0, 0, 0], 0);
/// The file is older than this machine has seen.
const OLDER_FILE: Codes = ([0, 0, 7, 0, 0, 7, 7, 7, 7, 0, 0], 0);
/// Nothing opens, and what needs no key goes on.
const SEALED: Codes = ([7, 7, 7, 0, 0, 7, 7, 7, 7, 7, 7], 7);
/// No key slot fits the key.
const NO_SLOT: Codes = ([5, 5, 5, 0, 0, 5, 5, 1, 5, 5, 5], 5);
/// There is no key slot.
const NO_SLOTS: Codes = ([5, 5, 5, 0, 0, 5, 5, 7, 5, 5, 5], 5);
/// The file is not a vault of tokctl's.
const SCHEMA: Codes = ([7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7], 7);

#[test]
fn each_column_of_a_credential() {
    World::new().assert_outcomes(vec![
        (row("provider = 'acme2'"), RENAMED),
        (row("user = 'z'"), RENAMED),
        (row("revision = revision + 1"), ROW),
        (row("revision = 0"), ROW),
        (row("sealed = zeroblob(200)"), ROW),
        (row("sealed = (SELECT sealed FROM credentials_2 WHERE user = 'b')"), ROW),
        (row("kind = iif(kind = 'static', 'oauth', 'static')"), ROW),
        (row("kind = 'nonsense'"), ODD),
        (row("status = 'login_required'"), ROW),
        (row("server_url = 'https://evil.example'"), ROW),
        (row("username = 'evil'"), ROW),
        (row("scopes = 'admin'"), ROW),
        (row("expires_at = 1"), ROW),
        (row("refreshable = 1 - refreshable"), ROW),
        (row("created_at = 1"), ROW),
        (row("updated_at = 1"), ROW),
        (row("last_refreshed_at = 1"), ROW),
        (row("login_by = 1"), ROW),
        (row("evidence = zeroblob(41)"), EVIDENCE),
        (row("evidence_revision = evidence_revision + 1"), EVIDENCE),
        (row("journal = '{}'"), EVIDENCE),
        (row("last_attempt = '{}'"), EVIDENCE),
        (row("reported = 'refresh_failed'"), EVIDENCE),
    ]);
}

#[test]
fn each_column_of_the_header_the_slots_and_the_intents() {
    World::new().assert_outcomes(vec![
        (header("vault_id = zeroblob(16)"), SEALED),
        (header("generation = generation + 1"), SEALED),
        (header("generation = -1"), SEALED),
        (header("created_at = 1"), SEALED),
        (header("copied_at = 1"), NOTHING),
        (header("sealed = zeroblob(130)"), SEALED),
        (header("sealed = x''"), SEALED),
        (header("sealed = CAST('{\"revision\":1,\"opened\":[]}' AS BLOB)"), SEALED),
        (header("bundle_id = zeroblob(16), bundle = 'x', bundle_at = 1"), SEALED),
        (slot("id = zeroblob(8)"), NO_SLOT),
        (slot("vault_id = zeroblob(16)"), SEALED),
        (slot("kind = 'passphrase'"), NO_SLOT),
        (slot("kind = 'nonsense'"), SEALED),
        (slot("memory = 4294967295"), SEALED),
        (slot("passes = passes + 1"), SEALED),
        (slot("lanes = lanes + 1"), SEALED),
        (slot("salt = zeroblob(16)"), SEALED),
        (slot("key_check = zeroblob(16)"), SEALED),
        (slot("wrapped_key = zeroblob(73)"), SEALED),
        (slot("created_at = 1"), NOTHING),
        (sql("INSERT INTO intents_2 VALUES ('x', 1, zeroblob(60))"), NOTHING),
    ]);
}

#[test]
fn each_earlier_row_and_each_table() {
    let again = |table: &str, of: &str, which: &str| {
        sql(format!("INSERT OR REPLACE INTO {table} SELECT * FROM {of}.{table} WHERE {which}"))
    };
    World::new().assert_outcomes(vec![
        (again("credentials_2", "early", "user IN ('a', 'f')"), OLDER_ROW),
        (again("credentials_2", "before", "user IN ('a', 'f')"), ROW),
        (again("vault_2", "early", "TRUE"), OLDER_FILE),
        (again("vault_2", "before", "TRUE"), SEALED),
        // It is the first that is tried.
        (
            sql("INSERT INTO key_slots_2 SELECT * FROM before.key_slots_2; UPDATE key_slots_2
                  SET created_at = 1 WHERE id IN (SELECT id FROM before.key_slots_2)"),
            SEALED,
        ),
        (sql("DELETE FROM credentials_2 WHERE user IN ('a', 'f')"), GONE),
        (sql("DELETE FROM vault_2"), SEALED),
        (sql("DELETE FROM key_slots_2"), NO_SLOTS),
        (sql("DROP TABLE credentials_2"), SCHEMA),
        (sql("DROP TABLE vault_2"), SCHEMA),
        (sql("DROP TABLE key_slots_2"), SCHEMA),
        (sql("DROP TABLE intents_2"), SCHEMA),
        (Edit::File("early.db"), OLDER_FILE),
        (Edit::File("before.db"), OLDER_FILE),
    ]);
}
