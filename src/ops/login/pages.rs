//! The tokens of the pages that a person manages at Facebook, each stored as a credential.
//!
//! Nothing renews them: they do not expire, and a new login of the person brings new ones.

use jiff::Timestamp;

use super::target::LoginTarget;
use crate::model::account::Account;
use crate::model::credential::{Api, Credential, Expiry, Grant, StaticToken};
use crate::ops::error::Error;
use crate::providers::facebook::{self, Page};
use crate::providers::{AddressParameters, Provider};

/// Asks the service which pages the person of `credential` manages. Returns `None` if the provider
/// has no pages.
pub(crate) fn list(
    provider: &Provider,
    credential: &Credential,
) -> Result<Option<Vec<Page>>, facebook::Error> {
    let Some(template) = provider.definition.pages.as_ref().and_then(|pages| pages.url.as_deref())
    else {
        return Ok(None);
    };
    let api = &credential.api;
    let places = AddressParameters {
        server: api.server_url.as_ref(),
        site_id: None,
        api_base_url: api.base_url.as_ref(),
    };
    let Ok(endpoint) = provider.fill(template, places) else { return Ok(None) };
    let Some(token) = credential.token() else { return Ok(None) };
    let certificates = credential.trusted_certificates();
    facebook::list_pages(&endpoint, certificates, api, token).map(Some)
}

/// Stores the token of `page` and returns its account, whose user is the page's number. Returns
/// `None` if the number can't be a user name.
pub(crate) fn store(
    target: &mut LoginTarget,
    provider: &Provider,
    person: &Credential,
    page: Page,
    now: Timestamp,
) -> Result<Option<Account>, Error> {
    // A number is always a valid user name, but the service may send something else.
    let Ok(user) = page.id.parse() else { return Ok(None) };
    let account = Account { provider: provider.name.clone(), user };
    let token = StaticToken { token: Some(page.token), expiry: Expiry::None };
    let api = Api { username: Some(page.name), ..person.api.clone() };
    let api = Api {
        // A static token has no client, so the certificates of the person's client are kept here.
        check: api.check.map(|check| crate::model::credential::Check {
            trusted_certificates: person.trusted_certificates().map(str::to_owned),
            ..check
        }),
        ..api
    };
    let scope = provider.definition.revocation_scope;
    target.store(&account, Grant::Static(token), api, scope, now)?;
    Ok(Some(account))
}
