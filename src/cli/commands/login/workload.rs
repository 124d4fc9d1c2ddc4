//! A login as a job or workload, with the identity token of its platform.

use std::path::{Path, PathBuf};

use super::client;
use super::destination::{Destination, Done};
use super::granted;
use super::stored::Stored;
use crate::cli::client_settings;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::pauses::pauses;
use crate::cli::time;
use crate::model::account::UserName;
use crate::model::workload::Assertion;
use crate::ops::login::service_account::GOOGLE;
use crate::ops::login::workload::{self, Described, NamedClient};
use crate::ops::providers::Provider;

/// The name under which a workload is kept that has no other.
const USUAL_NAME: &str = "workload";

/// The variable in which Google's libraries are told of a file.
const GOOGLES_FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// A file of Google's without a key: of type external_account or impersonated_service_account
    #[arg(long, value_name = "JSON", help_heading = "As a job or workload")]
    external_account: Option<PathBuf>,
}

impl Args {
    /// Returns whether a flag of this group was given.
    pub(super) fn is_given(&self) -> bool {
        self.external_account.is_some()
    }
}

pub(super) fn run(
    own: &Args,
    client: &client::Args,
    destination: Destination<'_>,
    stored: Option<&Stored>,
    context: &Context,
    provider: Provider,
    user: Option<UserName>,
) -> Result<Done, CliError> {
    let named = client.scopes(&provider)?;
    let name = provider.name.clone();
    let certificates = client_settings::trusted_certificates(&provider)?;
    let certificates = certificates.or_else(|| stored?.trusted_certificates());
    let described = described(own, stored, context, provider)?;
    let scopes = match &described.scopes {
        Some(scopes) if !client.names_scopes() => scopes.clone(),
        Some(_) | None => named,
    };
    let user = granted::own_name(user, described.name().unwrap_or(USUAL_NAME))?;
    let (mut plan, workload) = described.plan(scopes);
    plan.trusted_certificates = certificates;
    plan.server.clone_from(&destination.server);
    let mut place = destination.place(&name, Some(&user))?;
    let granted = context.ui.while_waiting("asking the provider for a token", || {
        workload::log_in(plan, workload, context, time::now, &mut pauses(&context.ui))
    });
    let logged_in = granted
        .and_then(|granted| {
            granted.finish(&mut place, user.clone(), None, None, &mut pauses(&context.ui))
        })
        .map(|logged_in| (logged_in, None, None))
        .map_err(CliError::from);
    granted::conclude(context, &mut place, &name, Some(user), logged_in).map(|done| done.done())
}

/// Returns the workload: that of the file, else of the definition, else of the stored credential,
/// else of the file that Google's libraries would take.
fn described(
    own: &Args,
    stored: Option<&Stored>,
    context: &Context,
    provider: Provider,
) -> Result<Described, CliError> {
    if let Some(path) = &own.external_account {
        return in_file(path, provider);
    }
    if provider.definition.assertion.as_ref().is_some_and(Assertion::names_source) {
        let client = match client_settings::client_id(context, &provider) {
            Some(id) => {
                let secret = client_settings::client_secret(context, &provider)?;
                let key = client_settings::client_key(context, &provider)?;
                Some(NamedClient { id, secret, key })
            }
            None => None,
        };
        return Ok(Described::defined(provider, client)?);
    }
    let kept = stored.and_then(|stored| Described::stored(&stored.0, provider.clone()));
    if let Some(kept) = kept {
        return Ok(kept);
    }
    let is_googles = provider.definition.token_endpoint.as_deref() == Some(GOOGLE);
    if is_googles && let Some(path) = context.environment.get(GOOGLES_FILE) {
        return in_file(Path::new(&path), provider);
    }
    let name = &provider.name;
    let message = format!("nothing says where the identity token for `{name}` comes from");
    Err(CliError::new(Kind::Usage, message).hint(if is_googles {
        "name Google's file with `--external-account`, or set `assertion` in config.toml".to_owned()
    } else {
        format!("set `assertion` in the table `[providers.{name}]` of config.toml")
    }))
}

fn in_file(path: &Path, provider: Provider) -> Result<Described, CliError> {
    let file = workload::in_file(path).map_err(|error| {
        let error = CliError::from(error);
        // Whoever typed the flag named another file than they meant.
        let kind = if error.kind == Kind::Failed { Kind::Usage } else { error.kind };
        CliError { kind, ..error }
    })?;
    Ok(Described::in_file(file, provider)?)
}
