//! The dialect of a token endpoint: the ways in which it departs from RFC 6749.
//!
//! A credential keeps its server's dialect, so that a refresh speaks to the server as the login
//! did, even after the configuration has changed.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::request_params::RequestParams;

/// The dialect of one token endpoint. The default is what the RFC says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Dialect {
    /// The encoding of a request (RFC 6749 §4.1.3: a form).
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) request: Encoding,
    /// The field of an answer that says when the token ends.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) expiry: ExpiryShape,
    /// Whether a token without a stated end has none. By default its end is unknown.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) endless: bool,
    /// Additional error codes that mean that the grant is over; case does not count. Where `error`
    /// is an object, as Facebook sends it, its `code` counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) grant_errors: Vec<String>,
    /// Additional words that an answer has as `token_type` for a bearer token; case does not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) bearer_token_types: Vec<String>,
    /// The places of fields in an answer, as JSON pointers (RFC 6901), where a server has them
    /// elsewhere: `{ access_token = "/authed_user/access_token" }`. The names are those of RFC 6749;
    /// see [`ANSWER_FIELDS`]. With `api_base_url` an answer names the address of the API.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "answer_fields")]
    pub(crate) answer_fields: BTreeMap<String, String>,
    /// Additional parameters of a request that renews a token by the token of an earlier answer.
    /// `{redirect_uri}` is filled in at login with the one that was used; a login without one leaves
    /// such a parameter out.
    #[serde(skip_serializing_if = "RequestParams::is_empty")]
    pub(crate) refresh_params: RequestParams,
}

/// The fields whose place in an answer a definition may name.
const ANSWER_FIELDS: [&str; 13] = [
    "access_token",
    "token_type",
    "expires_in",
    "expires_at",
    "refresh_token",
    "refresh_token_expires_in",
    "scope",
    "id_token",
    "error",
    "error_description",
    "device_code",
    "user_code",
    "api_base_url",
];

/// Reads the places of fields, and refuses an unknown field and a malformed pointer.
fn answer_fields<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let fields = BTreeMap::<String, String>::deserialize(deserializer)?;
    for (name, pointer) in &fields {
        if !ANSWER_FIELDS.contains(&name.as_str()) {
            let known = ANSWER_FIELDS.join(", ");
            return Err(D::Error::custom(format!("`answer_fields` names one of {known}")));
        }
        if !pointer.starts_with('/') {
            let message = "`answer_fields` are JSON pointers such as /data/access_token";
            return Err(D::Error::custom(message));
        }
    }
    Ok(fields)
}

impl Dialect {
    /// Returns the dialect with `redirect_uri`, to which the browser came back, filled in.
    pub(crate) fn after_login(&self, redirect_uri: Option<&str>) -> Self {
        Self { refresh_params: self.refresh_params.filled(redirect_uri), ..self.clone() }
    }

    /// Whether this is the dialect of RFC 6749.
    pub(crate) fn is_default(&self) -> bool {
        is_default(self)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The encoding of a token request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// `application/x-www-form-urlencoded`.
    #[default]
    Form,
    /// A JSON object of texts.
    Json,
}

/// The fields of a token response that say when the token ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExpiryShape {
    /// `expires_in`, in seconds from now (RFC 6749 §5.1).
    #[default]
    ExpiresIn,
    /// `expires`, in seconds since 1970; without it, `expires_in`.
    Expires,
    /// `created_at`, in seconds since 1970, and `expires_in` from then on; without it, from now.
    CreatedAt,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_that_was_sealed_is_read_back_and_the_usual_one_takes_no_room() {
        let written = "request = 'json'\nexpiry = 'created_at'\ngrant_errors = ['190']";
        let dialect: Dialect = toml::from_str(written).unwrap();
        assert_eq!(dialect.expiry, ExpiryShape::CreatedAt);
        let sealed = serde_json::to_string(&dialect).unwrap();
        assert_eq!(serde_json::from_str::<Dialect>(&sealed).unwrap(), dialect);
        assert_eq!(serde_json::to_string(&Dialect::default()).unwrap(), "{}");
        assert!(toml::from_str::<Dialect>("expiry = 'soon'").is_err());
    }
}
