//! A live token: found in the vault, or renewed.
//!
//! [`live`] is what every command asks that hands a token out, and [`renew`] what those ask that
//! want a new one, due or not. What they have to know of today's configuration, they ask their
//! [`Caller`], and only when a token is due: a `get` of a good token reads no configuration.

use super::clock::Clock;
use super::credential;
use super::error::Error;
pub(crate) use super::live_token::{Found, LiveToken, Policy, Warning, find, token_of};
use super::refresh::{Refresh, Today, Trigger};
use crate::model::account::Account;
use crate::model::audit::Settings;
use crate::model::credential::Credential;
use crate::providers::RenewalRules;
use crate::secret::ClientSecret;
use crate::store::OpenVault;

/// How a token is renewed by today's configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) renewal: RenewalRules,
    /// How the audit is to be kept, where the configuration can be read.
    pub(crate) audit: Option<Settings>,
}

/// The command for which a token is renewed: knows the configuration, and may show that it waits.
pub(crate) trait Caller {
    /// How tokens of the account's provider are renewed. Without a definition, the strictest rules.
    fn rules(&self, account: &Account) -> Rules;

    /// A client secret that is configured for the credential's client and is not the sealed one.
    fn other_secret(&self, account: &Account, credential: &Credential) -> Option<ClientSecret>;

    /// Does `work`, which waits for a server.
    fn while_waiting<T>(&self, work: impl FnOnce() -> T) -> T;

    /// Hears how a refresh went.
    fn hear(&self, vault: &OpenVault, account: &Account, outcome: &Result<LiveToken, Error>);
}

/// Gives a token of `account` that is good enough: the one in the vault, with no network and no
/// write, or a new one.
///
/// Fails with [`Error::RefreshForbidden`] where it is due and may not be refreshed.
pub(crate) fn live(
    vault: &OpenVault,
    account: &Account,
    policy: Policy,
    caller: &impl Caller,
) -> Result<LiveToken, Error> {
    match find(vault, account, policy)? {
        Found::Good(token) => Ok(*token),
        Found::Due if !policy.may_refresh => {
            Err(Error::RefreshForbidden { account: account.clone() })
        }
        Found::Due => renew(vault, account, Trigger::Need(policy.need), policy.clock, caller),
    }
}

/// Renews the token of `account`.
///
/// If the server refuses the sealed client secret, and another one is configured for the same
/// client, that one is tried once.
pub(crate) fn renew(
    vault: &OpenVault,
    account: &Account,
    trigger: Trigger,
    clock: Clock,
    caller: &impl Caller,
) -> Result<LiveToken, Error> {
    let Rules { renewal, audit } = caller.rules(account);
    if let Some(settings) = audit {
        vault.set_audit_settings(settings);
    }
    let attempt = |client_secret| {
        let today = Today { renewal, client_secret };
        let refresh = Refresh { vault, account, trigger, today: &today, clock };
        caller.while_waiting(|| refresh.run())
    };
    let mut outcome = attempt(None);
    if let Err(error) = &outcome
        && error.is_about_the_client()
    {
        let row = credential::expect(vault, account)?;
        if let Some(secret) = caller.other_secret(account, &row.stored.credential) {
            outcome = attempt(Some(secret));
        }
    }
    caller.hear(vault, account, &outcome);
    outcome
}
