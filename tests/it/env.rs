//! A world of its own for each test: an empty environment, a home that nobody else sees, no
//! keychain, no terminal, and a vault under a key made for the occasion.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGXFSZ};
use snapbox::cmd::OutputAssert;
use tempfile::TempDir;

use crate::authorization_server::{Answer, AuthorizationServer};
use crate::browser;
use crate::hints::{Hints, Tokctl};
use crate::http::Response;
use crate::transcript::Transcript;

/// How long any one command may take before the test gives it up.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a file or a child process is looked at again.
const TICK: Duration = Duration::from_millis(5);

/// The world of one test. Gone when dropped.
pub(crate) struct TestEnv {
    root: TempDir,
    variables: BTreeMap<String, OsString>,
    hints: Hints,
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        self.hints.type_all();
    }
}

impl TestEnv {
    /// A world whose vault opens with a key in `TOKCTL_KEY`. Nothing is stored yet.
    pub(crate) fn new() -> Self {
        Self::without_key().set("TOKCTL_KEY", made_up_key())
    }

    /// The same with no way to open a vault.
    pub(crate) fn without_key() -> Self {
        start_children_with_default_signals();
        let root = tempfile::Builder::new()
            .prefix("tokctl-test-")
            .tempdir()
            .expect("a temporary directory");
        for folder in ["config", "data", "state", "cache", "run", "tmp", "config/tokctl"] {
            private_folder(&root.path().join(folder));
        }
        let folder = |name: &str| root.path().join(name).into_os_string();
        let variables = [
            ("HOME", root.path().as_os_str().to_owned()),
            ("XDG_CONFIG_HOME", folder("config")),
            ("XDG_DATA_HOME", folder("data")),
            ("XDG_STATE_HOME", folder("state")),
            ("XDG_CACHE_HOME", folder("cache")),
            ("XDG_RUNTIME_DIR", folder("run")),
            ("TMPDIR", folder("tmp")),
            ("PATH", "/usr/bin:/bin".into()),
            ("LC_ALL", "C.UTF-8".into()),
            ("BROWSER", scripted_browser()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        Self { root, variables, hints: Hints::default() }
    }

    /// With this variable in the environment of every command.
    pub(crate) fn set(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Without this variable.
    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// With a token of the provider `vendor`, of which nothing is known, that `login` was given
    /// on stdin.
    pub(crate) fn with_static_token(self, user: &str, token: &str) -> Self {
        self.define_vendor();
        self.tokctl(["login", "vendor", "--user", user, "--token-stdin"])
            .stdin(token.to_owned())
            .assert()
            .success();
        self
    }

    /// With the server's definition in `config.toml`.
    pub(crate) fn with_provider(self, server: &AuthorizationServer) -> Self {
        self.add_config(&server.definition());
        self
    }

    /// With the server's definition and a login of `user`, made in the browser; the code's
    /// exchange got `answer`.
    pub(crate) fn with_login(
        self,
        user: &str,
        server: &AuthorizationServer,
        answer: Answer,
    ) -> Self {
        let env = self.with_provider(server);
        env.log_in(user, server, answer);
        env
    }

    /// Logs `user` in at the configured provider `acme`, in the browser.
    pub(crate) fn log_in(&self, user: &str, server: &AuthorizationServer, answer: Answer) {
        server.will_log_in(answer);
        let login = self.begin_login(["login", "acme", "--user", user]);
        let page = login.visit();
        login.finish().success();
        assert_eq!(page.status, 200, "{}", page.text());
    }

    /// Lets `command`, which refreshes, get `answer` while another program writes to the vault: the
    /// answer lies beside the vault afterwards.
    pub(crate) fn leave_answer_beside(
        &self,
        command: &str,
        server: &AuthorizationServer,
        answer: Answer,
    ) {
        let before = server.token_requests().len();
        server.will(answer.after(Duration::from_millis(600)));
        let mut command = self.command([command]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while server.token_requests().len() == before {
            thread::sleep(TICK);
        }
        let other_writer = self.open_vault();
        other_writer.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
        other_writer.execute_batch("ROLLBACK").unwrap();
    }

    /// The same for a user whose earlier login works still, and is revoked.
    pub(crate) fn log_in_again(&self, user: &str, server: &AuthorizationServer, answer: Answer) {
        // The refresh token, and the access token.
        server.will_revoke(200);
        server.will_revoke(200);
        self.log_in(user, server, answer);
    }

    /// A command line, its stdin at the end, without a terminal.
    pub(crate) fn tokctl<I, A>(&self, args: I) -> Tokctl
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let args: Vec<OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let command = snapbox::cmd::Command::from_std(self.command(&args));
        let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        Tokctl {
            command: command.stdin("").timeout(PATIENCE),
            typed: words.join(" "),
            root: self.root.path().to_owned(),
            folder: self.root.path().to_owned(),
            variables: self.variables.clone(),
            hints: self.hints.clone(),
        }
    }

    /// The same as the standard library's command, for what is to run beside the test.
    pub(crate) fn command<I, A>(&self, args: I) -> Command
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let mut command = without_terminal(&snapbox::cmd::cargo_bin("tokctl"));
        command.args(args).stdin(Stdio::null());
        self.settle(&mut command);
        command
    }

    /// The same for a command that is to be given a terminal.
    pub(crate) fn terminal_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(snapbox::cmd::cargo_bin("tokctl"));
        command.args(args);
        self.settle(&mut command);
        command.env("TERM", "xterm-256color");
        command
    }

    /// Puts a command into this world.
    pub(crate) fn settle(&self, command: &mut Command) {
        command.env_clear().envs(&self.variables).current_dir(self.root.path());
    }

    /// Starts a login and leaves it running, waiting for its browser.
    pub(crate) fn begin_login<I, A>(&self, args: I) -> PendingLogin
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let _ = fs::remove_file(self.address_file());
        let args: Vec<OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        let typed = words.join(" ");
        let child = self
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tokctl starts");
        PendingLogin::watch(child, self, typed)
    }

