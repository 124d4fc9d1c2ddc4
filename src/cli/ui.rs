//! The terminal: the only place that prints and asks.
//!
//! Stdout carries the data that the user asked for and nothing else. Everything else goes to
//! stderr: status, which `-q` silences; warnings, which `-qq` silences; errors, which nothing
//! silences. Questions read the terminal itself, so stdin stays free for data. A message is one
//! sentence, in lower case, without a full stop.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::os::fd::AsFd;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, Instant};

use console::{Style, Term};
use dialoguer::theme::ColorfulTheme;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::fs::OFlags;
use rustix::termios;
use zeroize::Zeroizing;

use super::error::{CliError, Hint, Kind};
use super::{json, stderr};
use crate::secret::SecretText;
use crate::signals;

/// The time after which a wait shows that the program is alive.
const PATIENCE: Duration = Duration::from_millis(500);

static THEME: LazyLock<ColorfulTheme> = LazyLock::new(|| {
    detect_colors();
    ColorfulTheme::default()
});

/// Whether colours are used on a terminal, and whether elsewhere, by flags and environment.
static COLORS: OnceLock<(bool, bool)> = OnceLock::new();

/// The amount of messages on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Errors,
    Warnings,
    Status,
    Details,
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
            stderr::line("", message);
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

    /// Prints how something was done, if `-v` was given.
    pub(crate) fn detail(&self, message: &str) {
        if self.verbosity >= Verbosity::Details {
            stderr::line("tokctl: ", message);
        }
    }

    /// Prints a warning, after which the command goes on.
    pub(crate) fn warning(&self, message: &str) {
        if self.verbosity >= Verbosity::Warnings {
            detect_colors();
            let label = Style::new().for_stderr().yellow().bold().apply_to("warning:");
            stderr::line(format_args!("tokctl: {label} "), message);
        }
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

    /// Runs `work`. If it takes long and a user is there, shows a spinner with the text `what`.
    pub(crate) fn while_waiting<T>(&self, what: &'static str, work: impl FnOnce() -> T) -> T {
        let shown = stderr::is_terminal() || self.can_ask();
        if self.verbosity < Verbosity::Status || !shown {
            return work();
        }
        let (done, waiting) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    let spinner = ProgressBar::new_spinner().with_message(what);
                    // Without a spinner, one line says what the program waits for.
                    if spinner.is_hidden() {
                        stderr::line("tokctl: ", what);
                    }
                    spinner.enable_steady_tick(Duration::from_millis(100));
                    let _ = waiting.recv();
                    spinner.finish_and_clear();
                }
            });
            let result = work();
            drop(done);
            result
        })
    }

    /// Runs `work`, which reports its progress as steps done and steps in all.
    ///
    /// If it takes long and stderr is a terminal, shows a progress bar.
    pub(crate) fn with_progress<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut dyn FnMut(u64, u64)) -> T,
    ) -> T {
        if self.verbosity < Verbosity::Status {
            return work(&mut |_, _| {});
        }
        // Hidden by itself if stderr is no terminal.
        let bar = ProgressBar::new(0).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent}%") {
            bar.set_style(style);
        }
        let started = Instant::now();
        let (done, waiting) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            // The work may wait for a lock before it reports its first step.
            let shown = bar.clone();
            scope.spawn(move || {
                if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    shown.tick();
                    let _ = waiting.recv();
                }
                shown.finish_and_clear();
            });
            let result = work(&mut |position, all| {
                if started.elapsed() > PATIENCE {
                    bar.set_length(all);
                    bar.set_position(position);
                }
            });
            drop(done);
            result
        })
    }

    /// Shows a progress bar for work on `total` things, if stderr is a terminal.
    pub(crate) fn progress(&self, what: &'static str, total: usize) -> Progress {
        if self.verbosity < Verbosity::Status || !stderr::is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(total as u64).with_style(style).with_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        // A signal that ends the program has to remove the bar.
        let shown = bar.clone();
        let _ = signals::announce(move |_| shown.finish_and_clear());
        Progress(bar)
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
        self.may_ask && terminal().is_some()
    }

    /// Asks for a secret without echo. `flag` is the hint for giving it without a prompt.
    pub(crate) fn ask_secret<T: SecretText>(
        &self,
        prompt: &str,
        flag: &str,
    ) -> Result<T, CliError> {
        let question = dialoguer::Password::with_theme(&*THEME).with_prompt(prompt);
        self.interact(prompt, flag, |terminal| question.interact_on(terminal)).map(T::from_trusted)
    }

    /// Asks twice for a new secret, without echo.
    pub(crate) fn ask_new_secret<T: SecretText>(
        &self,
        prompt: &str,
        flag: &str,
    ) -> Result<T, CliError> {
        let question = dialoguer::Password::with_theme(&*THEME)
            .with_prompt(prompt)
            .with_confirmation("once more", "the two are not the same");
        self.interact(prompt, flag, |terminal| question.interact_on(terminal)).map(T::from_trusted)
    }

    /// Asks for a text, which must not be empty.
    pub(crate) fn ask(&self, prompt: &str, flag: &str) -> Result<String, CliError> {
        let question = dialoguer::Input::with_theme(&*THEME).with_prompt(prompt);
        self.interact(prompt, flag, |terminal| question.interact_text_on(terminal))
    }

    /// Asks for a text that may be empty; an empty one is `None`.
    pub(crate) fn ask_optional(
        &self,
        prompt: &str,
        flag: &str,
    ) -> Result<Option<String>, CliError> {
        let question: dialoguer::Input<'_, String> =
            dialoguer::Input::with_theme(&*THEME).with_prompt(prompt).allow_empty(true);
        let text = self.interact(prompt, flag, |terminal| question.interact_text_on(terminal))?;
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    /// Asks for yes or no. No is the default.
    pub(crate) fn confirm(&self, prompt: &str, flag: impl Into<Hint>) -> Result<bool, CliError> {
        let question = dialoguer::Confirm::with_theme(&*THEME).with_prompt(prompt).default(false);
        self.interact(prompt, flag, |terminal| question.interact_on(terminal))
    }

    /// Asks for one of `items` and returns its position.
    pub(crate) fn choose(
        &self,
        prompt: &str,
        items: &[String],
        flag: &str,
    ) -> Result<usize, CliError> {
        let question =
            dialoguer::Select::with_theme(&*THEME).with_prompt(prompt).items(items).default(0);
        self.interact(prompt, flag, |terminal| question.interact_on(terminal))
    }

    /// Asks a question on the terminal.
    ///
    /// A signal that ends the program meanwhile leaves the terminal with its echo and its cursor.
    fn interact<T>(
        &self,
        prompt: &str,
        flag: impl Into<Hint>,
        question: impl FnOnce(&Term) -> dialoguer::Result<T>,
    ) -> Result<T, CliError> {
        let terminal = self.terminal(prompt, flag)?;
        let (shown, tty) = (terminal.clone(), File::open("/dev/tty"));
        let before = tty.as_ref().ok().and_then(|tty| termios::tcgetattr(tty).ok());
        let restore = move || {
            if let (Ok(tty), Some(before)) = (&tty, &before) {
                let _ = termios::tcsetattr(tty, termios::OptionalActions::Now, before);
            }
            let _ = shown.show_cursor();
        };
        signals::restoring(restore, || question(&terminal))
            .map_err(dialoguer::Error::IO)
            .and_then(|answer| answer)
            .map_err(cancelled)
    }

    fn terminal(&self, prompt: &str, flag: impl Into<Hint>) -> Result<Term, CliError> {
        terminal().filter(|_| self.may_ask).ok_or_else(|| {
            CliError::new(Kind::Usage, format!("nobody can be asked here: {prompt}")).hint(flag)
        })
    }
}

/// A progress bar, which disappears from the terminal when dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Counts one more thing as done.
    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Opens the controlling terminal, whatever stdin and stderr are.
fn terminal() -> Option<Term> {
    let open = |write: bool| -> io::Result<File> {
        OpenOptions::new().read(!write).write(write).open("/dev/tty")
    };
    Some(Term::read_write_pair(open(false).ok()?, open(true).ok()?))
}

fn cancelled(error: dialoguer::Error) -> CliError {
    let dialoguer::Error::IO(error) = error;
    CliError::new(Kind::Failed, "the question was not answered").caused_by(&error)
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
