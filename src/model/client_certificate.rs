//! The certificate with which a client proves itself in the handshake of TLS (RFC 8705).

use serde::{Deserialize, Serialize};

use crate::secret::{self, PrivateKey, SecretText};

/// A client's certificate with its private key, both in PEM.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClientCertificate {
    /// The certificate, and those that lead to its authority.
    pub(crate) certificate: String,
    #[serde(with = "secret::sealed")]
    pub(crate) key: PrivateKey,
    /// Whether the server says that it binds tokens to the certificate (RFC 8705 §3.3).
    #[serde(default)]
    pub(crate) binds_tokens: bool,
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.certificate == other.certificate && self.key.expose() == other.key.expose()
    }
}

/// The settings of TLS connections to one service.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TlsSettings<'a> {
    /// Certificates in PEM that are trusted in addition to the system's.
    pub(crate) trusted_certificates: Option<&'a str>,
    /// The certificate that is shown to a server that asks for one.
    pub(crate) client_certificate: Option<&'a ClientCertificate>,
}

impl<'a> From<Option<&'a str>> for TlsSettings<'a> {
    fn from(trusted_certificates: Option<&'a str>) -> Self {
        Self { trusted_certificates, client_certificate: None }
    }
}
