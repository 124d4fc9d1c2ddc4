//! The check of who can read and change the files that tokctl relies on.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::facts::PermissionsFact;
use super::finding::{Fact, Finding, Remedy};
use crate::private_file::{self, Error, Readers};
use crate::store;

/// Checks the vault's file, its directory, and the files beside it.
pub(crate) fn vault_files(path: &Path) -> Vec<Finding> {
    let Ok(parts) = store::parts(path) else {
        // The check that opens the vault reports this error.
        return Vec::new();
    };
    let mut findings = Vec::new();
    let Some(database) = parts.first() else { return findings };
    if let Some(directory) = database.parent() {
        findings.extend(unfit(directory, Readers::Others));
        findings.extend(unwritable(directory));
    }
    findings.extend(unwritable(database));
    let sidecars = store::sidecars(path).ok().and_then(Result::ok).unwrap_or_default();
    let sidecars: Vec<PathBuf> = sidecars.into_iter().map(|sidecar| sidecar.path).collect();
    for path in parts.iter().chain(&sidecars) {
        findings.extend(unfit(path, Readers::OwnerOnly));
    }
    if findings.is_empty() {
        findings.push(Finding::fine(Fact::Permissions(PermissionsFact::Private)));
    }
    findings
}

/// Checks a file that no other user may change, and only `allowed` users may read. Returns `None` if
/// the file is fine or does not exist.
pub(crate) fn private_file(path: &Path, allowed: Readers) -> Option<Finding> {
    unfit(path, allowed)
}

/// Returns a finding if the user owns `path` and can't write to it: then no token can be renewed.
fn unwritable(path: &Path) -> Option<Finding> {
    let metadata = std::fs::metadata(path).ok()?;
    let user = rustix::process::geteuid().as_raw();
    keeps_out(user, metadata.uid(), metadata.mode()).then(|| {
        let fact = PermissionsFact::NotWritable(path.to_owned());
        Finding::to_mend(Fact::Permissions(fact), Remedy::LetOwnerWrite(path.to_owned()))
    })
}

/// Returns whether `user` is the owner and `mode` keeps the owner from writing. Root can always
/// write.
fn keeps_out(user: u32, owner: u32, mode: u32) -> bool {
    user != 0 && user == owner && mode & 0o200 == 0
}

/// Returns what is wrong with the permissions of `path`, if anything is.
pub(super) fn unfit(path: &Path, allowed: Readers) -> Option<Finding> {
    let error = match private_file::check(path) {
        Ok(Readers::Others) if allowed == Readers::OwnerOnly => {
            let fact = PermissionsFact::ReadableByOthers(path.to_owned());
            let remedy = Remedy::KeepReadersOut(path.to_owned());
            return Some(Finding::to_mend(Fact::Permissions(fact), remedy));
        }
        Ok(Readers::OwnerOnly | Readers::Others) => return None,
        Err(error) => error,
    };
    let remedy = match &error {
        Error::WritableByOthers { .. } => Remedy::KeepWritersOut(path.to_owned()),
        Error::Shared { .. } => Remedy::UseLocalDisk,
        Error::ForeignOwner { owner, name, .. } => {
            Remedy::RunAs(name.clone().unwrap_or_else(|| owner.to_string()))
        }
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => return None,
        Error::NotAFile { path }
        | Error::Denied { path }
        | Error::TooLarge { path, .. }
        | Error::Io { path, .. } => Remedy::LookAt(path.clone()),
    };
    Some(Finding::to_mend(Fact::Permissions(PermissionsFact::Untrusted(error)), remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_who_can_not_write_is_told_so() {
        for (user, owner, mode, expected) in [
            (1000, 1000, 0o100_400, true),
            (1000, 1000, 0o040_500, true),
            (1000, 1000, 0o100_600, false),
            (1000, 0, 0o100_400, false),
            (0, 0, 0o100_400, false),
        ] {
            assert_eq!(keeps_out(user, owner, mode), expected, "{user} {owner} {mode:o}");
        }
    }
}
