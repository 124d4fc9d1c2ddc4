//! Explains failures of imports: stores of other tools, and records that do not come in.

use super::file::untrusted_file;
use super::provider::provider_error;
use crate::cli::error::{CliError, Kind};
use crate::ops::import::SourceError;
use crate::ops::{ImportError, Reason, providers};

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
    let hint = match error {
        ImportError::Twice { .. } => {
            "take one of them out, or give the users names of their own".into()
        }
        ImportError::NoProvider { .. } => "name it with `--provider`".into(),
        ImportError::SeveralProviders => "leave out `--provider`".into(),
        ImportError::OwnUsers { .. } => "leave out `--user`".into(),
        ImportError::NoOwner { .. } | ImportError::UserName { .. } => {
            "name the user with `--user`".into()
        }
        ImportError::Unfit { reason, .. } => unfit_hint(reason),
    };
    let mut shown = CliError::of(Kind::Usage, error);
    shown.hint = Some(hint.into());
    shown
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
        Reason::UserName => "mend the name in it: nothing was stored".into(),
        Reason::NoUserName => {
            "take it out, and store that token by itself, with `--username`".into()
        }
    }
}
