//! Atlassian's gateway, where alone an API token with scopes works.

use crate::model::address::Address;
use crate::model::credential::{ApiAuth, Credential, Grant};
use crate::providers::atlassian;
use crate::providers::{AddressParameters, Provider};

/// Returns the address at the gateway of the site that an API token is sent to; `None` if the
/// provider has no gateway, or the site does not tell its id.
///
/// The token is not sent there: only a login stores another address for it.
pub(crate) fn of_site(provider: &Provider, credential: &Credential) -> Option<Address> {
    let template = provider.definition.api_base_url.as_deref()?;
    let is_api_token =
        matches!(credential.grant, Grant::Static(_)) && credential.api.auth == ApiAuth::Basic;
    if !is_api_token || !template.contains("{site_id}") {
        return None;
    }
    let server = credential.api.server_url.as_ref()?;
    let site_id = atlassian::site_id(server, credential.trusted_certificates())?;
    let parameters = AddressParameters {
        server: Some(server),
        site_id: Some(&site_id),
        ..AddressParameters::default()
    };
    let gateway = provider.api_base_url(parameters).ok()??;
    // A token that is sent to the gateway already is refused for another reason.
    let is_elsewhere = server.url().origin() != gateway.url().origin()
        || !server.url().path().starts_with(gateway.url().path());
    is_elsewhere.then_some(gateway)
}
