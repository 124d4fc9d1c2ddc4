//! The one door to the terminal.
//!
//! Stdout carries the data that was asked for and nothing else. Everything else goes to stderr:
//! status, which `-q` silences; warnings, which `-qq` silences; errors, which nothing does.
//! Questions read the terminal itself, so that stdin stays free for data. A message is one
//! sentence, in lower case, without a full stop.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, Instant};

use comfy_table::{ContentArrangement, Table, presets};
use console::{Style, Term};
use dialoguer::theme::ColorfulTheme;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::fs::OFlags;
use rustix::termios;
use zeroize::Zeroizing;

use super::error::{CliError, Kind};
use crate::secret::SecretText;
use crate::signals;

/// A wait that is longer than this shows that it is alive.
const PATIENCE: Duration = Duration::from_millis(500);

/// The narrowest terminal that columns are folded for.
const NARROWEST: u16 = 60;

static THEME: LazyLock<ColorfulTheme> = LazyLock::new(|| {
    ask_for_colors();
    ColorfulTheme::default()
});

/// Whether colours are used on a terminal, and whether on anything else: by flags and environment.
static COLORS: OnceLock<(bool, bool)> = OnceLock::new();

/// How much is said on stderr.
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

/// The terminal, or what stands in its place.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    pub(crate) verbosity: Verbosity,
    /// Whether data and errors are printed as JSON.
    pub(crate) json: bool,
    /// Whether somebody may be asked at all.
    pub(crate) may_ask: bool,
}

