//! Authorization server metadata (RFC 8414, and OpenID Connect Discovery 1.0 §4).
//!
//! Where a document is found, and whether it is believed, is for [`super::discovery`] to say.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::demands::Demand;
use crate::model::address::Address;
use crate::model::reach::Reach;
use crate::model::signing::SigningAlgorithm;
use crate::untrusted::printable;

/// The part of an authorization server's metadata that tokctl uses. A field that is `null` or of
/// another kind counts as left out.
#[derive(Debug, Clone, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the document")]
pub(crate) struct Metadata {
    issuer: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) authorization_endpoint: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) token_endpoint: Option<String>,
    /// The endpoint at which a device asks for a code (RFC 8628 §4).
    #[serde(default, deserialize_with = "text")]
    pub(crate) device_authorization_endpoint: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) revocation_endpoint: Option<String>,
    /// The endpoint that tells who a token is about (OpenID Connect Core 1.0 §5.3).
    #[serde(default, deserialize_with = "text")]
    pub(crate) userinfo_endpoint: Option<String>,
    /// The endpoint that tells whether a token is active (RFC 7662).
    #[serde(default, deserialize_with = "text")]
    pub(crate) introspection_endpoint: Option<String>,
    /// The page that ends the session in a person's browser (OpenID Connect RP-Initiated Logout 1.0).
    #[serde(default, deserialize_with = "text")]
    pub(crate) end_session_endpoint: Option<String>,
    /// The endpoint to which authorization requests are pushed (RFC 9126 §5).
    #[serde(default, deserialize_with = "text")]
    pub(crate) pushed_authorization_request_endpoint: Option<String>,
    /// The addresses of endpoints for clients that show a certificate (RFC 8705 §5).
    #[serde(default, deserialize_with = "object")]
    mtls_endpoint_aliases: Map<String, Value>,
    /// Whether the server binds tokens to the certificate that a client shows (RFC 8705 §3.3).
    #[serde(default, deserialize_with = "flag")]
    pub(crate) tls_client_certificate_bound_access_tokens: bool,
    /// Whether the server takes pushed requests alone (RFC 9126 §5).
    #[serde(default, deserialize_with = "flag")]
    require_pushed_authorization_requests: bool,
    /// Whether the server takes requests in signed JWTs alone (RFC 9101 §10.5).
    #[serde(default, deserialize_with = "flag")]
    require_signed_request_object: bool,
    /// The ways in which an authorization response comes back (RFC 8414 §2).
    #[serde(default, deserialize_with = "words")]
    response_modes_supported: Option<Vec<String>>,
    /// Whether every authorization response names its issuer (RFC 9207 §3): then one without `iss`
    /// is not from this server.
    #[serde(default, deserialize_with = "flag")]
    pub(crate) authorization_response_iss_parameter_supported: bool,
    #[serde(default, deserialize_with = "words")]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The algorithms with which a client may sign its proof (RFC 8414 §2).
    #[serde(default, deserialize_with = "words")]
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// The ways in which a client proves itself at the revocation endpoint (RFC 8414 §2).
    #[serde(default, deserialize_with = "words")]
    revocation_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The challenge methods that the server knows (RFC 8414 §2); without the field nothing is said
    /// of PKCE.
    #[serde(default, deserialize_with = "words")]
    code_challenge_methods_supported: Option<Vec<String>>,
    /// The endpoint at which clients register themselves (RFC 7591 §3).
    #[serde(default, deserialize_with = "text")]
    registration_endpoint: Option<String>,
    /// Whether a client's id may be the address of its metadata (Client ID Metadata Documents).
    #[serde(default, deserialize_with = "flag")]
    pub(crate) client_id_metadata_document_supported: bool,
    #[serde(default, deserialize_with = "words")]
    scopes_supported: Option<Vec<String>>,
    /// The network of the server, which may name addresses there and farther away.
    #[serde(skip)]
    reach: Reach,
}

impl Metadata {
    /// Reads a document, with or without a byte order mark. Returns `None` if it is no JSON object
    /// that names an issuer.
    pub(crate) fn read(document: &[u8]) -> Option<Self> {
        let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
        serde_json::from_slice(document).ok()
    }

