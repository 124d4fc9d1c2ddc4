//! The proof by which an authorization server knows a client.

use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::client_key::ClientKey;
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
    /// A JWT that the client signs with its key (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// A certificate of an authority that the server trusts (RFC 8705 §2.1).
    TlsClientAuth,
    /// A certificate that the server knows by itself (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
}

/// The proof by which the token endpoint knows a client (RFC 6749 §2.3).
#[derive(Debug, Clone)]
pub(crate) enum ClientAuthentication {
    /// The id alone, in the form: a public client. If such a client has a secret all the same, the
    /// secret is not kept here, since no authorization server is shown it. Where the service's API
    /// wants it, as Etsy's does, it is in the headers of the [`Api`](super::credential::Api).
    None,
    /// Id and secret in an `Authorization: Basic` header (RFC 6749 §2.3.1).
    SecretBasic(ClientSecret),
    /// Id and secret in the form (RFC 6749 §2.3.1).
    SecretPost(ClientSecret),
    /// A JWT that the key signs, new for each request (RFC 7523 §2.2).
    PrivateKeyJwt { key: ClientKey, audience: AssertionAudience },
    /// The id in the form, beside the certificate of the
    /// [`Client`](super::client::Client), which is shown in the handshake (RFC 8705 §2).
    Certificate(CertificateMethod),
    /// The id alone, in the form, of a client whose secret is missing: an import did not bring it,
    /// or another holder of the grant kept it. The method says how the secret is shown once it is
    /// configured.
    SecretMissing(SecretMethod),
    /// The id alone, in the form, of a client whose key is missing, as
    /// [`SecretMissing`](Self::SecretMissing) is of one without its secret.
    KeyMissing { audience: AssertionAudience },
}

/// The place of the client secret in a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretMethod {
    /// An `Authorization: Basic` header, see [`ClientAuthentication::SecretBasic`].
    Basic,
    /// The form, see [`ClientAuthentication::SecretPost`].
    Post,
}

/// The way in which a server knows the certificate of a client. A request is the same with both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateMethod {
    /// The server knows the certificate by its authority and subject.
    Authority,
    /// The server knows the certificate itself.
    SelfSigned,
}

/// The audience (`aud`) of the JWT with which a client proves itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum AssertionAudience {
    /// The address to which the request goes, as Okta wants it.
    #[default]
    Endpoint,
    /// One text for all requests, such as the issuer.
    Fixed(String),
}

/// The proofs that a client has. Its method says which of them it shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientProofs {
    pub(crate) secret: Option<ClientSecret>,
    pub(crate) key: Option<ClientKey>,
    /// The method by which they are shown, where it is another than before.
    pub(crate) method: Option<TokenEndpointAuthMethod>,
}

impl ClientAuthentication {
    /// Builds the authentication by `method` of a client that has `proofs`. `audience` is that of
    /// what its key signs.
    pub(crate) fn new(
        method: TokenEndpointAuthMethod,
        proofs: ClientProofs,
        audience: AssertionAudience,
    ) -> Self {
        let ClientProofs { secret, key, method: other } = proofs;
        match other.unwrap_or(method) {
            TokenEndpointAuthMethod::None => Self::None,
            TokenEndpointAuthMethod::ClientSecretBasic => {
                secret.map_or(Self::SecretMissing(SecretMethod::Basic), Self::SecretBasic)
            }
            TokenEndpointAuthMethod::ClientSecretPost => {
                secret.map_or(Self::SecretMissing(SecretMethod::Post), Self::SecretPost)
            }
            TokenEndpointAuthMethod::TlsClientAuth => {
                Self::Certificate(CertificateMethod::Authority)
            }
            TokenEndpointAuthMethod::SelfSignedTlsClientAuth => {
                Self::Certificate(CertificateMethod::SelfSigned)
            }
            TokenEndpointAuthMethod::PrivateKeyJwt => match key {
                Some(key) => Self::PrivateKeyJwt { key, audience },
                None => Self::KeyMissing { audience },
            },
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
            Self::PrivateKeyJwt { .. } | Self::KeyMissing { .. } => {
                TokenEndpointAuthMethod::PrivateKeyJwt
            }
            Self::Certificate(CertificateMethod::Authority) => {
                TokenEndpointAuthMethod::TlsClientAuth
            }
            Self::Certificate(CertificateMethod::SelfSigned) => {
                TokenEndpointAuthMethod::SelfSignedTlsClientAuth
            }
        }
    }

