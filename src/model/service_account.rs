//! A service account: an identity that signs for itself (RFC 7523), as Google issues them.

use serde::{Deserialize, Serialize};

use crate::secret::{self, PrivateKey};

/// Who signs, with what, and for whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServiceAccount {
    /// Its own name, the `iss` of what it signs.
    pub(crate) email: String,
    /// Which of its keys this is, the `kid` of what it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<String>,
    #[serde(with = "secret::sealed")]
    pub(crate) private_key: PrivateKey,
    /// The person in whose name it acts, where an administrator allowed that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
}
