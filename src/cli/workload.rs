//! The workload that a definition describes, or a file that Google's libraries would take.

use std::path::Path;

use super::client_settings;
use super::context::Context;
use super::error::{CliError, Kind};
use crate::model::workload::Assertion;
use crate::ops::login::service_account::GOOGLE;
use crate::ops::login::workload::{self, Described, NamedClient};
use crate::ops::providers::Provider;

/// The variable in which Google's libraries are told of a file.
const GOOGLES_FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// Returns the workload that the definition of `provider` describes, if it does.
pub(crate) fn defined(
    context: &Context,
    provider: &Provider,
) -> Result<Option<Described>, CliError> {
    if !provider.definition.assertion.as_ref().is_some_and(Assertion::names_source) {
        return Ok(None);
    }
    let client = match client_settings::client_id(context, provider) {
        Some(id) => {
            let secret = client_settings::client_secret(context, provider)?;
            let key = client_settings::client_key(context, provider)?;
            Some(NamedClient { id, secret, key })
        }
        None => None,
    };
    Ok(Some(Described::defined(provider.clone(), client)?))
}

/// Returns the workload that the environment describes for a service of Google's, if it does.
pub(crate) fn in_environment(
    context: &Context,
    provider: &Provider,
) -> Result<Option<Described>, CliError> {
    match context.environment.get(GOOGLES_FILE).filter(|_| is_googles(provider)) {
        Some(path) => in_file(Path::new(&path), provider.clone()).map(Some),
        None => Ok(None),
    }
}

/// Returns the workload that the file at `path` describes.
pub(crate) fn in_file(path: &Path, provider: Provider) -> Result<Described, CliError> {
    let file = workload::in_file(path).map_err(|error| {
        let error = CliError::from(error);
        // Whoever named the file meant another one.
        let kind = if error.kind == Kind::Failed { Kind::Usage } else { error.kind };
        CliError { kind, ..error }
    })?;
    Ok(Described::in_file(file, provider)?)
}

/// Returns the error for a service of which nothing says where its identity token comes from.
pub(crate) fn undescribed(provider: &Provider) -> CliError {
    let name = &provider.name;
    let message = format!("nothing says where the identity token for `{name}` comes from");
    CliError::new(Kind::Usage, message).hint(if is_googles(provider) {
        "name Google's file with `--external-account`, or set `assertion` in config.toml".to_owned()
    } else {
        format!("set `assertion` in the table `[providers.{name}]` of config.toml")
    })
}

/// Whether the service is one of Google's, perhaps with another server in the place of Google's own.
fn is_googles(provider: &Provider) -> bool {
    let definition = &provider.definition;
    definition.token_endpoint.as_deref() == Some(GOOGLE)
        || definition.impersonation_endpoint.is_some()
}
