//! Who can read and change the files that count.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::facts::PermissionsFact;
use super::finding::{Fact, Finding, Remedy};
use crate::private_file::{self, Error, Readers};
use crate::store;

/// Looks at the vault's file, its directory, and all that lies beside it.
pub(crate) fn vault_files(path: &Path) -> Vec<Finding> {
    let Ok(parts) = store::parts(path) else {
        // Said with what can't be opened.
        return Vec::new();
    };
    let mut findings = Vec::new();
    let Some(database) = parts.first() else { return findings };
    if let Some(directory) = database.parent() {
        findings.extend(unfit(directory, Readers::Others, Finding::damaged));
        findings.extend(unwritable(directory));
    }
    findings.extend(unwritable(database));
    let beside = store::sidecars(path).ok().and_then(Result::ok).unwrap_or_default();
    let beside: Vec<PathBuf> = beside.into_iter().map(|sidecar| sidecar.path).collect();
    for path in parts.iter().chain(&beside) {
        findings.extend(unfit(path, Readers::OwnerOnly, Finding::damaged));
    }
    if findings.is_empty() {
        findings.push(Finding::fine(Fact::Permissions(PermissionsFact::Private)));
    }
    findings
}

/// Looks at a file that nobody else may change or read; nothing where there is none.
pub(crate) fn private(path: &Path) -> Option<Finding> {
    unfit(path, Readers::OwnerOnly, Finding::to_mend)
}

/// Tells if the user can't write to what is theirs: then nothing can be renewed.
fn unwritable(path: &Path) -> Option<Finding> {
    let metadata = std::fs::metadata(path).ok()?;
    let user = rustix::process::geteuid().as_raw();
    keeps_out(user, metadata.uid(), metadata.mode()).then(|| {
        let fact = PermissionsFact::NotWritable(path.to_owned());
        Finding::to_mend(Fact::Permissions(fact), Remedy::LetOwnerWrite(path.to_owned()))
    })
}

/// Whether `mode` keeps `user`, who is the owner, from writing. Nothing keeps root.
fn keeps_out(user: u32, owner: u32, mode: u32) -> bool {
    user != 0 && user == owner && mode & 0o200 == 0
}

/// What is wrong with `path`, if anything is; that others can change it is told as `graver`.
fn unfit(path: &Path, allowed: Readers, graver: fn(Fact, Remedy) -> Finding) -> Option<Finding> {
    let error = match private_file::check(path) {
        Ok(Readers::Others) if allowed == Readers::OwnerOnly => {
            let fact = PermissionsFact::ReadableByOthers(path.to_owned());
            let remedy = Remedy::KeepReadersOut(path.to_owned());
            return Some(Finding::to_mend(Fact::Permissions(fact), remedy));
        }
        Ok(Readers::OwnerOnly | Readers::Others) => return None,
        Err(error) => error,
    };
    let (told, remedy): (fn(Fact, Remedy) -> Finding, Remedy) = match &error {
        Error::WritableByOthers { path } => (graver, Remedy::KeepWritersOut(path.clone())),
        Error::Shared { .. } => (graver, Remedy::UseLocalDisk),
        Error::ForeignOwner { path } => (graver, Remedy::Own(path.clone())),
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => return None,
        Error::NotAFile { path }
        | Error::Denied { path }
        | Error::TooLarge { path, .. }
        | Error::Io { path, .. } => (Finding::to_mend, Remedy::LookAt(path.clone())),
    };
    Some(told(Fact::Permissions(PermissionsFact::Untrusted(error)), remedy))
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
