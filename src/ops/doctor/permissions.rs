//! Who can read and change the files that count.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::report::{Check, Remedy, Told};
use crate::private_file::{self, Error, Readers};
use crate::store;

/// Looks at the vault's file, its directory, and all that lies beside it.
pub(crate) fn vault_files(path: &Path) -> Vec<Told> {
    let Ok(parts) = store::parts(path) else {
        // Said with what can't be opened.
        return Vec::new();
    };
    let mut told = Vec::new();
    let Some(database) = parts.first() else { return told };
    if let Some(directory) = database.parent() {
        told.extend(unfit(directory, Readers::Others, Told::damaged));
        told.extend(unwritable(directory));
    }
    told.extend(unwritable(database));
    let beside = store::sidecars(path).ok().and_then(Result::ok).unwrap_or_default();
    let beside: Vec<PathBuf> = beside.into_iter().map(|sidecar| sidecar.path).collect();
    for path in parts.iter().chain(&beside) {
        told.extend(unfit(path, Readers::OwnerOnly, Told::damaged));
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

/// Tells if the user can't write to what is theirs: then nothing can be renewed.
fn unwritable(path: &Path) -> Option<Told> {
    let metadata = std::fs::metadata(path).ok()?;
    let user = rustix::process::geteuid().as_raw();
    keeps_out(user, metadata.uid(), metadata.mode()).then(|| {
        let message = format!("`{}` can't be written by its owner", path.display());
        Told::finding(Check::Permissions, message, Remedy::LetOwnerWrite(path.to_owned()))
    })
}

/// Whether `mode` keeps `user`, who is the owner, from writing. Nothing keeps root.
fn keeps_out(user: u32, owner: u32, mode: u32) -> bool {
    user != 0 && user == owner && mode & 0o200 == 0
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
            Error::NotAFile { path }
            | Error::Denied { path }
            | Error::TooLarge { path, .. }
            | Error::Io { path, .. } => Some(Told::finding(
                Check::Permissions,
                error.to_string(),
                Remedy::LookAt(own(path)),
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_who_can_not_write_is_told_so() {
        for (user, owner, mode, told) in [
            (1000, 1000, 0o100_400, true),
            (1000, 1000, 0o040_500, true),
            (1000, 1000, 0o100_600, false),
            (1000, 0, 0o100_400, false),
            (0, 0, 0o100_400, false),
        ] {
            assert_eq!(keeps_out(user, owner, mode), told, "{user} {owner} {mode:o}");
        }
    }
}
