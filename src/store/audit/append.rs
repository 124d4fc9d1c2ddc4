//! One more entry.

use std::time::Duration;

use super::file::{LockedFile, Tail, lock};
use super::line::{self, Kind, Mark};
use super::missed;
use super::sealed::AuditState;
use super::set_aside::set_copy_aside;
use crate::model::audit::Event;
use crate::store::error::Error;
use crate::store::file::VaultFile;
use crate::vault::chain::START;

/// Writes an entry, not flushed to the disk. The lock on the file is tried for `patience`.
///
/// One that can't be written is counted, so that the next one tells of it.
pub(crate) fn append(
    vault: &VaultFile,
    sealed: &AuditState,
    used: &Event<'_>,
    patience: Duration,
) -> Result<(), Error> {
    match lock_own(vault, sealed, patience) {
        Ok(locked) => append_to(vault, &locked, sealed, used),
        Err(error) => {
            missed::add(vault, 1);
            Err(error)
        }
    }
}

/// Locks the file. One that another copy of the vault left, as where this one was restored, is set
/// aside: a chain can't go on that is no chain under this vault's key.
fn lock_own(
    vault: &VaultFile,
    sealed: &AuditState,
    patience: Duration,
) -> Result<LockedFile, Error> {
    let locked = lock(vault, patience)?;
    if sealed.head != Mark::START {
        return Ok(locked);
    }
    let tail = Tail::read(&locked.file, locked.length).map_err(|source| locked.error(source))?;
    if !is_of_another_copy(&tail, sealed) {
        return Ok(locked);
    }
    set_copy_aside(&locked).map_err(|source| locked.error(source))?;
    drop(locked);
    lock(vault, patience)
}

/// Whether the last line is an entry, and none under this vault's key.
fn is_of_another_copy(tail: &Tail, sealed: &AuditState) -> bool {
    let mut lines = tail.lines();
    let Some(Some(last)) = lines.next() else { return false };
    let before = match (last.kind, lines.next().flatten()) {
        (Kind::Entry { number: 1 } | Kind::Anchor { .. }, _) => START,
        (Kind::Entry { .. }, Some(before)) => before.mark().link,
        (Kind::Entry { .. }, None) => return false,
    };
    !last.holds(&sealed.key, &before)
}

fn append_to(
    vault: &VaultFile,
    locked: &LockedFile,
    sealed: &AuditState,
    used: &Event<'_>,
) -> Result<(), Error> {
    let tail = Tail::read(&locked.file, locked.length).map_err(|source| locked.error(source))?;
    let before = predecessor(tail.last(), &sealed.head);
    let missed = missed::take(vault);
    // Without an end to be found it is none of tokctl's lines: begun anew on one of its own.
    let end = tail.end();
    let torn = end.is_some_and(|end| end < locked.length);
    let told = missed.count + u64::from(torn);
    let mut line = line::entry(&sealed.key, &before, used, told)?;
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

/// What the next entry chains on to: the last one in the file, unless the vault knows of a later
/// one, or of another.
fn predecessor(last: Option<Mark>, head: &Mark) -> Mark {
    match last {
        Some(last) if last.number > head.number => last,
        Some(_) | None => *head,
    }
}
