//! `tokctl import`: what holds for every source. What each source looks like is in `import_sources`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use snapbox::cmd::OutputAssert;

use crate::authorization_server::{AuthorizationServer, Client, TokenRequest, issue};
use crate::env::{TestEnv, json, private_folder, set_mode, stderr, stdout};
use crate::terminal::{at_a_terminal, ending};

/// Long after any test.
pub(crate) const LATER: &str = "2100-01-01 00:00:00";

/// Long before.
pub(crate) const BEFORE: &str = "2020-01-01 00:00:00";

/// Every secret in these tests begins so.
const SECRET: &str = "made-up-";

const SALLA: &str = "CREATE TABLE tokens (
    user_id TEXT PRIMARY KEY, access_token TEXT NOT NULL, refresh_token TEXT NOT NULL,
    token_type TEXT NOT NULL, expires_at DATETIME NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP);";

/// A database of another tool's, made of these statements.
pub(crate) fn database(env: &TestEnv, sql: &str) -> PathBuf {
    let path = place(env, "tokens.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    path
}

/// A file of another tool's.
pub(crate) fn file(env: &TestEnv, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    place(env, name);
    env.file(&format!("elsewhere/{name}"), content)
}

/// A place in a folder of the other tool's.
pub(crate) fn place(env: &TestEnv, name: &str) -> PathBuf {
    private_folder(&env.path("elsewhere"));
    env.path("elsewhere").join(name)
}

/// Runs `tokctl import` with these arguments behind the source and the file, and makes sure that
/// nothing secret is shown and nothing of the other tool's is changed.
#[track_caller]
pub(crate) fn import(env: &TestEnv, source: &str, file: &Path, more: &[&str]) -> OutputAssert {
    let before = files(env);
    let arguments = ["import", source, file.to_str().unwrap()];
    let done = env.tokctl(arguments.iter().chain(more)).assert();
    for said in [stdout(&done), stderr(&done)] {
        assert!(!said.contains(SECRET), "{said}");
        assert!(!said.contains('\u{1b}'), "{said}");
    }
    assert_eq!(files(env), before, "the other tool's files are as they were");
    done
}

/// All that is in the other tool's folder.
fn files(env: &TestEnv) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![env.path("elsewhere")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    files
}

/// What became of each, as `--json` tells, by provider and user.
#[track_caller]
pub(crate) fn outcomes(done: &OutputAssert) -> BTreeMap<String, Value> {
    json(done)["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap().to_owned();
            (format!("{}/{}", text("provider"), text("user")), one.clone())
        })
        .collect()
}

/// How many credentials there are.
fn stored(env: &TestEnv) -> usize {
    if !env.vault_path().exists() {
        return 0;
    }
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    listed["credentials"].as_array().unwrap().len()
}

/// Starts a command that runs beside the test, and says nothing.
fn silently(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn salla_row(user: &str, number: usize, end: &str) -> String {
    format!(
        "INSERT INTO tokens (user_id, access_token, refresh_token, token_type, expires_at)
         VALUES ('{user}', 'made-up-access-{number}', 'made-up-refresh-{number}', 'bearer', '{end}');"
    )
}

/// A Salla at home, which has issued `made-up-refresh-1`, with its client in the environment.
fn salla() -> (AuthorizationServer, TestEnv) {
    let client = Client::public().of("salla").with_post_secret("made-up-client");
    let server = AuthorizationServer::start_for(client);
    server.has_issued("made-up-refresh-1");
    let env = TestEnv::new()
        .set("TOKCTL_SALLA_CLIENT_ID", "tokctl-made-up")
        .set("TOKCTL_SALLA_CLIENT_SECRET", "made-up-client");
    env.config(&format!(
        "[providers.salla]\nextends = \"salla\"\ntoken_endpoint = \"{}\"\n",
        server.url("/token")
    ));
    (server, env)
}

#[test]
fn a_dry_run_shows_what_would_come_in_and_stores_nothing() {
    let (_server, env) = salla();
    let rows = [salla_row("a", 1, LATER), salla_row("b", 2, BEFORE)].concat();
    let file = database(&env, &format!("{SALLA}{rows}"));
    let done = import(&env, "salla", &file, &["--dry-run", "--json"]).code(1);
    let found = outcomes(&done);
    assert_eq!(json(&done)["dry_run"], true);
    assert_eq!(found["salla/a"]["outcome"], "new");
    assert_eq!(found["salla/a"]["expires_at"], "2100-01-01T00:00:00Z");
    assert_eq!(found["salla/a"]["refreshable"], false);
    assert_eq!(found["salla/a"]["without_refresh_token"], "not_taken_over");
    assert_eq!(found["salla/b"]["outcome"], "left_out");
    assert!(!env.vault_path().exists(), "there is not even a vault");
    let table = stdout(&import(&env, "salla", &file, &["--dry-run", "--take-over"]).success());
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.lines().nth(2).unwrap().contains("yes"), "{table}");
}

