//! Pruning: keeping the audit's file at the length that the settings want.

use std::fs;
use std::io::{self, Read, Write};
use std::time::Duration;

use jiff::Timestamp;

use super::end::sync_directory;
use super::examine::{Fault, examine};
use super::file::{LockedFile, Tail, lock};
use super::line::{self, Kind, LONGEST, Line, Mark};
use super::state::AuditState;
use crate::private_file;
use crate::store::error::Error;
use crate::store::file::VaultFile;

/// The fraction by which the file may grow before it is pruned (a tenth), so that not every write
/// rewrites the file.
const SLACK: u64 = 10;

/// Replaces the oldest entries by an anchor, if there are more than the settings keep and a tenth.
pub(crate) fn prune(
    vault: &VaultFile,
    state: &AuditState,
    now: Timestamp,
    timeout: Duration,
) -> Result<(), Error> {
    let locked = lock(vault, timeout)?;
    let keep = state.settings.keep.get();
    let many = keep.saturating_add(keep / SLACK);
    let grown = has_grown(&locked, many).map_err(|source| locked.error(source))?;
    if !grown {
        return Ok(());
    }
    let mut bytes = Vec::new();
    (&locked.file).read_to_end(&mut bytes).map_err(|source| locked.error(source))?;
    match prune_lines(&bytes, state, many, now)? {
        Some(shorter) => replace(&locked, &shorter).map_err(|source| locked.error(source)),
        None => Ok(()),
    }
}

/// Whether the file may hold more than `many` entries, by the numbers of the first and the last
/// line; true if these can't be read.
fn has_grown(locked: &LockedFile, many: u64) -> io::Result<bool> {
    use std::os::unix::fs::FileExt;
    let mut start = [0; LONGEST];
    let count = locked.file.read_at(&mut start, 0)?;
    let first = start[..count].split(|byte| *byte == b'\n').next().and_then(Line::parse);
    let last = Tail::read(&locked.file, locked.length)?.last();
    let before = first.map(|line| match line.kind {
        Kind::Entry { number } => number.saturating_sub(1),
        Kind::Anchor { last, .. } => last.number,
    });
    Ok(match (before, last) {
        (Some(before), Some(last)) => last.number.saturating_sub(before) > many,
        (_, _) => true,
    })
}

/// Returns the content of the file with an anchor in place of its oldest entries; `None` if it has
/// at most `many` lines.
fn prune_lines(
    file: &[u8],
    state: &AuditState,
    many: u64,
    now: Timestamp,
) -> Result<Option<Vec<u8>>, Error> {
    let lines: Vec<&[u8]> =
        file.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).collect();
    let keep = state.settings.keep.get();
    if lines.len() as u64 <= many.max(1) {
        return Ok(None);
    }
    let dropped = lines.len() - usize::try_from(keep).unwrap_or(lines.len());
    let (old, kept) = lines.split_at(dropped);
    let parsed = old.iter().rev().find_map(|line| Line::parse(line.strip_suffix(b"\n")?));
    let last = parsed.map_or(Mark::START, |line| line.mark());
    let damaged = examine(&old.concat(), state)
        .faults
        .iter()
        .filter_map(|fault| match (fault, fault.line()) {
            // A fault is remembered until as many entries follow it as are kept.
            (&Fault::Pruned { up_to }, _) => {
                (last.number.saturating_sub(up_to) <= keep).then_some(up_to)
            }
            (_, line) => line.is_some_and(|line| line <= dropped as u64).then_some(last.number),
        })
        .max();
    let mut shorter = line::anchor(&state.key, &last, damaged, now)?;
    shorter.extend(kept.iter().copied().flatten());
    Ok(Some(shorter))
}

/// Replaces the locked file by one with `content`, atomically.
pub(super) fn replace(locked: &LockedFile, content: &[u8]) -> io::Result<()> {
    let new = locked.path.with_extension("new");
    // A process that died here may have left this file. The lock rules out a living one.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private_file::create_new(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, &locked.path)?;
    sync_directory(&locked.path);
    Ok(())
}
