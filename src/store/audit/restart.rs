//! Beginning a new audit in place of one that was tampered with.

use std::time::Duration;

use jiff::Timestamp;

use super::file::lock;
use super::line;
use super::prune::replace;
use super::set_aside::set_copy_aside;
use super::state::AuditState;
use crate::store::error::Error;
use crate::store::file::VaultFile;

/// Renames the audit's file, if there is anything in it, and begins a new one. Its first line is an
/// anchor for all entries that the vault remembers.
pub(crate) fn restart(
    vault: &VaultFile,
    state: &AuditState,
    now: Timestamp,
    timeout: Duration,
) -> Result<(), Error> {
    let locked = lock(vault, timeout)?;
    if locked.length > 0 {
        set_copy_aside(&locked).map_err(|source| locked.error(source))?;
    }
    let anchor = line::anchor(&state.key, &state.head, None, now)?;
    replace(&locked, &anchor).map_err(|source| locked.error(source))
}
