//! The one door to stderr: everything that is printed for people goes through it.
//!
//! A text may quote a server, a file or a name. Each line is made safe to show here, whatever its
//! writer did, so that no such text changes the terminal, begins a line of its own, or commands a
//! CI platform that reads the log. Clippy refuses stderr everywhere else (`clippy.toml`).

use std::fmt::Display;
use std::io::{self, IsTerminal, Stderr, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

use crate::untrusted;

/// Writes one line: `label`, which is ours and may be coloured, and `text`.
pub(crate) fn line(label: impl Display, text: &str) {
    write(&format!("{label}{}\n", untrusted::line(text)));
}

/// Writes `what`, and below it `shown`, each on an indented line between empty ones.
pub(crate) fn block(what: &str, shown: &[&str]) {
    let mut text = format!("{}\n\n", untrusted::line(what));
    for line in shown {
        text.push_str("  ");
        text.push_str(&untrusted::line(line));
        text.push('\n');
    }
    text.push('\n');
    write(&text);
}

/// Writes `json`, a value in JSON, on one line.
pub(crate) fn json(json: &str) {
    write(&format!("{}\n", untrusted::json(json)));
}

/// Writes commands that a CI platform is meant to execute. A closed stderr is a failure.
pub(crate) fn ci_commands(commands: &[u8]) -> io::Result<()> {
    stream().lock().write_all(commands)
}

/// Whether stderr is a terminal.
pub(crate) fn is_terminal() -> bool {
    stream().is_terminal()
}

/// The bar or spinner that the terminal shows at the moment. Lines are written above it.
static BELOW: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Keeps `bar` below all lines that are written from now on. Returns whether it has the place:
/// another one may have it.
pub(crate) fn keep_below(bar: &ProgressBar) -> bool {
    let mut below = BELOW.lock().unwrap_or_else(PoisonError::into_inner);
    let free = below.is_none();
    if free {
        *below = Some(bar.clone());
    }
    free
}

/// Gives up the place that [`keep_below`] gave.
pub(crate) fn keep_nothing_below() {
    *BELOW.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Writes a whole line at once, so that lines of several processes do not mix. A closed stderr is no
/// failure.
fn write(text: &str) {
    let below = BELOW.lock().unwrap_or_else(PoisonError::into_inner);
    let write = || drop(stream().lock().write_all(text.as_bytes()));
    match &*below {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn stream() -> Stderr {
    io::stderr()
}
