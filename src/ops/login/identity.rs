//! Who logged in, as the service itself says.

use serde_json::Value;

use crate::model::account::UserName;
use crate::model::address::Address;
use crate::model::credential::ApiAuth;
use crate::oauth::http::{self, Authentication};
use crate::providers::{Places, Provider};
use crate::secret::AccessToken;

/// Asks the service whose token this is. `None` where it does not say: a look-up never fails a
/// login.
pub(super) fn look_up(
    provider: &Provider,
    places: Places<'_>,
    trusted_certificates: Option<&str>,
    token: &AccessToken,
) -> Option<UserName> {
    let identity = provider.definition.identity.as_ref()?;
    if provider.api_auth() != ApiAuth::Bearer {
        return None;
    }
    let address: Address = provider.fill(&identity.url, places).ok()?;
    let answer =
        http::fetch(&address, trusted_certificates, &Authentication::Bearer(token)).ok()?;
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    body.pointer(&identity.user)?.as_str()?.parse().ok()
}
