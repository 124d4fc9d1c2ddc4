//! A login as a job or workload, with the identity token of its platform.

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
use crate::ops::login::workload::{self, Described};
use crate::ops::providers::Provider;

/// The name under which a workload is kept that has no other.
const USUAL_NAME: &str = "workload";

pub(super) fn run(
    client: &client::Args,
    destination: Destination<'_>,
    stored: Option<&Stored>,
    context: &Context,
    provider: Provider,
    user: Option<UserName>,
) -> Result<Done, CliError> {
    let described = described(stored, context, &provider)?;
    let scopes = match stored {
        Some(stored) if !client.names_scopes() => stored.scopes(context, &provider),
        Some(_) | None => None,
    };
    let scopes = match scopes {
        Some(scopes) => scopes,
        None => client.scopes(&provider)?,
    };
    let user = granted::own_name(user, described.name().unwrap_or(USUAL_NAME))?;
    let name = provider.name.clone();
    let certificates = client_settings::trusted_certificates(&provider)?;
    let certificates = certificates.or_else(|| stored?.trusted_certificates());
    let (mut plan, workload) = described.plan(provider, scopes);
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

/// Returns the workload: that of the definition, else that of the stored credential.
fn described(
    stored: Option<&Stored>,
    context: &Context,
    provider: &Provider,
) -> Result<Described, CliError> {
    if provider.definition.assertion.as_ref().is_some_and(Assertion::names_source) {
        let id = client_settings::client_id(context, provider);
        let secret = client_settings::client_secret(context, provider)?;
        return Ok(workload::defined(provider, id, secret)?);
    }
    if let Some(kept) = stored.and_then(|stored| Described::of_stored(&stored.0)) {
        return Ok(kept);
    }
    let name = &provider.name;
    let message = format!("nothing says where the identity token for `{name}` comes from");
    Err(CliError::new(Kind::Usage, message)
        .hint(format!("set `assertion` in its table in config.toml: tokctl providers {name}")))
}
