//! Who can read and change the files that count.

use std::path::{Path, PathBuf};

use super::report::{Check, Remedy, Told};
use crate::private_file::{self, Error, Readers};
use crate::store::beside;
use crate::store::file::VaultFile;

/// Looks at the vault's file, its directory, and all that lies beside it.
pub(crate) fn vault_files(path: &Path) -> Vec<Told> {
    let Ok(file) = VaultFile::find(path) else {
        // Said with what can't be opened.
        return Vec::new();
    };
    let mut told = Vec::new();
    if let Some(directory) = file.path().parent() {
        told.extend(unfit(directory, Readers::Others, Told::damaged));
    }
    let directory = beside::directory(&file);
    let beside = beside::list(&file).unwrap_or_default();
    let files = file.parts().into_iter().chain(directory);
    for path in files.chain(beside.into_iter().map(|beside| beside.path)) {
        told.extend(unfit(&path, Readers::OwnerOnly, Told::damaged));
    }
    if told.is_empty() {
        told.push(Told::fine(Check::Permissions, "nobody else can read or change the vault"));
    }
    told
}

/// Looks at a file that nobody else may change or read; nothing where there is none.
pub(crate) fn private(path: &Path) -> Option<Told> {
    unfit(path, Readers::OwnerOnly, Told::finding)
}

/// What is wrong with `path`, if anything is; that others can change it is told as `graver`.
fn unfit(path: &Path, allowed: Readers, graver: fn(Check, String, Remedy) -> Told) -> Option<Told> {
    let graver = |error: &Error, remedy| graver(Check::Permissions, error.to_string(), remedy);
    let own = |path: &Path| PathBuf::from(path);
    match private_file::check(path) {
        Ok(Readers::Others) if allowed == Readers::OwnerOnly => Some(Told::finding(
            Check::Permissions,
            format!("`{}` can be read by others", path.display()),
            Remedy::KeepReadersOut(own(path)),
        )),
        Ok(Readers::OwnerOnly | Readers::Others) => None,
        Err(error) => match &error {
            Error::WritableByOthers { path } => {
                Some(graver(&error, Remedy::KeepWritersOut(own(path))))
            }
            Error::Shared { .. } => Some(graver(&error, Remedy::UseLocalDisk)),
            Error::ForeignOwner { path } => Some(graver(&error, Remedy::Own(own(path)))),
            Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => None,
            Error::NotAFile { path } | Error::TooLarge { path, .. } | Error::Io { path, .. } => {
                Some(Told::finding(
                    Check::Permissions,
                    error.to_string(),
                    Remedy::LookAt(own(path)),
                ))
            }
        },
    }
}
