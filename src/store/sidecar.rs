//! What lies beside the vault's file: told apart by name, and never changed here.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::file::VaultFile;
use crate::model::account::Account;
use crate::private_file;

/// What a file beside the vault is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its kernel lock keeps processes apart. It stays, and can't be stale: the lock of a process
    /// ends with it.
    Lock,
    /// Room for an answer that can't be stored, with such an answer in it or without.
    Spill { filled: bool },
    /// The audit, and what is kept with it.
    Audit,
    /// A file that was to take another's place, and did not.
    Temporary,
    /// None of tokctl's.
    Foreign,
}

/// A file or directory beside the vault.
#[derive(Debug)]
pub(crate) struct Sidecar {
    pub(crate) path: PathBuf,
    pub(crate) purpose: Purpose,
}

/// The directory of locks and spill files, if it is there.
pub(crate) fn directory(vault: &VaultFile) -> Option<PathBuf> {
    Some(vault.sidecar_path()).filter(|path| path.symlink_metadata().is_ok())
}

/// All that lies in that directory.
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
        "audit.jsonl" | "audit.missed" => Purpose::Audit,
        _ if name.starts_with("audit.before-") && is("jsonl") => Purpose::Audit,
        _ if is("new") || is("tmp") => Purpose::Temporary,
        _ => Purpose::Foreign,
    }
}

/// Whether an answer stands in a spill file: its length comes first.
fn is_filled(path: &Path) -> io::Result<bool> {
    let mut prefix = [0; 4];
    private_file::open_plain(path)?.read_exact(&mut prefix)?;
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
