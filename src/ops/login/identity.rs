//! The look-up of the person who logged in, at the service itself.

use serde_json::Value;

use crate::model::account::UserName;
use crate::model::address::Address;
use crate::model::client_certificate::TlsSettings;
use crate::model::credential::Api;
use crate::model::id_token::Claims;
use crate::oauth::http::{self, Authentication};
use crate::oauth::protected_resource;
use crate::providers::{AddressParameters, Provider};
use crate::secret::AccessToken;
use crate::untrusted::printable;

/// The person who logged in, as the service or its ID token names them.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) user: UserName,
    /// Whether the service's API itself named the person, and so knows the name.
    pub(crate) is_known_to_api: bool,
    /// The display name, made safe to print.
    pub(crate) name: Option<String>,
}

impl Identity {
    /// Returns the person that an ID token names, if it does.
    pub(super) fn claimed(claims: &Claims) -> Option<Self> {
        let user = claims.user.as_ref()?.parse().ok()?;
        Some(Self { user, is_known_to_api: false, name: claims.name.clone() })
    }

    /// Returns the person by the number that the server has for them.
    pub(super) fn numbered(claims: &Claims) -> Option<Self> {
        let user = printable(claims.subject.as_ref()?).parse().ok()?;
        Some(Self { user, is_known_to_api: false, name: claims.name.clone() })
    }
}

/// Asks the userinfo endpoint at `address` whose `token` this is (OpenID Connect Core 1.0 §5.3).
/// Returns `None` if it does not say, or speaks of another person than `subject`, whom the ID token
/// names.
pub(super) fn at_userinfo(
    address: &Address,
    tls: TlsSettings<'_>,
    token: &AccessToken,
    subject: Option<&str>,
) -> Option<Identity> {
    let answer = http::fetch(address, tls, &Authentication::Bearer(token)).ok()?;
    if answer.status != 200 {
        return None;
    }
    let claims = Claims::in_object(&serde_json::from_slice(&answer.body).ok()?);
    if subject.is_some() && claims.subject.as_deref() != subject {
        return None;
    }
    Identity::claimed(&claims).or_else(|| Identity::numbered(&claims))
}

/// Asks the service whose `token` this is. Returns `None` if it does not say or the request fails,
/// so that a look-up never fails a login.
pub(super) fn look_up(
    provider: &Provider,
    places: AddressParameters<'_>,
    tls: TlsSettings<'_>,
    api: &Api,
    token: &AccessToken,
) -> Option<Identity> {
    let identity = provider.definition.identity.as_ref()?;
    let address: Address = provider.fill(identity.url.as_deref()?, places).ok()?;
    let answer = protected_resource::fetch(&address, tls, api, token).ok()?;
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
    let user = text(identity.user.as_deref()?)?.parse().ok()?;
    Some(Identity { user, is_known_to_api: true, name })
}
