//! Renewing a token on behalf of a command: with today's definition of its provider, a sign of
//! life while it takes, and a word to whoever wants to know what came of it.

use super::audit_trail;
use super::client_settings;
use super::context::Context;
use super::error::CliError;
use super::hooks;
use super::time;
use super::typed::login_command;
use crate::model::account::Account;
use crate::model::credential::{Credential, Grant};
use crate::ops::access_token::{Handed, Warning};
use crate::ops::providers::{self, Drift, Provider};
use crate::ops::refresh::{self, Today, Trigger};
use crate::ops::{self, OpenVault};
use crate::secret::ClientSecret;

/// Renews the token of `account`.
///
/// If the server refuses the sealed client secret, and another one is configured for the same
/// client, that one is tried once.
pub(crate) fn renew(
    context: &Context,
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
) -> Result<Handed, CliError> {
    let provider = provider_or_warning(context, account);
    let outcome = with_either_secret(context, vault, account, provider.as_ref(), |vault, today| {
        context.ui.while_waiting("waiting for a new token", || {
            refresh::renew(vault, account, trigger, today, time::now)
        })
    });
    if let Some(warning) = hooks::tell(context, vault, account, &outcome) {
        context.ui.warning(&warning);
    }
    Ok(outcome?)
}

/// The same for one of many: prints nothing, and shows no sign of life. Also returns what went
/// wrong with a hook.
pub(crate) fn renew_silently(
    context: &Context,
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
) -> (Result<Handed, CliError>, Option<String>) {
    let provider = provider(context, account).ok();
    let outcome = with_either_secret(context, vault, account, provider.as_ref(), |vault, today| {
        refresh::renew(vault, account, trigger, today, time::now)
    });
    let warning = hooks::tell(context, vault, account, &outcome);
    (outcome.map_err(CliError::from), warning)
}

/// Makes an attempt, and another one if the server refuses the sealed client secret, and another
/// secret is configured for the same client.
fn with_either_secret(
    context: &Context,
    vault: &mut OpenVault,
    account: &Account,
    provider: Option<&Provider>,
    attempt: impl Fn(&mut OpenVault, &Today) -> Result<Handed, ops::Error>,
) -> Result<Handed, ops::Error> {
    audit_trail::keep_as_configured(context, vault);
    let renewal = provider.map(Provider::renewal).unwrap_or_default();
    match attempt(vault, &Today { renewal, client_secret: None }) {
        Err(error) if error.is_about_the_client() => {
            let credential = vault.expect(account)?.stored.credential;
            match other_secret(context, provider, &credential) {
                Some(secret) => attempt(vault, &Today { renewal, client_secret: Some(secret) }),
                None => Err(error),
            }
        }
        other => other,
    }
}

/// A client secret that is configured for the credential's client, and is another one.
fn other_secret(
    context: &Context,
    provider: Option<&Provider>,
    credential: &Credential,
) -> Option<ClientSecret> {
    match &credential.grant {
        Grant::OAuth(grant) => {
            let server = credential.api.server_url.as_ref();
            client_settings::other_secret(context, provider?, server, &grant.client)
        }
        Grant::Static(_) => None,
    }
}

/// Today's definition of the credential's provider.
fn provider(context: &Context, account: &Account) -> Result<Provider, CliError> {
    Ok(providers::find(&account.provider, context.config()?)?)
}

/// The same. That it is no longer defined, or a slip in the configuration, does not stop a refresh:
/// where it goes stands under the seal, and the strictest behaviour is assumed.
fn provider_or_warning(context: &Context, account: &Account) -> Option<Provider> {
    match provider(context, account) {
        Ok(provider) => Some(provider),
        Err(error) => {
            context
                .ui
                .warning(&format!("{}: refreshing with the strictest settings", error.message));
            None
        }
    }
}

/// Tells where today's configuration would send things elsewhere than the login that is stored:
/// what stands under the seal goes on, until somebody logs in again.
pub(crate) fn warn_of_drift(context: &Context, account: &Account, credential: &Credential) {
    if providers::login_client(credential).is_none()
        || provider_or_warning(context, account).is_none()
    {
        return;
    }
    let Some(what) = drift(context, account, credential) else { return };
    context.ui.warning(&format!(
        "the configuration names another {what} than the login of `{account}`, which goes on with its own: `{}`",
        login_command(account)
    ));
}

/// The name of what differs between the client that is sealed in a login and the one that today's
/// configuration names; nothing where there is no such configuration.
pub(crate) fn drift(
    context: &Context,
    account: &Account,
    credential: &Credential,
) -> Option<&'static str> {
    let provider = providers::today(&account.provider, context.config().ok())?;
    let client_id = client_settings::client_id(context, &provider);
    Some(match providers::drift(&provider, client_id.as_deref(), credential)? {
        Drift::TokenEndpoint => "token endpoint",
        Drift::ClientId => "client id",
    })
}

/// Tells what the user should know of a token that was handed out all the same.
pub(crate) fn warn(context: &Context, account: &Account, handed: &Handed) {
    let login = login_command(account);
    let message = match &handed.warning {
        None => return,
        Some(Warning::Inactive) => {
            format!("`{account}` was refused by the service when last checked: `{login}`")
        }
        Some(Warning::Fading { ends_at: Some(ends_at) }) => {
            format!(
                "`{account}` ends {} and can't be refreshed: `{login}`",
                time::rfc3339(*ends_at)
            )
        }
        Some(Warning::Fading { ends_at: None }) => {
            format!("`{account}` can't be refreshed any more: `{login}`")
        }
        Some(Warning::NotRefreshed(error)) => {
            format!("`{account}` could not be refreshed, its token still works: {error}")
        }
        Some(Warning::NotRefreshedBefore(last)) => {
            let why = last.message.as_deref().unwrap_or("as another process found just now");
            format!("`{account}` could not be refreshed, its token still works: {why}")
        }
        Some(Warning::Busy) => {
            format!("`{account}` is being refreshed by another process, its token still works")
        }
        Some(Warning::Interrupted) => format!(
            "what became of an earlier refresh of `{account}` is not known, its token works until its end: `{login}`"
        ),
    };
    context.ui.warning(&message);
}
