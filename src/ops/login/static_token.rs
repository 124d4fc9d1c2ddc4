//! Storing a token that a person made at the service: a personal access token or an API token. No
//! request is made.

use jiff::Timestamp;

use super::target::LoginTarget;
use crate::model::account::Account;
use crate::model::address::Address;
use crate::model::credential::{Api, ApiAuth, Check, Credential, Expiry, Grant, StaticToken};
use crate::model::definition::RevocationScope;
use crate::model::jwt;
use crate::ops::error::Error;
use crate::providers::{self, AddressParameters, Provider, atlassian};
use crate::secret::{AccessToken, SecretText};

/// Returns how the service takes a static token. With a `username` it is sent as `Basic`, as Jira
/// Cloud wants API tokens; else as the provider's definition says.
///
/// The result holds the address at which `check` asks about the token, with `trusted_certificates`
/// in addition to the system's. Fails with [`providers::Error::NoServer`] if the API's address
/// depends on a server and `server` is `None`.
pub(crate) fn api(
    provider: &Provider,
    server: Option<&Address>,
    username: Option<String>,
    trusted_certificates: Option<String>,
) -> Result<Api, providers::Error> {
    let server_url = provider.server(server)?;
    let places = AddressParameters { server: server_url.as_ref(), ..AddressParameters::default() };
    let base_url = match (provider.api_base_url(places), &server_url) {
        // A static token is sent to the server itself, so a gateway's address is not needed.
        (Err(providers::Error::NoServer { .. }), Some(_)) => None,
        (base_url, _) => base_url?,
    };
    let places =
        AddressParameters { api_base_url: base_url.as_ref().or(server_url.as_ref()), ..places };
    let auth = match (&username, provider.api_auth()) {
        (Some(_), ApiAuth::Bearer | ApiAuth::Basic) => ApiAuth::Basic,
        (_, other) => other,
    };
    // If the address can't be filled in, the token is stored without one.
    let check = provider.static_check(&auth, places).unwrap_or_default();
    let check = check.map(|check| Check { trusted_certificates, ..check });
    let headers = provider.api_headers(None, None);
    Ok(Api { auth, headers, server_url, base_url, username, check })
}

/// Returns whether the service takes a static token only together with a name: as its definition
/// says, or because `server` is a site in Atlassian's cloud.
pub(crate) fn needs_name(provider: &Provider, server: Option<&Address>) -> bool {
    let is_atlassians = provider.definition.accessible_resources_endpoint.is_some();
    provider.api_auth() == ApiAuth::Basic
        || (is_atlassians && server.is_some_and(atlassian::wants_name))
}

/// Returns the end that `token` itself names: a hint, since nobody checked it. Unknown if it names
/// none.
pub(crate) fn stated_end(token: &AccessToken) -> Expiry {
    jwt::expiry(token.expose()).map_or(Expiry::Unknown, Expiry::Known)
}

/// Stores a static token for `account` and returns its credential.
pub(crate) fn store(
    target: &mut LoginTarget,
    account: &Account,
    token: AccessToken,
    expiry: Expiry,
    api: Api,
    now: Timestamp,
) -> Result<Credential, Error> {
    let grant = Grant::Static(StaticToken { token: Some(token), expiry });
    let scope = RevocationScope::default();
    target.store(account, grant, api, scope, now).map(|(credential, _)| credential)
}
