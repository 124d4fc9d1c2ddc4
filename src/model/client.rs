//! The OAuth client and its authorization server, as a credential keeps them.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::address::Address;
use super::dialect::Dialect;
use super::registration::ByAddress;
use super::request_params::RequestParams;
use crate::secret::{self, ClientSecret, SecretText};

/// The authentication method of a client at the token endpoint, in the words of RFC 7591 §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenEndpointAuthMethod {
    /// The id alone: a public client.
    None,
    /// Id and secret in an `Authorization: Basic` header.
    ClientSecretBasic,
    /// Id and secret in the form.
    ClientSecretPost,
}

/// The proof by which the token endpoint knows a client (RFC 6749 §2.3).
///
/// A further method of RFC 7591 §2, such as `private_key_jwt` or `tls_client_auth`, is a further
/// variant that holds its key, and a word in [`TokenEndpointAuthMethod`].
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "SealedAuthentication")]
pub(crate) enum ClientAuthentication {
    /// The id alone, in the form: a public client. If such a client has a secret all the same, the
    /// secret is not kept here, since no authorization server is shown it. Where the service's API
    /// wants it, as Etsy's does, it is in the headers of the [`Api`](super::credential::Api).
    None,
    /// Id and secret in an `Authorization: Basic` header (RFC 6749 §2.3.1).
    SecretBasic(ClientSecret),
    /// Id and secret in the form (RFC 6749 §2.3.1).
    SecretPost(ClientSecret),
    /// The id alone, in the form, of a client whose secret is missing: an import did not bring it,
    /// or another holder of the grant kept it. The method says how the secret is shown once it is
    /// configured.
    SecretMissing(SecretMethod),
}

/// The place of the client secret in a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretMethod {
    /// An `Authorization: Basic` header, see [`ClientAuthentication::SecretBasic`].
    Basic,
    /// The form, see [`ClientAuthentication::SecretPost`].
    Post,
}

impl ClientAuthentication {
    /// Builds the authentication by `method` of a client that has `secret`.
    pub(crate) fn new(method: TokenEndpointAuthMethod, secret: Option<ClientSecret>) -> Self {
        match (method, secret) {
            (TokenEndpointAuthMethod::None, _) => Self::None,
            (TokenEndpointAuthMethod::ClientSecretBasic, Some(secret)) => Self::SecretBasic(secret),
            (TokenEndpointAuthMethod::ClientSecretPost, Some(secret)) => Self::SecretPost(secret),
            (TokenEndpointAuthMethod::ClientSecretBasic, None) => {
                Self::SecretMissing(SecretMethod::Basic)
            }
            (TokenEndpointAuthMethod::ClientSecretPost, None) => {
                Self::SecretMissing(SecretMethod::Post)
            }
        }
    }

    /// Returns the method in the words of RFC 7591 §2.
    pub(crate) fn method(&self) -> TokenEndpointAuthMethod {
        match self {
            Self::None => TokenEndpointAuthMethod::None,
            Self::SecretBasic(_) | Self::SecretMissing(SecretMethod::Basic) => {
                TokenEndpointAuthMethod::ClientSecretBasic
            }
            Self::SecretPost(_) | Self::SecretMissing(SecretMethod::Post) => {
                TokenEndpointAuthMethod::ClientSecretPost
            }
        }
    }

    /// Returns the client secret, if the credential holds it.
    pub(crate) fn secret(&self) -> Option<&ClientSecret> {
        match self {
            Self::SecretBasic(secret) | Self::SecretPost(secret) => Some(secret),
            Self::None | Self::SecretMissing(_) => None,
        }
    }

    /// Returns this method with `secret`, or unchanged if `secret` is `None`. A public client stays
    /// one.
    pub(crate) fn with_secret(self, secret: Option<ClientSecret>) -> Self {
        match secret {
            Some(secret) => Self::new(self.method(), Some(secret)),
            None => self,
        }
    }

    /// Returns this method without the secret.
    pub(super) fn without_secret(&self) -> Self {
        Self::new(self.method(), None)
    }
}

/// The fields of a [`ClientAuthentication`] in a sealed credential, as they are read.
#[derive(Deserialize)]
struct SealedAuthentication {
    #[serde(with = "secret::sealed::option", default)]
    secret: Option<ClientSecret>,
    auth_method: TokenEndpointAuthMethod,
}

