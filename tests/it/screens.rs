//! What people see: screens of 40, 80 and 120 columns, as a terminal shows them.
//!
//! `SNAPSHOTS=overwrite cargo test screens` writes `tests/it/screens/` anew; look at what changed.

use std::fmt::Write as _;
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use rexpect::process::wait::WaitStatus;
use snapbox::{Assert, Data};

use crate::authorization_server::{AuthorizationServer, issue, reply};
use crate::env::{TestEnv, set_mode, stdout};
use crate::http::Response;
use crate::import::database;
use crate::import_sources::AGENTLLM;
use crate::key_slots::add_recovery;

/// The time that a screen may take to be complete, in milliseconds.
const PATIENCE: u64 = 60_000;

/// More lines than any screen here has, so that none scrolls away.
const ROWS: NonZeroU16 = NonZeroU16::new(100).unwrap();

/// A terminal after a command ran in it.
pub(crate) struct Screen {
    emulator: vt100::Parser,
    pub(crate) exit: i32,
}

impl Screen {
    /// Runs `tokctl` with these arguments of a shell in a terminal of so many columns.
    pub(crate) fn of(env: &TestEnv, columns: u16, arguments: &str) -> Self {
        let mut command = Command::new("/bin/sh");
        let script = format!("stty rows {ROWS} cols {columns} && exec \"$0\" {arguments}");
        command.args(["-c", &script]).arg(snapbox::cmd::cargo_bin("tokctl"));
        env.settle(&mut command);
        command.env("TERM", "xterm-256color");
        let mut session = rexpect::session::spawn_command(command, Some(PATIENCE)).unwrap();
        let said = session.exp_eof().unwrap();
        // Each byte was taken for a character.
        let bytes: Vec<u8> =
            said.chars().map(|character| u8::try_from(character).unwrap()).collect();
        let mut emulator = vt100::Parser::new(ROWS, columns.try_into().unwrap(), 0);
        emulator.process(&bytes);
        match session.process.wait().unwrap() {
            WaitStatus::Exited(_, exit) => Self { emulator, exit },
            other => panic!("{other:?}"),
        }
    }

    /// The lines, without blanks at their ends.
    pub(crate) fn text(&self) -> String {
        let (_, columns) = self.emulator.screen().size();
        let rows: Vec<String> = self.emulator.screen().rows(0, columns.get()).collect();
        let rows: Vec<&str> = rows.iter().map(|row| row.trim_end()).collect();
        rows.join("\n").trim_end().to_owned()
    }

    /// The colour of the first character of `text`, which stands on the screen.
    fn color(&self, text: &str) -> vt100::Color {
        let screen = self.emulator.screen();
        let (rows, columns) = screen.size();
        for row in 0..rows.get() {
            let line: String = (0..columns.get())
                .map(|column| screen.cell(row, column).map_or("", vt100::Cell::contents))
                .map(|cell| if cell.is_empty() { " " } else { cell })
                .collect();
            if let Some(at) = line.find(text) {
                assert!(line.is_ascii(), "columns are counted in bytes: {line}");
                return screen.cell(row, u16::try_from(at).unwrap()).unwrap().fgcolor();
            }
        }
        panic!("`{text}` is not on the screen:\n{}", self.text());
    }
}

/// What differs from run to run, each with what stands in its place: as wide, so that lines break at
/// the same words.
const DIFFERENT: [(&str, &str); 5] = [
    ("[0-9]{4}-[0-9]{2}-[0-9]{2}([T ])[0-9]{2}:[0-9]{2}:[0-9]{2}", "2026-01-01${1}12:00:00"),
    (r"\b[0-9]s(\s+)ago", "0s${1}ago"),
    (r"\b[0-9a-f]{16}\b", "0123456789abcdef"),
    (r"/tokctl-test-[0-9A-Za-z]{6}", "/tokctl-test-abcdef"),
    (r"SQLite [0-9.]+", "SQLite 3.50.0"),
];

