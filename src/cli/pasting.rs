//! Lines that a person pastes into the terminal while something else is waited for.
//!
//! The terminal's line mode would cut a line after 4,096 bytes and show all of it: so it is left
//! for as long as that takes. Nothing that is pasted is shown, since there may be a code in it.

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

/// The longest line that is taken, in bytes.
const LONGEST: usize = 64 * 1024;

/// What terminals put around a paste, if they were told to.
const PASTE_MARKS: [&str; 2] = ["\u{1b}[200~", "\u{1b}[201~"];

const BACKSPACE: [u8; 2] = [0x08, 0x7f];
const KILL_LINE: u8 = 0x15;

/// The terminal, from which lines are taken in.
pub(crate) struct Pasting<'a> {
    ui: &'a Ui,
    terminal: File,
    received: Zeroizing<Vec<u8>>,
    line: Zeroizing<Vec<u8>>,
    overlong: bool,
    ended: bool,
}

/// Does `work` with a terminal that can be pasted into; with none, where there is no terminal or
/// nobody may be asked. Whatever ends it, a signal included, the terminal is as before.
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
        // What was not read is no command for the shell that comes next.
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

/// Whether there is a terminal to paste into.
pub(crate) fn is_possible(ui: &Ui) -> bool {
    usable(ui).is_some()
}

/// The terminal and how it is set, if it is there and this program is in its foreground: to change
/// it from the background would stop the program.
fn usable(ui: &Ui) -> Option<(File, Termios)> {
    if !ui.can_ask() {
        return None;
    }
    let terminal = [stdin(), dev_tty()].into_iter().flatten().find(is_ours)?;
    let before = termios::tcgetattr(&terminal).ok()?;
    Some((terminal, before))
}

/// Stdin, if it is a terminal: on macOS /dev/tty itself can't be waited for.
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

/// Every byte at once, and nothing shown; Ctrl-C goes on ending the program.
fn without_lines(before: &Termios) -> Termios {
    let mut changed = before.clone();
    changed.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    changed.special_codes[SpecialCodeIndex::VMIN] = 1;
    changed.special_codes[SpecialCodeIndex::VTIME] = 0;
    changed
}

impl Lines for Pasting<'_> {
    fn watched(&self) -> Option<BorrowedFd<'_>> {
        (!self.ended).then(|| self.terminal.as_fd())
    }

    fn receive(&mut self) -> io::Result<()> {
        // Reading from the background would stop the program.
        if !is_ours(&self.terminal) {
            self.ended = true;
            return Ok(());
        }
        let mut chunk = Zeroizing::new([0; 4096]);
        match self.terminal.read(&mut *chunk) {
            // The terminal is gone: the browser may still come.
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

    fn turn_down(&mut self, why: &Unusable) {
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

    /// What was taken in since the last line; `None` if it is nothing.
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
