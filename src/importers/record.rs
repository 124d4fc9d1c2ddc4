//! The records of other tools' stores: the part of them that tokctl can use.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::model::account::UserName;
use crate::model::address::Address;
use crate::model::credential::{Expiry, StaticToken};
use crate::model::scope::Scopes;
use crate::secret::{AccessToken, ClientSecret, RefreshToken};

/// The result of reading a store.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) records: Vec<Record>,
    /// Other things in the store that are no credentials, or none that can be imported: a phrase
    /// for each.
    pub(crate) ignored: Vec<String>,
    /// The files that hold the store.
    pub(crate) files: Vec<PathBuf>,
}

/// One credential of another tool.
#[derive(Debug)]
pub(crate) struct Record {
    /// The built-in provider that the credential is for, if the store tells.
    pub(crate) provider: Option<&'static str>,
    pub(crate) user: Owner,
    /// The place in the store, safe to print, such as `row 3 of jira_tokens`.
    pub(crate) origin: String,
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
