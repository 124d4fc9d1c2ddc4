//! The files in the sidecar directory of a vault, told apart by their names. This module changes
//! none of them.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::file::VaultFile;
use crate::model::account::Account;
use crate::private_file;

/// The purpose of a file in the sidecar directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A file that processes lock. It is never deleted and never stale: the kernel releases a lock
    /// when its process ends.
    Lock,
    /// A spill file; `filled` tells whether an answer is in it.
    Spill { filled: bool },
    /// The pause that a server asked one client for.
    Pause,
    /// A file of the audit.
    Audit,
    /// A file that should have replaced another one, left by a process that died.
    Temporary,
    /// A file that tokctl did not make.
    Foreign,
}

/// A file or directory in the sidecar directory.
#[derive(Debug)]
pub(crate) struct Sidecar {
    pub(crate) path: PathBuf,
    pub(crate) purpose: Purpose,
}

/// Returns the path of the sidecar directory; `None` if it does not exist.
pub(crate) fn directory(vault: &VaultFile) -> Option<PathBuf> {
    Some(vault.sidecar_path()).filter(|path| path.symlink_metadata().is_ok())
}

/// Returns everything in the sidecar directory, in the order of the paths.
pub(crate) fn list(vault: &VaultFile) -> io::Result<Vec<Sidecar>> {
    let Some(directory) = directory(vault) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let purpose = purpose(&path);
        found.push(Sidecar { path, purpose });
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// Whether a spill file holds an answer, as far as it can be read: one that can't be counts.
pub(super) fn has_answers(vault: &VaultFile) -> io::Result<bool> {
    let Some(directory) = directory(vault) else { return Ok(false) };
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "spill") && is_filled(&path).unwrap_or(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether `path` is the spill file of `account`.
pub(crate) fn is_spill_of(path: &Path, account: &Account) -> bool {
    path.file_stem().is_some_and(|stem| stem.to_str() == Some(&VaultFile::name_of(account)))
}

fn purpose(path: &Path) -> Purpose {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is = |extension: &str| path.extension().is_some_and(|found| found == extension);
    match name {
        _ if is("lock") => Purpose::Lock,
        _ if is("spill") => Purpose::Spill { filled: is_filled(path).unwrap_or_default() },
        _ if is("pause") => Purpose::Pause,
        "audit.jsonl" | "audit.missed" => Purpose::Audit,
        _ if name.starts_with("audit.before-") && is("jsonl") => Purpose::Audit,
        _ if is("new") || is("tmp") => Purpose::Temporary,
        _ => Purpose::Foreign,
    }
}

/// Whether a spill file holds an answer: its first four bytes are the answer's length, or 0.
fn is_filled(path: &Path) -> io::Result<bool> {
    let mut prefix = [0; 4];
    private_file::open_plain_no_follow(path)?.read_exact(&mut prefix)?;
    Ok(prefix != [0; 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_purpose() {
        for (name, expected) in [
            ("turnstile.lock", Purpose::Lock),
            ("00ff.login.lock", Purpose::Lock),
            ("00ff.pause", Purpose::Pause),
            ("audit.jsonl", Purpose::Audit),
            ("audit.before-00.jsonl", Purpose::Audit),
            ("audit.new", Purpose::Temporary),
            ("nowhere.spill", Purpose::Spill { filled: false }),
            ("notes.txt", Purpose::Foreign),
        ] {
            assert_eq!(purpose(Path::new(name)), expected, "{name}");
        }
    }
}
