//! The end of the file, as far as it is worth remembering in the vault.

use std::fs::File;
use std::path::Path;

use super::file::Tail;
use super::line::{Kind, Line, Mark};
use super::sealed::AuditState;
use crate::private_file;
use crate::store::file::VaultFile;
use crate::vault::chain::START;

/// The last entry that is genuine and safe on the disk, where it is a later one than the vault
/// remembers.
///
/// Whatever is wrong with the file, the vault goes on remembering what it does. The file is
/// flushed to the disk first: else a power cut would look as if somebody had cut it off.
pub(crate) fn durable_end(vault: &VaultFile, sealed: &AuditState) -> Option<Mark> {
    let path = vault.audit();
    let file = private_file::open_plain(&path).ok()?;
    let tail = Tail::read(&file, file.metadata().ok()?.len()).ok()?;
    let mut lines = tail.lines();
    let last = lines.next()??;
    let mark = last.mark();
    if mark.number <= sealed.head.number || !is_genuine(&last, lines.next().flatten(), sealed) {
        return None;
    }
    file.sync_data().ok()?;
    if sealed.head == Mark::START {
        sync_directory(&path);
    }
    Some(mark)
}

/// Whether `last` is as it was written, after the line before it or after the vault's own head.
fn is_genuine(last: &Line<'_>, before: Option<Line<'_>>, sealed: &AuditState) -> bool {
    let before = match (last.kind, before) {
        (Kind::Entry { number: 1 } | Kind::Anchor { .. }, _) => START,
        (Kind::Entry { number }, _) if number == sealed.head.number + 1 => sealed.head.link,
        (Kind::Entry { .. }, Some(before)) => before.mark().link,
        (Kind::Entry { .. }, None) => return false,
    };
    last.holds(&sealed.key, &before)
}

/// Makes a new name in the directory of `path` survive a power cut.
pub(super) fn sync_directory(path: &Path) {
    if let Some(directory) = path.parent().and_then(|parent| File::open(parent).ok()) {
        // As good as the system allows; the next write of a credential is not held up for it.
        let _ = directory.sync_all();
    }
}
