//! The end of the audit's file, which becomes the head in the vault.

use std::fs::File;
use std::path::Path;

use super::file::Tail;
use super::line::{Kind, Line, Mark};
use super::state::AuditState;
use crate::private_file;
use crate::store::file::VaultFile;
use crate::vault::chain::START;

/// Returns the last entry, after flushing the file to the disk; `None` if the vault remembers it
/// already, if it is not genuine, or if the file can't be read.
///
/// Without the flush, a power cut could shorten the file, which would look like an attack.
pub(crate) fn durable_end(vault: &VaultFile, state: &AuditState) -> Option<Mark> {
    let path = vault.audit();
    let file = private_file::open_plain_no_follow(&path).ok()?;
    let tail = Tail::read(&file, file.metadata().ok()?.len()).ok()?;
    let mut lines = tail.lines();
    let last = lines.next()??;
    let mark = last.mark();
    if mark.number <= state.head.number || !is_genuine(&last, lines.next().flatten(), state) {
        return None;
    }
    file.sync_data().ok()?;
    if state.head == Mark::START {
        sync_directory(&path);
    }
    Some(mark)
}

/// Whether the code of `last` is right, after the line before it or after the vault's head.
fn is_genuine(last: &Line<'_>, before: Option<Line<'_>>, state: &AuditState) -> bool {
    let before = match (last.kind, before) {
        (Kind::Entry { number: 1 } | Kind::Anchor { .. }, _) => START,
        (Kind::Entry { number }, _) if number == state.head.number + 1 => state.head.link,
        (Kind::Entry { .. }, Some(before)) => before.mark().link,
        (Kind::Entry { .. }, None) => return false,
    };
    last.holds(&state.key, &before)
}

/// Flushes the directory of `path`, so that a new name in it survives a power cut.
pub(super) fn sync_directory(path: &Path) {
    if let Some(directory) = path.parent().and_then(|parent| File::open(parent).ok()) {
        // A failure is ignored: it must not stop the commit of a credential.
        let _ = directory.sync_all();
    }
}
