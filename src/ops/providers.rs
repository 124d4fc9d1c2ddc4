//! The providers that are known here: those that come with tokctl, and those of `config.toml`.
//!
//! A stored login goes on with what is under its seal. What its provider's definition says today
//! counts for the next login, and for what was never sealed.

use crate::config::Config;
use crate::model::account::ProviderName;
use crate::model::address::Address;
use crate::model::client::{Client, TokenEndpointAuthMethod};
use crate::model::credential::{Credential, Grant, RenewalGrant};
pub(crate) use crate::providers::{Error, Provider, RenewalRules, find, merged_definition, names};

/// Today's definition of `name`, for a caller that goes on without one: `None` where there is none,
/// where it can't be used, and where the configuration can't be read.
pub(crate) fn today(name: &ProviderName, config: Option<&Config>) -> Option<Provider> {
    find(name, config?).ok()
}

/// Today's definition of `name`, or `None` where there is none any more. One that can't be used is
/// an error.
pub(crate) fn if_defined(name: &ProviderName, config: &Config) -> Result<Option<Provider>, Error> {
    match find(name, config) {
        Ok(provider) => Ok(Some(provider)),
        Err(Error::Unknown { .. }) => Ok(None),
        Err(
            error @ (Error::Circle { .. }
            | Error::Malformed { .. }
            | Error::Incomplete { .. }
            | Error::NoServer { .. }
            | Error::ForeignServer { .. }
            | Error::ForbiddenScope { .. }
            | Error::Address { .. }),
        ) => Err(error),
    }
}

/// How today's definition of `name` says that tokens are renewed; as one machine alone would
/// where none says it.
pub(crate) fn renewal(name: &ProviderName, config: Option<&Config>) -> RenewalRules {
    today(name, config).as_ref().map(Provider::renewal).unwrap_or_default()
}

/// What today's configuration names otherwise than a stored login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drift {
    TokenEndpoint,
    ClientId,
}

/// Compares a stored login with what `provider`, with the configured `client_id`, would make of a
/// new one. `None` where they agree.
pub(crate) fn drift(
    provider: &Provider,
    client_id: Option<&str>,
    credential: &Credential,
) -> Option<Drift> {
    let client = login_client(credential)?;
    let endpoints = provider.endpoints(credential.api.server_url.as_ref(), None);
    if endpoints.is_ok_and(|endpoints| endpoints.token != client.token_endpoint) {
        return Some(Drift::TokenEndpoint);
    }
    client_id.is_some_and(|id| id != client.id).then_some(Drift::ClientId)
}

/// The client that a login was made with. A service account is a client of its own.
pub(crate) fn login_client(credential: &Credential) -> Option<&Client> {
    match &credential.grant {
        Grant::Static(_) => None,
        Grant::OAuth(grant) => match grant.renewal {
            RenewalGrant::JwtBearer { .. } => None,
            RenewalGrant::RefreshToken
            | RenewalGrant::Exchange
            | RenewalGrant::ClientCredentials { .. } => Some(&grant.client),
        },
    }
}

/// Whether a secret that is configured beside `client_id` is for `client`: the one of that id, at
/// the token endpoint that `provider` has today, and none that has no secret.
pub(crate) fn is_secret_for(
    client: &Client,
    provider: &Provider,
    client_id: Option<&str>,
    server: Option<&Address>,
) -> bool {
    client.authentication.method() != TokenEndpointAuthMethod::None
        && client_id == Some(client.id.as_str())
        && provider
            .endpoints(server, None)
            .is_ok_and(|endpoints| endpoints.token == client.token_endpoint)
}
