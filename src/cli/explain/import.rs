//! Explains failures of imports: stores of other tools, and records that do not come in.

use super::file::untrusted_file;
use super::provider::provider_error;
use crate::cli::error::{CliError, Kind};
use crate::ops::import::SourceError;
use crate::ops::{ImportError, Reason, SkipReason, providers};

impl From<ImportError> for CliError {
    fn from(error: ImportError) -> Self {
        import_error(&error)
    }
}

impl From<SourceError> for CliError {
    fn from(error: SourceError) -> Self {
        match &error {
            SourceError::File(source) => untrusted_file(Kind::Failed, source),
            SourceError::OtherKind { instead: Some(instead), .. } => {
                Self::of(Kind::Usage, &error).hint(instead.clone())
            }
            SourceError::OtherKind { instead: None, .. } => {
                Self::of(Kind::Usage, &error).hint("tokctl import --help")
            }
            SourceError::Malformed { .. } => {
                Self::of(Kind::Failed, &error).hint("mend that place: nothing was stored")
            }
            SourceError::NeedsKey { .. } | SourceError::NoSuchKey { .. } => {
                Self::of(Kind::Usage, &error)
                    .hint("give its key in a file with `--key-file`, or in TOKCTL_IMPORT_KEY")
            }
            SourceError::WrongKey { .. } => {
                Self::of(Kind::Usage, &error).hint("give the right key: nothing was stored")
            }
        }
    }
}

pub(super) fn import_error(error: &ImportError) -> CliError {
    let (kind, hint) = match error {
        ImportError::Twice { .. } => {
            (Kind::Usage, "take one of them out, or give the users names of their own")
        }
        ImportError::NoProvider { .. } => (Kind::Usage, "name it with `--provider`"),
        ImportError::SeveralProviders => (Kind::Usage, "leave out `--provider`"),
        ImportError::OwnUsers { .. } => (Kind::Usage, "leave out `--user`"),
        ImportError::NotWhole { .. } => {
            (Kind::Failed, "leave out `--strict`, or see `--dry-run` for what would come in")
        }
    };
    CliError::of(kind, error).hint(hint)
}

/// Returns the exit code for an import of which nothing is left because of this reason, and what
/// helps, if something does.
pub(crate) fn skip_reason(reason: &SkipReason) -> (Kind, Option<String>) {
    match reason {
        SkipReason::Malformed(_) => (Kind::Failed, None),
        SkipReason::WrongKey => {
            (Kind::Usage, Some("give the key that it was encrypted with".into()))
        }
        SkipReason::Twice { .. } => {
            (Kind::Usage, Some("take one of them out, or give the users names of their own".into()))
        }
        SkipReason::NoOwner | SkipReason::UserName(_) => {
            (Kind::Usage, Some("name the user with `--user`".into()))
        }
        SkipReason::Service(_) => (Kind::Usage, None),
        SkipReason::Unfit(reason) => (Kind::Usage, Some(unfit_hint(reason))),
    }
}

fn unfit_hint(reason: &Reason) -> String {
    match reason {
        // A server in the record itself comes before the one on the command line.
        Reason::Provider(providers::Error::ForeignServer { .. }) => {
            "name another provider with `--provider`, or the server as that provider has it".into()
        }
        Reason::Provider(error) => {
            provider_error(error).hint.map(|hint| hint.to_string()).unwrap_or_default()
        }
        Reason::UserName => "mend the name in it".into(),
        Reason::NoUserName => {
            "take it out, and store that token by itself, with `--username`".into()
        }
    }
}
