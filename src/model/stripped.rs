//! The one place that takes the secrets out of a credential.
//!
//! Every type on the way is taken apart completely, without `..`: a field that is added does not
//! compile here until somebody has said whether it may stay.

use super::client::Client;
use super::credential::{Api, Credential, Grant, OAuthGrant, RenewalGrant, StaticToken};

/// The secrets that stay in a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// None: what is left is there to be shown.
    Nothing,
    /// The access token, and what the service wants beside it. Nothing that renews it stays, and
    /// it can't be revoked with what stays: that could end the whole grant, which is another
    /// holder's.
    AccessToken,
}

impl Credential {
    /// This credential without any secret but those of `keeping`.
    pub(crate) fn stripped(&self, keeping: Keeping) -> Self {
        let Self { grant, api, status, created_at, updated_at, last_refreshed_at } = self;
        Self {
            grant: match grant {
                Grant::Static(token) => Grant::Static(token.stripped(keeping)),
                Grant::OAuth(grant) => Grant::OAuth(Box::new(grant.stripped(keeping))),
            },
            api: api.stripped(keeping),
            status: *status,
            created_at: *created_at,
            updated_at: *updated_at,
            last_refreshed_at: *last_refreshed_at,
        }
    }
}

impl StaticToken {
    fn stripped(&self, keeping: Keeping) -> Self {
        let Self { token, expiry } = self;
        Self {
            token: match keeping {
                Keeping::Nothing => None,
                Keeping::AccessToken => token.clone(),
            },
            expiry: *expiry,
        }
    }
}

impl OAuthGrant {
    /// This grant without any secret but those of `keeping`.
    pub(crate) fn stripped(&self, keeping: Keeping) -> Self {
        let Self {
            access_token,
            token_type,
            issued_at,
            expiry,
            due_at,
            refresh_token: _,
            // It may hold the key of a service account.
            renewal: _,
            scopes,
            client,
            granted_at,
            refresh_expires_at,
            life,
        } = self;
        let (access_token, due_at, refresh_expires_at) = match keeping {
            Keeping::Nothing => (None, *due_at, *refresh_expires_at),
            // Without a known end it is due only to be renewed.
            Keeping::AccessToken => {
                (access_token.clone(), due_at.filter(|_| expiry.at().is_some()), None)
            }
        };
        Self {
            access_token,
            token_type: token_type.clone(),
            issued_at: *issued_at,
            expiry: *expiry,
            due_at,
            refresh_token: None,
            renewal: RenewalGrant::RefreshToken,
            scopes: scopes.clone(),
            client: client.stripped(keeping),
            granted_at: *granted_at,
            refresh_expires_at,
            life: *life,
        }
    }
}

impl Client {
    fn stripped(&self, keeping: Keeping) -> Self {
        let Self {
            id,
            authentication,
            token_endpoint,
            revocation_endpoint,
            revocation_method,
            dialect,
            trusted_certificates,
        } = self;
        Self {
            id: id.clone(),
            authentication: authentication.without_secret(),
            token_endpoint: token_endpoint.clone(),
            revocation_endpoint: match keeping {
                Keeping::Nothing => revocation_endpoint.clone(),
                Keeping::AccessToken => None,
            },
            revocation_method: *revocation_method,
            dialect: dialect.clone(),
            trusted_certificates: trusted_certificates.clone(),
        }
    }
}

impl Api {
    fn stripped(&self, keeping: Keeping) -> Self {
        let Self { auth, headers, server_url, base_url, username, check } = self;
        Self {
            auth: auth.clone(),
            headers: match keeping {
                Keeping::Nothing => Vec::new(),
                Keeping::AccessToken => headers.clone(),
            },
            server_url: server_url.clone(),
            base_url: base_url.clone(),
            username: username.clone(),
            check: check.clone(),
        }
    }
}
