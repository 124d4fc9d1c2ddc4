//! Deleting a credential, and revoking its grant first where the provider can do that.

use std::collections::BTreeSet;
use std::time::Instant;

use super::clock::Clock;
use super::credential;
use super::error::Error;
use super::providers;
use super::refresh::WAIT;
use super::retry::Told;
use super::superseded::{revoke, unregister};
use crate::config::Config;
use crate::model::account::{Account, AccountFilter, ProviderName};
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::client_authentication::ClientProofs;
use crate::model::credential::{Credential, Grant, OAuthGrant, Status};
use crate::model::definition::RevocationScope;
use crate::model::summary::Summary;
use crate::oauth::{revocation, token_error};
use crate::store::{self, OpenVault, Stored, Vault, Watermarks};

/// The state of a deleted credential's grant at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtProvider {
    /// The grant was revoked.
    Revoked,
    /// The provider has no revocation endpoint, and the client that was registered for this credential
    /// alone was unregistered.
    Unregistered,
    /// The provider has no revocation endpoint: the token works until it expires.
    NotRevocable,
    /// The token was made by a person, and only a person can revoke it.
    Static,
    /// The credential was handed over: the grant is used by another machine.
    HandedOver {
        /// Whether the vault keeps a bundle that may not have reached its target file. This
        /// credential may be in it, and nowhere else.
        unplaced: bool,
    },
    /// The provider was not asked.
    NotAsked,
}

/// The outcome of deleting a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deleted {
    pub(crate) at_provider: AtProvider,
    /// The page at which the person ends the session of their browser, which no revocation ends.
    pub(crate) end_session: Option<Address>,
}

/// Revokes the grant of `account` and deletes its credential. Returns what the provider did.
///
/// Waits for a refresh in flight and revokes its answer: else that token would stay valid, and no
/// vault would know of it. Fails with [`Error::NotRevoked`] or [`Error::NeverRevocable`] if the
/// revocation fails; the credential is kept then, so that the user can decide. Fails with
/// [`Error::RevokedNotForgotten`] if only the deletion fails, and with [`Error::RevokedNotUnregistered`]
/// if the registered client stays: then a dead credential is kept, with which another try unregisters it.
///
/// If the server refuses the client's sealed secret or key, tries what `other_proofs` returns. A
/// request that is sent again is told to `told`.
pub(crate) fn revoke_and_delete(
    vault: &OpenVault,
    account: &Account,
    other_proofs: &dyn Fn(&Credential) -> Vec<ClientProofs>,
    clock: Clock,
    told: Told<'_>,
) -> Result<Deleted, Error> {
    let deadline = Instant::now() + WAIT;
    let turn = vault.credential_turn(account, deadline)?;
    vault.wait_for_request(account, &turn, deadline)?;
    let row = credential::expect_whole(vault, account)?.trusted(account)?;
    vault.check_may_forget()?;
    let credential = &row.stored.credential;
    let at_provider = match &credential.grant {
        _ if credential.status == Status::HandedOver => {
            AtProvider::HandedOver { unplaced: vault.unplaced_bundle_since()?.is_some() }
        }
        Grant::Static(_) => AtProvider::Static,
        Grant::OAuth(grant) => match ending(&grant.client) {
            None => AtProvider::NotRevocable,
            Some(ended) => {
                revoke_with_either_proof(grant, &|| other_proofs(credential), clock, told)
                    .map_err(|source| not_revoked(account, &grant.client, source))?;
                if let Err(source) = unregister(&grant.client) {
                    return Err(not_unregistered(
                        vault,
                        account,
                        &row.stored,
                        ended,
                        clock,
                        source,
                    ));
                }
                ended
            }
        },
    };
    if let Grant::OAuth(grant) = &credential.grant {
        // What an interrupted login left to be revoked; nothing remembers it after this.
        for earlier in &grant.superseded {
            let _ = revoke(earlier, clock, told).and_then(|()| unregister(&earlier.client));
        }
    }
    match (vault.forget_at(account, row.stored.revision), at_provider) {
        (Err(source), AtProvider::Revoked | AtProvider::Unregistered) => {
            Err(Error::RevokedNotForgotten { account: account.clone(), source })
        }
        (forgotten, at_provider) => {
            forgotten?;
            let end_session = match &credential.grant {
                Grant::OAuth(grant) if at_provider == AtProvider::Revoked => {
                    grant.client.end_session_endpoint.clone()
                }
                Grant::OAuth(_) | Grant::Static(_) => None,
            };
            Ok(Deleted { at_provider, end_session })
        }
    }
}

