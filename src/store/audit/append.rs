//! Appending an entry to the audit's file.

use std::time::Duration;

use super::file::{LockedFile, Tail, lock};
use super::line::{self, Kind, Mark};
use super::missed;
use super::set_aside::set_copy_aside;
use super::state::AuditState;
use crate::model::audit::{Event, Mode};
use crate::store::error::Error;
use crate::store::file::VaultFile;
use crate::vault::chain::START;

/// Appends an entry, without flushing it to the disk; waits at most `timeout` for the file's lock.
///
/// An entry that can't be written is counted, and the next entry carries the count. Fails with
/// [`Error::AuditCut`] if the settings require the audit and its end was taken away.
pub(crate) fn append(
    vault: &VaultFile,
    state: &AuditState,
    event: &Event<'_>,
    timeout: Duration,
) -> Result<(), Error> {
    match lock_own(vault, state, timeout) {
        Ok(locked) => append_to(vault, &locked, state, event),
        Err(error) => {
            missed::add(vault, 1);
            Err(error)
        }
    }
}

/// Locks the audit's file of this vault. If another copy of the vault left the file, for example
/// before this one was restored, it is renamed first, since a chain under another key can't go on.
fn lock_own(vault: &VaultFile, state: &AuditState, timeout: Duration) -> Result<LockedFile, Error> {
    let locked = lock(vault, timeout)?;
    if state.head != Mark::START || !state.can_be_another_copys {
        return Ok(locked);
    }
    let tail = Tail::read(&locked.file, locked.length).map_err(|source| locked.error(source))?;
    if !is_of_another_copy(&tail, state) {
        return Ok(locked);
    }
    set_copy_aside(&locked).map_err(|source| locked.error(source))?;
    drop(locked);
    lock(vault, timeout)
}

/// Whether the last line is an entry or anchor whose code is wrong under this vault's key.
fn is_of_another_copy(tail: &Tail, state: &AuditState) -> bool {
    let mut lines = tail.lines();
    let Some(Some(last)) = lines.next() else { return false };
    let before = match (last.kind, lines.next().flatten()) {
        (Kind::Entry { number: 1 } | Kind::Anchor { .. }, _) => START,
        (Kind::Entry { .. }, Some(before)) => before.mark().link,
        (Kind::Entry { .. }, None) => return false,
    };
    !last.holds(&state.key, &before)
}

fn append_to(
    vault: &VaultFile,
    locked: &LockedFile,
    state: &AuditState,
    event: &Event<'_>,
) -> Result<(), Error> {
    let tail = Tail::read(&locked.file, locked.length).map_err(|source| locked.error(source))?;
    let last = tail.last();
    if state.settings.mode == Mode::Required
        && last.map_or(0, |last| last.number) < state.head.number
    {
        return Err(Error::AuditCut);
    }
    let before = predecessor(last, &state.head);
    let missed = missed::take(vault);
    // If no line ends in the tail, tokctl did not write it: the entry begins on a new line.
    let end = tail.end();
    let torn = end.is_some_and(|end| end < locked.length);
    let uncounted = missed.count + u64::from(torn);
    let mut line = line::entry(&state.key, &before, event, uncounted)?;
    if end.is_none() {
        line.insert(0, b'\n');
    }
    match locked.write(end.unwrap_or(locked.length), &line) {
        Ok(()) => {
            missed.reset();
            Ok(())
        }
        Err(source) => {
            drop(missed);
            missed::add(vault, 1 + usize::from(torn));
            Err(locked.error(source))
        }
    }
}

/// Returns the position to which the next entry is chained: the last line in the file, or the
/// vault's head if the file does not reach beyond it.
fn predecessor(last: Option<Mark>, head: &Mark) -> Mark {
    match last {
        Some(last) if last.number > head.number => last,
        Some(_) | None => *head,
    }
}
