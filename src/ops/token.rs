//! A live token: read from the vault, or renewed.
//!
//! Every command that hands out a token calls [`live`]. A command that wants a new token, due or
//! not, calls [`renew`]. Both ask their [`Caller`] for today's configuration only when a token is
//! due, so that a `get` of a good token reads no configuration.

use super::clock::Clock;
use super::credential;
use super::error::Error;
use super::identity::Surroundings;
pub(crate) use super::live_token::{
    IdTokenFault, LiveToken, Policy, TokenState, Warning, find, token_of,
};
use super::refresh::{Refresh, Today, Trigger};
use super::superseded;
use crate::model::account::Account;
use crate::model::audit::Settings;
use crate::model::client_authentication::ClientProofs;
use crate::model::client_certificate::ClientCertificate;
use crate::model::credential::Credential;
use crate::providers::RenewalRules;
use crate::store::OpenVault;

/// The rules of today's configuration for a refresh.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) renewal: RenewalRules,
    /// The settings of the audit; `None` if the configuration can't be read.
    pub(crate) audit: Option<Settings>,
}

/// The command for which a token is renewed. It knows the configuration, and may show the user that
/// it waits.
pub(crate) trait Caller {
    /// Returns the rules for the account's provider. Without a definition, returns the strictest.
    fn rules(&self, vault: &OpenVault, account: &Account) -> Rules;

    /// Returns what the credential's client may show where the server refuses what is sealed, in
    /// turn: a secret or key that is configured and differs, and the secret in another place.
    fn other_proofs(&self, account: &Account, credential: &Credential) -> Vec<ClientProofs>;

    /// Returns the certificate that today's definition names for the credential's client, if it is
    /// the same client at the same server and the sealed certificate is another.
    fn new_certificate(
        &self,
        account: &Account,
        credential: &Credential,
    ) -> Option<ClientCertificate>;

    /// Returns the environment and the programs of this machine.
    fn around(&self) -> &dyn Surroundings;

    /// Runs `work`, which waits for a server, and may show progress meanwhile.
    fn while_waiting<T>(&self, work: impl FnOnce() -> T) -> T;

    /// Receives the outcome when [`renew`] ends, for example to run the user's hooks.
    fn refresh_ended(
        &self,
        vault: &OpenVault,
        account: &Account,
        outcome: &Result<LiveToken, Error>,
    );
}

/// Returns a token of `account` that is good enough. Takes the one in the vault, with no network and
/// no write, if it is; else renews it.
///
/// Fails with [`Error::RefreshForbidden`] if the token is due and `policy` forbids a refresh.
pub(crate) fn live(
    vault: &OpenVault,
    account: &Account,
    policy: Policy,
    caller: &impl Caller,
) -> Result<LiveToken, Error> {
    match find(vault, account, policy)? {
        TokenState::Good(token) => Ok(*token),
        TokenState::Due if !policy.may_refresh => {
            Err(Error::RefreshForbidden { account: account.clone() })
        }
        TokenState::Due => renew(vault, account, Trigger::Need(policy.need), policy.clock, caller),
    }
}

/// Renews the token of `account` and returns it.
///
/// Shows the server the certificate of today's definition: see [`Caller::new_certificate`]. If the
/// server refuses the sealed secret or key of the client, tries once each of what the caller has
/// besides: see [`Caller::other_proofs`]; and last the sealed certificate. What can fail is described at [`Refresh::run`].
pub(crate) fn renew(
    vault: &OpenVault,
    account: &Account,
    trigger: Trigger,
    clock: Clock,
    caller: &impl Caller,
) -> Result<LiveToken, Error> {
    let Rules { renewal, audit } = caller.rules(vault, account);
    if let Some(settings) = audit {
        vault.set_audit_settings(settings);
    }
    let new_certificate = |credential: &Credential| caller.new_certificate(account, credential);
    let attempt = |client_proofs, keeps_certificate| {
        let today = &Today { renewal, client_proofs, keeps_certificate };
        let (around, new_certificate) = (caller.around(), &new_certificate);
        let refresh = Refresh { vault, account, trigger, today, clock, around, new_certificate };
        caller.while_waiting(|| refresh.run())
    };
    let mut outcome = attempt(None, false);
    if let Err(error) = &outcome
        && error.is_about_the_client()
    {
        let row = credential::expect(vault, account)?;
        for proofs in caller.other_proofs(account, &row.stored.credential) {
            // Another place is tried only where nothing can have been done with the grant.
            let is_refused = outcome.as_ref().is_err_and(|error| match proofs.method {
                Some(_) => error.is_invalid_client(),
                None => error.is_about_the_client(),
            });
            if is_refused {
                outcome = attempt(Some(proofs), false);
            }
        }
        let is_refused = outcome.as_ref().is_err_and(Error::is_about_the_client);
        if is_refused && new_certificate(&row.stored.credential).is_some() {
            outcome = attempt(Some(ClientProofs::default()), true);
        }
    }
    if let Ok(token) = &outcome
        && token.refreshed
    {
        superseded::finish(vault, account, &token.credential, clock);
    }
    caller.refresh_ended(vault, account, &outcome);
    outcome
}
