//! A token that a person made at the service: a PAT or an API token. No request is made.

use jiff::Timestamp;

use super::store::Place;
use crate::model::account::Account;
use crate::model::address::Address;
use crate::model::credential::{Api, ApiAuth, Check, Credential, Expiry, Grant, StaticToken};
use crate::ops::error::Error;
use crate::providers::{self, AddressParameters, Provider};
use crate::secret::AccessToken;

/// How the service takes a static token: with a user name as `Basic`, as Jira Cloud does with API
/// tokens; else as the provider's definition says.
///
/// The service can be asked about the token at an address that is kept from here on, with
/// `trusted_certificates` beside the system's.
///
/// Fails if the API's address depends on a server that nobody named.
pub(crate) fn api(
    provider: &Provider,
    server: Option<&Address>,
    username: Option<String>,
    trusted_certificates: Option<String>,
) -> Result<Api, providers::Error> {
    let server_url = provider.server(server)?;
    let places = AddressParameters { server: server_url.as_ref(), ..AddressParameters::default() };
    let base_url = match (provider.api_base_url(places), &server_url) {
        // A person's own token is for the server itself, not for a gateway with sites.
        (Err(providers::Error::NoServer { .. }), Some(_)) => None,
        (base_url, _) => base_url?,
    };
    let places =
        AddressParameters { api_base_url: base_url.as_ref().or(server_url.as_ref()), ..places };
    let auth = match (&username, provider.api_auth()) {
        (Some(_), ApiAuth::Bearer | ApiAuth::Basic) => ApiAuth::Basic,
        (_, other) => other,
    };
    // An address that can't be filled in is no reason to refuse a token.
    let check = provider.static_check(&auth, places).unwrap_or_default();
    let check = check.map(|check| Check { trusted_certificates, ..check });
    let headers = provider.api_headers(None, None);
    Ok(Api { auth, headers, server_url, base_url, username, check })
}

/// Stores a static token.
pub(crate) fn store(
    place: &mut Place,
    account: &Account,
    token: AccessToken,
    expiry: Expiry,
    api: Api,
    now: Timestamp,
) -> Result<Credential, Error> {
    let grant = Grant::Static(StaticToken { token: Some(token), expiry });
    place.fill(account, grant, api, now).map(|(credential, _)| credential)
}