impl Ui {
    /// Decides about colours: the flag, then `NO_COLOR` and `CLICOLOR_FORCE`, then whether it is a
    /// terminal that somebody looks at, which none of a CI's is.
    pub(crate) fn set_color(color: Color, no_color: bool, forced: bool, ci: bool) {
        let wanted = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !no_color && (forced || (terminal && !ci)),
        };
        let _ = COLORS.set((wanted(true), wanted(false)));
    }

    /// `text` on stdout in `style`, if colours are used there.
    pub(crate) fn styled(style: &Style, text: &str) -> String {
        ask_for_colors();
        style.apply_to(text).to_string()
    }

    /// Prints data on stdout. That nobody reads it any more is no failure.
    #[expect(clippy::unused_self, reason = "who prints need not know what printing takes")]
    pub(crate) fn data(&self, data: &[u8]) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        unless_unread(stdout.write_all(data).and_then(|()| stdout.flush()))
    }

    /// Prints one line of data.
    pub(crate) fn line(&self, line: &str) -> Result<(), CliError> {
        // It may hold a key.
        self.data(Zeroizing::new(format!("{line}\n")).as_bytes())
    }

    /// Prints one line that is shown once and never again: that nobody reads it is a failure.
    #[expect(clippy::unused_self, reason = "who prints need not know what printing takes")]
    pub(crate) fn line_once(&self, line: &str) -> Result<(), CliError> {
        once(Zeroizing::new(format!("{line}\n")).as_bytes())
    }

    /// A table without rules, folded to fit the terminal. One that does not tell its width, or is
    /// too narrow for columns, wraps lines itself.
    pub(crate) fn table() -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let (_, width) = Term::stdout().size();
        if io::stdout().is_terminal() && width >= NARROWEST {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        table
    }

    /// Whether what is printed on stdout is read from a terminal by somebody who can answer.
    pub(crate) fn is_read_at_once(&self) -> bool {
        io::stdout().is_terminal() && self.can_ask()
    }

    /// Prints a value as JSON.
    pub(crate) fn json(&self, value: &impl serde::Serialize) -> Result<(), CliError> {
        // It may hold a token: room from the start, since a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(16 * 1024));
        serde_json::to_writer_pretty(&mut *text, value).map_err(|error| {
            CliError::new(Kind::Failed, "could not write JSON").caused_by(&error)
        })?;
        text.push(b'\n');
        self.data(&text)
    }

    /// Prints a value as JSON while it is being made: for one of any size, without secrets.
    #[expect(clippy::unused_self, reason = "who prints need not know what printing takes")]
    pub(crate) fn json_by_and_by(&self, value: &impl serde::Serialize) -> Result<(), CliError> {
        let mut stdout = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        let written = value
            .serialize(&mut serde_json::Serializer::pretty(&mut stdout))
            .map_err(io::Error::from)
            .and_then(|()| stdout.write_all(b"\n"))
            .and_then(|()| stdout.flush());
        // What is left in it could not be written, and is not to be tried again.
        let _ = stdout.into_parts();
        unless_unread(written)
    }

    /// Says what was done.
    pub(crate) fn status(&self, message: &str) {
        if self.verbosity >= Verbosity::Status {
            stderr(&format!("{message}\n"));
        }
    }

    /// Says what nobody can do without, however quiet it is to be.
    #[expect(clippy::unused_self, reason = "who prints need not know what printing takes")]
    pub(crate) fn always(&self, message: &str) {
        stderr(&format!("{message}\n"));
    }

    /// Tells a CI platform what to mask. That nobody reads it is a failure.
    #[expect(clippy::unused_self, reason = "who prints need not know what printing takes")]
    pub(crate) fn masking(&self, commands: &[u8]) -> Result<(), CliError> {
        io::stderr().lock().write_all(commands).map_err(|error| {
            CliError::new(Kind::Failed, "could not write the masking command to stderr")
                .caused_by(&error)
        })
    }

    /// Says how it was done.
    pub(crate) fn detail(&self, message: &str) {
        if self.verbosity >= Verbosity::Details {
            stderr(&format!("tokctl: {message}\n"));
        }
    }

    /// Says what to look at, though the command went on.
    pub(crate) fn warning(&self, message: &str) {
        if self.verbosity >= Verbosity::Warnings {
            ask_for_colors();
            let label = Style::new().for_stderr().yellow().bold().apply_to("warning:");
            stderr(&format!("tokctl: {label} {message}\n"));
        }
    }

    /// Prints an error with its causes and what to type next.
    pub(crate) fn error(&self, error: &CliError) {
        if self.json {
            stderr(&format!("{}\n", error.to_json()));
            return;
        }
        ask_for_colors();
        let red = Style::new().for_stderr().red().bold();
        let cyan = Style::new().for_stderr().cyan().bold();
        stderr(&format!("tokctl: {} {}\n", red.apply_to("error:"), error.message));
        for cause in &error.causes {
            stderr(&format!("caused by: {cause}\n"));
        }
        if let Some(hint) = &error.hint {
            stderr(&format!("{} {hint}\n", cyan.apply_to("hint:")));
        }
    }

    /// Does `work`; if it takes long and somebody is there, shows what is waited for.
    pub(crate) fn while_waiting<T>(&self, what: &'static str, work: impl FnOnce() -> T) -> T {
        let shown = io::stderr().is_terminal() || self.can_ask();
        if self.verbosity < Verbosity::Status || !shown {
            return work();
        }
        let (done, waiting) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    let spinner = ProgressBar::new_spinner().with_message(what);
                    // Where nothing can move, a line has to do.
                    if spinner.is_hidden() {
                        stderr(&format!("tokctl: {what}\n"));
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

    /// Does `work`, which tells how far it is: so many steps of all. If it takes long and stderr is
    /// a terminal, shows that.
    pub(crate) fn with_progress<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut dyn FnMut(u64, u64)) -> T,
    ) -> T {
        if self.verbosity < Verbosity::Status {
            return work(&mut |_, _| {});
        }
        // Draws nothing where stderr is no terminal.
        let bar = ProgressBar::new(0).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent}%") {
            bar.set_style(style);
        }
        let started = Instant::now();
        let (done, waiting) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            // It may have to wait for its turn before there is anything to tell.
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

    /// Shows on a terminal how far work on `total` things is.
    pub(crate) fn progress(&self, what: &'static str, total: usize) -> Progress {
        if self.verbosity < Verbosity::Status || !io::stderr().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(total as u64).with_style(style).with_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        // A signal that ends the program takes the bar with it.
        let shown = bar.clone();
        let _ = signals::announce(move |_| shown.finish_and_clear());
        Progress(bar)
    }

    /// Writes a line of a service's log, which is wanted at `level` and above.
    pub(crate) fn log(&self, level: Verbosity, line: &str) {
        if self.verbosity >= level {
            stderr(&format!("{line}\n"));
        }
    }

    /// Whether there is a terminal with somebody at it.
    pub(crate) fn can_ask(&self) -> bool {
        self.may_ask && terminal().is_some()
    }

    /// Asks for a secret, which does not show. `flag` is how to give it without being asked.
    pub(crate) fn ask_secret<T: SecretText>(
        &self,
        prompt: &str,
        flag: &str,
    ) -> Result<T, CliError> {
        let question = dialoguer::Password::with_theme(&*THEME).with_prompt(prompt);
        self.interact(prompt, flag, |terminal| question.interact_on(terminal)).map(T::from_trusted)
    }

    /// Asks for a new secret, twice.
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

    /// Asks for a text.
    pub(crate) fn ask(&self, prompt: &str, flag: &str) -> Result<String, CliError> {
        let question = dialoguer::Input::with_theme(&*THEME).with_prompt(prompt);
        self.interact(prompt, flag, |terminal| question.interact_text_on(terminal))
    }

    /// Asks for a text that may be left out.
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

    /// Asks for yes or no.
    pub(crate) fn confirm(&self, prompt: &str, flag: &str) -> Result<bool, CliError> {
        let question = dialoguer::Confirm::with_theme(&*THEME).with_prompt(prompt).default(false);
        self.interact(prompt, flag, |terminal| question.interact_on(terminal))
    }

    /// Asks for one of several; gives its position.
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

    /// Puts a question to the terminal. A signal that ends the program leaves it as it was: with
    /// its echo and its cursor.
    fn interact<T>(
        &self,
        prompt: &str,
        flag: &str,
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

    fn terminal(&self, prompt: &str, flag: &str) -> Result<Term, CliError> {
        terminal().filter(|_| self.may_ask).ok_or_else(|| {
            CliError::new(Kind::Usage, format!("nobody can be asked here: {prompt}")).hint(flag)
        })
    }
}

