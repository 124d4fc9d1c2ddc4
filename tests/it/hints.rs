//! Hints are typed: each `hint:` that a test provokes is run once as it was printed, in a copy of
//! the world in which it was printed, and must not be a mistake in usage.
//!
//! A token is on stdin and a terminal is there for questions. Fake servers hang up on these
//! commands, and what goes to the internet finds a proxy that is not there. The copies are made when
//! the hints are printed, and the commands run when the world of the test ends.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rexpect::process::PtyProcess;
use rexpect::process::signal::Signal;
use rexpect::process::wait::WaitStatus;
use snapbox::IntoData;
use snapbox::cmd::OutputAssert;
use tempfile::TempDir;

use crate::authorization_server;
use crate::transcript::Transcript;

/// How long a typed command may say nothing before it counts as one that waits for a person.
const SILENCE: Duration = Duration::from_millis(400);

/// How long a typed command may take in all.
const PATIENCE: Duration = Duration::from_secs(10);

const TICK: Duration = Duration::from_millis(5);

/// The largest file that is copied, in bytes.
const LARGEST: u64 = 8 * 1024 * 1024;

/// What has been typed already in this run: one hint behind one message is typed once.
static TYPED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// The hints that were printed in one world, and the copies in which they are to be typed.
#[derive(Clone, Default)]
pub(crate) struct Hints(Arc<Mutex<Vec<Printed>>>);

/// A hint that was printed.
struct Printed {
    /// The command that failed.
    by: String,
    hint: String,
    world: TempDir,
    /// Where the command ran, in the copy.
    folder: PathBuf,
    variables: BTreeMap<String, OsString>,
}

/// A command line of a test, whose hints are kept.
pub(crate) struct Tokctl {
    pub(crate) command: snapbox::cmd::Command,
    pub(crate) typed: String,
    pub(crate) root: PathBuf,
    /// Where the command runs.
    pub(crate) folder: PathBuf,
    pub(crate) variables: BTreeMap<String, OsString>,
    pub(crate) hints: Hints,
}

impl Tokctl {
    /// With this text on stdin.
    pub(crate) fn stdin(mut self, text: impl IntoData) -> Self {
        self.command = self.command.stdin(text);
        self
    }

    /// With this variable in the environment.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        let value = value.into();
        self.command = self.command.env(name, &value);
        self.variables.insert(name.to_owned(), value);
        self
    }

    /// In this folder, below the world's home.
    pub(crate) fn current_dir(mut self, folder: PathBuf) -> Self {
        self.command = self.command.current_dir(&folder);
        self.folder = folder;
        self
    }

    /// Runs the command.
    #[track_caller]
    pub(crate) fn assert(self) -> OutputAssert {
        let done = self.command.assert();
        let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        let places = (self.root.as_path(), self.folder.as_path());
        self.hints.keep(&self.typed, &said, places, &self.variables);
        done
    }
}

impl Hints {
    /// Keeps the hint in `said`, which the command `by` wrote to stderr, with a copy of the world at
    /// `root`. The command ran in `folder`.
    pub(crate) fn keep(
        &self,
        by: &str,
        said: &str,
        (root, folder): (&Path, &Path),
        variables: &BTreeMap<String, OsString>,
    ) {
        let Some(hint) = hint_in(said) else { return };
        let root_text = root.to_string_lossy().into_owned();
        let message = said.replace(&root_text, "~").replace(|letter: char| letter.is_numeric(), "");
        if commands_in(&hint).is_empty() || !TYPED.lock().unwrap().insert(message) {
            return;
        }
        let world = tempfile::Builder::new().prefix("tokctl-hint-").tempdir().unwrap();
        copy(root, world.path());
        let moved = world.path().to_string_lossy().into_owned();
        let hint = hint.replace(&root_text, &moved);
        let variables = variables
            .iter()
            .map(|(name, value)| {
                let value = value.to_string_lossy().replace(&root_text, &moved);
                (name.clone(), value.into())
            })
            .collect();
        let folder = world.path().join(folder.strip_prefix(root).unwrap_or(Path::new("")));
        self.0.lock().unwrap().push(Printed { by: by.to_owned(), hint, world, folder, variables });
    }

