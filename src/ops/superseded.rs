//! The revocation of grants that a new login replaced.
//!
//! A replaced grant is written down under the seal of the credential that replaced it, in the commit
//! that stores that one. So a process that dies before the revocation leaves a note of it, and the
//! next request for the credential finishes it.

use std::time::Duration;

use super::clock::Clock;
use super::credential;
use super::error::Error;
use super::retry::{Patience, Told};
use crate::model::account::Account;
use crate::model::client::Client;
use crate::model::credential::{Credential, Grant, Superseded};
use crate::oauth::http;
use crate::oauth::registration;
use crate::oauth::revocation;
use crate::oauth::token_error;
use crate::store::{Amended, OpenVault};

/// The number of commands that try to revoke one grant.
const MOST_TRIES: u8 = 5;

/// The time limit of a request that is made in passing, while a caller waits for something else.
const IN_PASSING: Duration = Duration::from_secs(5);

/// The outcome of revoking the grants that a credential replaced.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// No grant was left to revoke.
    Nothing,
    Revoked,
    /// The last revocation failed for a reason that passes: a later command tries it again.
    Postponed(token_error::Error),
    /// A revocation failed for good.
    Failed(token_error::Error),
}

/// The effort that a command makes to revoke a replaced grant.
pub(crate) struct Effort<'a> {
    patience: Patience,
    timeout: Duration,
    clock: Clock,
    told: Told<'a>,
}

impl<'a> Effort<'a> {
    /// Returns the effort of the login that replaced the grant.
    pub(crate) fn of_login(clock: Clock, told: Told<'a>) -> Self {
        Self { patience: Patience::REVOCATION, timeout: http::REQUEST_TIMEOUT, clock, told }
    }
}

/// Revokes what an interrupted login left to be revoked, in one try that nobody is told of.
pub(crate) fn finish(vault: &OpenVault, account: &Account, stored: &Credential, clock: Clock) {
    let told = &mut |_: &_, _| {};
    let effort = Effort { patience: Patience::ONCE, timeout: IN_PASSING, clock, told };
    let outcome = revoke_all(vault, account, stored, effort);
    if !matches!(outcome, Outcome::Nothing) {
        log::trace!("an earlier login of `{account}` was still to be revoked: {outcome:?}");
    }
}

/// Revokes all grants that the login of `account` replaced, and writes down what became of them.
/// `stored` is the credential as it was last read.
///
/// No failure here costs anything: the caller has its token, and the note stays.
pub(crate) fn revoke_all(
    vault: &OpenVault,
    account: &Account,
    stored: &Credential,
    effort: Effort<'_>,
) -> Outcome {
    let Grant::OAuth(grant) = &stored.grant else { return Outcome::Nothing };
    let Effort { patience, timeout, clock, told } = effort;
    let mut outcome = Outcome::Nothing;
    let mut left = Vec::new();
    for superseded in &grant.superseded {
        match revoke_one(superseded, patience, timeout, clock, told) {
            Ok(()) if matches!(outcome, Outcome::Nothing) => outcome = Outcome::Revoked,
            Ok(()) => {}
            Err(error) if error.is_passing() && superseded.tries + 1 < MOST_TRIES => {
                left.push(Superseded { tries: superseded.tries + 1, ..superseded.clone() });
                outcome = Outcome::Postponed(error);
            }
            Err(error) => outcome = Outcome::Failed(error),
        }
    }
    if !grant.superseded.is_empty() {
        // If this fails, the next command revokes once more, which does no harm.
        let _ = write_down(vault, account, &grant.superseded, &left);
    }
    outcome
}

/// Revokes the tokens of one grant, with the patience of a command that does nothing else. The client
/// stays: see [`unregister`].
pub(super) fn revoke(
    superseded: &Superseded,
    clock: Clock,
    told: Told<'_>,
) -> Result<(), token_error::Error> {
    revoke_tokens(superseded, Patience::REVOCATION, http::REQUEST_TIMEOUT, clock, told)
}

/// Revokes the tokens of one grant, and unregisters its client.
fn revoke_one(
    superseded: &Superseded,
    patience: Patience,
    timeout: Duration,
    clock: Clock,
    told: Told<'_>,
) -> Result<(), token_error::Error> {
    revoke_tokens(superseded, patience, timeout, clock, told)?;
    unregister(&superseded.client)
}

fn revoke_tokens(
    superseded: &Superseded,
    patience: Patience,
    timeout: Duration,
    clock: Clock,
    told: Told<'_>,
) -> Result<(), token_error::Error> {
    let Superseded { client, refresh_token, access_token, tries: _ } = superseded;
    if let Some(endpoint) = &client.revocation_endpoint {
        patience.ask(token_error::Error::is_passing, told, || {
            let (refresh_token, access_token) = (refresh_token.as_ref(), access_token.as_ref());
            revocation::revoke(client, endpoint, refresh_token, access_token, clock(), timeout)
        })?;
    }
    Ok(())
}

/// Unregisters a client that a login by address registered, if its server offers that. Fails only for
/// a reason that passes.
pub(super) fn unregister(client: &Client) -> Result<(), token_error::Error> {
    let management = client.by_address.as_ref().and_then(|facts| facts.management());
    let Some(management) = management else { return Ok(()) };
    match registration::unregister(management, client.trusted_certificates.as_deref()) {
        Ok(())
        | Err(registration::Error::Refused { .. } | registration::Error::Unusable { .. }) => Ok(()),
        Err(registration::Error::Fault(fault)) => Err(fault.into()),
        Err(registration::Error::Trouble { authority, status }) => {
            let what = format!("HTTP {status} when asked to unregister the client");
            let (error, retry_after) = (None, None);
            Err(token_error::Error::NoVerdict { authority, status, error, retry_after, what })
        }
    }
}

/// Stores the credential of `account` with the grants of `left` in place of those of `tried`.
fn write_down(
    vault: &OpenVault,
    account: &Account,
    tried: &[Superseded],
    left: &[Superseded],
) -> Result<(), Error> {
    loop {
        let stored = credential::expect(vault, account)?.stored;
        let mut credential = stored.credential;
        let Grant::OAuth(grant) = &mut credential.grant else { return Ok(()) };
        grant.superseded.retain(|one| !tried.iter().any(|other| one.is_of_grant(other)));
        grant.superseded.extend_from_slice(left);
        match vault.amend(account, &credential, stored.revision)? {
            // While a refresh is under way or in doubt, a new revision would make its journal void.
            Amended::Yes | Amended::InDoubt => return Ok(()),
            Amended::Moved => {}
        }
    }
}
