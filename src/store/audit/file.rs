//! The audit's file: opened, locked, and the end of it read.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::line::{LONGEST, Line, Mark};
use crate::private_file;
use crate::store::error::Error;
use crate::store::file::VaultFile;

/// How often a waiter looks again: an entry is written in some ten microseconds.
const POLL: Duration = Duration::from_micros(500);

/// As much of the file's end as is read to find the last two lines.
const TAIL: usize = 2 * LONGEST;

/// The file, open for reading and writing, and nobody else's until it is dropped.
pub(super) struct LockedFile {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) length: u64,
}

/// The last lines of a file.
pub(super) struct Tail {
    bytes: Vec<u8>,
    /// Where `bytes` begins in the file.
    offset: u64,
}

/// Locks the file, made if it is not there; waits at most for `patience`.
pub(super) fn lock(vault: &VaultFile, patience: Duration) -> Result<LockedFile, Error> {
    let path = vault.audit();
    let deadline = Instant::now() + patience;
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
        // Whoever prunes puts another file in its place.
        if let Some(length) = check_and_measure(&file, &path).map_err(error)? {
            return Ok(LockedFile { file, path, length });
        }
    }
}

fn open(vault: &VaultFile, path: &Path) -> Result<File, Error> {
    let error = |source| Error::Audit { path: path.to_owned(), source };
    match private_file::open_or_create_no_follow(path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            vault.ensure_sidecar()?;
            private_file::open_or_create_no_follow(path).map_err(error)
        }
        other => other.map_err(error),
    }
}

/// The length of a plain file, which it makes nobody else's to read; `None` if `path` names another
/// one by now.
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
    pub(super) fn error(&self, source: io::Error) -> Error {
        Error::Audit { path: self.path.clone(), source }
    }

    /// Writes `line` at `offset`, and nothing if there is no room for all of it.
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

    /// Where the last whole line ends in the file; `None` if no line does in all that was read.
    pub(super) fn end(&self) -> Option<u64> {
        match self.bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(position) => Some(self.offset + position as u64 + 1),
            None if self.offset == 0 => Some(0),
            None => None,
        }
    }

    /// The last whole lines, the last first, each as far as it has the form of one.
    pub(super) fn lines(&self) -> impl Iterator<Item = Option<Line<'_>>> {
        let end = self.bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = end.map_or(&[][..], |end| &self.bytes[..end]);
        let lines = whole.rsplit(|byte| *byte == b'\n').map(Line::parse);
        lines.take(if end.is_some() { usize::MAX } else { 0 })
    }

    /// The mark of the last whole line.
    pub(super) fn last(&self) -> Option<Mark> {
        self.lines().next().flatten().map(|line| line.mark())
    }
}
