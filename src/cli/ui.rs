//! The terminal: the only place that prints. Questions have a folder of their own.
//!
//! Stdout carries the data that the user asked for and nothing else. Everything else goes to
//! stderr: status, which `-q` silences; warnings, which `-qq` silences; errors, which nothing
//! silences. A message is one sentence, in lower case, without a full stop.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, OnceLock, PoisonError};

use console::Style;
use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::error::{CliError, Kind};
use super::typed::about_vault;
use super::{json, stderr};

/// Whether colours are used on a terminal, and whether elsewhere, by flags and environment.
static COLORS: OnceLock<(bool, bool)> = OnceLock::new();

/// Warnings that wait until a command's results are printed; `None` if none has to wait.
static HELD: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// The amount of messages on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Errors,
    Warnings,
    Status,
    /// Each request, and what was left alone.
    Details,
    /// The reasons of decisions, as well.
    Decisions,
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// The terminal, or the streams that stand in its place.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    pub(crate) verbosity: Verbosity,
    /// Whether data and errors are printed as JSON.
    pub(crate) json: bool,
    /// Whether questions are allowed.
    pub(crate) may_ask: bool,
    /// The vault that `--vault` named, which the commands in messages name too.
    pub(crate) vault_flag: Option<String>,
}

impl Ui {
    /// Decides about colours: by the flag, then by `NO_COLOR` and `CLICOLOR_FORCE`, then by whether
    /// the output is a terminal. A CI's terminal counts as none.
    pub(crate) fn set_color(color: Color, no_color: bool, forced: bool, ci: bool) {
        let wanted = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !no_color && (forced || (terminal && !ci)),
        };
        let _ = COLORS.set((wanted(true), wanted(false)));
    }

    /// Returns whether a terminal gets colours. Before the flags are read, it gets none.
    pub(crate) fn colors_on_terminals() -> bool {
        COLORS.get().is_some_and(|(on_terminals, _)| *on_terminals)
    }

    /// Returns whether stdout gets colours.
    pub(crate) fn colors_on_stdout() -> bool {
        detect_colors();
        console::colors_enabled()
    }

    /// Returns `text` in `style` if stdout uses colours.
    pub(crate) fn styled(style: &Style, text: &str) -> String {
        detect_colors();
        style.apply_to(text).to_string()
    }

    /// Prints data on stdout. A reader that has gone away is no failure.
    #[expect(clippy::unused_self, reason = "who prints need not know what printing takes")]
    pub(crate) fn data(&self, data: &[u8]) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        ignore_broken_pipe(stdout.write_all(data).and_then(|()| stdout.flush()))
    }

    /// Prints one line of data.
    pub(crate) fn line(&self, line: &str) -> Result<(), CliError> {
        // The line may hold a key, so it is wiped.
        self.data(Zeroizing::new(format!("{line}\n")).as_bytes())
    }

    /// Prints a line that is shown only once. A reader that has gone away is a failure.
    #[expect(clippy::unused_self, reason = "who prints need not know what printing takes")]
    pub(crate) fn line_once(&self, line: &str) -> Result<(), CliError> {
        write_whole(Zeroizing::new(format!("{line}\n")).as_bytes())
    }

    /// Returns whether stdout is a terminal and its reader can answer questions.
    pub(crate) fn is_interactive(&self) -> bool {
        io::stdout().is_terminal() && self.can_ask()
    }

    /// Prints a value as JSON.
    pub(crate) fn json(&self, value: &impl serde::Serialize) -> Result<(), CliError> {
        // The text may hold a token. Full capacity from the start, because a buffer that grows
        // leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(16 * 1024));
        json::write(&mut *text, value).map_err(|error| {
            CliError::new(Kind::Failed, "could not write JSON").caused_by(&error)
        })?;
        text.push(b'\n');
        self.data(&text)
    }

    /// Prints a value as JSON while it is being serialized: for values of any size, without
    /// secrets.
    pub(crate) fn stream_json(&self, value: &impl serde::Serialize) -> Result<(), CliError> {
        self.stream(|stdout| {
            json::write(&mut *stdout, value)?;
            stdout.write_all(b"\n")
        })
    }

    /// Prints data while `write` makes it: for data of any size, without secrets.
    #[expect(clippy::unused_self, reason = "who prints need not know what printing takes")]
    pub(crate) fn stream(
        &self,
        write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> io::Result<()>,
    ) -> Result<(), CliError> {
        let mut stdout = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        let written = write(&mut stdout).and_then(|()| stdout.flush());
        // The buffer's rest could not be written; dropping the writer would try again.
        let _ = stdout.into_parts();
        ignore_broken_pipe(written)
    }

    /// Prints what was done, unless `-q` was given.
    pub(crate) fn status(&self, message: &str) {
        if self.verbosity >= Verbosity::Status {
            stderr::line("", &self.about_named(message));
        }
    }

    /// Returns `message` with the vault in its commands that `--vault` named.
    fn about_named<'a>(&self, message: &'a str) -> Cow<'a, str> {
        match &self.vault_flag {
            Some(vault) => about_vault(vault, message).into(),
            None => message.into(),
        }
    }

    /// Prints what the user can't do without, however quiet the command is.
    #[expect(clippy::unused_self, reason = "who prints need not know what printing takes")]
    pub(crate) fn always(&self, message: &str) {
        stderr::line("", message);
    }

    /// Prints `what` and below it the lines `shown`, such as an address to open, however quiet the
    /// command is.
    #[expect(clippy::unused_self, reason = "who prints need not know what printing takes")]
    pub(crate) fn always_with(&self, what: &str, shown: &[&str]) {
        stderr::block(what, shown);
    }

    /// Prints masking commands for a CI platform on stderr. A closed stderr is a failure.
    #[expect(clippy::unused_self, reason = "who prints need not know what printing takes")]
    pub(crate) fn masking(&self, commands: &[u8]) -> Result<(), CliError> {
        stderr::ci_commands(commands).map_err(|error| {
            CliError::new(Kind::Failed, "could not write the masking command to stderr")
                .caused_by(&error)
        })
    }

    /// Prints the result for one of many things, unless `-q` was given: a word in `style`, and the
    /// thing.
    pub(crate) fn result(&self, style: &Style, word: &str, thing: &str) {
        if self.verbosity >= Verbosity::Status {
            detect_colors();
            // Padded to the longest word.
            let word = format!("{word:<8}");
            stderr::line(format_args!("{} ", style.clone().for_stderr().apply_to(word)), thing);
        }
    }

    /// Prints how something was done, if `-v` was given.
    pub(crate) fn detail(&self, message: &str) {
        if self.verbosity >= Verbosity::Details {
            stderr::line("tokctl: ", message);
        }
    }

    /// Prints a warning, after which the command goes on.
    pub(crate) fn warning(&self, message: &str) {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_mut() {
            held.push(message.to_owned());
        } else if self.verbosity >= Verbosity::Warnings {
            detect_colors();
            let label = Style::new().for_stderr().yellow().bold().apply_to("warning:");
            stderr::line(format_args!("tokctl: {label} "), &self.about_named(message));
        }
    }

    /// Runs `work`, and prints its warnings when it has ended: below its results, and not between
    /// them.
    pub(crate) fn with_warnings_last<T>(&self, work: impl FnOnce() -> T) -> T {
        let take = |next| {
            std::mem::replace(&mut *HELD.lock().unwrap_or_else(PoisonError::into_inner), next)
        };
        take(Some(Vec::new()));
        let done = work();
        for warning in take(None).unwrap_or_default() {
            self.warning(&warning);
        }
        done
    }

    /// Prints an error with its causes and its hint, as JSON if that was asked for.
    pub(crate) fn error(&self, error: &CliError) {
        if self.json {
            stderr::json(&error.to_json());
            return;
        }
        detect_colors();
        let red = Style::new().for_stderr().red().bold();
        let cyan = Style::new().for_stderr().cyan().bold();
        stderr::line(format_args!("tokctl: {} ", red.apply_to("error:")), &error.message);
        for cause in &error.causes {
            stderr::line("caused by: ", cause);
        }
        if let Some(hint) = &error.hint {
            stderr::line(format_args!("{} ", cyan.apply_to("hint:")), &hint.to_string());
        }
    }

    /// Prints a line of a service's log at `level` and above.
    pub(crate) fn log(&self, level: Verbosity, line: &str) {
        if self.verbosity >= level {
            stderr::line("", line);
        }
    }

    /// Prints a line of a service's log as JSON at `level` and above.
    pub(crate) fn log_json(&self, level: Verbosity, line: &str) {
        if self.verbosity >= level {
            stderr::json(line);
        }
    }

    /// Returns whether questions are allowed and there is a terminal for them.
    pub(crate) fn can_ask(&self) -> bool {
        self.may_ask && OpenOptions::new().read(true).write(true).open("/dev/tty").is_ok()
    }
}