    /// Returns these metadata, and from `other` what they leave out.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            issuer: self.issuer,
            authorization_endpoint: self.authorization_endpoint.or(other.authorization_endpoint),
            token_endpoint: self.token_endpoint.or(other.token_endpoint),
            device_authorization_endpoint: self
                .device_authorization_endpoint
                .or(other.device_authorization_endpoint),
            revocation_endpoint: self.revocation_endpoint.or(other.revocation_endpoint),
            userinfo_endpoint: self.userinfo_endpoint.or(other.userinfo_endpoint),
            introspection_endpoint: self.introspection_endpoint.or(other.introspection_endpoint),
            end_session_endpoint: self.end_session_endpoint.or(other.end_session_endpoint),
            pushed_authorization_request_endpoint: self
                .pushed_authorization_request_endpoint
                .or(other.pushed_authorization_request_endpoint),
            mtls_endpoint_aliases: if self.mtls_endpoint_aliases.is_empty() {
                other.mtls_endpoint_aliases
            } else {
                self.mtls_endpoint_aliases
            },
            tls_client_certificate_bound_access_tokens: self
                .tls_client_certificate_bound_access_tokens
                || other.tls_client_certificate_bound_access_tokens,
            require_pushed_authorization_requests: self.require_pushed_authorization_requests
                || other.require_pushed_authorization_requests,
            require_signed_request_object: self.require_signed_request_object
                || other.require_signed_request_object,
            response_modes_supported: self
                .response_modes_supported
                .or(other.response_modes_supported),
            authorization_response_iss_parameter_supported: self
                .authorization_response_iss_parameter_supported
                || other.authorization_response_iss_parameter_supported,
            token_endpoint_auth_methods_supported: self
                .token_endpoint_auth_methods_supported
                .or(other.token_endpoint_auth_methods_supported),
            token_endpoint_auth_signing_alg_values_supported: self
                .token_endpoint_auth_signing_alg_values_supported
                .or(other.token_endpoint_auth_signing_alg_values_supported),
            revocation_endpoint_auth_methods_supported: self
                .revocation_endpoint_auth_methods_supported
                .or(other.revocation_endpoint_auth_methods_supported),
            code_challenge_methods_supported: self
                .code_challenge_methods_supported
                .or(other.code_challenge_methods_supported),
            registration_endpoint: self.registration_endpoint.or(other.registration_endpoint),
            client_id_metadata_document_supported: self.client_id_metadata_document_supported
                || other.client_id_metadata_document_supported,
            scopes_supported: self.scopes_supported.or(other.scopes_supported),
            reach: self.reach.min(other.reach),
        }
    }

    /// Returns these metadata with the endpoints for clients that show a certificate (RFC 8705 §5).
    pub(crate) fn for_certificate(mut self) -> Self {
        let aliases = std::mem::take(&mut self.mtls_endpoint_aliases);
        let replace = |name: &str, endpoint: &mut Option<String>| {
            let alias = aliases.get(name).and_then(Value::as_str).map(str::trim);
            if let Some(alias) = alias.filter(|alias| !alias.is_empty()) {
                *endpoint = Some(alias.to_owned());
            }
        };
        replace("token_endpoint", &mut self.token_endpoint);
        replace("device_authorization_endpoint", &mut self.device_authorization_endpoint);
        replace("revocation_endpoint", &mut self.revocation_endpoint);
        replace("userinfo_endpoint", &mut self.userinfo_endpoint);
        replace("introspection_endpoint", &mut self.introspection_endpoint);
        replace(
            "pushed_authorization_request_endpoint",
            &mut self.pushed_authorization_request_endpoint,
        );
        self
    }

    /// Returns these metadata as those of a server in the network `reach`.
    pub(super) fn within(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// Returns the network of the server: see [`Address::within`].
    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    /// Returns the endpoint at which clients register themselves, if the server has one.
    pub(crate) fn registration_endpoint(&self) -> Option<Address> {
        let address: Address = self.registration_endpoint.as_deref()?.parse().ok()?;
        Some(address.within(self.reach))
    }

    /// Returns the ways in which clients prove themselves at the token endpoint, if the server names
    /// them.
    pub(super) fn auth_methods(&self) -> Option<&[String]> {
        self.token_endpoint_auth_methods_supported.as_deref()
    }

    /// Whether the server names the scope `scope`.
    pub(crate) fn offers_scope(&self, scope: &str) -> bool {
        self.scopes_supported.iter().flatten().any(|offered| offered == scope)
    }

    /// Returns the issuer as the server writes it, which is how its ID tokens name it.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether the server takes a client secret in the form and nowhere else.
    pub(crate) fn wants_secret_in_form(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
        let takes = |method: &str| methods.iter().any(|taken| taken == method);
        takes("client_secret_post") && !takes("client_secret_basic")
    }

    /// Whether the server may take a client secret in the form: it says so, or says nothing.
    pub(crate) fn may_take_secret_in_form(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref();
        methods.is_none_or(|methods| methods.iter().any(|taken| taken == "client_secret_post"))
    }

    /// Returns the names of the ways in which a client proves itself, if none of them is a secret as
    /// it is.
    pub(crate) fn methods_without_secret(&self) -> Option<String> {
        let methods = self.token_endpoint_auth_methods_supported.as_deref()?;
        let is_secret = |method: &String| {
            ["client_secret_post", "client_secret_basic"].contains(&method.as_str())
        };
        // A server that names the public clients alone says nothing of the others.
        let named: Vec<&str> =
            methods.iter().map(String::as_str).filter(|method| *method != "none").collect();
        let without = !named.is_empty() && !methods.iter().any(is_secret);
        without.then(|| printable(&named.join(", ")))
    }

    /// Whether the server takes a proof by key (RFC 7523 §2.2) and no secret. `for_itself` says that the
    /// client logs in for itself; any other may go without a proof where the server has that too.
    pub(crate) fn takes_keys_alone(&self, for_itself: bool) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
        let has = |name: &str| methods.iter().any(|method| method == name);
        has("private_key_jwt")
            && !has("client_secret_post")
            && !has("client_secret_basic")
            && (for_itself || !has("none"))
    }

    /// Whether the server takes pushed requests alone.
    pub(crate) fn demands_pushed_requests(&self) -> bool {
        self.require_pushed_authorization_requests
    }

    /// Returns what the server demands of an authorization request and no request of tokctl has.
    pub(crate) fn demand(&self) -> Option<Demand> {
        if self.require_signed_request_object {
            return Some(Demand::RequestObjects);
        }
        let modes = self.response_modes_supported.as_deref().unwrap_or_default();
        let is_jwt = |mode: &String| mode.rsplit('.').next() == Some("jwt");
        (!modes.is_empty() && modes.iter().all(is_jwt)).then_some(Demand::Jarm)
    }

    /// Returns the algorithms, of those that tokctl has, with which the server lets a client sign.
    /// Returns `None` if the server names none that tokctl knows: then nothing is known.
    pub(crate) fn assertion_algorithms(&self) -> Option<Vec<SigningAlgorithm>> {
        let named = self.token_endpoint_auth_signing_alg_values_supported.as_deref()?;
        let known: Vec<_> = named.iter().filter_map(|name| SigningAlgorithm::named(name)).collect();
        Some(known).filter(|known| !known.is_empty())
    }

    /// Whether the server names the ways in which a client proves itself at the revocation endpoint,
    /// and a client without a secret has none of them. A server that names none says nothing.
    pub(crate) fn revokes_nothing_without_secret(&self) -> bool {
        let methods = self.revocation_endpoint_auth_methods_supported.as_deref();
        methods.is_some_and(|methods| {
            !methods.is_empty() && methods.iter().all(|method| method != "none")
        })
    }

    /// Whether the server says that it knows S256 challenges.
    pub(crate) fn knows_s256(&self) -> bool {
        let methods = self.code_challenge_methods_supported.as_deref();
        methods.is_some_and(|methods| methods.iter().any(|method| method == "S256"))
    }

    /// Whether the server names the challenge methods that it knows, and S256 is none of them. A
    /// `plain` challenge is no proof against someone who sees the request (RFC 9700 §2.1.1).
    pub(crate) fn knows_no_s256(&self) -> bool {
        let methods = self.code_challenge_methods_supported.as_deref();
        methods.is_some_and(|methods| methods.iter().all(|method| method != "S256"))
    }
}