/// Returns what a grant of `client` comes to at its provider; `None` if nothing ends it there.
fn ending(client: &Client) -> Option<AtProvider> {
    let is_managed = || client.by_address.as_ref()?.management().map(|_| AtProvider::Unregistered);
    match &client.revocation_endpoint {
        Some(_) => Some(AtProvider::Revoked),
        None => is_managed(),
    }
}

/// Revokes `grant` with the client's sealed secret or key, or with the other one if the server
/// refuses that.
fn revoke_with_either_proof(
    grant: &OAuthGrant,
    other_proofs: &dyn Fn() -> Vec<ClientProofs>,
    clock: Clock,
    told: Told<'_>,
) -> Result<(), token_error::Error> {
    let mut superseded = grant.as_superseded();
    let mut revoked = revoke(&superseded, clock, told);
    if revoked.as_ref().is_err_and(token_error::Error::is_about_the_client) {
        let sealed = grant.client.authentication.clone();
        for proofs in other_proofs() {
            if revoked.as_ref().is_err_and(token_error::Error::is_about_the_client) {
                superseded.client.authentication = sealed.clone().with_proofs(proofs);
                revoked = revoke(&superseded, clock, told);
            }
        }
    }
    revoked
}

/// Returns the error for a client that is still registered. What was revoked is stored as dead, so that
/// nobody is handed it, and keeps the means to unregister the client.
fn not_unregistered(
    vault: &OpenVault,
    account: &Account,
    stored: &Stored,
    ended: AtProvider,
    clock: Clock,
    source: token_error::Error,
) -> Error {
    if ended != AtProvider::Revoked {
        return Error::NotRevoked { account: account.clone(), source };
    }
    let now = clock();
    let dead = Credential {
        status: Status::LoginRequired,
        updated_at: now,
        ..stored.credential.clone().with_dead_token(now)
    };
    match vault.put(account, &dead, Some(stored.revision)) {
        Ok(true) => Error::RevokedNotUnregistered { account: account.clone(), source },
        Ok(false) => {
            Error::RevokedNotForgotten { account: account.clone(), source: store::Error::Busy }
        }
        Err(source) => Error::RevokedNotForgotten { account: account.clone(), source },
    }
}

fn not_revoked(account: &Account, client: &Client, source: token_error::Error) -> Error {
    let account = account.clone();
    if revocation::is_permanent(client, &source) {
        Error::NeverRevocable { account, source }
    } else {
        Error::NotRevoked { account, source }
    }
}

/// Deletes the credential of `account` without revoking its grant. Needs no key, so it works on
/// damaged rows too. Fails with [`Error::NoCredential`] if there is none.
pub(crate) fn delete(
    vault: &Vault,
    account: &Account,
    watermarks: &Watermarks,
) -> Result<AtProvider, Error> {
    if vault.forget(account, watermarks, Instant::now() + WAIT)? {
        Ok(AtProvider::NotAsked)
    } else {
        Err(Error::NoCredential { account: account.clone() })
    }
}

/// Returns the accounts whose grant may have ended with the one of `own`, which was revoked. Some
/// providers revoke all that one person granted: then these are the same person's other accounts
/// with the same revocation endpoint.
pub(crate) fn accounts_revoked_too(
    vault: &Vault,
    own: &Summary,
    config: Option<&Config>,
) -> Result<Vec<Account>, store::Error> {
    let definition = |name: &ProviderName| Some(providers::today(name, config)?.definition);
    let shared = definition(&own.account.provider)
        .filter(|definition| definition.revocation_scope == RevocationScope::Grant);
    let Some(shared) = shared else { return Ok(Vec::new()) };
    let person_of_own = person(own);
    let mut found = vault.summaries_with_username(person_of_own)?;
    if let Ok(user) = person_of_own.parse() {
        let filter = AccountFilter { provider: None, user: Some(&user) };
        found.extend(vault.summaries(filter, |other| other.username.is_none())?);
    }
    found.retain(|other| {
        other.account != own.account
            && definition(&other.account.provider)
                .is_some_and(|other| other.revocation_endpoint == shared.revocation_endpoint)
    });
    let accounts: BTreeSet<Account> = found.into_iter().map(|other| other.account).collect();
    Ok(accounts.into_iter().collect())
}

/// Returns the name of a person at the service, as far as the clear copy tells.
fn person(summary: &Summary) -> &str {
    summary.username.as_deref().unwrap_or(summary.account.user.as_str())
}
