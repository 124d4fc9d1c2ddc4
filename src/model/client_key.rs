//! The private key of a client, with which it proves itself (RFC 7523 §2.2).

use serde::{Deserialize, Serialize};

use super::signing::SigningAlgorithm;
use crate::secret::{self, PrivateKey, SecretText};

/// A client's private key as it is configured, with what is said of it there.
#[derive(Debug, Clone)]
pub(crate) struct ConfiguredKey {
    pub(crate) key: PrivateKey,
    pub(crate) key_id: Option<String>,
    pub(crate) algorithm: Option<SigningAlgorithm>,
}

impl From<ClientKey> for ConfiguredKey {
    fn from(ClientKey { key, key_id, algorithm }: ClientKey) -> Self {
        Self { key, key_id, algorithm: Some(algorithm) }
    }
}

/// A client's private key, and how it signs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClientKey {
    /// PEM or a JWK, as it was configured.
    #[serde(with = "secret::sealed")]
    pub(crate) key: PrivateKey,
    /// The `kid` of what the key signs, where that is not the one in the JWK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<String>,
    pub(crate) algorithm: SigningAlgorithm,
}

impl ClientKey {
    /// Whether `other` would sign alike.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.key.expose() == other.key.expose()
            && self.key_id == other.key_id
            && self.algorithm == other.algorithm
    }
}
