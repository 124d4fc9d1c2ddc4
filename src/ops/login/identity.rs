//! The look-up of the person who logged in, at the service itself.

use serde_json::Value;

use crate::model::account::UserName;
use crate::model::address::Address;
use crate::model::credential::Api;
use crate::oauth::protected_resource;
use crate::providers::{AddressParameters, Provider};
use crate::secret::AccessToken;
use crate::untrusted::printable;

/// The person who logged in, as the service names them.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) user: UserName,
    /// The display name, made safe to print.
    pub(crate) name: Option<String>,
}

/// Asks the service whose `token` this is. Returns `None` if it does not say or the request fails,
/// so that a look-up never fails a login.
pub(super) fn look_up(
    provider: &Provider,
    places: AddressParameters<'_>,
    trusted_certificates: Option<&str>,
    api: &Api,
    token: &AccessToken,
) -> Option<Identity> {
    let identity = provider.definition.identity.as_ref()?;
    let address: Address = provider.fill(identity.url.as_deref()?, places).ok()?;
    let answer = protected_resource::fetch(&address, trusted_certificates, api, token).ok()?;
    if answer.status != 200 {
        return None;
    }
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let text = |pointer: &str| match body.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let name = identity.name.as_deref().and_then(text).map(|name| printable(&name));
    let name = name.filter(|name| !name.trim().is_empty());
    Some(Identity { user: text(identity.user.as_deref()?)?.parse().ok()?, name })
}
