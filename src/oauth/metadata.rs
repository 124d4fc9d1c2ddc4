//! Authorization server metadata (RFC 8414, and OpenID Connect Discovery 1.0 §4).

use serde::Deserialize;

use super::http::{self, Authentication, Fault};
use crate::model::address::Address;
use crate::untrusted::printable;

/// The part of an authorization server's metadata that tokctl uses.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    pub(crate) authorization_endpoint: Option<String>,
    pub(crate) token_endpoint: Option<String>,
    /// The endpoint at which a device asks for a code (RFC 8628 §4).
    pub(crate) device_authorization_endpoint: Option<String>,
    pub(crate) revocation_endpoint: Option<String>,
    /// Whether every authorization response names its issuer (RFC 9207 §3): then one without `iss`
    /// is not from this server.
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    /// The ways in which a client proves itself at the revocation endpoint (RFC 8414 §2).
    revocation_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The challenge methods that the server knows (RFC 8414 §2); without the field nothing is said
    /// of PKCE.
    code_challenge_methods_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Returns the issuer as the server writes it, which is how its ID tokens name it.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether the server takes a client secret in the form and nowhere else.
    pub(crate) fn wants_secret_in_form(&self) -> bool {
        let takes = |method: &str| {
            self.token_endpoint_auth_methods_supported.iter().any(|taken| taken == method)
        };
        takes("client_secret_post") && !takes("client_secret_basic")
    }

    /// Whether the server names the ways in which a client proves itself at the revocation endpoint,
    /// and a client without a secret has none of them. A server that names none says nothing.
    pub(crate) fn revokes_nothing_without_secret(&self) -> bool {
        let methods = self.revocation_endpoint_auth_methods_supported.as_deref();
        methods.is_some_and(|methods| {
            !methods.is_empty() && methods.iter().all(|method| method != "none")
        })
    }

    /// Whether the server names the challenge methods that it knows, and S256 is none of them. A
    /// `plain` challenge is no proof against someone who sees the request (RFC 9700 §2.1.1).
    pub(crate) fn knows_no_s256(&self) -> bool {
        let methods = self.code_challenge_methods_supported.as_deref();
        methods.is_some_and(|methods| methods.iter().all(|method| method != "S256"))
    }
}

/// The reason why the metadata of a server can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Neither well-known address has a document that can be read: the endpoints have to be
    /// configured.
    #[error("`{issuer}` publishes no metadata")]
    Missing { issuer: String },
    /// The document is another server's (RFC 8414 §3.3), or the issuer is not written exactly as
    /// the server writes it; a final slash counts.
    #[error("the metadata of `{issuer}` name another issuer, `{named}`")]
    ForeignIssuer { issuer: String, named: String },
    /// No answer came: a later try may succeed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Fetches the metadata of `issuer` from its well-known addresses. A document that names another
/// issuer is not used.
pub(crate) fn discover(
    issuer: &Address,
    trusted_certificates: Option<&str>,
) -> Result<Metadata, Error> {
    let mut foreign = None;
    for address in well_known_addresses(issuer) {
        let answer = http::fetch(&address, trusted_certificates, &Authentication::None)?;
        if answer.status != 200 {
            continue;
        }
        let Ok(metadata) = serde_json::from_slice::<Metadata>(&answer.body) else { continue };
        if metadata.issuer != issuer.as_str() {
            // Some hosts with several issuers serve one document for all of them at one of the
            // addresses.
            foreign = foreign.or(Some(metadata.issuer));
            continue;
        }
        return Ok(metadata);
    }
    let issuer = issuer.to_string();
    Err(match foreign {
        Some(named) => Error::ForeignIssuer { issuer, named: printable(&named) },
        None => Error::Missing { issuer },
    })
}

/// Returns the addresses of the metadata: RFC 8414 §3.1 puts the well-known part between host and
/// path, OpenID Connect behind the path.
fn well_known_addresses(issuer: &Address) -> impl Iterator<Item = Address> {
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
            well_known_addresses(&issuer.parse().unwrap())
                .map(|address| address.to_string())
                .collect()
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