/// How far some work is. Gone from the terminal when dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// One more is done.
    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The controlling terminal, whatever stdin and stderr are.
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

/// That nobody reads stdout any more is no failure.
fn unless_unread(written: io::Result<()>) -> Result<(), CliError> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| {
            CliError::new(Kind::Failed, "could not write to stdout").caused_by(&error)
        }),
    }
}

/// Prints what must not be lost.
fn once(data: &[u8]) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    let written = if is_closed(&stdout) {
        Err(io::Error::from(io::ErrorKind::BrokenPipe))
    } else {
        stdout.write_all(data).and_then(|()| stdout.flush())
    };
    written
        .map_err(|error| CliError::new(Kind::Failed, "could not write to stdout").caused_by(&error))
}

/// Whether stdout was closed when the program began. Rust's runtime puts the null device in its
/// place, open for reading as well; a shell's `> /dev/null` is for writing alone.
fn is_closed(stdout: &impl AsFd) -> bool {
    let is_null = || {
        let null = rustix::fs::stat("/dev/null").ok()?;
        Some(rustix::fs::fstat(stdout).ok()?.st_rdev == null.st_rdev)
    };
    rustix::fs::fcntl_getfl(stdout).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR)
        && is_null() == Some(true)
}

/// Has the terminals asked, once, for whoever draws in colour. A `get` draws nothing, and what
/// nobody needs to know costs it no system calls.
fn ask_for_colors() {
    static ASKED: OnceLock<()> = OnceLock::new();
    // What goes wrong before the flags are read is drawn as `console` would.
    let Some((on_terminals, elsewhere)) = COLORS.get() else { return };
    ASKED.get_or_init(|| {
        let wanted = |terminal: bool| if terminal { *on_terminals } else { *elsewhere };
        console::set_colors_enabled(wanted(io::stdout().is_terminal()));
        console::set_colors_enabled_stderr(wanted(io::stderr().is_terminal()));
    });
}

/// A closed stderr is no reason to fail.
fn stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
