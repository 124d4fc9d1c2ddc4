//! Explains providers that can't be used as they are defined.

use crate::cli::error::{CliError, Hint, Kind};
use crate::ops::providers;

impl From<providers::Error> for CliError {
    fn from(error: providers::Error) -> Self {
        provider_error(&error)
    }
}

pub(super) fn provider_error(error: &providers::Error) -> CliError {
    let (kind, hint): (Kind, Hint) = match error {
        providers::Error::Unknown { .. } => (Kind::NotFound, "tokctl providers".into()),
        providers::Error::NoServer { .. } | providers::Error::ForeignServer { .. } => {
            (Kind::Usage, "name it with `--server`".into())
        }
        providers::Error::ForbiddenScope { .. } => (Kind::Usage, "leave that scope out".into()),
        providers::Error::ClientKey { .. } => {
            (Kind::Usage, "give another key, or mend `client_key_id` and `client_key_alg`".into())
        }
        providers::Error::Elsewhere { setting, .. } => (
            Kind::Usage,
            format!("see where the file is from; another `{setting}` is named in config.toml")
                .into(),
        ),
        providers::Error::Published { field, .. } => (
            Kind::Usage,
            format!("have the server mend them, or set `{field}` in config.toml").into(),
        ),
        providers::Error::Address { .. } => (Kind::Usage, "use https, or http on loopback".into()),
        providers::Error::Circle { .. }
        | providers::Error::Malformed { .. }
        | providers::Error::Incomplete { .. } => {
            (Kind::Usage, "mend its table in config.toml".into())
        }
    };
    CliError::of(kind, error).hint(hint)
}
