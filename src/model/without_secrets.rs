//! The removal of secrets from a credential, in this file alone.
//!
//! Every type is taken apart completely, without `..`: a field that is added does not compile here
//! until its author has decided whether it may stay.

use super::client::Client;
use super::credential::{Api, Credential, Grant, OAuthGrant, RenewalGrant, StaticToken};

/// The secrets that stay in a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeptSecrets {
    /// No secret: the rest can be shown.
    Nothing,
    /// The access token, and the headers that the service wants with it. Nothing stays that renews
    /// or revokes the grant, since the grant belongs to another holder.
    AccessToken,
}

impl Credential {
    /// Returns a copy of this credential without any secret but those of `kept`.
    pub(crate) fn without_secrets(&self, kept: KeptSecrets) -> Self {
        let Self { grant, api, status, created_at, updated_at, last_refreshed_at, moved_out } =
            self;
        Self {
            grant: match grant {
                Grant::Static(token) => Grant::Static(token.without_secrets(kept)),
                Grant::OAuth(grant) => Grant::OAuth(Box::new(grant.without_secrets(kept))),
            },
            api: api.without_secrets(kept),
            status: *status,
            created_at: *created_at,
            updated_at: *updated_at,
            last_refreshed_at: *last_refreshed_at,
            moved_out: moved_out.clone(),
        }
    }
}

impl StaticToken {
    fn without_secrets(&self, kept: KeptSecrets) -> Self {
        let Self { token, expiry } = self;
        Self {
            token: match kept {
                KeptSecrets::Nothing => None,
                KeptSecrets::AccessToken => token.clone(),
            },
            expiry: *expiry,
        }
    }
}

impl OAuthGrant {
    /// Returns a copy of this grant without any secret but those of `kept`.
    pub(crate) fn without_secrets(&self, kept: KeptSecrets) -> Self {
        let Self {
            access_token,
            token_type,
            issued_at,
            expiry,
            due_at,
            refresh_token: _,
            // It says who a person is, and some services take it as a proof of that.
            id_token: _,
            // A renewal may hold the key of a service account, and an identity is that of a machine.
            renewal: _,
            consent,
            scopes,
            client,
            granted_at,
            refresh_expires_at,
            life,
            // They hold the tokens of other grants.
            superseded: _,
        } = self;
        let (access_token, due_at, refresh_expires_at) = match kept {
            KeptSecrets::Nothing => (None, *due_at, *refresh_expires_at),
            // Without a known end the token is due only to be renewed.
            KeptSecrets::AccessToken => {
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
            id_token: None,
            renewal: RenewalGrant::RefreshToken,
            consent: *consent,
            scopes: scopes.clone(),
            client: client.without_secrets(kept),
            granted_at: *granted_at,
            refresh_expires_at,
            life: *life,
            superseded: Vec::new(),
        }
    }
}

impl Client {
    fn without_secrets(&self, kept: KeptSecrets) -> Self {
        let Self {
            id,
            authentication,
            token_endpoint,
            revocation_endpoint,
            revocation_method,
            end_session_endpoint,
            dialect,
            token_params,
            trusted_certificates,
            // With its key it proves who the client is.
            certificate: _,
            by_address,
        } = self;
        Self {
            id: id.clone(),
            authentication: authentication.without_proof(),
            token_endpoint: token_endpoint.clone(),
            revocation_endpoint: match kept {
                KeptSecrets::Nothing => revocation_endpoint.clone(),
                KeptSecrets::AccessToken => None,
            },
            revocation_method: *revocation_method,
            end_session_endpoint: end_session_endpoint.clone(),
            dialect: dialect.clone(),
            token_params: token_params.clone(),
            trusted_certificates: trusted_certificates.clone(),
            certificate: None,
            by_address: by_address.as_ref().map(|facts| Box::new(facts.without_secrets())),
        }
    }
}

impl Api {
    fn without_secrets(&self, kept: KeptSecrets) -> Self {
        let Self { auth, headers, server_url, base_url, username, check } = self;
        Self {
            auth: auth.clone(),
            headers: match kept {
                KeptSecrets::Nothing => Vec::new(),
                KeptSecrets::AccessToken => headers.clone(),
            },
            server_url: server_url.clone(),
            base_url: base_url.clone(),
            username: username.clone(),
            check: check.clone(),
        }
    }
}