/// Compares the screens of a command with those that were looked at before.
fn is_as_before(name: &str, env: &TestEnv, arguments: &str, exit: i32) {
    // A terminal may break a line in the middle of a port.
    let port = Regex::new(r":\n?[0-9](?:\n?[0-9]){4}\b").unwrap();
    let digits = Regex::new("[0-9]").unwrap();
    let settled = |text: String| {
        let text = port.replace_all(&text, |found: &regex::Captures<'_>| {
            digits.replace_all(&found[0], "0").into_owned()
        });
        let text = text.into_owned();
        DIFFERENT.iter().fold(text, |text, (pattern, settled)| {
            Regex::new(pattern).unwrap().replace_all(&text, *settled).into_owned()
        })
    };
    let mut shown = String::new();
    for columns in [40, 80, 120] {
        let screen = Screen::of(env, columns, arguments);
        assert_eq!(screen.exit, exit, "{arguments}: {}", screen.text());
        let ruler = "-".repeat(columns.into());
        write!(shown, "{ruler}\n{}\n", settled(screen.text())).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/screens/{name}.txt"));
    Assert::new().action_env("SNAPSHOTS").eq(shown, Data::read_from(&path, None).raw());
}

/// Names that are wider or narrower than the number of their characters, or written from the right.
const NAMES: [&str; 6] = [
    "alice",
    "山田太郎@example.com",
    "דוד@example.com",
    "👩\u{200d}👩\u{200d}👧 family",
    "می\u{200c}خواهم",
    "somebody.with.quite.a.long.name@department.example.com",
];

/// So many days from now, and half a day, so that the number of days is the same tomorrow.
fn in_days(days: i64) -> String {
    (Timestamp::now() + SignedDuration::from_hours(24 * days + 12)).to_string()
}

/// A vault with a token for each of [`NAMES`], with ends in the past and the future.
fn many_names() -> TestEnv {
    let env = TestEnv::new();
    env.define_vendor();
    for (name, days) in NAMES.into_iter().zip([None, Some(30), Some(1), None, Some(400), None]) {
        let expires = days.map_or_else(|| "never".to_owned(), in_days);
        let login = ["login", "vendor", "--user", name, "--token-stdin", "--expires", &expires];
        env.tokctl(login).stdin("made-up-token").assert().success();
    }
    // No login takes a token that has ended. What is listed is the copy in the clear.
    let ended = (Timestamp::now() - SignedDuration::from_hours(84)).as_second();
    let ends = format!("expires_at = {ended}, login_by = {ended}");
    env.sql(&format!("UPDATE credentials_2 SET {ends} WHERE user LIKE '%דוד%'"));
    env.sql("UPDATE credentials_2 SET status = 'login_required' WHERE user = 'alice'");
    env
}

/// Made-up entries of the audit, which is shown without being verified.
fn audited() -> TestEnv {
    let env = many_names().set("TZ", "Asia/Tokyo");
    let mut entries = String::new();
    for (number, name) in (1..).zip(NAMES) {
        let entry = serde_json::json!({
            "n": number, "at": format!("2026-03-01T22:0{number}:07.123Z"), "action": "get",
            "provider": "vendor", "user": name, "outcome": if number == 3 { "provider_unavailable" } else { "ok" },
            "command": "get", "pid": 4000 + number, "parent": "cron", "mac": "00"
        });
        writeln!(entries, "{entry}").unwrap();
    }
    env.file("data/tokctl/tokens.db.d/audit.jsonl", entries);
    env
}

#[test]
fn lists_fit_the_terminal() {
    let env = many_names();
    is_as_before("list", &env, "list", 0);
    is_as_before("list-wide", &env, "list --wide", 0);
    is_as_before("list-expiring", &env, "list --expiring-within 60d 2>/dev/null", 4);
}

#[test]
fn an_entry_of_the_audit_takes_one_line() {
    is_as_before("audit", &audited(), "audit", 0);
}

/// A login of somebody whose last refresh failed, with a token that still works.
fn in_trouble(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new().with_provider(server).set("TZ", "Asia/Tokyo");
    env.log_in(NAMES[1], server, issue().expires_in(475_200));
    server.will(reply(Response::new(503, "text/html", "<h1>Maintenance</h1>")));
    env.tokctl(["refresh", "acme"]).assert().code(6);
    env
}

#[test]
fn what_is_wrong_with_a_credential_is_told_in_sentences_that_fit() {
    let server = AuthorizationServer::start();
    let env = in_trouble(&server);
    is_as_before("why", &env, "why acme", 0);
    let env = many_names();
    is_as_before("status", &env, "status", 4);
    is_as_before("why-family", &env, "why 'vendor/👩\u{200d}👩\u{200d}👧 family'", 0);
}