    /// What the scripted browser found in its environment; `None` if it was never started.
    pub(crate) fn browser_environment(&self) -> Option<String> {
        fs::read_to_string(self.path("browser.env")).ok()
    }

    /// A place in this world's home.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    /// A private file in this world's home.
    pub(crate) fn file(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        private_file(&path, content.as_ref());
        path
    }

    /// Writes `config.toml`.
    pub(crate) fn config(&self, toml: &str) {
        self.file("config/tokctl/config.toml", toml);
    }

    /// Adds to `config.toml`.
    pub(crate) fn add_config(&self, toml: &str) {
        let path = self.path("config/tokctl/config.toml");
        let before = fs::read_to_string(&path).unwrap_or_default();
        self.config(&format!("{before}{toml}"));
    }

    /// Defines the provider `vendor`, which says nothing but that it exists.
    pub(crate) fn define_vendor(&self) {
        let path = self.path("config/tokctl/config.toml");
        if !fs::read_to_string(path).is_ok_and(|config| config.contains("[providers.vendor]")) {
            self.add_config("[providers.vendor]\napi_auth = \"bearer\"\n");
        }
    }

    /// The vault's file.
    pub(crate) fn vault_path(&self) -> PathBuf {
        self.path("data/tokctl/tokens.db")
    }

    /// The vault's file with what may lie beside it, as one run of bytes: to look for what must
    /// not be there.
    pub(crate) fn vault_bytes(&self) -> Vec<u8> {
        files_below(&self.path("data")).iter().flat_map(|path| fs::read(path).unwrap()).collect()
    }

    /// Takes away the files whose locks keep processes apart.
    pub(crate) fn remove_locks(&self) {
        for path in files_below(&self.path("data")) {
            if path.extension().is_some_and(|extension| extension == "lock") {
                // Whoever holds the lock may unlink it first.
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Opens the vault's file as anybody could who has no key.
    pub(crate) fn open_vault(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.vault_path()).expect("a vault")
    }

    /// Alters the vault's file as anybody could who has no key. At least one row has to change.
    #[track_caller]
    pub(crate) fn sql(&self, statement: &str) {
        let changed = self
            .open_vault()
            .execute(statement, [])
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert!(changed > 0, "`{statement}` changed nothing");
    }

    /// Turns one bit in the middle of what is sealed for `user`.
    pub(crate) fn flip_a_sealed_bit(&self, user: &str) {
        let vault = self.open_vault();
        let mut sealed: Vec<u8> = vault
            .query_row("SELECT sealed FROM credentials_2 WHERE user = ?1", [user], |row| row.get(0))
            .unwrap();
        let middle = sealed.len() / 2;
        sealed[middle] ^= 1;
        vault
            .execute("UPDATE credentials_2 SET sealed = ?1 WHERE user = ?2", (sealed, user))
            .unwrap();
    }

    fn address_file(&self) -> PathBuf {
        self.path("address")
    }
}

/// A login under way. Ended when dropped.
pub(crate) struct PendingLogin {
    child: Child,
    address_file: PathBuf,
    stdout: Transcript,
    stderr: Transcript,
    typed: String,
    root: PathBuf,
    variables: BTreeMap<String, OsString>,
    hints: Hints,
}

impl PendingLogin {
    fn watch(mut child: Child, env: &TestEnv, typed: String) -> Self {
        let stdout = Transcript::of(child.stdout.take().expect("a pipe"));
        let stderr = Transcript::of(child.stderr.take().expect("a pipe"));
        Self {
            child,
            address_file: env.address_file(),
            stdout,
            stderr,
            typed,
            root: env.root.path().to_owned(),
            variables: env.variables.clone(),
            hints: env.hints.clone(),
        }
    }

    /// The address that the browser was given. Fails the test if the login ends before.
    #[track_caller]
    pub(crate) fn address(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(address) = fs::read_to_string(&self.address_file) {
                return address;
            }
            assert!(self.is_running(), "the login ended before it called the browser");
            thread::sleep(TICK);
        }
        panic!("the login did not call the browser");
    }

    /// Opens the address and follows it to the page that the person sees at the end.
    #[track_caller]
    pub(crate) fn visit(&self) -> Response {
        browser::visit(&self.address())
    }

    /// The most memory that the login had at any time, in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        peak.and_then(|peak| peak.parse().ok()).expect("Linux tells of every process")
    }

