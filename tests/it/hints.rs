//! Hints are typed: each `hint:` that a test provokes is run once as it was printed, in a copy of
//! the world in which it was printed, and must not be a mistake in usage.
//!
//! Each is typed twice: at a terminal, which is there for questions, and without one, as a script
//! would. A token is on stdin. Fake servers hang up on these commands, and what goes to the internet
//! finds a proxy that is not there. The copies are made when the hints are printed, and the commands
//! run when the world of the test ends.
//!
//! A row of `doctor` has its hint on stdout, and the last line of `why` is one. Commands that other
//! lines on stderr name are typed too.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
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
use crate::env::without_terminal;
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

/// Where a hint is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typed {
    AtATerminal,
    WithoutATerminal,
}

/// A hint that was printed, in a copy of its world.
struct Printed {
    typed: Typed,
    /// The command that failed.
    by: String,
    hint: String,
    world: TempDir,
    /// Where the command ran, in the copy.
    folder: PathBuf,
    variables: BTreeMap<String, OsString>,
}

/// How long the world of a hint is tried to be removed.
const REMOVING: Duration = Duration::from_secs(5);

impl Drop for Printed {
    /// Removes the world. What a typed command started may be ending still, such as a browser, and
    /// write into it meanwhile.
    fn drop(&mut self) {
        // Time is looked at before a removal: on a busy machine a single one can take that long.
        let began = Instant::now();
        let mut last = false;
        while fs::remove_dir_all(self.world.path()).is_err() && self.world.path().exists() {
            if last {
                let left = self.world.path().display();
                assert!(thread::panicking(), "the world of a hint can't be removed: {left}");
                break;
            }
            last = began.elapsed() > REMOVING;
            thread::sleep(TICK);
        }
    }
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
        let places = (self.root.as_path(), self.folder.as_path());
        self.hints.keep(&self.typed, done.get_output(), places, &self.variables);
        done
    }
}

impl Hints {
    /// Keeps the hints in the output of the command `by`, each with copies of the world at `root`.
    /// The command ran in `folder`.
    pub(crate) fn keep(
        &self,
        by: &str,
        output: &Output,
        (root, folder): (&Path, &Path),
        variables: &BTreeMap<String, OsString>,
    ) {
        let root_text = root.to_string_lossy().into_owned();
        for (message, hint) in hints_in(by, output) {
            let message =
                message.replace(&root_text, "~").replace(|letter: char| letter.is_numeric(), "");
            if commands_in(&hint).is_empty() || !TYPED.lock().unwrap().insert(message) {
                continue;
            }
            for typed in [Typed::AtATerminal, Typed::WithoutATerminal] {
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
                let by = by.to_owned();
                self.0.lock().unwrap().push(Printed { typed, by, hint, world, folder, variables });
            }
        }
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
                    let Printed { by, hint, typed, .. } = printed;
                    let _ = write!(
                        failures,
                        "\n`{by}` printed the hint `{hint}`, and `{command}`, {typed:?}, ended with {code}:\n{said}"
                    );
                }
            }
        }
        authorization_server::hang_up(false);
        assert!(failures.is_empty(), "hints that don't work:{failures}");
    }
}

/// The hints in what the command `by` said, as text or as JSON, each with the message that it
/// stands behind.
fn hints_in(by: &str, output: &Output) -> Vec<(String, String)> {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).into_owned());
    let mut found = Vec::new();
    let line = stderr.lines().find_map(|line| line.strip_prefix("hint: ").map(str::to_owned));
    let in_error = || {
        let error: serde_json::Value = serde_json::from_str(stderr.lines().last()?).ok()?;
        Some(error["error"]["hint"].as_str()?.to_owned())
    };
    found.extend(line.or_else(in_error).map(|hint| (stderr.clone(), hint)));
    let others =
        stderr.lines().filter(|line| !line.starts_with("hint: ") && !line.starts_with('{'));
    found.extend(others.map(|line| (line.to_owned(), line.to_owned())));
    let on_stdout: Vec<String> = match by.split(' ').next() {
        Some("doctor") => {
            let hint = |line: &str| Some(line.trim_start().strip_prefix("hint: ")?.to_owned());
            stdout.lines().filter_map(hint).collect()
        }
        Some("why") if !stdout.starts_with('{') => {
            stdout.lines().last().map(str::to_owned).into_iter().collect()
        }
        Some(_) | None => Vec::new(),
    };
    found.extend(on_stdout.into_iter().map(|hint| (hint.clone(), hint)));
    found
}

