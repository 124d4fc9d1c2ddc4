//! A grant that another one replaced and that is still to be revoked.

use serde::{Deserialize, Serialize};

use crate::model::client::Client;
use crate::secret::{self, AccessToken, RefreshToken, SecretText};

/// The tokens of a grant that is still to be revoked, and the client that revokes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Superseded {
    pub(crate) client: Client,
    #[serde(with = "secret::sealed::option", default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<RefreshToken>,
    #[serde(with = "secret::sealed::option", default, skip_serializing_if = "Option::is_none")]
    pub(crate) access_token: Option<AccessToken>,
    /// The number of commands that tried to revoke it in vain.
    #[serde(default)]
    pub(crate) tries: u8,
}

impl Superseded {
    /// Whether this revokes the grant that `other` revokes.
    pub(crate) fn is_of_grant(&self, other: &Self) -> bool {
        let (refresh, access) = (RefreshToken::expose, AccessToken::expose);
        self.refresh_token.as_ref().map(refresh) == other.refresh_token.as_ref().map(refresh)
            && self.access_token.as_ref().map(access) == other.access_token.as_ref().map(access)
    }
}