    /// The address that stands on stderr, for a login that calls no browser.
    #[track_caller]
    pub(crate) fn address_on_stderr(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let text = self.stderr.so_far();
            if let Some((_, tail)) = text.split_once("http")
                && let Some((address, _)) = tail.split_once(char::is_whitespace)
            {
                return format!("http{address}");
            }
            assert!(self.is_running(), "the login ended before it named an address");
            thread::sleep(TICK);
        }
        panic!("the login named no address");
    }

    /// Sends a signal by its name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill starts").success());
    }

    /// Waits for the login to end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> OutputAssert {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                break status;
            }
            assert!(Instant::now() < deadline, "the login does not end");
            thread::sleep(TICK);
        };
        let output = Output {
            status,
            stdout: self.stdout.wait_for_end(),
            stderr: self.stderr.wait_for_end(),
        };
        self.hints.keep(&self.typed, &output, (&self.root, &self.root), &self.variables);
        OutputAssert::new(output)
    }

    /// Whether the process is there. Its end is left for `finish` to collect.
    fn is_running(&self) -> bool {
        fs::read_to_string(format!("/proc/{}/stat", self.child.id()))
            .map_or(!Path::new("/proc/self").exists(), |stat| !stat.contains(") Z"))
    }
}

impl Drop for PendingLogin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let said = self.stderr.wait_for_end();
            eprintln!("the login said: {}", String::from_utf8_lossy(&said));
        }
    }
}

/// Lets every program that a test starts begin as from a person's shell, whatever these tests were
/// started by: `nohup`, a shell without job control and Python's interpreter have signals ignored,
/// and that is inherited.
///
/// Such a signal gets a handler here, which does nothing: for the tests themselves it is ignored
/// still, and what has a handler is back at its default in the next program.
fn start_children_with_default_signals() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGXFSZ] {
            if ignored.unwrap_or_default() >> (signal - 1) & 1 == 1 {
                signal_hook::flag::register(signal, Arc::default()).unwrap();
            }
        }
    });
}

/// A key for a `key` slot, made by tokctl; the same for every world of this run.
pub(crate) fn made_up_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(generate_key)
}

/// A key that opens none of the vaults.
pub(crate) fn another_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(generate_key)
}

fn generate_key() -> String {
    let output = Command::new(snapbox::cmd::cargo_bin("tokctl"))
        .args(["key", "generate"])
        .env_clear()
        .output()
        .expect("tokctl starts");
    assert!(output.status.success(), "tokctl key generate: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// What a command wrote to stderr.
pub(crate) fn stderr(assert: &OutputAssert) -> String {
    String::from_utf8_lossy(&assert.get_output().stderr).into_owned()
}

/// What a command wrote to stdout.
pub(crate) fn stdout(assert: &OutputAssert) -> String {
    String::from_utf8_lossy(&assert.get_output().stdout).into_owned()
}

/// What a command wrote to stdout, as JSON.
pub(crate) fn json(assert: &OutputAssert) -> serde_json::Value {
    serde_json::from_slice(&assert.get_output().stdout).expect("JSON on stdout")
}

/// Makes a folder that only its owner may enter.
pub(crate) fn private_folder(path: &Path) {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).unwrap();
}

/// Sets a file's or a folder's mode.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn private_file(path: &Path, content: &[u8]) {
    use std::io::Write;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(content).unwrap();
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .collect()
}

/// The value of `$BROWSER`, quoted as a shell would want it.
fn scripted_browser() -> OsString {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/browser.sh");
    shell_words::quote(script).into_owned().into()
}

/// `program` in a session of its own, so that the terminal of whoever runs the tests is out of
/// its reach. Where there is no `setsid`, as on macOS, the program is run as it is.
pub(crate) fn without_terminal(program: &Path) -> Command {
    static SETSID: OnceLock<Option<PathBuf>> = OnceLock::new();
    let setsid = SETSID.get_or_init(|| {
        ["/usr/bin/setsid", "/bin/setsid"].map(PathBuf::from).into_iter().find(|path| path.exists())
    });
    match setsid {
        Some(setsid) => {
            let mut command = Command::new(setsid);
            command.arg(program);
            command
        }
        None => Command::new(program),
    }
}