/// Reads a text that is not empty.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let text = value.as_str().map(str::trim).filter(|text| !text.is_empty());
    Ok(text.map(ToOwned::to_owned))
}

/// Reads a flag, which some servers write as a text.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let said = value.as_str().is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
    Ok(value.as_bool().unwrap_or(said))
}

/// Reads an object.
fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(object) => object,
        _ => Map::new(),
    })
}

/// Reads a list of words, or one text of words with blanks between them.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(list) => {
            Some(list.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect())
        }
        Value::String(text) => Some(text.split_whitespace().map(ToOwned::to_owned).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_can_not_be_read_is_left_out() {
        let document = "\u{feff}{\"issuer\":\"https://id.example\",\"token_endpoint\":\"https://id.example/token\",\
             \"authorization_endpoint\":null,\"device_authorization_endpoint\":7,\"revocation_endpoint\":\"\",\
             \"authorization_response_iss_parameter_supported\":null,\
             \"token_endpoint_auth_methods_supported\":[null,\"client_secret_post\"],\
             \"code_challenge_methods_supported\":null}";
        let read = Metadata::read(document.as_bytes()).unwrap();
        assert_eq!(read.token_endpoint.as_deref(), Some("https://id.example/token"));
        let others = [
            &read.authorization_endpoint,
            &read.device_authorization_endpoint,
            &read.revocation_endpoint,
        ];
        assert!(others.iter().all(|endpoint| endpoint.is_none()), "{read:?}");
        assert!(!read.authorization_response_iss_parameter_supported);
        assert!(read.wants_secret_in_form() && !read.knows_no_s256());
    }

    #[test]
    fn a_document_without_an_issuer_is_none() {
        for document in ["", "[]", "<html>", "{}", r#"{"issuer":null}"#, r#"{"issuer":["x"]}"#] {
            assert!(Metadata::read(document.as_bytes()).is_none(), "{document}");
        }
        let twice = r#"{"issuer":"https://a.example","issuer":"https://b.example"}"#;
        assert!(Metadata::read(twice.as_bytes()).is_none(), "two readers could see two issuers");
    }
}
