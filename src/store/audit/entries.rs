//! Reading the audit's file without a key: the entries are not verified.

use std::fs::TryLockError;
use std::io;
use std::time::{Duration, Instant};

use crate::model::audit::Entry;
use crate::private_file;
use crate::store::error::Error;
use crate::store::file::VaultFile;
use crate::store::locks::is_same;

/// The greatest size of a file that is read, in bytes; tokctl keeps no larger one.
const LARGEST: u64 = 1024 * 1024 * 1024;

const POLL: Duration = Duration::from_millis(1);

/// Returns the whole content of the file, with no half-written line; empty if there is no file.
/// Fails with [`Error::Busy`] if writers keep it locked for longer than `timeout`.
pub(crate) fn read_content(vault: &VaultFile, timeout: Duration) -> Result<Vec<u8>, Error> {
    let path = vault.audit();
    let error = |source| Error::Audit { path: path.clone(), source };
    let deadline = Instant::now() + timeout;
    loop {
        let file = match private_file::open_plain_no_follow(&path) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(error)?,
        };
        match file.try_lock_shared() {
            Ok(()) if is_same(&file, &path).map_err(error)? => {
                return Ok(private_file::read(&path, LARGEST)?);
            }
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(POLL);
            }
            Err(TryLockError::WouldBlock) => return Err(Error::Busy),
            Err(TryLockError::Error(source)) => return Err(error(source)),
        }
    }
}

/// Returns all entries, and the number of lines that are neither entries nor anchors.
pub(crate) fn read_entries(
    vault: &VaultFile,
    timeout: Duration,
) -> Result<(Vec<Entry>, usize), Error> {
    let bytes = read_content(vault, timeout)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (mut entries, mut odd) = (Vec::new(), 0);
    for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(entry) => entries.push(entry),
            Err(_) if line.starts_with(br#"{"anchor":"#) => {}
            Err(_) => odd += 1,
        }
    }
    Ok((entries, odd))
}