#[test]
fn a_rotating_refresh_token_comes_in_only_if_it_is_taken_over() {
    let (server, env) = salla();
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    let done = import(&env, "salla", &file, &[]).success();
    assert!(stderr(&done).contains("--take-over"), "{}", stderr(&done));
    assert!(!stderr(&done).contains("shred"), "{}", stderr(&done));
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-access-1\n");
    env.tokctl(["refresh"]).assert().code(4);
    assert_eq!(server.token_requests(), []);

    import(&env, "salla", &file, &["--replace", "--take-over"]).success();
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-access-1\n");
    server.will(issue().expires_in(14 * 86_400));
    env.tokctl(["refresh"]).assert().success();
    assert_eq!(server.token_requests(), [TokenRequest::refresh("made-up-refresh-1")]);
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn what_works_only_with_its_refresh_token_is_left_out_without_it() {
    let (server, env) = salla();
    let rows = [salla_row("a", 1, BEFORE), salla_row("b", 2, LATER)].concat();
    let file = database(&env, &format!("{SALLA}{rows}"));
    let done = import(&env, "salla", &file, &["--json"]).code(1);
    assert_eq!(outcomes(&done)["salla/a"]["outcome"], "left_out");
    assert!(stderr(&done).contains("1 of these was left out"), "{}", stderr(&done));
    env.tokctl(["get", "salla", "--user", "a"]).assert().code(3);
    import(&env, "salla", &file, &["--take-over"]).success();
    server.will(issue());
    env.tokctl(["get", "salla", "--user", "a"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_grant_whose_client_nobody_knows_brings_its_access_token_alone() {
    let env = TestEnv::new();
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    let done = import(&env, "salla", &file, &["--take-over"]).success();
    let hint = "set TOKCTL_SALLA_CLIENT_ID and TOKCTL_SALLA_CLIENT_SECRET";
    assert!(stderr(&done).contains(hint), "{}", stderr(&done));
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"][0]["refreshable"], false);
    assert_eq!(listed["credentials"][0]["expires_at"], "2100-01-01T00:00:00Z");
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-access-1\n");
}

#[test]
fn what_is_there_is_not_overwritten_unless_that_is_asked() {
    let (_server, env) = salla();
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    let whole = ["--take-over", "--json"];
    assert_eq!(outcomes(&import(&env, "salla", &file, &whole))["salla/a"]["outcome"], "new");
    let created = json(&env.tokctl(["list", "--json"]).assert())["credentials"][0].clone();
    let again = import(&env, "salla", &file, &whole).success();
    assert_eq!(outcomes(&again)["salla/a"]["outcome"], "same", "nothing to do");
    assert_eq!(json(&env.tokctl(["list", "--json"]).assert())["credentials"][0], created);

    fs::remove_file(&file).unwrap();
    let rows = [salla_row("a", 3, LATER), salla_row("b", 2, LATER)].concat();
    let file = database(&env, &format!("{SALLA}{rows}"));
    let done = import(&env, "salla", &file, &whole).success();
    assert_eq!(outcomes(&done)["salla/a"]["outcome"], "present");
    assert_eq!(outcomes(&done)["salla/b"]["outcome"], "new");
    assert!(stderr(&done).contains("--replace"), "{}", stderr(&done));
    let get = ["get", "salla", "--user", "a"];
    env.tokctl(get).assert().success().stdout_eq("made-up-access-1\n");

    let done = import(&env, "salla", &file, &["--take-over", "--json", "--replace"]).success();
    assert_eq!(outcomes(&done)["salla/a"]["outcome"], "replaced");
    assert_eq!(outcomes(&done)["salla/b"]["outcome"], "same");
    env.tokctl(get).assert().success().stdout_eq("made-up-access-3\n");
}

#[test]
fn what_is_replaced_is_not_revoked() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    let tokens = json!({
        "access_token": "made-up-access", "refresh_token": "made-up-refresh",
        "client_id": "tokctl-made-up", "expires_at": "2100-01-01T00:00:00Z",
    });
    let file = file(&env, "x.json", tokens.to_string());
    let named = ["--provider", "acme", "--user", "x", "--replace", "--take-over"];
    import(&env, "pauth", &file, &named).success();
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-access\n");
    assert_eq!(server.revocations(), []);
}

#[test]
fn what_the_other_tool_still_uses_is_not_revoked() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    let tokens = json!({
        "access_token": "made-up-access", "refresh_token": "made-up-refresh",
        "client_id": "tokctl-made-up",
    });
    let file = file(&env, "x.json", tokens.to_string());
    let named = ["--provider", "acme", "--user", "x"];
    import(&env, "pauth", &file, &named).success();
    env.log_in("x", &server, issue());
    assert_eq!(server.revocations(), []);

    let another = ["--provider", "acme", "--user", "y"];
    import(&env, "pauth", &file, &another).success();
    env.tokctl(["delete", "acme", "--user", "y", "--yes"]).assert().success();
    assert_eq!(server.revocations(), []);
}

#[test]
fn a_file_of_another_kind_is_told() {
    let env = TestEnv::new();
    let salla = database(&env, SALLA);
    let text = file(&env, "a.txt", "hello");
    let binary = file(&env, "a.bin", b"\x80\x04\xff");
    let broken = place(&env, "broken.db");
    let mut bytes = fs::read(&salla).unwrap();
    bytes.truncate(bytes.len() - 600);
    fs::write(&broken, bytes).unwrap();
    for (source, file) in [
        ("salla", &text),
        ("salla", &broken),
        ("agentllm", &salla),
        ("state-tokens", &salla),
        ("refresh-service", &salla),
        ("refresh-service", &text),
        ("pauth", &salla),
        ("pauth", &text),
        ("google", &text),
        ("google", &binary),
        ("rclone", &binary),
        ("pauth", &env.path("elsewhere")),
    ] {
        let failed = import(&env, source, file, &["--provider", "salla"]).code(2).stdout_eq("");
        assert!(stderr(&failed).contains(file.to_str().unwrap()), "{}", stderr(&failed));
    }
    import(&env, "salla", &env.path("elsewhere/none.db"), &[]).code(1);
    assert_eq!(stored(&env), 0);
}

#[test]
fn a_file_that_others_can_read_is_told() {
    let (_server, env) = salla();
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    set_mode(&file, 0o600);
    let said = stderr(&import(&env, "salla", &file, &["--dry-run"]).success());
    assert!(!said.contains("open to others"), "{said}");
    set_mode(&file, 0o640);
    let said = stderr(&import(&env, "salla", &file, &["--dry-run"]).success());
    assert!(said.contains("open to others"), "{said}");
}

#[test]
fn a_database_made_to_fill_the_memory_is_refused() {
    let env = TestEnv::new();
    let computed = SALLA.replace(
        "access_token TEXT NOT NULL",
        "access_token TEXT GENERATED ALWAYS AS (hex(zeroblob(10000000)))",
    );
    let row = "INSERT INTO tokens (user_id, refresh_token, token_type, expires_at)
               VALUES ('a', 'made-up', 'bearer', '2100-01-01');";
    let file = place(&env, "tokens.db");
    let made = Connection::open(&file).unwrap();
    made.execute_batch(&format!("{computed}{row}")).unwrap();
    import(&env, "salla", &file, &[]).failure().stdout_eq("");
}

#[test]
fn a_replacement_waits_for_a_refresh_that_is_in_flight() {
    let (server, env) = salla();
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    import(&env, "salla", &file, &["--take-over"]).success();
    server.will(issue().expires_in(14 * 86_400).after(Duration::from_millis(800)));
    let mut refresh = silently(env.command(["refresh"]));
    while server.token_requests().is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
    let done = import(&env, "salla", &file, &["--replace", "--take-over", "--json"]).success();
    assert!(refresh.wait().unwrap().success());
    assert_eq!(outcomes(&done)["salla/a"]["outcome"], "newer_here");
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn what_was_renewed_here_since_is_not_overwritten_with_what_is_used_up() {
    let (server, env) = salla();
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    let again = ["--replace", "--take-over"];
    import(&env, "salla", &file, &again).success();
    server.will(issue().expires_in(14 * 86_400));
    env.tokctl(["refresh"]).assert().success();
    // What a script does each time that a machine is set up.
    for more in [&again[..], &["--replace"], &["--take-over"]] {
        let done = import(&env, "salla", &file, &[more, &["--json"]].concat()).success();
        assert_eq!(outcomes(&done)["salla/a"]["outcome"], "newer_here", "{more:?}");
        assert_eq!(json(&done)["stored"], 0);
        let hint = "tokctl delete salla/a --no-revoke --yes";
        assert!(stderr(&done).contains(hint), "{}", stderr(&done));
    }
    server.will(issue().expires_in(14 * 86_400));
    env.tokctl(["refresh"]).assert().success();
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
}

/// One of the vault's locks.
fn lock(env: &TestEnv, name: &str) -> File {
    let path = env.path("data/tokctl/tokens.db.d").join(name);
    File::options().create(true).truncate(false).write(true).open(path).unwrap()
}

/// Waits until `child` is in the queue for the vault's key, which the test keeps from it.
#[track_caller]
fn until_it_waits(env: &TestEnv, child: &mut Child) {
    let turnstile = lock(env, "turnstile.lock");
    while turnstile.try_lock().is_ok() {
        turnstile.unlock().unwrap();
        assert!(child.try_wait().unwrap().is_none(), "it does not wait");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_import_waits_for_whoever_has_read_a_row() {
    let (_server, env) = salla();
    let env = env.with_static_token("y", "made-up-1");
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    let in_use = lock(&env, "vault.lock");
    in_use.lock_shared().unwrap();
    let mut import = silently(env.command(["import", "salla", file.to_str().unwrap()]));
    until_it_waits(&env, &mut import);
    assert_eq!(stored(&env), 1);
    drop(in_use);
    assert!(import.wait().unwrap().success());
    assert_eq!(stored(&env), 2);
}

#[test]
fn logins_and_deletions_wait_for_an_import() {
    let env = TestEnv::new().with_static_token("y", "made-up-1");
    let keys = lock(&env, "vault.lock");
    keys.lock().unwrap();
    let mut delete =
        silently(env.command(["delete", "vendor", "--user", "y", "--no-revoke", "--yes"]));
    until_it_waits(&env, &mut delete);
    assert_eq!(stored(&env), 1);
    drop(keys);
    assert!(delete.wait().unwrap().success());
    assert_eq!(stored(&env), 0);

    let keys = lock(&env, "vault.lock");
    keys.lock().unwrap();
    let token = File::open(env.file("token", "made-up-2\n")).unwrap();
    let mut login = env.command(["login", "vendor", "--user", "z", "--token-stdin"]);
    login.stdin(token);
    let mut login = silently(login);
    until_it_waits(&env, &mut login);
    assert_eq!(stored(&env), 0);
    drop(keys);
    assert!(login.wait().unwrap().success());
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-2\n");
}

#[test]
fn what_is_in_the_log_of_a_live_database_comes_in_too() {
    let env = TestEnv::new();
    let file = place(&env, "tokens.db");
    let live = Connection::open(&file).unwrap();
    live.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
    live.execute_batch(&format!("{SALLA}{}", salla_row("a", 1, LATER))).unwrap();
    // And what is not committed yet does not.
    live.execute_batch(&format!("BEGIN; {}", salla_row("b", 2, LATER))).unwrap();
    let done = import(&env, "salla", &file, &["--json"]).success();
    assert_eq!(outcomes(&done).keys().collect::<Vec<_>>(), ["salla/a"]);
}

#[test]
fn a_database_that_nobody_may_write_can_be_read() {
    let env = TestEnv::new();
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    set_mode(&file, 0o400);
    set_mode(&env.path("elsewhere"), 0o500);
    import(&env, "salla", &file, &[]).success();
    set_mode(&env.path("elsewhere"), 0o700);
    env.tokctl(["get"]).assert().success();
}

#[test]
fn an_address_in_a_file_gets_not_one_byte() {
    let evil = TcpListener::bind("127.0.0.1:0").unwrap();
    evil.set_nonblocking(true).unwrap();
    let address = format!("http://{}/token", evil.local_addr().unwrap());
    let client = Client::public().of("google").with_post_secret("made-up-client");
    let server = AuthorizationServer::start_for(client);
    server.has_issued("made-up-refresh-1");
    let env = TestEnv::new();
    env.config(&format!(
        "[providers.google]\nextends = \"google\"\ntoken_endpoint = \"{}\"\n",
        server.url("/token")
    ));
    let credentials = json!({
        "token": "made-up-access", "refresh_token": "made-up-refresh-1", "token_uri": address,
        "client_id": "tokctl-made-up", "client_secret": "made-up-client", "scopes": ["openid"],
        "universe_domain": address, "revoke_uri": address, "expiry": "2020-01-01T00:00:00Z",
    });
    let file = file(&env, "token.json", credentials.to_string());
    import(&env, "google", &file, &["--user", "a"]).success();
    server.will(issue().without_refresh_token());
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    assert_eq!(server.token_requests(), [TokenRequest::refresh("made-up-refresh-1")]);
    assert_eq!(evil.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_server_in_a_file_is_held_to_what_a_login_is() {
    let env = TestEnv::new();
    for shop in ["evil.com", "made-up.myshopify.com.evil.com", "a.b.myshopify.com"] {
        let dump = format!("shop_domain,access_token\n{shop},made-up-token\n");
        let file = file(&env, "shops.csv", dump);
        let failed = import(&env, "refresh-service", &file, &[]).code(2).stdout_eq("");
        assert!(stderr(&failed).contains("line 2"), "{}", stderr(&failed));
        assert!(stderr(&failed).contains("as that provider has it"), "{}", stderr(&failed));
    }
    for shop in ["made-up.myshopify.com/x", "evil.com#.myshopify.com", "a@made-up.myshopify.com"] {
        let dump = format!("shop_domain,access_token\n{shop},made-up-token\n");
        let file = file(&env, "shops.csv", dump);
        import(&env, "refresh-service", &file, &[]).code(1).stdout_eq("");
    }
    assert_eq!(stored(&env), 0);
}

#[test]
fn what_does_not_fit_is_told_with_what_mends_it() {
    let env = TestEnv::new();
    env.config("[providers.vendor]\napi_auth = \"basic\"\n");
    let rows = salla_row("a", 1, LATER);
    let file = database(&env, &format!("{SALLA}{rows}"));
    let failed = import(&env, "salla", &file, &["--provider", "jira-dc"]).code(2);
    assert!(stderr(&failed).contains("hint: name it with `--server`"), "{}", stderr(&failed));

    for (name, hint) in [("NULL", "with `--username`"), ("'a:b'", "mend the name")] {
        let file = place(&env, "own.db");
        Connection::open(&file)
            .unwrap()
            .execute_batch(&format!(
                "DROP TABLE IF EXISTS jira_tokens;
                 CREATE TABLE jira_tokens (user_id TEXT, token TEXT, server_url TEXT, username TEXT);
                 INSERT INTO jira_tokens VALUES
                     ('a', 'made-up-token', 'https://jira.example.com', {name});"
            ))
            .unwrap();
        let failed = import(&env, "agentllm", &file, &["--provider", "vendor"]).code(2);
        let said = stderr(&failed);
        assert!(said.contains(hint) && !said.contains("--server"), "{said}");
    }
    assert_eq!(stored(&env), 0);
}

#[test]
fn of_a_client_that_is_known_by_its_id_the_secret_is_asked_for() {
    let env = TestEnv::new().set("TOKCTL_SALLA_CLIENT_ID", "tokctl-made-up");
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    let done = import(&env, "salla", &file, &["--take-over", "--json"]).success();
    assert!(stderr(&done).contains("set TOKCTL_SALLA_CLIENT_SECRET"), "{}", stderr(&done));
    assert!(!stderr(&done).contains("CLIENT_ID"), "{}", stderr(&done));
    assert_eq!(outcomes(&done)["salla/a"]["without_refresh_token"], "no_client_secret");
}

#[test]
fn a_name_that_can_not_be_kept_keeps_no_other_out() {
    let (_server, env) = salla();
    let long = "u".repeat(256);
    let bad = [salla_row("a\nb", 1, LATER), salla_row(&long, 2, LATER)].concat();
    let file = database(&env, &format!("{SALLA}{bad}{}", salla_row("c", 3, LATER)));
    let done = import(&env, "salla", &file, &["--take-over", "--json"]).code(1);
    let said = stderr(&done);
    assert_eq!(outcomes(&done).keys().collect::<Vec<_>>(), ["salla/c"]);
    for row in 1..3 {
        let line = format!("skipped row {row} of tokens: a user's name is 1 to 255 bytes");
        assert!(said.contains(&line), "{said}");
    }
    assert!(said.contains("tokctl login salla --user NAME"), "{said}");
    assert!(!said.contains(&long) && !said.contains("shred"), "{said}");

    let alone = Connection::open(&file).unwrap();
    alone.execute_batch("DELETE FROM tokens WHERE user_id NOT LIKE 'uu%'").unwrap();
    let failed = import(&env, "salla", &file, &["--take-over"]).code(2);
    assert!(stderr(&failed).contains("hint: name the user with `--user`"), "{}", stderr(&failed));
    import(&env, "salla", &file, &["--take-over", "--user", "u"]).success();
    env.tokctl(["get", "--user", "u"]).assert().success().stdout_eq("made-up-access-2\n");
}

#[test]
fn a_name_that_basic_authentication_can_not_carry_keeps_no_other_out() {
    let env = TestEnv::new();
    env.config("[providers.vendor]\napi_auth = \"basic\"\n");
    let file = place(&env, "own.db");
    let rows =
        "CREATE TABLE jira_tokens (user_id TEXT, token TEXT, server_url TEXT, username TEXT);
         INSERT INTO jira_tokens VALUES
             ('a', 'made-up-1', 'https://jira.example.com', 'a:b'),
             ('b', 'made-up-2', 'https://jira.example.com', 'b'),
             ('c', 'made-up-3', 'https://jira.example.com', NULL);";
    Connection::open(&file).unwrap().execute_batch(rows).unwrap();
    let done = import(&env, "agentllm", &file, &["--provider", "vendor", "--json"]).code(1);
    let said = stderr(&done);
    assert_eq!(outcomes(&done).keys().collect::<Vec<_>>(), ["vendor/b"]);
    for (row, user) in [(1, "a"), (3, "c")] {
        let line = said.lines().find(|line| line.contains(&format!("row {row} of jira_tokens")));
        let typed = format!(
            "tokctl login vendor --user {user} --server https://jira.example.com --token-stdin \
             --username NAME"
        );
        assert!(line.unwrap_or_default().contains(&typed), "{said}");
    }
    env.tokctl(["get", "--user", "b"]).assert().success().stdout_eq("made-up-2\n");
}

#[test]
fn what_is_all_there_already_is_not_missing() {
    let (_server, env) = salla();
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    import(&env, "salla", &file, &["--take-over"]).success();
    for take_over in [&["--json"][..], &["--take-over", "--json"]] {
        let again = import(&env, "salla", &file, take_over).success();
        assert_eq!(outcomes(&again)["salla/a"]["outcome"], "same");
        let said = stderr(&again);
        assert!(said.contains("shred -u") && !said.contains("not all"), "{said}");
        assert!(!said.contains("without a refresh token"), "{said}");
    }
    let changed = Connection::open(&file).unwrap();
    changed.execute_batch("UPDATE tokens SET refresh_token = 'made-up-other'").unwrap();
    let said = stderr(&import(&env, "salla", &file, &["--take-over"]).success());
    assert!(
        said.contains("1 is there already and stays as it is: `--replace` overwrites it"),
        "{said}"
    );
    assert!(said.contains("not all that is in it came in"), "{said}");
}

#[test]
fn what_is_to_be_removed_is_a_file_whatever_its_name() {
    let (_server, env) = salla();
    let file = place(&env, "-x.db");
    let rows = format!("{SALLA}{}", salla_row("a", 1, LATER));
    Connection::open(&file).unwrap().execute_batch(&rows).unwrap();
    let mut command = env.command(["import", "salla", "--take-over", "--", "-x.db"]);
    let done = command.current_dir(env.path("elsewhere")).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("shred -u ./-x.db\n"), "{said}");

    let google = r#"{"type": "authorized_user", "client_id": "made-up-id", "client_secret":
        "made-up-secret", "refresh_token": "made-up-refresh", "account": "a"}"#;
    let piped = env.tokctl(["import", "google", "/dev/stdin", "--take-over"]).stdin(google);
    let piped = piped.assert().success();
    let said = stderr(&piped);
    assert!(said.contains("stored 1 of 1") && !said.contains("shred"), "{said}");
    let opened = self::file(&env, "google.json", google);
    let mut command = env.command(["import", "google", "/dev/stdin", "--take-over"]);
    let done = command.stdin(File::open(opened).unwrap()).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("stored 0 of 1") && !said.contains("shred"), "{said}");
}

#[test]
fn two_for_one_place_are_a_mistake() {
    let env = TestEnv::new();
    let shop = "made-up.myshopify.com,made-up-";
    let dump = format!("shop_domain,access_token\n{shop}1\n{shop}2\n");
    let file = file(&env, "shops.csv", dump);
    let failed = import(&env, "refresh-service", &file, &[]).code(2);
    let said = stderr(&failed);
    assert!(said.contains("line 2") && said.contains("line 3"), "{said}");
    assert!(said.contains("nothing says which of them is right"), "{said}");
    assert_eq!(stored(&env), 0);
}

#[test]
fn the_end_says_which_files_can_go() {
    let (_server, env) = salla();
    let file = place(&env, "it's tokens.db");
    let sql = format!("PRAGMA journal_mode = WAL; {SALLA}{}", salla_row("a", 1, LATER));
    let held_open = Connection::open(&file).unwrap();
    held_open.execute_batch(&sql).unwrap();
    let said = stderr(&import(&env, "salla", &file, &["--take-over"]).success());
    let line = said.lines().find(|line| line.contains("shred -u")).unwrap_or_default();
    for name in ["tokens.db'", "tokens.db-wal'", "tokens.db-shm'"] {
        assert!(line.contains(name), "{said}");
    }
    assert!(file.exists());
    let said = stderr(&import(&env, "salla", &file, &["--take-over", "--dry-run"]).success());
    assert!(!said.contains("shred"), "{said}");
}

#[test]
fn a_credential_that_is_damaged_is_not_overwritten() {
    let (_server, env) = salla();
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    import(&env, "salla", &file, &[]).success();
    env.flip_a_sealed_bit("a");
    import(&env, "salla", &file, &["--replace", "--take-over"]).code(7);
    env.tokctl(["get"]).assert().code(7);
}

#[test]
fn an_import_is_in_the_audit() {
    let (_server, env) = salla();
    let rows = [salla_row("a", 1, LATER), salla_row("b", 2, BEFORE)].concat();
    let file = database(&env, &format!("{SALLA}{rows}"));
    import(&env, "salla", &file, &[]).code(1);
    let told = stdout(&env.tokctl(["audit", "--json"]).assert().success());
    assert!(told.contains("\"import\"") && !told.contains("\"b\""), "{told}");
    env.tokctl(["audit", "--verify"]).assert().success();
}

#[test]
fn thousands_come_in_at_once() {
    let (_server, env) = salla();
    let rows: String = (0..2_000).map(|n| salla_row(&format!("user-{n}"), n, LATER)).collect();
    let file = database(&env, &format!("{SALLA}BEGIN;{rows}COMMIT;"));
    let done = import(&env, "salla", &file, &["--take-over", "--json"]).success();
    assert_eq!(json(&done)["stored"], 2_000);
    env.tokctl(["get", "salla", "--user", "user-1999"])
        .assert()
        .success()
        .stdout_eq("made-up-access-1999\n");
}

#[test]
fn two_imports_at_once_do_not_meet() {
    let (_server, env) = salla();
    let rows: String = (0..200).map(|n| salla_row(&format!("user-{n}"), n, LATER)).collect();
    let file = database(&env, &format!("{SALLA}BEGIN;{rows}COMMIT;"));
    let import = ["import", "salla", file.to_str().unwrap(), "--take-over", "--replace"];
    let others: Vec<_> = (0..3).map(|_| silently(env.command(import))).collect();
    for mut other in others {
        assert!(other.wait().unwrap().success());
    }
    assert_eq!(stored(&env), 200);
    env.tokctl(["get", "salla", "--user", "user-7"])
        .assert()
        .success()
        .stdout_eq("made-up-access-7\n");
    env.tokctl(["audit", "--verify"]).assert().success();
}

#[test]
fn one_that_can_not_be_stored_keeps_all_out() {
    let (_server, env) = salla();
    let env = env.with_static_token("x", "made-up-token");
    let rows: String = (0..2_000).map(|n| salla_row(&format!("user-{n}"), n, LATER)).collect();
    let file = database(&env, &format!("{SALLA}BEGIN;{rows}COMMIT;"));
    // No file may grow beyond what a part of the rows needs.
    let import = env.command(["import", "salla", file.to_str().unwrap(), "--take-over"]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "ulimit -f 1024; exec \"$@\"", "sh"]);
    shell.arg(import.get_program()).args(import.get_args());
    env.settle(&mut shell);
    let done = shell.stdin(Stdio::null()).output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(stored(&env), 1);
}

#[test]
fn a_vault_is_made_on_first_use() {
    let (_server, env) = salla();
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_PASSPHRASE", "made-up-passphrase");
    let file = database(&env, &format!("{SALLA}{}", salla_row("a", 1, LATER)));
    import(&env, "salla", &file, &["--key-slot", "passphrase"]).success();
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-access-1\n");
}

#[test]
fn the_key_of_a_store_is_asked_for_unseen() {
    let env = TestEnv::new();
    let sealed = crate::import_sources::ENCRYPTED_TOKENS;
    let file = file(&env, "alice.enc", sealed);
    let arguments = ["import", "pauth", file.to_str().unwrap(), "--provider", "salla"];
    let mut session = at_a_terminal(&env, &arguments);
    session.exp_regex("key").unwrap();
    session.send_line(crate::import_sources::KEY).unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains(crate::import_sources::KEY), "{said}");
}

#[test]
fn only_what_is_named_comes_in() {
    let (_server, env) = salla();
    let rows = [salla_row("a", 1, LATER), salla_row("b", 2, LATER), salla_row("c", 3, LATER)];
    let file = database(&env, &format!("{SALLA}{}", rows.concat()));
    let said = stderr(&import(&env, "salla", &file, &["--only", "salla/d"]).code(3));
    assert!(said.contains("`salla/d`"), "{said}");
    assert_eq!(stored(&env), 0);
    let done = import(&env, "salla", &file, &["--only", "salla/b", "--json"]).success();
    assert_eq!(outcomes(&done).into_keys().collect::<Vec<_>>(), ["salla/b"]);
    assert_eq!(stored(&env), 1);
    let two = ["--only", "salla/a", "--only", "tokctl://salla/b", "--json"];
    let done = import(&env, "salla", &file, &two).success();
    assert_eq!(outcomes(&done).into_keys().collect::<Vec<_>>(), ["salla/a", "salla/b"]);
    let done = import(&env, "salla", &file, &["--only", "salla", "--json"]).success();
    assert_eq!(outcomes(&done).len(), 3);
    // The name under which it is kept counts.
    let renamed = ["--provider", "vendor", "--only", "vendor/c", "--json"];
    env.define_vendor();
    let done = import(&env, "salla", &file, &renamed).success();
    assert_eq!(outcomes(&done).into_keys().collect::<Vec<_>>(), ["vendor/c"]);
}

#[test]
fn the_owner_of_an_import_can_be_named_as_a_credential() {
    let (_server, env) = salla();
    env.define_vendor();
    let google = r#"{"type":"authorized_user","client_id":"made-up-id","client_secret":"made-up-s","refresh_token":"made-up-r"}"#;
    let file = file(&env, "adc.json", google);
    let named = ["--provider", "gdrive/alice", "--take-over", "--dry-run", "--json"];
    let done = import(&env, "google", &file, &named).success();
    assert_eq!(outcomes(&done).into_keys().collect::<Vec<_>>(), ["gdrive/alice"]);
    import(&env, "google", &file, &["--provider", "gdrive/alice", "--user", "bob"]).code(2);
}
