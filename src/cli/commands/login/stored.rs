//! The credential that a login replaces: what a new login takes over from it.
//!
//! A flag comes before environment and configuration, and these before the vault, except that a new
//! login asks for the scopes of the old one.

use super::method::Method;
use crate::cli::context::Context;
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::credential::{ApiAuth, Consent, Credential, Grant, RenewalGrant};
use crate::model::definition::{Definition, RefreshKind};
use crate::model::scope::Scopes;
use crate::model::service_account::ServiceAccount;
use crate::ops::login::SealedClient;
use crate::ops::providers::{Provider, login_client};

/// The stored credential of the account that a login is for.
#[derive(Debug)]
pub(super) struct Stored(pub(super) Credential);

impl Stored {
    /// Returns the method that makes such a credential.
    pub(super) fn method(&self) -> Method {
        match &self.0.grant {
            Grant::Static(_) => Method::Token,
            Grant::OAuth(grant) => match grant.renewal {
                RenewalGrant::RefreshToken | RenewalGrant::Exchange => match grant.consent {
                    Consent::Browser => Method::Browser,
                    Consent::Device => Method::Device,
                },
                RenewalGrant::ClientCredentials { .. } => Method::ClientCredentials,
                RenewalGrant::JwtBearer { .. } => Method::ServiceAccount,
                RenewalGrant::Workload { .. } => Method::WorkloadIdentity,
            },
        }
    }

    /// Returns whether a person made the token.
    pub(super) fn is_static(&self) -> bool {
        matches!(self.0.grant, Grant::Static(_))
    }

    /// Returns the address of the service, for a login that names none. The definition's own comes
    /// before it.
    pub(super) fn server(&self, context: &Context, provider: &Provider) -> Option<Address> {
        let own = self.0.api.server_url.as_ref()?;
        match &provider.definition.server {
            None => Some(own.clone()),
            Some(configured) => {
                if configured.trim_end_matches('/') != own.as_str().trim_end_matches('/') {
                    context.ui.status(&format!(
                        "the server is that of the configuration, {configured}; this login was stored for {own}"
                    ));
                }
                None
            }
        }
    }

    /// Returns the name that a static token is sent with.
    pub(super) fn basic_name(&self) -> Option<&str> {
        let api = &self.0.api;
        (self.is_static() && api.auth == ApiAuth::Basic).then_some(api.username.as_deref())?
    }

    /// Returns the scopes that a person granted or that a client asks for, unless the definition
    /// forbids one of them by now. Says so where the configuration has others.
    pub(super) fn scopes(&self, context: &Context, provider: &Provider) -> Option<Scopes> {
        let kept = match &self.0.grant {
            Grant::Static(_) => return None,
            Grant::OAuth(grant) => match &grant.renewal {
                RenewalGrant::RefreshToken | RenewalGrant::Exchange => &grant.scopes,
                RenewalGrant::ClientCredentials { scopes }
                | RenewalGrant::JwtBearer { scopes, .. }
                | RenewalGrant::Workload { scopes, .. } => scopes,
            },
        };
        if kept.is_empty() {
            return None;
        }
        let words: Vec<String> = kept.iter().map(str::to_owned).collect();
        let scopes = provider.scopes(&words).ok()?;
        let defined = provider.scopes(&[]).ok()?;
        let added = provider.with_required(&defined).without(&scopes);
        let added = added.without(&provider.with_required(&Scopes::default()));
        if !added.is_empty() {
            context.ui.status(&format!(
                "asking for the scopes of the stored login, without {added}: give `--scope` for others"
            ));
        }
        Some(scopes)
    }

    /// Returns the service account that the credential was made with.
    pub(super) fn service_account(&self) -> Option<&ServiceAccount> {
        match &self.0.grant {
            Grant::Static(_) => None,
            Grant::OAuth(grant) => match &grant.renewal {
                RenewalGrant::JwtBearer { account, .. } => Some(account),
                RenewalGrant::RefreshToken
                | RenewalGrant::Exchange
                | RenewalGrant::ClientCredentials { .. }
                | RenewalGrant::Workload { .. } => None,
            },
        }
    }

    /// Returns the client in whose name the service account signs.
    pub(super) fn signing_client(&self) -> Option<SealedClient> {
        match &self.0.grant {
            Grant::Static(_) => None,
            Grant::OAuth(grant) => Some(SealedClient {
                client: grant.client.clone(),
                headers: Vec::new(),
                base_url: None,
            }),
        }
    }

    /// Returns the certificates that were trusted in addition to the system's.
    pub(super) fn trusted_certificates(&self) -> Option<String> {
        self.0.trusted_certificates().map(str::to_owned)
    }

    /// Fills in what `definition` leaves out and the credential knows: the endpoints.
    pub(super) fn complete(&self, definition: &mut Definition) {
        let Grant::OAuth(grant) = &self.0.grant else { return };
        if definition.token_endpoint.is_some() || definition.issuer.is_some() {
            return;
        }
        let client = &grant.client;
        definition.token_endpoint = Some(client.token_endpoint.to_string());
        if definition.revocation_endpoint.is_none() {
            definition.revocation_endpoint =
                client.revocation_endpoint.as_ref().map(ToString::to_string);
            definition.revocation_method = Some(client.revocation_method);
        }
        definition.token_endpoint_auth_method.get_or_insert(client.authentication.method());
        if let RenewalGrant::ClientCredentials { .. } = grant.renewal {
            definition.refresh.kind = RefreshKind::ClientCredentials;
        }
    }
}

/// Returns the client of `credential`, as a login uses it again.
pub(super) fn sealed_client(credential: &Credential) -> Option<SealedClient> {
    let client: &Client = login_client(credential)?;
    Some(SealedClient {
        client: client.clone(),
        headers: credential.api.headers.clone(),
        base_url: credential.api.base_url.clone(),
    })
}
