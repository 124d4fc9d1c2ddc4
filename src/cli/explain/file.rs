//! Explains files that can't be trusted or read, the configuration among them.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::{fs, io};

use crate::cli::error::{CliError, Kind};
use crate::cli::typed::quoted;
use crate::{config, private_file};

impl From<config::Error> for CliError {
    fn from(error: config::Error) -> Self {
        match &error {
            config::Error::Line { .. } => Self::of(Kind::Usage, &error).hint("mend that line"),
            config::Error::Untrusted(source) => untrusted_file(Kind::Usage, source),
        }
    }
}

/// Returns the error for a file, with the `kind` that the caller gives it.
pub(crate) fn untrusted_file(kind: Kind, error: &private_file::Error) -> CliError {
    CliError::of(kind, error).hint(trust_hint(error))
}

/// Returns the hint that makes a file trustworthy or readable.
pub(super) fn trust_hint(error: &private_file::Error) -> String {
    let quoted = |path: &std::path::Path| quoted(&path.to_string_lossy());
    match error {
        // Nobody in a pod can change the mode of its volumes.
        private_file::Error::WritableByOthers { paths }
            if paths.iter().any(|path| private_file::is_volume_for_everybody(path)) =>
        {
            "bring the file by a mount that is read-only, as of a ConfigMap or a Secret".into()
        }
        private_file::Error::WritableByOthers { paths } => keep_writers_out(paths),
        private_file::Error::Shared { .. } => "keep it in a directory of your own".into(),
        private_file::Error::ForeignOwner { owner, name, .. } => {
            // A container job of GitHub's runs as root in the home of a user that it does not know.
            if name.is_none() && rustix::process::geteuid().is_root() {
                return format!(
                    "run it as user {owner}, or name a file of your own; in a container: export \
                     HOME=/root"
                );
            }
            let owner = name.as_ref().map_or_else(|| format!("user {owner}"), quoted_name);
            format!("run it as {owner}, or name a file of your own")
        }
        private_file::Error::NotAFile { .. } => "name a plain file".into(),
        private_file::Error::Denied { path } => format!("chmod u+rw {}", quoted(path)),
        private_file::Error::TooLarge { .. } => "name another file".into(),
        taken if is_taken(taken) => "name a file that is not there yet".into(),
        private_file::Error::Io { path, source } => {
            let command = match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "df -h",
                _ => "ls -ld",
            };
            let mut there = path.ancestors().filter(|path| path.exists());
            match there.next() {
                Some(there) => format!("{command} {}", quoted(there)),
                None => format!("{command} ."),
            }
        }
    }
}

/// Returns the command that keeps all others from changing what is in `paths`, with `sudo` where the
/// user may not change them. A directory of somebody else's that is there for everybody, as `/tmp`,
/// stays so: in a sticky one nobody can exchange what is not his own.
pub(crate) fn keep_writers_out(paths: &[PathBuf]) -> String {
    let user = rustix::process::geteuid().as_raw();
    let is_own = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.uid() == user);
    let is_for_all = |path: &PathBuf| {
        fs::metadata(path)
            .is_ok_and(|found| found.is_dir() && found.mode() & 0o002 != 0 && found.uid() != user)
    };
    let sudo = if user == 0 || paths.iter().all(is_own) { "" } else { "sudo " };
    let change = if paths.iter().all(is_for_all) { "+t" } else { "go-w" };
    let paths: Vec<String> = paths.iter().map(|path| quoted(&path.to_string_lossy())).collect();
    format!("{sudo}chmod {change} {}", paths.join(" "))
}

fn quoted_name(name: &String) -> String {
    format!("`{name}`")
}

/// Returns whether a new file could not be created because its name is taken.
pub(super) fn is_taken(error: &private_file::Error) -> bool {
    matches!(error, private_file::Error::Io { source, .. }
        if source.kind() == io::ErrorKind::AlreadyExists)
}