/// Turns the result of a write to stdout into an error, except that a reader may have gone away.
fn ignore_broken_pipe(written: io::Result<()>) -> Result<(), CliError> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| {
            CliError::new(Kind::Failed, "could not write to stdout").caused_by(&error)
        }),
    }
}

/// Writes data to stdout. A closed stdout or a reader that has gone away is a failure.
fn write_whole(data: &[u8]) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    let written = if is_closed(&stdout) {
        Err(io::Error::from(io::ErrorKind::BrokenPipe))
    } else {
        stdout.write_all(data).and_then(|()| stdout.flush())
    };
    written
        .map_err(|error| CliError::new(Kind::Failed, "could not write to stdout").caused_by(&error))
}

/// Returns whether stdout was closed when the program began.
///
/// Rust's runtime then opens the null device in its place, for reading and writing. A shell's `>
/// /dev/null` opens it for writing only.
fn is_closed(stdout: &impl AsFd) -> bool {
    let is_null = || {
        let null = rustix::fs::stat("/dev/null").ok()?;
        Some(rustix::fs::fstat(stdout).ok()?.st_rdev == null.st_rdev)
    };
    rustix::fs::fcntl_getfl(stdout).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR)
        && is_null() == Some(true)
}

/// Finds out once whether stdout and stderr use colours.
///
/// Only functions that draw in colour call it, because it costs system calls that a `get` does not
/// need.
fn detect_colors() {
    static DETECTED: OnceLock<()> = OnceLock::new();
    // Before the flags are read, `console` decides by itself.
    let Some((on_terminals, elsewhere)) = COLORS.get() else { return };
    DETECTED.get_or_init(|| {
        let wanted = |terminal: bool| if terminal { *on_terminals } else { *elsewhere };
        console::set_colors_enabled(wanted(io::stdout().is_terminal()));
        console::set_colors_enabled_stderr(wanted(stderr::is_terminal()));
    });
}
