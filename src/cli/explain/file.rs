//! Explains files that can't be trusted or read, the configuration among them.

use std::io;

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
        private_file::Error::WritableByOthers { path } => format!("chmod go-w {}", quoted(path)),
        private_file::Error::Shared { .. } => "keep it in a directory of your own".into(),
        private_file::Error::ForeignOwner { path } => {
            format!("chown \"$(id -u)\" {}", quoted(path))
        }
        private_file::Error::NotAFile { .. } => "name a plain file".into(),
        private_file::Error::Denied { path } => format!("chmod u+rw {}", quoted(path)),
        private_file::Error::TooLarge { .. } => "name another file".into(),
        taken if is_taken(taken) => "name a file that is not there yet".into(),
        private_file::Error::Io { path, .. } => format!("ls -ld {}", quoted(path)),
    }
}

/// Returns whether a new file could not be created because its name is taken.
pub(super) fn is_taken(error: &private_file::Error) -> bool {
    matches!(error, private_file::Error::Io { source, .. }
        if source.kind() == io::ErrorKind::AlreadyExists)
}
