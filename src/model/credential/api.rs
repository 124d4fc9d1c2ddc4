//! The service that a token is for, and how a request to it carries the token.

use serde::{Deserialize, Serialize};

use crate::model::address::Address;
use crate::secret::{self, ApiKey};

/// The service that the token is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Api {
    pub(crate) auth: ApiAuth,
    /// What every request carries beside the token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<ApiHeader>,
    /// The service's own address, as a person knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server_url: Option<Address>,
    /// Where its API is, if that is another place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_url: Option<Address>,
    /// The account's name at the service, where it differs from the user or is part of the
    /// authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// How the service is asked whether the token works, if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) check: Option<Check>,
}

/// A header that a service wants beside the token, such as a key of the client's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ApiHeader {
    pub(crate) name: String,
    #[serde(with = "secret::sealed")]
    pub(crate) value: ApiKey,
}

/// The request that tells whether a token works.
///
/// It carries the token, so where it goes is decided at login and kept under the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) url: Address,
    /// JSON pointers (RFC 6901), one of which has to lead to something in the answer: some
    /// services answer whom they don't know as well. Empty: any answer of success will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<String>,
    /// Codes of an error object, as Facebook sends it, that refuse the token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) refusals: Vec<String>,
    /// Certificates in PEM that are trusted beside the system's. Only for a static token: an OAuth
    /// grant has those of its client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_certificates: Option<String>,
}

/// How a request to the service carries the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum ApiAuth {
    /// `Authorization: Bearer TOKEN` (RFC 6750 §2.1).
    Bearer,
    /// `Authorization: Basic base64(USERNAME:TOKEN)` (RFC 7617).
    Basic,
    /// A header of the service's own.
    Header(String),
}

/// Whether `name` can be a header's (RFC 9110 §5.1).
pub(crate) fn is_field_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

impl TryFrom<String> for ApiAuth {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "bearer" => Ok(Self::Bearer),
            "basic" => Ok(Self::Basic),
            other => match other.strip_prefix("header:") {
                Some(name) if is_field_name(name) => Ok(Self::Header(name.to_owned())),
                _ => Err("`api_auth` is one of bearer, basic and header:NAME".into()),
            },
        }
    }
}

impl From<ApiAuth> for String {
    fn from(auth: ApiAuth) -> Self {
        match auth {
            ApiAuth::Bearer => "bearer".into(),
            ApiAuth::Basic => "basic".into(),
            ApiAuth::Header(name) => format!("header:{name}"),
        }
    }
}
