//! Forgetting a credential, after the grant was revoked where the provider can do that.

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
use crate::store::{OpenVault, Vault};

/// What became of the grant at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtProvider {
    /// It works no more.
    Revoked,
    /// The provider has no way to revoke it: it works until its end.
    NotRevocable,
    /// A token that a person made, and only a person can revoke.
    Static,
    /// It was handed over: another machine goes on with it, once it has it.
    HandedOver {
        /// Whether the bundle of a move is still in the vault: it may be this one's, and nowhere
        /// else.
        unplaced: bool,
    },
    /// Nobody asked.
    NotAsked,
}

/// Revokes the grant of `account` and removes its credential. If the revocation fails, the
/// credential is kept, so that it can be tried again.
///
/// A refresh that is in flight is waited for, and its answer revoked: else it would live on at the
/// provider and nobody would know of it.
pub(crate) fn revoke_and_delete(vault: &OpenVault, account: &Account) -> Result<AtProvider, Error> {
    let _turn = vault.credential_turn(account, Instant::now() + WAIT)?;
    let row = credential::expect_whole(vault, account)?;
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

/// Removes the credential of `account` without a key: works on damaged rows as well.
pub(crate) fn delete(vault: &Vault, account: &Account) -> Result<AtProvider, Error> {
    if vault.forget(account, Instant::now() + WAIT)? {
        Ok(AtProvider::NotAsked)
    } else {
        Err(Error::NoCredential { account: account.clone() })
    }
}

/// The accounts among `summaries` whose grant may have ended with that of `account`: those of one
/// person at one provider, where that revokes all that a person granted.
pub(crate) fn ended_with<'a>(
    account: &Account,
    summaries: &'a [Summary],
    config: Option<&Config>,
) -> Vec<&'a Account> {
    let definition = |name: &ProviderName| Some(providers::today(name, config)?.definition);
    let shared = definition(&account.provider)
        .filter(|definition| definition.revocation_scope == RevocationScope::Grant);
    let own = summaries.iter().find(|summary| summary.account == *account);
    let (Some(shared), Some(own)) = (shared, own) else { return Vec::new() };
    let person =
        |summary: &'a Summary| summary.username.as_deref().unwrap_or(summary.account.user.as_str());
    summaries
        .iter()
        .filter(|other| other.account != *account && person(other) == person(own))
        .map(|other| &other.account)
        .filter(|other| {
            definition(&other.provider)
                .is_some_and(|other| other.revocation_endpoint == shared.revocation_endpoint)
        })
        .collect()
}
