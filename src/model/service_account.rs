//! A service account: an identity that signs for itself (RFC 7523), as Google issues them.

use serde::{Deserialize, Serialize};

use crate::secret::{self, PrivateKey};

/// The identity that signs an assertion, its key, and the person for whom it acts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServiceAccount {
    /// The name of the account: the `iss` of an assertion.
    pub(crate) email: String,
    /// The id of the key: the `kid` of an assertion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<String>,
    #[serde(with = "secret::sealed")]
    pub(crate) private_key: PrivateKey,
    /// The person in whose name the account acts, where an administrator allowed that: the `sub` of
    /// an assertion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
}
