//! The grant that a new login replaces.
//!
//! The old grant is revoked only after the new one is stored, and not if that would end the new one
//! too. What is to be revoked is stored with the new one: see [`superseded`](crate::ops::superseded).

use crate::model::client::RevocationMethod;
use crate::model::credential::{Credential, Grant, OAuthGrant, Status, Superseded};
use crate::model::definition::RevocationScope;
use crate::oauth::token_error;
use crate::ops::superseded::Outcome;
use crate::secret::{AccessToken, RefreshToken, SecretText};

/// The state of the replaced grant at the provider.
#[derive(Debug)]
pub(crate) enum Replaced {
    /// No grant was replaced, or none that can be revoked.
    Nothing,
    Revoked,
    /// The grant was not revoked, because the provider would have ended the new one with it.
    Shared,
    /// The grant was not revoked, because the provider revokes nothing for such a client.
    NeverRevocable,
    /// The revocation failed for a reason that passes, and is tried again with a later request.
    Postponed(token_error::Error),
    /// The revocation failed, so the old grant may work until it expires.
    NotRevoked(token_error::Error),
}

impl Replaced {
    /// Returns the state of the grant of `earlier` after a login with `new`, where the revocation of
    /// what [`superseded`] returned had this `outcome`.
    pub(super) fn after(
        outcome: Outcome,
        earlier: Option<&Credential>,
        new: &OAuthGrant,
        scope: RevocationScope,
    ) -> Self {
        match outcome {
            Outcome::Revoked => Self::Revoked,
            Outcome::Postponed(error) => Self::Postponed(error),
            Outcome::Failed(error) => Self::NotRevoked(error),
            Outcome::Nothing => {
                let old = earlier.and_then(replaced_grant);
                match old.filter(|old| is_revocable(old) && !shares_a_token(old, new)) {
                    None => Self::Nothing,
                    Some(_) if scope == RevocationScope::Grant => Self::Shared,
                    Some(_) => Self::NeverRevocable,
                }
            }
        }
    }
}

/// Returns the grants that are to be revoked once `new` is stored over `earlier`: the one of
/// `earlier`, and those that an earlier login left to be revoked.
pub(super) fn superseded(
    earlier: Option<&Credential>,
    new: &OAuthGrant,
    scope: RevocationScope,
) -> Vec<Superseded> {
    let Some(Credential { grant: Grant::OAuth(old), .. }) = earlier else { return Vec::new() };
    if scope == RevocationScope::Grant {
        return Vec::new();
    }
    let is_replaced = earlier.and_then(replaced_grant).is_some_and(|old| {
        is_revocable(old) && old.client.revocation_method != RevocationMethod::None
    });
    let own = if is_replaced {
        Some(old.as_superseded())
    } else {
        // A client that nothing uses any more is unregistered, though no grant is left to be revoked.
        has_own_client(old, new).then(|| Superseded {
            refresh_token: None,
            access_token: None,
            ..old.as_superseded()
        })
    };
    let mut all = old.superseded.clone();
    all.extend(own);
    for one in &mut all {
        if one.client.id == new.client.id {
            // The new grant goes on with this client.
            one.client.by_address = None;
        }
    }
    // Some services return the same token again, and revoking it would end the new grant.
    all.retain(|one| !shares(one.refresh_token.as_ref(), one.access_token.as_ref(), new));
    all
}

/// Returns the grant of `earlier`, if it still works and is not in use on another machine.
fn replaced_grant(earlier: &Credential) -> Option<&OAuthGrant> {
    match (&earlier.grant, earlier.status) {
        (Grant::OAuth(grant), Status::Active | Status::Inactive) => Some(grant),
        (Grant::OAuth(_), Status::LoginRequired | Status::HandedOver) | (Grant::Static(_), _) => {
            None
        }
    }
}

/// Whether `old` has a client that can be unregistered, and `new` has another one.
fn has_own_client(old: &OAuthGrant, new: &OAuthGrant) -> bool {
    let facts = old.client.by_address.as_ref();
    facts.is_some_and(|facts| facts.management().is_some()) && old.client.id != new.client.id
}

fn is_revocable(grant: &OAuthGrant) -> bool {
    grant.client.revocation_endpoint.is_some()
}

fn shares_a_token(old: &OAuthGrant, new: &OAuthGrant) -> bool {
    shares(old.refresh_token.as_ref(), old.access_token.as_ref(), new)
}

fn shares(
    refresh_token: Option<&RefreshToken>,
    access_token: Option<&AccessToken>,
    new: &OAuthGrant,
) -> bool {
    let (refresh, access) = (RefreshToken::expose, AccessToken::expose);
    let is_same = |one: Option<&str>, other: Option<&str>| one.is_some() && one == other;
    is_same(refresh_token.map(refresh), new.refresh_token.as_ref().map(refresh))
        || is_same(access_token.map(access), new.access_token.as_ref().map(access))
}
