//! The service that a token is for, and the way in which a request carries the token.

use serde::{Deserialize, Serialize};

use crate::model::address::Address;
use crate::secret::{self, ApiKey};

/// The service that a token is for, with all that a request to it needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Api {
    pub(crate) auth: ApiAuth,
    /// Headers that every request carries in addition to the token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<ApiHeader>,
    /// The address of the service as people know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server_url: Option<Address>,
    /// The address of the API, where it differs from `server_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_url: Option<Address>,
    /// The name of the account at the service, where it differs from the user or is part of the
    /// authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// The request that tells whether the token works, if the service has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) check: Option<Check>,
}

impl Api {
    /// Returns this service with its API at `base`, where the authorization server has it now. A
    /// check below the earlier address goes along.
    pub(crate) fn moved_to(self, base: Address) -> Self {
        let moved = |check: Check| {
            let earlier = self.base_url.as_ref().map(|earlier| trimmed(earlier.as_str()));
            let below = earlier
                .and_then(|earlier| check.url.as_str().strip_prefix(earlier))
                .filter(|below| below.starts_with('/'));
            let url =
                below.and_then(|below| format!("{}{below}", trimmed(base.as_str())).parse().ok());
            Check { url: url.unwrap_or(check.url), ..check }
        };
        let check = self.check.clone().map(moved);
        Self { base_url: Some(base), check, ..self }
    }
}

fn trimmed(address: &str) -> &str {
    address.trim_end_matches('/')
}

/// A header that a service wants in addition to the token, such as a key of the client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ApiHeader {
    pub(crate) name: String,
    #[serde(with = "secret::sealed")]
    pub(crate) value: ApiKey,
}

/// The request that tells whether a token works.
///
/// It carries the token, so its address is decided at login and kept under the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) url: Address,
    /// JSON pointers (RFC 6901), one of which has to lead to a value in the answer: some services
    /// answer strangers with success as well. Empty: any answer of success will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<String>,
    /// Codes in the error object of an answer, as Facebook sends it, that mean a refused token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) refusals: Vec<String>,
    /// Whether the address is that of the authorization server's introspection (RFC 7662), which
    /// wants the client's proof.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) introspects: bool,
    /// Certificates in PEM that are trusted in addition to the system's. Only for a static token:
    /// an OAuth grant has those of its [`Client`](crate::model::client::Client).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_certificates: Option<String>,
}

/// The way in which a request to the service carries the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum ApiAuth {
    /// `Authorization: Bearer TOKEN` (RFC 6750 §2.1).
    Bearer,
    /// `Authorization: Basic base64(USERNAME:TOKEN)` (RFC 7617).
    Basic,
    /// A header of the service's own, by its name.
    Header(String),
}

/// Whether `name` can be the name of a header (RFC 9110 §5.1).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_moves_with_the_api_that_it_is_below() {
        let at = |text: &str| text.parse::<Address>().unwrap();
        for (base, url, moved) in [
            ("https://a.example", "https://a.example/me", "https://b.example/me"),
            ("https://a.example/", "https://a.example/v1/me?x=1", "https://b.example/v1/me?x=1"),
            ("https://a.example/api", "https://a.example/me", "https://a.example/me"),
            ("https://a.example/api", "https://a.example/apis/me", "https://a.example/apis/me"),
            ("https://a.example", "https://a.example.org/me", "https://a.example.org/me"),
        ] {
            let check = Check {
                url: at(url),
                fields: Vec::new(),
                refusals: Vec::new(),
                introspects: false,
                trusted_certificates: None,
            };
            let api = Api {
                auth: ApiAuth::Bearer,
                headers: Vec::new(),
                server_url: None,
                base_url: Some(at(base)),
                username: None,
                check: Some(check),
            };
            let api = api.moved_to(at("https://b.example/"));
            assert_eq!(api.base_url, Some(at("https://b.example/")));
            assert_eq!(api.check.unwrap().url, at(moved), "{url}");
        }
    }
}
