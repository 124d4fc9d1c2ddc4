//! Lines that a user pastes into the terminal while the program waits for something else.
//!
//! The terminal's line mode would cut a line after 4,096 bytes and echo all of it, so it is
//! switched off during the wait. Pasted text is not echoed, because it may hold a code.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::process::getpgrp;
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use zeroize::Zeroizing;

use super::error::{CliError, Kind};
use super::ui::Ui;
use crate::ops::login::browser::{Lines, Unusable};
use crate::signals;

/// The length limit of a line, in bytes.
const LONGEST: usize = 64 * 1024;

/// The marks that a terminal in bracketed paste mode puts around a paste.
const PASTE_MARKS: [&str; 2] = ["\u{1b}[200~", "\u{1b}[201~"];

const BACKSPACE: [u8; 2] = [0x08, 0x7f];
const KILL_LINE: u8 = 0x15;

/// A reader of pasted lines from the terminal.
pub(crate) struct Pasting<'a> {
    ui: &'a Ui,
    terminal: File,
    received: Zeroizing<Vec<u8>>,
    line: Zeroizing<Vec<u8>>,
    overlong: bool,
    ended: bool,
}

/// Runs `work` with a reader of pasted lines, or with `None` if there is no terminal or no
/// questions are allowed.
///
/// The terminal gets its old settings back however `work` ends, by a signal too.
pub(crate) fn while_pasting<T>(
    ui: &Ui,
    work: impl FnOnce(Option<&mut dyn Lines>) -> T,
) -> Result<T, CliError> {
    let Some((terminal, before)) = usable(ui) else { return Ok(work(None)) };
    let failed = |error: io::Error| {
        CliError::new(Kind::Failed, "could not read from the terminal").caused_by(&error)
    };
    let ours = terminal.try_clone().map_err(failed)?;
    let restore = || {
        // Flushed, so that unread input does not become a command for the shell.
        let _ = termios::tcsetattr(&terminal, OptionalActions::Flush, &before);
    };
    signals::restoring(restore, || {
        let changed = termios::tcsetattr(&terminal, OptionalActions::Now, &without_lines(&before));
        let mut pasting = Pasting {
            ui,
            terminal: ours,
            received: Zeroizing::new(Vec::with_capacity(LONGEST)),
            line: Zeroizing::new(Vec::with_capacity(LONGEST)),
            overlong: false,
            ended: changed.is_err(),
        };
        let done = work(Some(&mut pasting));
        restore();
        done
    })
    .map_err(failed)
}

/// Returns whether there is a terminal to paste into.
pub(crate) fn is_possible(ui: &Ui) -> bool {
    usable(ui).is_some()
}

/// Returns the terminal and its settings if this program runs in its foreground.
///
/// Changing the settings from the background would stop the program.
fn usable(ui: &Ui) -> Option<(File, Termios)> {
    if !ui.can_ask() {
        return None;
    }
    let terminal = [stdin(), dev_tty()].into_iter().flatten().find(is_ours)?;
    let before = termios::tcgetattr(&terminal).ok()?;
    Some((terminal, before))
}

/// Returns stdin if it is a terminal: on macOS `/dev/tty` itself can't be polled.
fn stdin() -> Option<File> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return None;
    }
    stdin.as_fd().try_clone_to_owned().ok().map(File::from)
}

fn dev_tty() -> Option<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty").ok()
}

fn is_ours(terminal: &File) -> bool {
    termios::tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp())
}

/// Returns the settings that deliver each byte at once and echo nothing. Ctrl-C still works.
fn without_lines(before: &Termios) -> Termios {
    let mut changed = before.clone();
    changed.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    changed.special_codes[SpecialCodeIndex::VMIN] = 1;
    changed.special_codes[SpecialCodeIndex::VTIME] = 0;
    changed
}

impl Lines for Pasting<'_> {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        (!self.ended).then(|| self.terminal.as_fd())
    }

    fn receive(&mut self) -> io::Result<()> {
        // A read from the background would stop the program.
        if !is_ours(&self.terminal) {
            self.ended = true;
            return Ok(());
        }
        let mut chunk = Zeroizing::new([0; 4096]);
        match self.terminal.read(&mut *chunk) {
            // The terminal is gone, but the answer can still come through the browser.
            Ok(0) => self.ended = true,
            Ok(count) => self.received.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.ended = true,
        }
        Ok(())
    }

    fn line(&mut self) -> Option<Result<Zeroizing<String>, Unusable>> {
        let received = std::mem::take(&mut self.received);
        for (position, byte) in received.iter().enumerate() {
            if matches!(byte, b'\n' | b'\r') {
                self.received.extend_from_slice(&received[position + 1..]);
                if let Some(line) = self.whole_line() {
                    return Some(line);
                }
                return self.line();
            }
            self.take_in(*byte);
        }
        None
    }

    fn reject(&mut self, why: &Unusable) {
        self.ui.always(&format!("{why}; paste it whole, from `http` on"));
    }
}

impl Pasting<'_> {
    fn take_in(&mut self, byte: u8) {
        if BACKSPACE.contains(&byte) {
            self.line.pop();
        } else if byte == KILL_LINE {
            self.line.clear();
            self.overlong = false;
        } else if self.line.len() < LONGEST {
            self.line.push(byte);
        } else {
            self.overlong = true;
        }
    }

    /// Returns the line that was typed or pasted up to here; `None` if it is blank.
    fn whole_line(&mut self) -> Option<Result<Zeroizing<String>, Unusable>> {
        let mut text = Zeroizing::new(String::from_utf8_lossy(&self.line).into_owned());
        self.line.clear();
        if std::mem::take(&mut self.overlong) {
            return Some(Err(Unusable::TooLong));
        }
        for mark in PASTE_MARKS {
            text = Zeroizing::new(text.replace(mark, ""));
        }
        (!text.trim().is_empty()).then_some(Ok(text))
    }
}
