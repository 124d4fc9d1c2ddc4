//! Today's definitions of providers: those built into tokctl, and those of `config.toml`.
//!
//! A stored login keeps the endpoints and the client that were sealed with it. Today's definition
//! counts for the next login, and for settings that are not sealed.

use crate::config::Config;
use crate::model::account::ProviderName;
use crate::model::address::Address;
use crate::model::client::Client;
use crate::model::client_authentication::TokenEndpointAuthMethod;
use crate::model::credential::{Credential, Grant, RenewalGrant};
use crate::oauth::discovery;
pub(crate) use crate::oauth::http_client::can_show;
use crate::oauth::metadata::Metadata;
use crate::providers::FirstEndpoint;
pub(crate) use crate::providers::{Error, Provider, RenewalRules, find, merged_definition, names};

/// Returns today's definition of `name`, for a caller that can go on without it. Returns `None` if
/// there is no definition, if it can't be used, or if the configuration can't be read.
pub(crate) fn today(name: &ProviderName, config: Option<&Config>) -> Option<Provider> {
    find(name, config?).ok()
}

/// Returns today's definition of `name`, or `None` if there is none any more. Fails if the
/// definition can't be used.
pub(crate) fn if_defined(name: &ProviderName, config: &Config) -> Result<Option<Provider>, Error> {
    match find(name, config) {
        Ok(provider) => Ok(Some(provider)),
        Err(Error::Unknown { .. }) => Ok(None),
        Err(
            error @ (Error::Circle { .. }
            | Error::Malformed { .. }
            | Error::Incomplete { .. }
            | Error::Published { .. }
            | Error::NoServer { .. }
            | Error::ForeignServer { .. }
            | Error::ForbiddenScope { .. }
            | Error::ClientKey { .. }
            | Error::Address { .. }
            | Error::Elsewhere { .. }),
        ) => Err(error),
    }
}

/// Whether a definition of `name` comes with tokctl.
pub(crate) fn is_built_in(name: &ProviderName) -> bool {
    find(name, &Config::default()).is_ok()
}

/// Whether today's definition of `name` says where its logins go. Else it holds at most the settings
/// of a service that is found by its address.
pub(crate) fn has_endpoints(name: &ProviderName, config: &Config) -> bool {
    today(name, Some(config)).is_some_and(|provider| {
        let definition = &provider.definition;
        definition.issuer.is_some() || definition.token_endpoint.is_some()
    })
}

/// Returns how tokens of the provider `name` are renewed by today's definition. Without a
/// definition, returns the default [`RenewalRules`].
pub(crate) fn renewal(name: &ProviderName, config: Option<&Config>) -> RenewalRules {
    today(name, config).as_ref().map(Provider::renewal).unwrap_or_default()
}

/// A setting that differs between a stored login and today's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drift {
    TokenEndpoint,
    ClientId,
}

/// Compares a stored login with a new one by today's `provider` and the configured `client_id`.
/// Returns the first difference, or `None` if they agree.
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

/// Returns the client that a login was made with. Returns `None` for static tokens, and for service
/// accounts and workloads, which have a proof of their own and use no configured client's secret.
pub(crate) fn login_client(credential: &Credential) -> Option<&Client> {
    match &credential.grant {
        Grant::Static(_) => None,
        Grant::OAuth(grant) => match grant.renewal {
            RenewalGrant::JwtBearer { .. } | RenewalGrant::Workload { .. } => None,
            RenewalGrant::RefreshToken
            | RenewalGrant::Exchange
            | RenewalGrant::ClientCredentials { .. } => Some(&grant.client),
        },
    }
}

/// Returns whether a secret or key that is configured beside `client_id` belongs to `client`. It does
/// if the id is the same, today's `provider` has the same token endpoint, and the client is no public
/// one. Where the provider has an issuer in place of endpoints, the issuer is asked: a secret must
/// not go to where another configuration once pointed.
pub(crate) fn is_proof_for(
    client: &Client,
    provider: &Provider,
    client_id: Option<&str>,
    server: Option<&Address>,
) -> bool {
    client.authentication.method() != TokenEndpointAuthMethod::None
        && client_id == Some(client.id.as_str())
        && token_endpoint(provider, server, client).as_ref() == Some(&client.token_endpoint)
}

/// Whether a client of `provider` has to prove itself with a key, as the definition says, or else the
/// metadata of its issuer, which is asked. `for_itself` says that the client logs in for itself.
/// An issuer that can't be asked demands nothing.
pub(crate) fn demands_key(
    provider: &Provider,
    trusted_certificates: Option<&str>,
    for_itself: bool,
) -> bool {
    let definition = &provider.definition;
    if definition.token_endpoint_auth_method.is_some() {
        return provider.needs_key();
    }
    let Ok(Some(issuer)) = provider.issuer_to_discover(FirstEndpoint::Token) else { return false };
    if definition.client_certificate_file.is_some() {
        return false;
    }
    let has_token = |found: &Metadata| found.token_endpoint.is_some();
    discovery::discover(&issuer, trusted_certificates.into(), &has_token)
        .is_ok_and(|found| found.takes_keys_alone(for_itself))
}

/// Returns the token endpoint of today's `provider`. Asks the issuer for it, where the definition
/// leaves it to the metadata; `client` names the certificates for that.
fn token_endpoint(
    provider: &Provider,
    server: Option<&Address>,
    client: &Client,
) -> Option<Address> {
    let metadata = match provider.issuer_to_discover(FirstEndpoint::Token).ok()? {
        Some(issuer) => {
            let has_token = |found: &Metadata| found.token_endpoint.is_some();
            let found = discovery::discover(&issuer, client.tls(), &has_token).ok()?;
            Some(if client.certificate.is_some() { found.for_certificate() } else { found })
        }
        None => None,
    };
    provider.endpoints(server, metadata.as_ref()).ok().map(|endpoints| endpoints.token)
}
