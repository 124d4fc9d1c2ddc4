//! Explains providers that can't be used as they are defined.

use crate::cli::error::{CliError, Kind};
use crate::ops::providers;

impl From<providers::Error> for CliError {
    fn from(error: providers::Error) -> Self {
        provider_error(&error)
    }
}

pub(super) fn provider_error(error: &providers::Error) -> CliError {
    let (kind, hint) = match error {
        providers::Error::Unknown { .. } => (Kind::NotFound, "tokctl providers"),
        providers::Error::NoServer { .. } | providers::Error::ForeignServer { .. } => {
            (Kind::Usage, "name it with `--server`")
        }
        providers::Error::ForbiddenScope { .. } => (Kind::Usage, "leave that scope out"),
        providers::Error::ClientKey { .. } => {
            (Kind::Usage, "give another key, or mend `client_key_id` and `client_key_alg`")
        }
        providers::Error::Elsewhere { .. } => (
            Kind::Usage,
            "see where the file is from; another `exchange_endpoint` is named in config.toml",
        ),
        providers::Error::Address { .. } => (Kind::Usage, "use https, or http on loopback"),
        providers::Error::Circle { .. }
        | providers::Error::Malformed { .. }
        | providers::Error::Incomplete { .. } => (Kind::Usage, "mend its table in config.toml"),
    };
    CliError::of(kind, error).hint(hint)
}
