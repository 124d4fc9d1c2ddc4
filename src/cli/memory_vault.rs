//! The vault `memory:`, which lasts for one command: no file, no key, nothing to clean up.
//!
//! It takes only logins that need no person. So each credential is had by a login at its first use,
//! as the definition of its provider describes it.

use super::certificates;
use super::choice::Choice;
use super::context::Context;
use super::error::{CliError, Kind};
use super::pauses::pauses;
use super::{time, workload};
use crate::model::account::{Account, UserName};
use crate::model::audit::Mode;
use crate::model::credential::Credential;
use crate::model::readiness::lasts;
use crate::model::scope::Scopes;
use crate::ops;
use crate::ops::login::workload::{Described, log_in_unstored};
use crate::ops::providers;
use crate::ops::token::{LiveToken, Policy};

/// The name of a workload that has no other.
pub(crate) const USUAL_NAME: &str = "workload";

/// Fails if the configuration requires an audit: there is no place for one.
pub(crate) fn expect_no_audit(context: &Context) -> Result<(), CliError> {
    match context.config()?.audit.mode {
        Mode::BestEffort | Mode::Off => Ok(()),
        Mode::Required => Err(CliError::new(
            Kind::Usage,
            "config.toml requires the audit, and a vault in memory keeps none",
        )
        .hint("name the file of a vault with `--vault`, or unset TOKCTL_VAULT")),
    }
}

/// Returns the account that a command means. The user has the usual name if none is named.
pub(crate) fn account(context: &Context, choice: &Choice) -> Result<Account, CliError> {
    let Some(provider) = choice.provider.clone() else {
        return Err(CliError::new(Kind::Usage, "which service? a vault in memory holds none yet")
            .hint("tokctl providers"));
    };
    let user = match choice.user.clone().or(context.default_user()?) {
        Some(user) => user,
        None => usual_user()?,
    };
    Ok(Account { provider, user })
}

fn usual_user() -> Result<UserName, CliError> {
    USUAL_NAME.parse().map_err(|error: crate::model::account::Error| {
        CliError::new(Kind::Failed, "there is no name for it").caused_by(&error)
    })
}

/// Logs in for `account`, and returns the token.
pub(crate) fn live(
    context: &Context,
    account: &Account,
    policy: Policy,
) -> Result<LiveToken, CliError> {
    if !policy.may_refresh {
        return Err(ops::Error::RefreshForbidden { account: account.clone() }.into());
    }
    let credential = obtain(context, account)?;
    if !lasts(credential.expiry(), policy.need, (policy.clock)())
        && let crate::model::readiness::Need::AtLeast(asked) = policy.need
    {
        return Err(ops::Error::NeverLongEnough { account: account.clone(), asked }.into());
    }
    Ok(LiveToken { credential, refreshed: true, warning: None })
}

/// Logs in for `account`, and returns the credential.
pub(crate) fn obtain(context: &Context, account: &Account) -> Result<Credential, CliError> {
    expect_no_audit(context)?;
    let provider = providers::find(&account.provider, context.config()?)?;
    let described = match workload::defined(context, &provider)? {
        Some(described) => Some(described),
        None => workload::in_environment(context, &provider)?,
    };
    let Some(described) = described else {
        let name = &provider.name;
        let message = format!(
            "`{name}` has no `assertion`, and a vault in memory takes only logins that need no person"
        );
        return Err(CliError::new(Kind::Usage, message)
            .hint(format!("set `assertion` in the table `[providers.{name}]` of config.toml")));
    };
    let scopes = match &described.scopes {
        Some(scopes) => scopes.clone(),
        None => provider.scopes(&[])?,
    };
    let certificates = certificates::trusted_certificates(&provider)?;
    log_in(context, described, scopes, certificates)
}

/// Logs in, and keeps nothing.
pub(crate) fn log_in(
    context: &Context,
    described: Described,
    scopes: Scopes,
    certificates: Option<String>,
) -> Result<Credential, CliError> {
    let (mut plan, workload) = described.plan(scopes);
    plan.trusted_certificates = certificates;
    let told = &mut pauses(&context.ui);
    let logged_in = context.ui.while_waiting("asking the provider for a token", || {
        log_in_unstored(plan, workload, context, time::now, told)
    });
    Ok(logged_in?)
}
