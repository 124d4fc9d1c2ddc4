//! Authorization server metadata (RFC 8414, and OpenID Connect Discovery 1.0 §4).

use serde::Deserialize;

use super::http::{self, Authentication, Fault};
use crate::model::address::Address;

/// What a server says of itself, as far as it is used.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    pub(crate) authorization_endpoint: Option<String>,
    pub(crate) token_endpoint: Option<String>,
    /// RFC 8628 §4.
    pub(crate) device_authorization_endpoint: Option<String>,
    pub(crate) revocation_endpoint: Option<String>,
    /// RFC 9207 §3: an authorization response without `iss` is not from this server.
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

impl Metadata {
    /// Whether the server takes a client secret in the form and nowhere else.
    pub(crate) fn wants_secret_in_form(&self) -> bool {
        let takes = |method: &str| {
            self.token_endpoint_auth_methods_supported.iter().any(|taken| taken == method)
        };
        takes("client_secret_post") && !takes("client_secret_basic")
    }
}

/// Why a server's metadata could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Neither place has a document that can be read: the endpoints have to be configured.
    #[error("`{issuer}` publishes no metadata")]
    Missing { issuer: String },
    /// The document is another server's (RFC 8414 §3.3).
    #[error("the metadata of `{issuer}` name another issuer")]
    ForeignIssuer { issuer: String },
    /// No answer: trying later may help.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Fetches the metadata of `issuer`.
pub(crate) fn discover(
    issuer: &Address,
    trusted_certificates: Option<&str>,
) -> Result<Metadata, Error> {
    for address in well_known(issuer) {
        let answer = http::fetch(&address, trusted_certificates, &Authentication::None)?;
        if answer.status != 200 {
            continue;
        }
        let Ok(metadata) = serde_json::from_slice::<Metadata>(&answer.body) else { continue };
        if metadata.issuer != issuer.as_str() {
            return Err(Error::ForeignIssuer { issuer: issuer.to_string() });
        }
        return Ok(metadata);
    }
    Err(Error::Missing { issuer: issuer.to_string() })
}

/// RFC 8414 §3.1 puts the well-known part between host and path, OpenID Connect behind the path.
fn well_known(issuer: &Address) -> impl Iterator<Item = Address> {
    let path = issuer.url().path().trim_end_matches('/').to_owned();
    let at = |path: String| {
        let mut url = issuer.url().clone();
        url.set_path(&path);
        url.as_str().parse().ok()
    };
    [
        at(format!("/.well-known/oauth-authorization-server{path}")),
        at(format!("{path}/.well-known/openid-configuration")),
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuers_path_is_kept() {
        let places = |issuer: &str| -> Vec<String> {
            well_known(&issuer.parse().unwrap()).map(|address| address.to_string()).collect()
        };
        assert_eq!(
            places("https://id.example/tenant/"),
            [
                "https://id.example/.well-known/oauth-authorization-server/tenant",
                "https://id.example/tenant/.well-known/openid-configuration"
            ]
        );
        assert_eq!(
            places("https://id.example"),
            [
                "https://id.example/.well-known/oauth-authorization-server",
                "https://id.example/.well-known/openid-configuration"
            ]
        );
    }
}
