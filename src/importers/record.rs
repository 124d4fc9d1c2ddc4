//! What other tools keep, as far as it is of use here.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::model::account::UserName;
use crate::model::address::Address;
use crate::model::credential::{Expiry, StaticToken};
use crate::model::scope::Scopes;
use crate::secret::{AccessToken, ClientSecret, RefreshToken};

/// What was found in a store.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) records: Vec<Record>,
    /// What else is there that is no credential, or none that can be taken: a phrase each.
    pub(crate) ignored: Vec<String>,
    /// The files that hold it.
    pub(crate) files: Vec<PathBuf>,
}

/// One credential of another tool.
#[derive(Debug)]
pub(crate) struct Record {
    /// The built-in provider that it is for, where the store tells.
    pub(crate) provider: Option<&'static str>,
    pub(crate) user: Owner,
    /// Where it stands, printable, such as `row 3 of jira_tokens`.
    pub(crate) origin: String,
    /// The service's own address.
    pub(crate) server: Option<Address>,
    /// The account's name at the service, which its token is sent with.
    pub(crate) username: Option<String>,
    /// Whether the tool found that its token works no more.
    pub(crate) inactive: bool,
    pub(crate) held: Held,
}

/// Whose a credential is, as the store says it.
#[derive(Debug, Clone)]
pub(crate) enum Owner {
    /// The store does not say.
    Unsaid,
    Named(UserName),
    /// A user of whom the store has a name that can't be kept here.
    Unnameable,
}

impl Owner {
    /// The one with this name.
    pub(super) fn of(name: &str) -> Self {
        name.parse().map_or(Self::Unnameable, Self::Named)
    }
}

/// What lets requests in.
#[derive(Debug)]
pub(crate) enum Held {
    /// A token that a person made.
    Static(StaticToken),
    /// What an authorization server issued.
    Grant(Box<HeldGrant>),
}

/// What an authorization server issued.
#[derive(Debug)]
pub(crate) struct HeldGrant {
    /// Left out where the refresh token alone was kept.
    pub(crate) access_token: Option<AccessToken>,
    pub(crate) token_type: Option<String>,
    pub(crate) expiry: Expiry,
    /// When it was issued, as far as the store tells.
    pub(crate) issued_at: Option<Timestamp>,
    pub(crate) refresh_token: Option<RefreshToken>,
    pub(crate) scopes: Scopes,
    pub(crate) issued_to: IssuedTo,
}

/// The client that a grant was issued to.
#[derive(Debug)]
pub(crate) enum IssuedTo {
    /// The one that stands beside it.
    Named { id: String, secret: Option<ClientSecret> },
    /// One that the tool was configured with, elsewhere.
    Configured,
    /// The tool's own, which is nobody else's to use.
    Tool,
}
