//! Deleting a credential, and revoking its grant first where the provider can do that.

use std::time::Instant;

use super::credential;
use super::error::Error;
use super::providers;
use super::refresh::WAIT;
use crate::config::Config;
use crate::model::account::{Account, ProviderName};
use crate::model::credential::{Grant, Status};
use crate::model::definition::RevocationScope;
use crate::model::summary::Summary;
use crate::oauth::revocation;
use crate::store::{self, OpenVault, Vault, Watermarks};

/// The state of a deleted credential's grant at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtProvider {
    /// The grant was revoked.
    Revoked,
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

/// Revokes the grant of `account` and deletes its credential. Returns what the provider did.
///
/// Waits for a refresh in flight and revokes its answer: else that token would stay valid, and no
/// vault would know of it. Fails with [`Error::NotRevoked`] if the revocation fails; the credential
/// is kept then, so that the user can try again.
pub(crate) fn revoke_and_delete(vault: &OpenVault, account: &Account) -> Result<AtProvider, Error> {
    let deadline = Instant::now() + WAIT;
    let turn = vault.credential_turn(account, deadline)?;
    vault.wait_for_request(account, &turn, deadline)?;
    let row = credential::expect_whole(vault, account)?.trusted(account)?;
    let credential = &row.stored.credential;
    let at_provider = match &credential.grant {
        _ if credential.status == Status::HandedOver => {
            AtProvider::HandedOver { unplaced: vault.unplaced_bundle_since()?.is_some() }
        }
        Grant::Static(_) => AtProvider::Static,
        Grant::OAuth(grant) => match &grant.client.revocation_endpoint {
            None => AtProvider::NotRevocable,
            Some(endpoint) => {
                let refresh_token = grant.refresh_token.as_ref();
                let access_token = grant.access_token.as_ref();
                revocation::revoke(&grant.client, endpoint, refresh_token, access_token)
                    .map_err(|source| Error::NotRevoked { account: account.clone(), source })?;
                AtProvider::Revoked
            }
        },
    };
    vault.forget_at(account, row.stored.revision)?;
    Ok(at_provider)
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
    let found = vault.summaries(|other| {
        other.account != own.account
            && person(other) == person(own)
            && definition(&other.account.provider)
                .is_some_and(|other| other.revocation_endpoint == shared.revocation_endpoint)
    })?;
    Ok(found.into_iter().map(|other| other.account).collect())
}

/// Returns the name of a person at the service, as far as the clear copy tells.
fn person(summary: &Summary) -> &str {
    summary.username.as_deref().unwrap_or(summary.account.user.as_str())
}
