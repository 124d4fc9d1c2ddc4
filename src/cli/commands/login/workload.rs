//! A login as a job or workload, with the identity token of its platform.

use std::path::PathBuf;

use super::client;
use super::destination::{Destination, Done};
use super::granted;
use super::method::Method;
use super::stored::Stored;
use crate::cli::certificates;
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::{memory_vault, time, workload};
use crate::model::account::{ProviderName, UserName};
use crate::model::scope::Scopes;
use crate::ops::login::workload::{Described, log_in};
use crate::ops::providers::{self, Provider};

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
    let certificates = certificates::trusted_certificates(&provider)?;
    let certificates = certificates.or_else(|| stored?.trusted_certificates());
    let described = described(own, stored, context, provider)?;
    let scopes = scopes(client, &described, named);
    let user = granted::own_name(user, described.name().unwrap_or(memory_vault::USUAL_NAME))?;
    let (mut plan, workload) = described.plan(scopes);
    plan.trusted_certificates = certificates;
    plan.server.clone_from(&destination.server);
    granted::without_person(context, destination, &name, user, |told| {
        log_in(plan, workload, context, time::now, told)
    })
}

/// Logs in with a vault in memory: the login is tried, and nothing is kept. Fails for a login by
/// another `method`, which would be lost.
pub(super) fn in_memory(
    own: &Args,
    client: &client::Args,
    context: &Context,
    named: Option<ProviderName>,
    user: Option<UserName>,
    method: impl FnOnce(&Provider) -> Result<Method, CliError>,
) -> Result<(), CliError> {
    memory_vault::expect_no_audit(context)?;
    let choice = Choice { provider: named, user, address: None };
    let account = memory_vault::account(context, &choice)?;
    let provider = providers::find(&account.provider, context.config()?)?;
    let method = method(&provider)?;
    if method != Method::WorkloadIdentity {
        let message = format!(
            "a login {} is to be kept, and a vault in memory is gone when the command ends",
            method.described()
        );
        return Err(CliError::new(Kind::Usage, message)
            .hint("name the file of a vault with `--vault`, or unset TOKCTL_VAULT"));
    }
    let asked = client.scopes(&provider)?;
    let certificates = certificates::trusted_certificates(&provider)?;
    let described = described(own, None, context, provider)?;
    let scopes = scopes(client, &described, asked);
    memory_vault::log_in(context, described, scopes, certificates)?;
    context.ui.status(&format!("logged in to {account}, and nothing is kept in memory"));
    Ok(())
}

/// Returns the scopes to ask for: those of the flags, else the workload's own, else those of the
/// definition, which `named` has together with the first.
fn scopes(client: &client::Args, described: &Described, named: Scopes) -> Scopes {
    match &described.scopes {
        Some(own) if !client.names_scopes() => own.clone(),
        Some(_) | None => named,
    }
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
        return workload::in_file(path, provider);
    }
    if let Some(defined) = workload::defined(context, &provider)? {
        return Ok(defined);
    }
    let kept = stored.and_then(|stored| Described::stored(&stored.0, provider.clone()));
    if let Some(kept) = kept {
        return Ok(kept);
    }
    workload::in_environment(context, &provider)?.ok_or_else(|| workload::undescribed(&provider))
}
