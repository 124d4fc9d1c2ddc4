//! A throwaway world for what the manual and the README tell people to type: credentials of all
//! kinds, the files that are named, and stand-ins for other programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::authorization_server::service_account;
use crate::browser;
use crate::env::{TestEnv, another_key, made_up_key};
use crate::obliging_server::ObligingServer;
use crate::registering_server::RegisteringServer;
use crate::terminal::ending;

/// How long the lines of one block may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the browser's address is looked for.
const TICK: Duration = Duration::from_millis(10);

/// Programs that take what they are given and do nothing; `curl` wants a token with it.
const STAND_INS: [(&str, &str); 15] = [
    ("bin/curl", "grep -q 'Bearer made-up-access' || exit 22"),
    ("bin/gh", "cat >/dev/null"),
    ("bin/jq", "cat >/dev/null"),
    ("bin/systemctl", ":"),
    ("bin/loginctl", ":"),
    ("bin/git", ":"),
    ("bin/man", ":"),
    ("bin/codex", "test -n \"$EXAMPLE_TOKEN\""),
    (
        "bin/psql",
        "case $2 in
            *shopify*) printf 'id,shop_domain,access_token\\n1,a.myshopify.com,made-up\\n' ;;
            *etsy*) printf 'user_id,access_token,refresh_token,token_expires_at\\na,made-up,made-up,2100-01-01 00:00:00+00\\n' ;;
            *) printf 'user_id,access_token,refresh_token,expires_at\\na,made-up,made-up,2100-01-01 00:00:00+00\\n' ;;
        esac",
    ),
    (
        "bin/mariadb",
        r#"printf 'id\tuser_id\ttokens\n1\ta\t{"access_token": "made-up", "scope": "a b"}\n'"#,
    ),
    (
        "bin/redis-cli",
        r#"printf '%s\n' '{"user_id":"oauth_tokens:a","tokens":"{\"access_token\":\"made-up\"}","expires_at":4000000000}'"#,
    ),
    ("sync.sh", "test -n \"$JIRA_TOKEN\" && test -n \"$JIRA_URL\""),
    ("deploy.sh", "test -n \"$API_TOKEN\""),
    ("app", "test -n \"$GH_TOKEN\""),
    ("nightly-backup", "test -s \"$TOKEN_FILE\""),
];

/// A home in which everything is there, to be copied for each block of lines.
pub(crate) struct Model {
    _server: ObligingServer,
    /// The server that the examples call mcp.example.com.
    resource: RegisteringServer,
    env: TestEnv,
}

