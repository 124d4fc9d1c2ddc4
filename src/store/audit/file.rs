//! The audit's file: opening it, locking it, and reading its end.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::line::{LONGEST, Line, Mark};
use crate::private_file;
use crate::store::error::Error;
use crate::store::file::VaultFile;

/// The interval at which a waiter tries again: writing an entry takes some ten microseconds.
const POLL: Duration = Duration::from_micros(500);

/// The number of bytes that are read at the end of the file to find the last two lines.
const TAIL: usize = 2 * LONGEST;

/// The audit's file, open for reading and writing, and locked until this value is dropped.
pub(super) struct LockedFile {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) length: u64,
}

/// The last lines of the audit's file.
pub(super) struct Tail {
    bytes: Vec<u8>,
    /// The position of `bytes` in the file.
    offset: u64,
}

/// Locks the file and creates it if it is missing; waits at most for `timeout`.
pub(super) fn lock(vault: &VaultFile, timeout: Duration) -> Result<LockedFile, Error> {
    let path = vault.audit();
    let deadline = Instant::now() + timeout;
    loop {
        let file = open(vault, &path)?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(POLL);
                }
                Err(TryLockError::WouldBlock) => {
                    let source = io::Error::new(io::ErrorKind::TimedOut, "it stayed locked");
                    return Err(Error::Audit { path, source });
                }
                Err(TryLockError::Error(source)) => return Err(Error::Audit { path, source }),
            }
        }
        let error = |source| Error::Audit { path: path.clone(), source };
        // Pruning may have replaced the file before it was locked here.
        if let Some(length) = check_and_measure(&file, &path).map_err(error)? {
            return Ok(LockedFile { file, path, length });
        }
    }
}

fn open(vault: &VaultFile, path: &Path) -> Result<File, Error> {
    let error = |source| Error::Audit { path: path.to_owned(), source };
    match private_file::open_or_create_unjudged(path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            vault.ensure_sidecar()?;
            private_file::open_or_create_unjudged(path).map_err(error)
        }
        other => other.map_err(error),
    }
}

/// Returns the length of `file`, after setting its mode to 0600; `None` if `path` names another
/// file by now. Fails if it is no plain file.
fn check_and_measure(file: &File, path: &Path) -> io::Result<Option<u64>> {
    let metadata = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(named) if (named.dev(), named.ino()) == (metadata.dev(), metadata.ino()) => {}
        Ok(_) => return Ok(None),
        Err(gone) if gone.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    if metadata.mode() & 0o077 != 0 {
        file.set_permissions(PermissionsExt::from_mode(0o600))?;
    }
    Ok(Some(metadata.len()))
}

impl LockedFile {
    /// Returns the store's error for an I/O error on this file.
    pub(super) fn error(&self, source: io::Error) -> Error {
        Error::Audit { path: self.path.clone(), source }
    }

    /// Writes `line` at `offset` and cuts off what followed; if it can't be written as a whole,
    /// nothing of it stays.
    pub(super) fn write(&self, offset: u64, line: &[u8]) -> io::Result<()> {
        if offset < self.length {
            self.file.set_len(offset)?;
        }
        let written = self.file.write_all_at(line, offset);
        if written.is_err() {
            let _ = self.file.set_len(offset);
        }
        written
    }
}

impl Tail {
    /// Reads the end of `file`, which is `length` bytes long.
    pub(super) fn read(file: &File, length: u64) -> io::Result<Self> {
        let offset = length.saturating_sub(TAIL as u64);
        let mut bytes = vec![0; usize::try_from(length - offset).unwrap_or(TAIL)];
        file.read_exact_at(&mut bytes, offset)?;
        Ok(Self { bytes, offset })
    }

    /// Returns the position after the last whole line; `None` if no line ends in the part that was
    /// read.
    pub(super) fn end(&self) -> Option<u64> {
        match self.bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(position) => Some(self.offset + position as u64 + 1),
            None if self.offset == 0 => Some(0),
            None => None,
        }
    }

    /// Returns the last whole lines, the last one first; `None` for each that can't be parsed.
    pub(super) fn lines(&self) -> impl Iterator<Item = Option<Line<'_>>> {
        let end = self.bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = end.map_or(&[][..], |end| &self.bytes[..end]);
        let lines = whole.rsplit(|byte| *byte == b'\n').map(Line::parse);
        lines.take(if end.is_some() { usize::MAX } else { 0 })
    }

    /// Returns the mark of the last whole line; `None` if there is none or it can't be parsed.
    pub(super) fn last(&self) -> Option<Mark> {
        self.lines().next().flatten().map(|line| line.mark())
    }
}