/// The commands of tokctl in a hint or a message: the whole of it, what stands in back quotes, or
/// what follows a colon. One with a place to fill in, such as `NAME`, can't be typed.
fn commands_in(hint: &str) -> Vec<String> {
    if hint.starts_with("tokctl ") {
        return vec![hint.to_owned()];
    }
    let quoted = hint.split('`').skip(1).step_by(2);
    let mut found: Vec<String> =
        quoted.filter(|piece| piece.starts_with("tokctl ")).map(str::to_owned).collect();
    if let Some((_, command)) = hint.rsplit_once(": tokctl ") {
        found.push(format!("tokctl {}", command.trim_end_matches(')')));
    }
    found.retain(|command| !command.split(' ').any(|word| ["NAME", "FILE", "ID"].contains(&word)));
    found
}

/// Types a command. Returns its exit code and what it said, or `None` if it waits for a person: at a
/// question, or for the browser that it opened.
fn type_in(printed: &Printed, line: &str) -> Option<(i32, String)> {
    let home = printed.world.path();
    let programs = home.join("hint-programs");
    let _ = fs::create_dir(&programs);
    let _ = symlink(snapbox::cmd::cargo_bin("tokctl"), programs.join("tokctl"));
    fs::write(home.join("hint-token"), "made-up-typed\n").unwrap();
    let _ = fs::remove_file(home.join("address"));
    let shell = Path::new("/bin/sh");
    let mut command = match printed.typed {
        Typed::AtATerminal => Command::new(shell),
        Typed::WithoutATerminal => without_terminal(shell),
    };
    command
        .args(["-c", &format!("exec {line} <\"$HOME/hint-token\"")])
        .env_clear()
        .current_dir(&printed.folder);
    command.envs(&printed.variables).env("TERM", "xterm");
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        command.env(proxy, "http://127.0.0.1:9");
    }
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
    match printed.typed {
        Typed::AtATerminal => at_a_terminal(command, home),
        Typed::WithoutATerminal => without_a_terminal(command, home),
    }
}

fn at_a_terminal(command: Command, home: &Path) -> Option<(i32, String)> {
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

fn without_a_terminal(mut command: Command, home: &Path) -> Option<(i32, String)> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let said = Transcript::of(process.stderr.take().unwrap());
    let started = Instant::now();
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            thread::sleep(TICK);
            return status.code().map(|code| (code, said.so_far()));
        }
        if home.join("address").exists() || started.elapsed() > PATIENCE {
            let _ = process.kill();
            let _ = process.wait();
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
    for (by, stdout, stderr, works) in [
        ("x", "", "tokctl: error: x\nhint: tokctl frobnicate\n", false),
        ("x", "", "hint: make room, then `tokctl get --nonsense`", false),
        ("x", "", r#"{"error":{"hint":"tokctl list --nonsense"}}"#, false),
        // At a terminal, it asks.
        ("x", "", "hint: tokctl login", false),
        ("x", "", "stored it: tokctl get --nonsense\n", false),
        ("doctor", "x\n    hint: tokctl doctor --nonsense\n", "", false),
        ("why", "x: it works\ntokctl get --nonsense x\n", "", false),
        ("x", "", "hint: tokctl --version\n", true),
        ("x", "", "hint: mend that line\n", true),
    ] {
        let hints = Hints::default();
        let home = ("HOME".to_owned(), root.path().into());
        let variables = BTreeMap::from([home]);
        let [stdout, stderr] = [stdout, stderr].map(|said| said.as_bytes().to_vec());
        let output = Output { status: ExitStatus::default(), stdout, stderr };
        hints.keep(by, &output, (root.path(), root.path()), &variables);
        let typed = thread::scope(|scope| scope.spawn(|| hints.type_all()).join());
        assert_eq!(typed.is_ok(), works, "{output:?}");
    }
}

#[test]
fn the_world_of_a_hint_is_gone_afterwards_although_somebody_still_writes_in_it() {
    let root = tempfile::tempdir().unwrap();
    let home = ("HOME".to_owned(), root.path().into());
    let hints = Hints::default();
    // A hint that was typed already is not typed again.
    let stderr = b"printed by this test alone\nhint: tokctl --version\n".to_vec();
    let output = Output { status: ExitStatus::default(), stdout: Vec::new(), stderr };
    hints.keep("y", &output, (root.path(), root.path()), &BTreeMap::from([home]));
    let worlds: Vec<PathBuf> =
        hints.0.lock().unwrap().iter().map(|printed| printed.world.path().to_owned()).collect();
    assert_eq!(worlds.len(), 2);
    let first = worlds[0].clone();
    let writer = thread::spawn(move || {
        for number in 0..200 {
            if !first.exists() {
                break;
            }
            let _ = fs::create_dir(first.join(number.to_string()));
            thread::sleep(TICK);
        }
    });
    hints.type_all();
    writer.join().unwrap();
    assert!(worlds.iter().all(|world| !world.exists()));
}