impl Model {
    pub(crate) fn new() -> Self {
        let server = ObligingServer::start();
        let env = TestEnv::new();
        env.config(&server.config());
        for name in ["token.txt", "pat.txt", "api-token.txt"] {
            env.file(name, "made-up-access-token");
        }
        env.file("secret.txt", "made-up-secret");
        let client = r#""client_id": "made-up-client", "client_secret": "made-up-secret""#;
        env.file("client_secret.json", format!("{{\"installed\": {{{client}}}}}"));
        env.file("key.json", service_account::key_file(&serde_json::json!({})));
        env.file(
            "authorized_user.json",
            format!(r#"{{"type": "authorized_user", {client}, "refresh_token": "made-up"}}"#),
        );
        env.file("job.env", "API_TOKEN=tokctl://acme/bot\n");
        for name in ["server.key", "bundle.key", "ci.key"] {
            env.file(name, another_key());
        }
        for folder in ["bin", "repository"] {
            fs::create_dir(env.path(folder)).unwrap();
        }
        for (name, script) in STAND_INS {
            let file = env.file(name, format!("#!/bin/sh\n{script}\n"));
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let model = Self { _server: server, resource: RegisteringServer::start(), env };
        for login in [
            "login acme --user bot",
            "login jira --client-id ID --client-secret-file secret.txt",
            "login gdrive --client-secrets client_secret.json",
            "login github --user alice --token-stdin < token.txt",
        ] {
            run(&model.env, &format!("tokctl {login}")).expect("a login");
        }
        let export = "tokctl export acme/bot github/alice --to key:bundle.key";
        run(&model.env, &format!("{export} | tee ci.bundle > arrived.bundle")).expect("a bundle");
        model
    }

    /// Runs the lines of one block with bash in a copy of this home, and returns what was printed:
    /// as an error if they fail.
    pub(crate) fn type_lines(&self, lines: &str) -> Result<String, String> {
        let mut env = self.copy();
        if lines.contains("--output ci.bundle") {
            fs::remove_file(env.path("ci.bundle")).unwrap();
        }
        if lines.contains("import bundle") {
            // It arrives on another machine.
            fs::rename(env.path("arrived.bundle"), env.path("bot.bundle")).unwrap();
            env = env.set("TOKCTL_VAULT", "other.db").set("TOKCTL_BUNDLE_KEY_FILE", "bundle.key");
        }
        if lines.contains("export TOKCTL_KEY_FILE") {
            // A machine that has no vault yet.
            env = env.set("TOKCTL_VAULT", "other.db").unset("TOKCTL_KEY");
        }
        if lines.contains("\"$TOKCTL_KEY_FILE\"") {
            let file = env.file("vault.key", made_up_key());
            env = env.set("TOKCTL_KEY_FILE", file).unset("TOKCTL_KEY");
        }
        let address = self.resource.url("/mcp");
        if lines.contains(MCP) && !lines.contains("tokctl login") {
            run(&env, &format!("tokctl login {address}"))?;
        }
        let lines = lines.replace(MCP, &address);
        let lines = lines.replace("remove ID", &format!("remove $({ANOTHER_SLOT})"));
        run(&env, &lines)
    }

    /// Runs the lines of one block at a terminal, where a person answers one question.
    pub(crate) fn type_at_a_terminal(&self, lines: &str, answer: &str) -> Result<String, String> {
        let env = self.copy();
        let mut command = bash(lines);
        env.settle(&mut command);
        command.env("PATH", path(&env)).env("TERM", "xterm-256color");
        let mut session = rexpect::session::spawn_command(command, Some(20_000)).unwrap();
        session.exp_regex("(?i)token").map_err(|error| error.to_string())?;
        session.send_line(answer).map_err(|error| error.to_string())?;
        let (said, code) = ending(session);
        if code == 0 { Ok(said) } else { Err(format!("{lines}\n{said}")) }
    }

    fn copy(&self) -> TestEnv {
        let env = TestEnv::new();
        copy(&self.env.path(""), &env.path(""));
        env
    }
}

/// The address of a protected resource in the examples.
const MCP: &str = "https://mcp.example.com";

/// Adds a key slot, and prints its id.
const ANOTHER_SLOT: &str = "TOKCTL_NEW_KEY_FILE=server.key tokctl key add key >/dev/null 2>&1; \
                            tokctl key list | grep -o '[0-9a-f]\\{16\\}' | tail -n 1";

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&to).unwrap();
            fs::set_permissions(&to, entry.metadata().unwrap().permissions()).unwrap();
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// Runs lines of shell, while a person sits at the browser.
fn run(env: &TestEnv, lines: &str) -> Result<String, String> {
    let bash = bash(lines);
    let mut command = Command::new("setsid");
    command.arg("--wait").arg(bash.get_program()).args(bash.get_args());
    env.settle(&mut command);
    command.env("PATH", path(env));
    command.env("GITHUB_ENV", env.path("github-env")).env("BUNDLE", bundle(env));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("bash");
    let output = with_browser(env, child);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { Ok(said) } else { Err(format!("{lines}\n{said}")) }
}

fn bash(lines: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-euo", "pipefail", "-c", lines]);
    command
}

/// Where programs are looked for: the stand-ins first, then tokctl.
fn path(env: &TestEnv) -> String {
    let tokctl = snapbox::cmd::cargo_bin("tokctl");
    let programs = tokctl.parent().unwrap().display();
    format!("{}:{programs}:/usr/bin:/bin", env.path("bin").display())
}

fn bundle(env: &TestEnv) -> String {
    fs::read_to_string(env.path("ci.bundle")).unwrap_or_default()
}

/// Waits for `child`, and follows each address that the scripted browser is given.
fn with_browser(env: &TestEnv, child: Child) -> Output {
    let is_done = AtomicBool::new(false);
    let deadline = Instant::now() + PATIENCE;
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::SeqCst) {
                assert!(Instant::now() < deadline, "a block does not come to its end");
                let address = env.path("address");
                if let Ok(url) = fs::read_to_string(&address) {
                    let _ = fs::remove_file(address);
                    browser::visit(&url);
                }
                thread::sleep(TICK);
            }
        });
        let output = child.wait_with_output().expect("a child of ours");
        is_done.store(true, Ordering::SeqCst);
        output
    })
}