#[test]
fn what_is_out_of_order_fits_the_terminal() {
    let env = many_names();
    for name in [NAMES[0], NAMES[1], NAMES[5]] {
        env.flip_a_sealed_bit(name);
    }
    is_as_before("doctor", &env, "doctor --quiet 2>/dev/null", 7);
}

#[test]
fn key_slots_fit_the_terminal() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    add_recovery(&env);
    is_as_before("key-list", &env, "key list", 0);
}

#[test]
fn the_checks_of_all_credentials_fit_the_terminal() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&format!(
        "[providers.silent]\napi_auth = \"bearer\"\n\
         [providers.vendor]\napi_auth = \"bearer\"\ncheck_url = \"{}\"\n",
        server.url("/api/me")
    ));
    let log_in = |provider: &str, name: &str| {
        let login = ["login", provider, "--user", name, "--token-stdin"];
        env.tokctl(login).stdin(format!("made-up-{}", name.len())).assert().success();
    };
    log_in("silent", "alice");
    // In the order in which they are checked.
    let mut names = NAMES;
    names.sort_unstable();
    let answers = [200, 401, 200, 503, 200, 403];
    for name in names {
        log_in("vendor", name);
    }
    for (name, code) in (0..3).flat_map(|_| names.into_iter().zip(answers)) {
        let answer = Response::json(code, &serde_json::json!({ "id": 7 }));
        server.will_serve("/api/me", &format!("Bearer made-up-{}", name.len()), answer);
    }
    is_as_before("check", &env, "check --all", 4);
}

#[test]
fn what_an_import_skips_is_named_on_any_terminal() {
    let env = TestEnv::new();
    let row = |user: &str, token: &str| format!("({user}, '{token}', 'https://api.github.com')");
    let mut rows = NAMES.map(|name| row(&format!("'{name}'"), "made-up-token")).to_vec();
    rows.push(row("'two' || char(10) || 'lines'", "made-up-token"));
    rows.push(row("'nobody'", ""));
    let columns = "user_id, token, server_url";
    let file = database(
        &env,
        &format!("{AGENTLLM} INSERT INTO github_tokens ({columns}) VALUES {}", rows.join(", ")),
    );
    set_mode(&file, 0o600);
    let arguments = format!("import agentllm {} --dry-run", file.display());
    is_as_before("import", &env, &arguments, 1);
}

#[test]
fn services_fit_the_terminal() {
    is_as_before("providers", &TestEnv::new(), "providers", 0);
    is_as_before("providers-gdrive", &TestEnv::new(), "providers gdrive", 0);
    is_as_before("providers-jira-dc", &TestEnv::new(), "providers jira-dc", 0);
}

#[test]
fn the_status_is_coloured_where_somebody_looks_at_it() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    assert_eq!(Screen::of(&env, 80, "list").color("active"), vt100::Color::Idx(2));
    for arguments in ["--color never list", "list | cat"] {
        assert_eq!(Screen::of(&env, 80, arguments).color("active"), vt100::Color::Default);
    }
    let env = env.set("NO_COLOR", "1");
    assert_eq!(Screen::of(&env, 80, "list").color("active"), vt100::Color::Default);
}

#[test]
fn names_can_be_copied_from_what_is_printed() {
    let env = many_names();
    let listed = stdout(&env.tokctl(["list", "--columns", "user"]).assert().success());
    for name in NAMES {
        assert!(listed.lines().any(|line| line == name), "{name}: {listed}");
        env.tokctl(["list", "--user", name]).assert().success();
    }
}

/// The names of all commands, as the program's help lists them.
fn commands(env: &TestEnv) -> Vec<String> {
    let help = stdout(&env.tokctl(["-h"]).assert().success());
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn the_short_help_names_the_global_options_on_one_line_and_the_long_one_describes_them() {
    let env = TestEnv::new();
    let commands = commands(&env);
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let short = stdout(&env.tokctl([&command, "-h"]).assert().success());
        let naming = short.lines().filter(|line| line.contains("--no-input")).count();
        assert_eq!(naming, 1, "{short}");
        assert!(!short.contains("Never prompt"), "{short}");
        let long = stdout(&env.tokctl([&*command, "--help"]).assert().success());
        assert!(long.contains("Never prompt"), "{long}");
        assert!(!long.contains("described by"), "{long}");
    }
}
