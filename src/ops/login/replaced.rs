//! The grant that a new login takes the place of.
//!
//! It is revoked only once the new one is stored, and not where that would end the new one too.

use crate::model::credential::{Credential, Grant, Status};
use crate::model::definition::RevocationScope;
use crate::oauth::revocation;
use crate::oauth::token_error;
use crate::secret::{AccessToken, RefreshToken, SecretText};

/// What became of the earlier grant at the provider.
#[derive(Debug)]
pub(crate) enum Replaced {
    /// There was none, or none that could be revoked.
    Nothing,
    Revoked,
    /// The provider would have ended the new grant with it.
    Shared,
    /// It may work until its end.
    NotRevoked(token_error::Error),
}

impl Replaced {
    /// Revokes the grant of `earlier`, as far as `new` is safe from that.
    pub(super) fn revoke(
        earlier: Option<&Credential>,
        new: &Credential,
        scope: RevocationScope,
    ) -> Self {
        let Grant::OAuth(new) = &new.grant else { return Self::Nothing };
        let earlier = earlier.filter(|earlier| match earlier.status {
            Status::Active | Status::Inactive => true,
            // It is over already; or in use elsewhere.
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
        // Some services give the same token again.
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
