//! Renewing a token on behalf of a command: with today's definition of its provider, and a sign of
//! life while it takes.

use super::client_settings;
use super::context::Context;
use super::error::CliError;
use super::time;
use super::typed::login_command;
use crate::model::account::Account;
use crate::model::credential::{Credential, Grant, RenewalGrant};
use crate::ops::OpenVault;
use crate::ops::access_token::{Handed, Warning};
use crate::ops::refresh::{self, Today, Trigger};
use crate::providers::{self, Provider};
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
    let provider = provider(context, account);
    let renewal = provider.as_ref().map(Provider::renewal).unwrap_or_default();
    let attempt = |vault: &mut OpenVault, client_secret: Option<ClientSecret>| {
        context.ui.while_waiting("waiting for a new token", || {
            refresh::renew(vault, account, trigger, &Today { renewal, client_secret }, time::now)
        })
    };
    match attempt(vault, None) {
        Err(error) if error.is_about_the_client() => {
            let credential = vault.expect(account)?.stored.credential;
            match other_secret(context, provider.as_ref(), &credential) {
                Some(secret) => Ok(attempt(vault, Some(secret))?),
                None => Err(error.into()),
            }
        }
        other => Ok(other?),
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
///
/// That it is no longer defined, or a slip in the configuration, does not stop a refresh: where it
/// goes stands under the seal, and the strictest behaviour is assumed.
fn provider(context: &Context, account: &Account) -> Option<Provider> {
    let found = context
        .config()
        .and_then(|config| providers::find(&account.provider, config).map_err(CliError::from));
    match found {
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
    let Grant::OAuth(grant) = &credential.grant else { return };
    if matches!(grant.renewal, RenewalGrant::JwtBearer { .. }) {
        // A service account is a client of its own.
        return;
    }
    let Some(provider) = provider(context, account) else { return };
    let endpoints = provider.endpoints(credential.api.server_url.as_ref(), None);
    let elsewhere = endpoints.is_ok_and(|endpoints| endpoints.token != grant.client.token_endpoint);
    let client_id = client_settings::client_id(context, &provider);
    let another_client = client_id.is_some_and(|id| id != grant.client.id);
    let what = match (elsewhere, another_client) {
        (false, false) => return,
        (true, _) => "token endpoint",
        (false, true) => "client id",
    };
    context.ui.warning(&format!(
        "the configuration names another {what} than the login of `{account}`, which goes on with its own: `{}`",
        login_command(account)
    ));
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
