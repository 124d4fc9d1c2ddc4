//! The grant that brings the next access token, and the proof that it needs.

use serde::{Deserialize, Serialize};

use crate::model::scope::Scopes;
use crate::model::service_account::ServiceAccount;
use crate::model::workload::Workload;
use crate::secret::{AccessToken, RefreshToken};

/// The grant that brings the next access token, as it is sealed. The word for it in a definition is
/// the [`RefreshKind`](crate::model::definition::RefreshKind).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(tag = "grant", rename_all = "snake_case")]
pub(crate) enum RenewalGrant {
    /// The refresh token, if there is one (RFC 6749 §6).
    #[default]
    RefreshToken,
    /// The access token itself, as long as it works: Facebook exchanges it for a new one.
    Exchange,
    /// The client's own id and secret (RFC 6749 §4.4).
    ClientCredentials {
        /// The scopes that each request asks for.
        scopes: Scopes,
    },
    /// An assertion that a service account signs (RFC 7523 §2.1).
    JwtBearer { account: Box<ServiceAccount>, scopes: Scopes },
    /// The identity of a job or workload, or another proof in whose name a service account acts.
    Workload { workload: Box<Workload>, scopes: Scopes },
}

/// The proof that the next token request presents: a [`RenewalGrant`] joined to the token that it
/// needs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RenewalProof<'a> {
    RefreshToken(&'a RefreshToken),
    Exchange(&'a AccessToken),
    ClientCredentials { scopes: &'a Scopes },
    JwtBearer { account: &'a ServiceAccount, scopes: &'a Scopes },
    Workload { workload: &'a Workload, scopes: &'a Scopes },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_renews_a_grant_has_all_fields_of_its_kind() {
        let account = json!({ "email": "x@example.com", "private_key": "made-up" });
        let scopes = json!(["read"]);
        let workload = json!({ "proof": {
            "proof": "identity", "source": { "from": "github" }, "audience": "x",
            "used_as": "token_exchange", "token_type": "jwt",
        } });
        for whole in [
            json!({ "grant": "refresh_token" }),
            json!({ "grant": "exchange" }),
            json!({ "grant": "client_credentials", "scopes": scopes }),
            json!({ "grant": "jwt_bearer", "account": account, "scopes": scopes }),
            json!({ "grant": "workload", "workload": workload, "scopes": scopes }),
        ] {
            let read: RenewalGrant = serde_json::from_value(whole.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), whole);
            for field in whole.as_object().unwrap().keys() {
                let mut without = whole.clone();
                without.as_object_mut().unwrap().remove(field);
                assert!(serde_json::from_value::<RenewalGrant>(without).is_err(), "{field}");
            }
        }
    }
}
