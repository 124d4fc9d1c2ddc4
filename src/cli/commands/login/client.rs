//! The OAuth client of a login, and the scopes that it asks for.

use std::path::PathBuf;

use super::destination;
use crate::cli::client_settings;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::model::scope::Scopes;
use crate::ops::login::Plan;
use crate::ops::providers::Provider;
use crate::secret::ClientSecret;

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The id of the OAuth client [env: TOKCTL_<PROVIDER>_CLIENT_ID]
    #[arg(long, value_name = "ID", help_heading = "With an OAuth client")]
    pub(super) client_id: Option<String>,

    /// A file with the client's secret [env: TOKCTL_<PROVIDER>_CLIENT_SECRET]
    #[arg(long, value_name = "FILE", help_heading = "With an OAuth client")]
    client_secret_file: Option<PathBuf>,

    /// A client file from Google's console, in place of id and secret
    #[arg(long, value_name = "GOOGLE_JSON", help_heading = "With an OAuth client",
        conflicts_with_all = ["client_id", "client_secret_file"])]
    client_secrets: Option<PathBuf>,

    /// A scope to ask for, in place of the provider's own; repeatable
    #[arg(long = "scope", value_name = "SCOPE", help_heading = "With an OAuth client")]
    scopes: Vec<String>,

    /// The client's secret, if the user typed it at a prompt.
    #[arg(skip)]
    pub(super) secret: Option<ClientSecret>,
}

impl Args {
    /// Returns whether a flag names the client.
    pub(super) fn names_client(&self) -> bool {
        self.client_id.is_some() || self.client_secret_file.is_some() || self.is_googles()
    }

    /// Returns whether the client comes from a Google client file, which does not tell its type.
    pub(super) fn is_googles(&self) -> bool {
        self.client_secrets.is_some()
    }

    pub(super) fn names_scopes(&self) -> bool {
        !self.scopes.is_empty()
    }

    /// Returns the scopes to ask for.
    pub(super) fn scopes(&self, provider: &Provider) -> Result<Scopes, CliError> {
        Ok(provider.scopes(&self.scopes)?)
    }
}

/// Makes the plan of a login from flags, environment and configuration.
pub(super) fn plan(
    own: &Args,
    destination: &destination::Args,
    context: &Context,
    provider: Provider,
) -> Result<Plan, CliError> {
    let (client_id, client_secret) = client(own, context, &provider)?;
    let client_id = client_id.ok_or_else(|| {
        CliError::new(
            Kind::Usage,
            format!("`{}` needs the id of an OAuth client that you registered", provider.name),
        )
        .hint("give `--client-id`, or set `client_id` in config.toml")
    })?;
    let scopes = own.scopes(&provider)?;
    let trusted_certificates = client_settings::trusted_certificates(&provider)?;
    let mut plan = Plan::new(provider, client_id);
    plan.server.clone_from(&destination.server);
    plan.client_secret = client_secret;
    plan.trusted_certificates = trusted_certificates;
    plan.scopes = scopes;
    Ok(plan)
}

/// Fails if the definition requires a client secret and there is none.
pub(super) fn expect_secret(plan: &Plan) -> Result<(), CliError> {
    if !plan.provider.needs_secret() || plan.client_secret.is_some() {
        return Ok(());
    }
    Err(CliError::new(
        Kind::Usage,
        format!("`{}` needs the secret of the OAuth client", plan.provider.name),
    )
    .hint("give `--client-secret-file`"))
}

/// Returns the client's id and secret: from the flags, else from environment and configuration.
fn client(
    own: &Args,
    context: &Context,
    provider: &Provider,
) -> Result<(Option<String>, Option<ClientSecret>), CliError> {
    if let Some(path) = &own.client_secrets {
        let (id, secret) = client_settings::google_client(path)?;
        return Ok((Some(id), secret));
    }
    let id = own.client_id.clone().or_else(|| client_settings::client_id(context, provider));
    let secret = match (&own.secret, &own.client_secret_file) {
        (Some(typed), _) => Some(typed.clone()),
        (None, Some(path)) => Some(client_settings::read_secret(path)?),
        (None, None) => client_settings::client_secret(context, provider)?,
    };
    Ok((id, secret))
}
