//! The records of other tools' stores: the part of them that tokctl can use.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::model::account::UserName;
use crate::model::address::Address;
use crate::model::credential::{Expiry, StaticToken};
use crate::model::scope::Scopes;
use crate::model::workload::Workload;
use crate::secret::{AccessToken, ClientSecret, RefreshToken};

/// The result of reading a store.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) records: Vec<Record>,
    /// The records that can't be used. They keep no other record out.
    pub(crate) unusable: Vec<Unusable>,
    /// Other things in the store that are no credentials, or none that can be imported: a phrase
    /// for each.
    pub(crate) ignored: Vec<String>,
    /// The files that hold the store.
    pub(crate) files: Vec<PathBuf>,
}

impl Found {
    /// Adds the result of reading one record, which `label` names if it can't be used.
    pub(super) fn add(&mut self, label: Label, read: Result<Record, Fault>) {
        match read {
            Ok(record) => self.records.push(record),
            Err(fault) => self.unusable.push(Unusable { label, fault }),
        }
    }
}

/// The name of a record in messages.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    /// The built-in provider that the credential is for, if the store tells.
    pub(crate) provider: Option<&'static str>,
    pub(crate) user: Owner,
    /// The place in the store, safe to print, such as `row 3 of jira_tokens`.
    pub(crate) origin: String,
}

/// A record that can't be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) label: Label,
    pub(crate) fault: Fault,
}

/// The reason why a record can't be used. It never shows a value of the record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// A value is missing, or has a form that is not known.
    #[error("{0}")]
    Malformed(&'static str),
    /// The file of this record can't be read.
    #[error("{0}")]
    Unreadable(String),
    /// The key is wrong, or the record was damaged: the two can't be told apart.
    #[error("the key that was given does not open it")]
    WrongKey,
}

impl From<&'static str> for Fault {
    fn from(what: &'static str) -> Self {
        Self::Malformed(what)
    }
}

/// One credential of another tool.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) label: Label,
    /// The address of the service.
    pub(crate) server: Option<Address>,
    /// The name of the account at the service, with which its token is sent.
    pub(crate) username: Option<String>,
    /// Whether the tool found that the token no longer works.
    pub(crate) inactive: bool,
    pub(crate) held: Held,
}

/// The user of a credential, as the store names it.
#[derive(Debug, Clone)]
pub(crate) enum Owner {
    /// The store does not say.
    Unsaid,
    Named(UserName),
    /// The store has a name for the user that can't be kept here.
    Unnameable,
}

impl Owner {
    /// Returns the user with this name.
    pub(super) fn of(name: &str) -> Self {
        name.parse().map_or(Self::Unnameable, Self::Named)
    }
}

/// The secret part of a record.
#[derive(Debug)]
pub(crate) enum Held {
    /// A token that a person made.
    Static(StaticToken),
    /// The tokens that an authorization server issued.
    Grant(Box<HeldGrant>),
    /// A workload, which gets tokens without a secret of its own, or in another's name.
    Workload(Box<HeldWorkload>),
}

impl Held {
    /// Whether it holds a secret, and not just where one comes from.
    pub(crate) fn holds_secret(&self) -> bool {
        match self {
            Self::Static(_) | Self::Grant(_) => true,
            Self::Workload(held) => {
                let has_secret = held.client.as_ref().is_some_and(|(_, secret)| secret.is_some());
                has_secret || held.workload.identity().is_none()
            }
        }
    }
}

/// A workload that gets tokens of Google's without a stored key, or in a service account's name.
#[derive(Debug)]
pub(crate) struct HeldWorkload {
    pub(crate) workload: Workload,
    /// The address that the file names for the first request; nothing was sent there yet.
    pub(crate) token_endpoint: Option<Address>,
    /// Additional parameters of that request.
    pub(crate) params: Vec<(&'static str, String)>,
    /// The id and secret of the client, if there is one.
    pub(crate) client: Option<(String, Option<ClientSecret>)>,
    /// The project that requests to the service count for.
    pub(crate) quota_project: Option<String>,
    /// The scopes to ask for; none if the file does not say.
    pub(crate) scopes: Scopes,
    /// The service account in whose name it acts.
    pub(crate) service_account: Option<String>,
    /// The user's name for it, where none is given: that of the service account, or of the provider in
    /// its pool.
    pub(crate) name: Option<String>,
}

/// The tokens that an authorization server issued, and the client that they were issued to.
#[derive(Debug)]
pub(crate) struct HeldGrant {
    /// The access token; `None` if the store keeps only the refresh token.
    pub(crate) access_token: Option<AccessToken>,
    pub(crate) token_type: Option<String>,
    pub(crate) expiry: Expiry,
    /// The time at which the access token was issued, if the store tells.
    pub(crate) issued_at: Option<Timestamp>,
    pub(crate) refresh_token: Option<RefreshToken>,
    pub(crate) scopes: Scopes,
    pub(crate) issued_to: IssuedTo,
    /// The project of Google's that requests to the service count for.
    pub(crate) quota_project: Option<String>,
}

/// The client that a grant was issued to.
#[derive(Debug)]
pub(crate) enum IssuedTo {
    /// A client that the store names.
    Named { id: String, secret: Option<ClientSecret> },
    /// A client that the tool was configured with, outside its store.
    Configured,
    /// The tool's own client, which only the tool may use.
    Tool,
}
