//! The terminal while a question is open: keys come one by one, and nothing is echoed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};

use super::keys::{self, Bytes, Key};
use crate::signals;

/// The width of a terminal that does not tell its own, in columns.
const USUAL_WIDTH: usize = 80;

/// The height of a terminal that does not tell its own, in rows.
const USUAL_HEIGHT: usize = 24;

/// The value of a control character that no key sends (POSIX `_POSIX_VDISABLE`).
const NO_KEY: u8 = if cfg!(target_vendor = "apple") { 0xff } else { 0 };

/// The time for which the rest of an escape sequence is waited for, in tenths of a second.
const AT_ONCE: u8 = 1;

/// The controlling terminal, on which a question is asked.
pub(super) struct Terminal {
    file: File,
    /// The modes in which a read waits for one byte.
    waiting: Termios,
}

/// Runs `question` on the controlling terminal, whatever stdin and stderr are.
///
/// The terminal gets its old modes back however that ends. Ctrl-C and the other signals that end
/// the program work, and leave the cursor below the question.
pub(super) fn on_terminal<T>(
    question: impl FnOnce(&mut Terminal) -> io::Result<T>,
) -> io::Result<T> {
    let file = open()?;
    let before = termios::tcgetattr(&file)?;
    let waiting = key_by_key(&before);
    let (signalled, modes) = (file.try_clone()?, before.clone());
    let restore = move || {
        // What is below the cursor belongs to the question, and the shell writes there next.
        let _ = (&signalled).write_all(b"\x1b[J\n");
        let _ = termios::tcsetattr(&signalled, OptionalActions::Now, &modes);
    };
    signals::restoring(restore, || {
        termios::tcsetattr(&file, OptionalActions::Now, &waiting)?;
        let mut terminal = Terminal { file: file.try_clone()?, waiting };
        let done = question(&mut terminal);
        termios::tcsetattr(&file, OptionalActions::Now, &before)?;
        done
    })?
}

/// Opens the controlling terminal.
pub(crate) fn open() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

/// Returns the modes that deliver each byte at once and echo nothing.
///
/// Ctrl-Z does nothing: a shell that goes on meanwhile could leave the echo switched on for the rest
/// of a secret.
fn key_by_key(before: &Termios) -> Termios {
    let mut modes = before.clone();
    modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
    modes.special_codes[SpecialCodeIndex::VMIN] = 1;
    modes.special_codes[SpecialCodeIndex::VTIME] = 0;
    modes.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
    modes
}

impl Terminal {
    /// Waits for the next key.
    pub(super) fn key(&mut self) -> io::Result<Key> {
        keys::read(self)
    }

    /// Writes `text` as it is.
    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())
    }

    /// Returns the number of columns, of which a question leaves the last one free: some terminals
    /// begin a new row as soon as it is written.
    pub(super) fn width(&self) -> usize {
        let width = self.size().map_or(0, |size| usize::from(size.ws_col));
        if width == 0 { USUAL_WIDTH } else { width.max(2) }
    }

    /// Returns the number of rows.
    pub(super) fn height(&self) -> usize {
        let height = self.size().map_or(0, |size| usize::from(size.ws_row));
        if height == 0 { USUAL_HEIGHT } else { height }
    }

    fn size(&self) -> Option<termios::Winsize> {
        termios::tcgetwinsize(&self.file).ok()
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        loop {
            match self.file.read(&mut byte) {
                Ok(0) => return Ok(None),
                Ok(_) => return Ok(Some(byte[0])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Bytes for Terminal {
    fn next(&mut self) -> io::Result<Option<u8>> {
        self.byte()
    }

    fn next_at_once(&mut self) -> io::Result<Option<u8>> {
        // Not by `poll`, which macOS refuses for /dev/tty.
        let mut modes = self.waiting.clone();
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        modes.special_codes[SpecialCodeIndex::VTIME] = AT_ONCE;
        termios::tcsetattr(&self.file, OptionalActions::Now, &modes)?;
        let byte = self.byte();
        termios::tcsetattr(&self.file, OptionalActions::Now, &self.waiting)?;
        byte
    }
}
