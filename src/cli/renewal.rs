//! Renewing a token on behalf of a command: with today's definition of its provider, a sign of
//! life while it takes, and a word to whoever wants to know what came of it.

use std::cell::RefCell;

use super::client_settings;
use super::context::Context;
use super::error::CliError;
use super::hooks;
use super::time;
use super::typed::login_command;
use crate::model::account::Account;
use crate::model::credential::{Credential, Grant};
use crate::model::readiness::Need;
use crate::ops::error::StoreError;
use crate::ops::providers::{self, Drift, Provider};
use crate::ops::token::{Caller, LiveToken, Policy, Rules, Warning};
use crate::ops::{self, OpenVault};
use crate::secret::ClientSecret;

/// A command for which a token is renewed.
pub(crate) struct Asking<'a> {
    context: &'a Context,
    /// Whether it may print, and show that it waits: one of many does neither.
    is_alone: bool,
    /// What went wrong with a hook, where it was not printed.
    warning: RefCell<Option<String>>,
}

impl<'a> Asking<'a> {
    /// A command that does one thing at a time.
    pub(crate) fn alone(context: &'a Context) -> Self {
        Self { context, is_alone: true, warning: RefCell::default() }
    }

    /// One of many threads of a command.
    pub(crate) fn one_of_many(context: &'a Context) -> Self {
        Self { is_alone: false, ..Self::alone(context) }
    }

    /// What went wrong with a hook, and is still to be printed.
    pub(crate) fn into_warning(self) -> Option<String> {
        self.warning.into_inner()
    }
}

impl Caller for Asking<'_> {
    fn rules(&self, account: &Account) -> Rules {
        let provider = if self.is_alone {
            provider_or_warning(self.context, account)
        } else {
            provider(self.context, account).ok()
        };
        // A slip in the configuration leaves the audit as it was.
        let audit = self.context.config().ok().map(|config| config.audit);
        Rules { renewal: provider.as_ref().map(Provider::renewal).unwrap_or_default(), audit }
    }

    fn other_secret(&self, account: &Account, credential: &Credential) -> Option<ClientSecret> {
        match &credential.grant {
            Grant::OAuth(grant) => {
                let provider = provider(self.context, account).ok()?;
                let server = credential.api.server_url.as_ref();
                client_settings::other_secret(self.context, &provider, server, &grant.client)
            }
            Grant::Static(_) => None,
        }
    }

    fn while_waiting<T>(&self, work: impl FnOnce() -> T) -> T {
        if self.is_alone {
            self.context.ui.while_waiting("waiting for a new token", work)
        } else {
            work()
        }
    }

    fn refresh_ended(
        &self,
        vault: &OpenVault,
        account: &Account,
        outcome: &Result<LiveToken, ops::Error>,
    ) {
        let Some(warning) = hooks::tell(self.context, vault, account, outcome) else { return };
        if self.is_alone {
            self.context.ui.warning(&warning);
        } else {
            self.warning.replace(Some(warning));
        }
    }
}

/// What every command asks of a token, unless its user says otherwise.
pub(crate) const USUAL: Policy = Policy { need: Need::Usual, may_refresh: true, clock: time::now };

/// Today's definition of the credential's provider.
fn provider(context: &Context, account: &Account) -> Result<Provider, CliError> {
    Ok(providers::find(&account.provider, context.config()?)?)
}

/// Today's definition of the credential's provider. That it is no longer defined, or a slip in the configuration, does not stop a refresh:
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
pub(crate) fn warn(context: &Context, account: &Account, handed: &LiveToken) {
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
        Some(Warning::NotRefreshed(error)) => match &**error {
            ops::Error::Store(StoreError::Busy) => {
                format!("`{account}` is being refreshed by another process, its token still works")
            }
            ops::Error::Interrupted { .. } => format!(
                "what became of an earlier refresh of `{account}` is not known, its token works until its end: `{login}`"
            ),
            error => format!(
                "`{account}` could not be refreshed, its token still works: {}",
                reason(error)
            ),
        },
    };
    context.ui.warning(&message);
}

/// Why a token was not renewed, as its server said it.
pub(super) fn reason(error: &ops::Error) -> String {
    match error {
        ops::Error::NotRefreshed { source, .. } => source.to_string(),
        ops::Error::NotRefreshedBefore { last, .. } => {
            last.message.clone().unwrap_or_else(|| "as another process found just now".into())
        }
        other => other.to_string(),
    }
}
