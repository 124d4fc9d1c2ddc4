//! The OAuth client, and where its secrets go: what a credential keeps of its authorization server.

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::dialect::Dialect;
use crate::secret::{self, ClientSecret};

/// How the client names itself at the token endpoint (RFC 6749 §2.3, RFC 7591 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenEndpointAuthMethod {
    /// A public client: only its id.
    None,
    /// Id and secret in an `Authorization: Basic` header.
    ClientSecretBasic,
    /// Id and secret in the form.
    ClientSecretPost,
}

/// How a server is asked to revoke a token.
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
}

/// A snapshot, taken at login, of everything that says where secrets are sent.
///
/// It is kept under the seal, so that a refresh needs neither configuration nor environment, and
/// no edit of a file can send a refresh token elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    #[serde(with = "secret::sealed::option", default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<ClientSecret>,
    pub(crate) auth_method: TokenEndpointAuthMethod,
    pub(crate) token_endpoint: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revocation_endpoint: Option<Address>,
    #[serde(default)]
    pub(crate) revocation_method: RevocationMethod,
    #[serde(default, skip_serializing_if = "Dialect::is_usual")]
    pub(crate) dialect: Dialect,
    /// Certificates in PEM that are trusted beside the system's, as they were at login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_certificates: Option<String>,
}
