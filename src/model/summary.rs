//! The clear copy of a credential: the fields that `list`, completion and the search for an account
//! read without a key.
//!
//! It decides nothing: whoever opens a credential compares it with this copy.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::credential::{Credential, Grant, Status};
use super::scope::Scopes;

/// The fields of one credential that are stored in the clear; as JSON and under a seal in a shared
/// vault, where nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    #[serde(flatten)]
    pub(crate) account: Account,
    pub(crate) kind: Kind,
    pub(crate) status: Status,
    pub(crate) server_url: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) scopes: Scopes,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) refreshable: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) last_refreshed_at: Option<Timestamp>,
    /// The time at which a person has to log in again, as far as the provider's rules tell.
    pub(crate) login_by: Option<Timestamp>,
}

/// The origin of a credential, see [`Grant`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[serde(rename = "static")]
    Static,
    #[serde(rename = "oauth")]
    OAuth,
}

impl Summary {
    /// Returns the clear copy of `credential`.
    pub(crate) fn of(account: &Account, credential: &Credential) -> Self {
        Self {
            account: account.clone(),
            kind: match credential.grant {
                Grant::Static(_) => Kind::Static,
                Grant::OAuth(_) => Kind::OAuth,
            },
            status: credential.status,
            server_url: credential.api.server_url.as_ref().map(ToString::to_string),
            username: credential.api.username.clone(),
            scopes: credential.scopes().cloned().unwrap_or_default(),
            expires_at: credential.expiry().at(),
            refreshable: credential.is_refreshable(),
            created_at: credential.created_at,
            updated_at: credential.updated_at,
            last_refreshed_at: credential.last_refreshed_at,
            login_by: credential.login_by(),
        }
    }

    /// Whether the token has ended and only a person can renew it. A token that can be renewed only
    /// as long as it works needs a login from its end on.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.status == Status::Active
            && (!self.refreshable || self.login_by == self.expires_at)
            && self.expires_at.is_some_and(|at| at <= now)
    }
}