impl From<SealedAuthentication> for ClientAuthentication {
    fn from(sealed: SealedAuthentication) -> Self {
        Self::new(sealed.auth_method, sealed.secret)
    }
}

/// Writes the fields of [`SealedAuthentication`] without making a copy of the secret.
impl Serialize for ClientAuthentication {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sealed = serializer.serialize_struct("SealedAuthentication", 2)?;
        if let Some(secret) = self.secret() {
            sealed.serialize_field("secret", secret.expose())?;
        }
        sealed.serialize_field("auth_method", &self.method())?;
        sealed.end()
    }
}

/// The request that revokes a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RevocationMethod {
    /// A form with the token (RFC 7009).
    #[default]
    Rfc7009,
    /// `DELETE ENDPOINT/CLIENT_ID/token` with id and secret as `Basic`, as GitHub wants it.
    Github,
    /// `DELETE` with the access token as `Bearer`, as Facebook wants it.
    Delete,
    /// None: the server revokes nothing for such a client.
    None,
}

/// The client, and every address that its secrets are sent to, as they were at login.
///
/// A credential holds this snapshot under its seal. So a refresh needs neither configuration nor
/// environment, and no edit of a file can send a refresh token elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    /// Sealed as two fields, `secret` and `auth_method`.
    #[serde(flatten)]
    pub(crate) authentication: ClientAuthentication,
    pub(crate) token_endpoint: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revocation_endpoint: Option<Address>,
    #[serde(default)]
    pub(crate) revocation_method: RevocationMethod,
    #[serde(default, skip_serializing_if = "Dialect::is_default")]
    pub(crate) dialect: Dialect,
    /// Additional parameters of every token request. Credentials that were sealed before there were
    /// any have none.
    #[serde(default, skip_serializing_if = "RequestParams::is_empty")]
    pub(crate) token_params: RequestParams,
    /// Certificates in PEM, as they were at login, that are trusted in addition to the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_certificates: Option<String>,
    /// The facts of a login by address; `None` for a login to a service that is defined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by_address: Option<Box<ByAddress>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The JSON of a client with these fields for its authentication.
    fn sealed(authentication: &str) -> String {
        format!(
            r#"{{"id":"made-up",{authentication},"token_endpoint":"https://as.example/token","revocation_method":"rfc7009"}}"#
        )
    }

    fn read(authentication: &str) -> Client {
        serde_json::from_str(&sealed(authentication)).unwrap()
    }

    #[test]
    fn a_client_is_sealed_again_in_the_form_in_which_it_was_read() {
        for authentication in [
            r#""auth_method":"none""#,
            r#""secret":"made-\"up\"","auth_method":"client_secret_basic""#,
            r#""secret":"made-up","auth_method":"client_secret_post""#,
            r#""auth_method":"client_secret_basic""#,
            r#""auth_method":"client_secret_post""#,
        ] {
            let client = read(authentication);
            assert_eq!(serde_json::to_string(&client).unwrap(), sealed(authentication));
        }
        let unknown = sealed(r#""auth_method":"private_key_jwt""#);
        assert!(serde_json::from_str::<Client>(&unknown).is_err());
        assert!(serde_json::from_str::<Client>(&sealed(r#""secret":"made-up""#)).is_err());
    }

    #[test]
    fn a_public_client_keeps_no_secret() {
        let public = read(r#""secret":"made-up","auth_method":"none""#);
        assert!(matches!(public.authentication, ClientAuthentication::None));
        assert!(!serde_json::to_string(&public).unwrap().contains("secret"));
        let secret = ClientSecret::from_trusted("made-up".into());
        let still = public.authentication.with_secret(Some(secret));
        assert!(matches!(still, ClientAuthentication::None));
    }

    #[test]
    fn a_secret_that_was_missing_is_shown_as_its_method_has_it() {
        let missing = read(r#""auth_method":"client_secret_post""#).authentication;
        assert!(missing.secret().is_none());
        let secret = ClientSecret::from_trusted("made-up".into());
        let found = missing.with_secret(Some(secret)).with_secret(None);
        assert!(matches!(&found, ClientAuthentication::SecretPost(_)));
        let without = found.without_secret();
        assert!(matches!(without, ClientAuthentication::SecretMissing(SecretMethod::Post)));
    }
}
