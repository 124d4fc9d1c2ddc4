//! The record of who moved a credential out of a shared vault.

use serde::{Deserialize, Serialize};

use super::grant::Grant;
use super::renewal::RenewalGrant;

/// The member who moved a credential out of a shared vault, and what the credential was: nothing else
/// is left there of what renews it, and whoever may have it can be told of only by this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MovedOut {
    /// The public key of the member, in hex: a label may be given to another one later.
    pub(crate) by: String,
    pub(crate) renewed_by: RenewedBy,
    /// Whether the secret or key of the client went along.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) has_client_proof: bool,
}

/// The means that renews the token of a credential that was moved out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RenewedBy {
    /// Nothing: a person made the token at the service.
    Nobody,
    /// The grant of a person.
    Person,
    /// The secret or key of the client.
    Client,
    /// The key of a service account.
    ServiceAccount,
}

impl MovedOut {
    /// Returns the record for the credential of `grant`, which the member `by` moves out.
    pub(crate) fn of(grant: &Grant, by: String) -> Self {
        let Grant::OAuth(grant) = grant else {
            return Self { by, renewed_by: RenewedBy::Nobody, has_client_proof: false };
        };
        let renewed_by = match grant.renewal {
            // What the identity of a machine renews is never moved.
            RenewalGrant::RefreshToken | RenewalGrant::Exchange | RenewalGrant::Workload { .. } => {
                RenewedBy::Person
            }
            RenewalGrant::ClientCredentials { .. } => RenewedBy::Client,
            RenewalGrant::JwtBearer { .. } => RenewedBy::ServiceAccount,
        };
        Self { by, renewed_by, has_client_proof: grant.client.has_own_proof() }
    }
}