    /// Types what was kept. Panics if one of the commands is a mistake in usage.
    pub(crate) fn type_all(&self) {
        let kept = std::mem::take(&mut *self.0.lock().unwrap());
        if kept.is_empty() || thread::panicking() {
            return;
        }
        authorization_server::hang_up(true);
        let mut failures = String::new();
        for printed in &kept {
            for command in commands_in(&printed.hint) {
                if let Some((code, said)) = type_in(printed, &command)
                    && [2, 126, 127].contains(&code)
                {
                    let Printed { by, hint, .. } = printed;
                    let _ = write!(
                        failures,
                        "\n`{by}` printed the hint `{hint}`, and `{command}` ended with {code}:\n{said}"
                    );
                }
            }
        }
        authorization_server::hang_up(false);
        assert!(failures.is_empty(), "hints that don't work:{failures}");
    }
}

/// The hint in what a failed command said, as text or as JSON.
fn hint_in(said: &str) -> Option<String> {
    let line = said.lines().find_map(|line| line.strip_prefix("hint: ").map(str::to_owned));
    line.or_else(|| {
        let error: serde_json::Value = serde_json::from_str(said.lines().last()?).ok()?;
        Some(error["error"]["hint"].as_str()?.to_owned())
    })
}

/// The commands of tokctl in a hint: the whole of it, or what stands in back quotes.
fn commands_in(hint: &str) -> Vec<String> {
    if hint.starts_with("tokctl ") {
        return vec![hint.to_owned()];
    }
    let quoted = hint.split('`').skip(1).step_by(2);
    quoted.filter(|piece| piece.starts_with("tokctl ")).map(str::to_owned).collect()
}

/// Types a command at a terminal. Returns its exit code and what it said, or `None` if it waits for
/// a person: at a question, or for the browser that it opened.
fn type_in(printed: &Printed, line: &str) -> Option<(i32, String)> {
    let home = printed.world.path();
    let programs = home.join("hint-programs");
    let _ = fs::create_dir(&programs);
    let _ = symlink(snapbox::cmd::cargo_bin("tokctl"), programs.join("tokctl"));
    fs::write(home.join("hint-token"), "made-up-typed\n").unwrap();
    let _ = fs::remove_file(home.join("address"));
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("{line} <\"$HOME/hint-token\"")])
        .env_clear()
        .current_dir(&printed.folder);
    command.envs(&printed.variables).env("TERM", "xterm");
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        command.env(proxy, "http://127.0.0.1:9");
    }
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
    let mut process = PtyProcess::new(command).unwrap();
    let said = Transcript::of(process.get_file_handle().unwrap());
    let (started, mut spoke, mut length) = (Instant::now(), Instant::now(), 0);
    loop {
        match process.status() {
            Some(WaitStatus::Exited(_, code)) => {
                thread::sleep(TICK);
                return Some((code, said.so_far()));
            }
            Some(WaitStatus::StillAlive) => {}
            Some(_) | None => return None,
        }
        let so_far = said.so_far().len();
        if so_far > length {
            (spoke, length) = (Instant::now(), so_far);
        }
        let waits = length > 0 && spoke.elapsed() > SILENCE;
        if waits || home.join("address").exists() || started.elapsed() > PATIENCE {
            let _ = process.kill(Signal::SIGKILL);
            return None;
        }
        thread::sleep(TICK);
    }
}

/// Copies what is below a folder, with its modes.
fn copy(from: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(from) else { return };
    for entry in entries.flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            let _ = fs::read_link(&source).and_then(|leads| symlink(leads, &target));
        } else if kind.is_dir() {
            let _ = fs::create_dir(&target);
            copy(&source, &target);
            let mode = entry.metadata().map_or(0o700, |data| data.permissions().mode());
            let _ = fs::set_permissions(&target, fs::Permissions::from_mode(mode));
        } else if !kind.is_fifo()
            && !kind.is_socket()
            && entry.metadata().is_ok_and(|data| data.len() <= LARGEST)
        {
            let _ = fs::copy(&source, &target);
        }
    }
}

#[test]
fn a_hint_that_is_a_mistake_would_be_noticed() {
    let root = tempfile::tempdir().unwrap();
    for (said, works) in [
        ("tokctl: error: x\nhint: tokctl frobnicate\n", false),
        ("hint: make room, then `tokctl get --nonsense`", false),
        (r#"{"error":{"hint":"tokctl list --nonsense"}}"#, false),
        ("hint: tokctl --version\n", true),
        ("hint: mend that line\n", true),
    ] {
        let hints = Hints::default();
        let home = ("HOME".to_owned(), root.path().into());
        let variables = BTreeMap::from([home]);
        hints.keep("made up", said, (root.path(), root.path()), &variables);
        let typed = thread::scope(|scope| scope.spawn(|| hints.type_all()).join());
        assert_eq!(typed.is_ok(), works, "{said}");
    }
}
