//! The revocation of the grant that a new login replaces.
//!
//! The old grant is revoked only after the new one is stored, and not if that would end the new one
//! too.

use crate::model::credential::{Credential, Grant, Status};
use crate::model::definition::RevocationScope;
use crate::oauth::revocation;
use crate::oauth::token_error;
use crate::secret::{AccessToken, RefreshToken, SecretText};

/// The state of the replaced grant at the provider.
#[derive(Debug)]
pub(crate) enum Replaced {
    /// No grant was replaced, or none that can be revoked.
    Nothing,
    Revoked,
    /// The grant was not revoked, because the provider would have ended the new one with it.
    Shared,
    /// The revocation failed, so the old grant may work until it expires.
    NotRevoked(token_error::Error),
}

impl Replaced {
    /// Revokes the grant of `earlier`, unless that would end the grant of `new`.
    pub(super) fn revoke(
        earlier: Option<&Credential>,
        new: &Credential,
        scope: RevocationScope,
    ) -> Self {
        let Grant::OAuth(new) = &new.grant else { return Self::Nothing };
        let earlier = earlier.filter(|earlier| match earlier.status {
            Status::Active | Status::Inactive => true,
            // The first has ended already, the second is in use on another machine.
            Status::LoginRequired | Status::HandedOver => false,
        });
        let Some(earlier) = earlier else { return Self::Nothing };
        let Grant::OAuth(old) = &earlier.grant else { return Self::Nothing };
        let Some(endpoint) = &old.client.revocation_endpoint else { return Self::Nothing };
        let refresh_token = old.refresh_token.as_ref();
        let text = RefreshToken::expose;
        let same_refresh_token = refresh_token.is_some()
            && refresh_token.map(text) == new.refresh_token.as_ref().map(text);
        let text = AccessToken::expose;
        let same_access_token =
            old.access_token.as_ref().map(text) == new.access_token.as_ref().map(text);
        // Some services return the same token again, and revoking it would end the new grant.
        if same_refresh_token || same_access_token {
            return Self::Nothing;
        }
        if scope == RevocationScope::Grant {
            return Self::Shared;
        }
        match revocation::revoke(&old.client, endpoint, refresh_token, old.access_token.as_ref()) {
            Ok(()) => Self::Revoked,
            Err(error) => Self::NotRevoked(error),
        }
    }
}
