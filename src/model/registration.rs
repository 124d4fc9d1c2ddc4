//! The login by the address of a resource, as a credential keeps it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address::Address;
use crate::secret::{self, AccessToken};

/// The facts of a login by address, beside the client and the endpoints that it found. A later login
/// of the account begins with them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ByAddress {
    /// The address that the person named.
    pub(crate) asked: Address,
    /// The issuer of the authorization server, as its metadata has it.
    pub(crate) issuer: String,
    pub(crate) origin: ClientOrigin,
    /// Whether the resource answered with 401 to a request without a token: then any other answer to
    /// one with a token says that it takes the token.
    pub(crate) refuses_strangers: bool,
    /// Whether the resource challenged a POST, and no GET, so that a check is a POST too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) challenges_post: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The way in which an authorization server got to know a client.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "client", rename_all = "snake_case")]
pub(crate) enum ClientOrigin {
    /// A person registered it, and named it in flags, the environment or the configuration.
    Configured,
    /// The client has a Client ID Metadata Document, whose address is its id.
    Document,
    /// Another vault has the registration, and it alone uses and unregisters the client: this is the
    /// record of a login that was moved, or a copy of its access token.
    Elsewhere,
    /// This program registered the client (RFC 7591).
    Registered(Registration),
}

/// A client that this program registered (RFC 7591 §3.2.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Registration {
    /// The redirect URI that was registered. Many servers take no other, not even on another port.
    /// `None` for a client whose logins go by a code on another device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) redirect_uri: Option<String>,
    /// The end of the client's secret, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret_ends_at: Option<Timestamp>,
    /// The means to unregister it, if the server has such (RFC 7592).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) management: Option<Management>,
}

/// The endpoint of one registered client, and the token for it (RFC 7592 §3).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Management {
    pub(crate) address: Address,
    #[serde(with = "secret::sealed")]
    pub(crate) token: AccessToken,
}

impl ByAddress {
    /// Returns what remains without the registration of the client, which belongs to the vault that
    /// renews the login: a later login from here registers another.
    pub(super) fn without_secrets(&self) -> Self {
        let Self { asked, issuer, origin, refuses_strangers, challenges_post } = self;
        let origin = match origin {
            ClientOrigin::Configured => ClientOrigin::Configured,
            ClientOrigin::Document => ClientOrigin::Document,
            ClientOrigin::Elsewhere | ClientOrigin::Registered(_) => ClientOrigin::Elsewhere,
        };
        Self {
            asked: asked.clone(),
            issuer: issuer.clone(),
            origin,
            refuses_strangers: *refuses_strangers,
            challenges_post: *challenges_post,
        }
    }

    /// Whether a person registered the client.
    pub(crate) fn has_client_by_hand(&self) -> bool {
        match &self.origin {
            ClientOrigin::Configured => true,
            ClientOrigin::Document | ClientOrigin::Elsewhere | ClientOrigin::Registered(_) => false,
        }
    }

    /// Returns the end of the client's secret, if it has one that ends: then only a login helps, which
    /// registers another client.
    pub(crate) fn secret_ends_at(&self) -> Option<Timestamp> {
        match &self.origin {
            ClientOrigin::Registered(registration) => registration.secret_ends_at,
            ClientOrigin::Configured | ClientOrigin::Document | ClientOrigin::Elsewhere => None,
        }
    }

    /// Returns the means to unregister the client, if there are any.
    pub(crate) fn management(&self) -> Option<&Management> {
        match &self.origin {
            ClientOrigin::Registered(registration) => registration.management.as_ref(),
            ClientOrigin::Configured | ClientOrigin::Document | ClientOrigin::Elsewhere => None,
        }
    }
}
