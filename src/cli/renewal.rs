//! The renewal of a token on behalf of a command: provider definition, spinner, hooks and warnings.

use std::cell::RefCell;

use super::client_settings;
use super::context::Context;
use super::error::CliError;
use super::hooks;
use super::next_command;
use super::other_proofs;
use super::time;
use crate::model::account::Account;
use crate::model::client_authentication::ClientProofs;
use crate::model::client_certificate::ClientCertificate;
use crate::model::credential::{Credential, Grant};
use crate::model::readiness::Need;
use crate::ops::error::StoreError;
use crate::ops::identity::Surroundings;
use crate::ops::providers::{self, Drift, Provider};
use crate::ops::token::{Caller, IdTokenFault, LiveToken, Policy, Rules, Warning};
use crate::ops::{self, OpenVault};

/// The command that asks for a token, as `ops` sees it.
pub(crate) struct RenewalCaller<'a> {
    context: &'a Context,
    /// Whether this caller may print and show a spinner. One thread of many does neither.
    is_alone: bool,
    /// The warning about a hook that was not printed yet.
    warning: RefCell<Option<String>>,
}

impl<'a> RenewalCaller<'a> {
    /// Returns the caller for a command that does one thing at a time.
    pub(crate) fn alone(context: &'a Context) -> Self {
        Self { context, is_alone: true, warning: RefCell::default() }
    }

    /// Returns the caller for one of many threads of a command.
    pub(crate) fn one_of_many(context: &'a Context) -> Self {
        Self { is_alone: false, ..Self::alone(context) }
    }

    /// Returns the warning about a hook that is still to be printed.
    pub(crate) fn into_warning(self) -> Option<String> {
        self.warning.into_inner()
    }
}

impl Caller for RenewalCaller<'_> {
    fn rules(&self, vault: &OpenVault, account: &Account) -> Rules {
        let provider = if self.is_alone {
            provider_or_warning(self.context, vault, account)
        } else {
            provider(self.context, account).ok()
        };
        // Without a readable configuration, the audit is kept as before.
        let audit = self.context.config().ok().map(|config| config.audit);
        Rules { renewal: provider.as_ref().map(Provider::renewal).unwrap_or_default(), audit }
    }

    fn other_proofs(&self, account: &Account, credential: &Credential) -> Vec<ClientProofs> {
        match &credential.grant {
            Grant::OAuth(grant) => {
                let provider = provider(self.context, account).ok();
                let server = credential.api.server_url.as_ref();
                let provider = provider.as_ref();
                other_proofs::other_proofs(self.context, provider, server, &grant.client)
            }
            Grant::Static(_) => Vec::new(),
        }
    }

    fn new_certificate(
        &self,
        account: &Account,
        credential: &Credential,
    ) -> Option<ClientCertificate> {
        let Grant::OAuth(grant) = &credential.grant else { return None };
        let provider = provider(self.context, account).ok()?;
        let server = credential.api.server_url.as_ref();
        other_proofs::new_certificate(self.context, &provider, server, &grant.client)
    }

    fn around(&self) -> &dyn Surroundings {
        self.context
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

/// The policy of every command, unless its user says otherwise.
pub(crate) const USUAL: Policy = Policy { need: Need::Usual, may_refresh: true, clock: time::now };

/// Returns today's definition of the account's provider.
fn provider(context: &Context, account: &Account) -> Result<Provider, CliError> {
    Ok(providers::find(&account.provider, context.config()?)?)
}

/// Returns today's definition of the account's provider, or warns and returns `None`.
///
/// Neither a provider that is no longer defined nor a mistake in the configuration stops a refresh:
/// the endpoint stands in the sealed credential, and the strictest settings apply.
///
/// A service that was found by its address has no definition, which needs no warning.
fn provider_or_warning(
    context: &Context,
    vault: &OpenVault,
    account: &Account,
) -> Option<Provider> {
    match provider(context, account) {
        Ok(provider) => Some(provider),
        Err(_) if is_by_address(vault, account) => None,
        Err(error) => {
            context
                .ui
                .warning(&format!("{}: refreshing with the strictest settings", error.message));
            None
        }
    }
}

/// Whether the credential of `account` came by the address of its service.
fn is_by_address(vault: &OpenVault, account: &Account) -> bool {
    let row = vault.read(account).ok().flatten();
    row.is_some_and(|row| row.stored.credential.by_address().is_some())
}

/// Warns if today's configuration names another client or endpoint than the stored login.
///
/// The stored login goes on with its own until the user logs in again.
pub(crate) fn warn_of_drift(context: &Context, account: &Account, credential: &Credential) {
    if providers::login_client(credential).is_none() {
        return;
    }
    let Some(what) = drift(context, account, credential) else { return };
    context.ui.warning(&format!(
        "the configuration names another {what} than the login of `{account}`, which goes on with its own: `{}`",
        next_command::login(context, account)
    ));
}

/// Returns the name of what differs between the client of a stored login and the configured one.
///
/// `None` means no difference or no configured client.
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

/// Warns about a token that was handed out although something is wrong with it.
pub(crate) fn warn(context: &Context, account: &Account, token: &LiveToken) {
    let Some(warning) = &token.warning else { return };
    let login = next_command::login(context, account);
    let message = match warning {
        Warning::Inactive => {
            format!("`{account}` was refused by the service when last checked: `{login}`")
        }
        Warning::Fading { ends_at: Some(ends_at) } => {
            format!(
                "`{account}` ends {} and can't be refreshed: `{login}`",
                time::rfc3339(*ends_at)
            )
        }
        Warning::Fading { ends_at: None } => {
            format!("`{account}` can't be refreshed any more: `{login}`")
        }
        Warning::BeingRefreshed => {
            format!("`{account}` is being refreshed by another process, its token still works")
        }
        Warning::InDoubt => format!(
            "what became of an earlier refresh of `{account}` is not known, its token works until its end: `{login}`"
        ),
        Warning::Forged => format!(
            "what the vault says of the last refresh of `{account}` was tampered with, its token works until its end: `{login}`"
        ),
        Warning::IdTokenDropped(fault) => id_token_dropped(account, fault),
        Warning::StoredAgain => format!(
            "the database was put back to a time before the token of `{account}`: this machine had kept that, and stored it again"
        ),
        Warning::NotRefreshed(error) => {
            let reason = match &**error {
                ops::Error::Store(StoreError::Unwritable(fault)) => {
                    next_command::unwritable(context, *fault)
                }
                other => reason(other),
            };
            format!("`{account}` could not be refreshed, its token still works: {reason}")
        }
    };
    context.ui.warning(&message);
}

/// Returns the warning about an ID token that came with a refresh and was dropped.
pub(crate) fn id_token_dropped(account: &Account, fault: &IdTokenFault) -> String {
    format!("the ID token that came with the refresh of `{account}` was dropped: {fault}")
}

/// Returns why a token was not renewed, in the server's words if there are any.
pub(super) fn reason(error: &ops::Error) -> String {
    match error {
        ops::Error::NotRefreshed { source, .. } => source.to_string(),
        ops::Error::NotRefreshedBefore { last, .. } => {
            last.message.clone().unwrap_or_else(|| "as another process found just now".into())
        }
        ops::Error::Paused { until, .. } => {
            format!("its provider asks to be left alone until {}", time::rfc3339(*until))
        }
        other => other.to_string(),
    }
}