    /// Returns the client secret, if the credential holds it.
    pub(crate) fn secret(&self) -> Option<&ClientSecret> {
        match self {
            Self::SecretBasic(secret) | Self::SecretPost(secret) => Some(secret),
            Self::None
            | Self::Certificate(_)
            | Self::SecretMissing(_)
            | Self::PrivateKeyJwt { .. }
            | Self::KeyMissing { .. } => None,
        }
    }

    /// Returns the client's key, if the credential holds it.
    pub(crate) fn key(&self) -> Option<&ClientKey> {
        match self {
            Self::PrivateKeyJwt { key, .. } => Some(key),
            Self::None
            | Self::Certificate(_)
            | Self::SecretBasic(_)
            | Self::SecretPost(_)
            | Self::SecretMissing(_)
            | Self::KeyMissing { .. } => None,
        }
    }

    /// Whether the client has lost its proof: see [`Self::SecretMissing`].
    pub(crate) fn lacks_proof(&self) -> bool {
        match self {
            Self::SecretMissing(_) | Self::KeyMissing { .. } => true,
            Self::None
            | Self::Certificate(_)
            | Self::SecretBasic(_)
            | Self::SecretPost(_)
            | Self::PrivateKeyJwt { .. } => false,
        }
    }

    /// Returns this method with the proof of its kind among `others`, or unchanged if there is none.
    /// A public client stays one.
    pub(crate) fn with_proofs(self, others: ClientProofs) -> Self {
        let own = ClientProofs {
            secret: others.secret.or_else(|| self.secret().cloned()),
            key: others.key.or_else(|| self.key().cloned()),
            method: others.method,
        };
        Self::new(self.method(), own, self.audience())
    }

    /// Returns this method without its proof.
    pub(super) fn without_proof(&self) -> Self {
        Self::new(self.method(), ClientProofs::default(), self.audience())
    }

    fn audience(&self) -> AssertionAudience {
        match self {
            Self::PrivateKeyJwt { audience, .. } | Self::KeyMissing { audience } => {
                audience.clone()
            }
            Self::None
            | Self::Certificate(_)
            | Self::SecretBasic(_)
            | Self::SecretPost(_)
            | Self::SecretMissing(_) => AssertionAudience::default(),
        }
    }
}

/// The fields of a [`ClientAuthentication`] in a sealed credential, as they are read.
#[derive(Deserialize)]
struct SealedAuthentication {
    #[serde(with = "secret::sealed::option", default)]
    secret: Option<ClientSecret>,
    auth_method: TokenEndpointAuthMethod,
    key: Option<ClientKey>,
    /// `None` stands for [`AssertionAudience::Endpoint`].
    assertion_audience: Option<String>,
}

impl<'de> Deserialize<'de> for ClientAuthentication {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let SealedAuthentication { secret, auth_method, key, assertion_audience } =
            SealedAuthentication::deserialize(deserializer)?;
        if assertion_audience.as_deref() == Some("") {
            return Err(D::Error::custom("an empty audience"));
        }
        let audience =
            assertion_audience.map_or(AssertionAudience::Endpoint, AssertionAudience::Fixed);
        Ok(Self::new(auth_method, ClientProofs { secret, key, method: None }, audience))
    }
}

/// Writes the fields of [`SealedAuthentication`] without making a copy of the secret.
impl Serialize for ClientAuthentication {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sealed = serializer.serialize_struct("SealedAuthentication", 4)?;
        if let Some(secret) = self.secret() {
            sealed.serialize_field("secret", secret.expose())?;
        }
        sealed.serialize_field("auth_method", &self.method())?;
        if let Some(key) = self.key() {
            sealed.serialize_field("key", key)?;
        }
        if let AssertionAudience::Fixed(audience) = self.audience() {
            sealed.serialize_field("assertion_audience", &audience)?;
        }
        sealed.end()
    }
}
