//! A grant of a person in a file of Google's, in the names of its libraries.

use serde_json::{Map, Value};

use super::record::{HeldGrant, IssuedTo};
use super::text::{self, ValueFault};
use super::times;

/// The names under which the libraries keep the end of an access token.
const ENDS: [&str; 5] =
    ["expiry_date", "expiry", "token_expiry", "expires_at", "expiration_time_millis"];

/// Returns the scopes under either of their names.
pub(super) fn granted_scopes(object: &Map<String, Value>) -> Option<&Value> {
    object.get("scopes").or_else(|| object.get("scope"))
}

/// Reads a grant whose fields have the names of Google's library. The address of the token endpoint
/// in it is not read.
pub(super) fn grant(object: &Map<String, Value>) -> Result<HeldGrant, ValueFault> {
    let field = |name| text::field(object, name);
    let refresh_token = field("refresh_token")?.map(text::refresh_token).transpose()?;
    // Python's library says `token`, and those for Go and Node say `access_token`.
    let access_token = match field("token")? {
        Some(token) => Some(token),
        None => field("access_token")?,
    };
    let access_token = access_token.map(text::access_token).transpose()?;
    if refresh_token.is_none() && access_token.is_none() {
        return Err("it holds no token");
    }
    let issued_to = match field("client_id")? {
        Some(id) => IssuedTo::Named {
            id: text::client_id(id)?,
            secret: field("client_secret")?.map(text::client_secret).transpose()?,
        },
        None => IssuedTo::Configured,
    };
    let issued_at = field("created")?.and_then(|text| times::time(&text).ok());
    let expiry = match ENDS.into_iter().find(|name| object.contains_key(*name)) {
        Some(name) => times::end(object, name)?,
        None => times::end_of_life(issued_at, field("expires_in")?)?,
    };
    Ok(HeldGrant {
        access_token,
        token_type: text::token_type(object)?,
        expiry,
        issued_at,
        refresh_token,
        scopes: text::scopes(granted_scopes(object))?,
        issued_to,
        quota_project: field("quota_project_id")?,
    })
}
