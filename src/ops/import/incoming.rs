//! A credential from elsewhere that has no place in the vault yet.

use jiff::Timestamp;

use crate::model::account::Account;
use crate::model::credential::{Credential, Grant};
use crate::model::without_secrets::KeptSecrets;

/// A credential from elsewhere, complete as it would be stored.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) account: Account,
    pub(crate) credential: Credential,
    /// Where it stood, printable, such as `row 3 of jira_tokens`.
    pub(crate) origin: String,
    /// Whether whoever it comes from may use its refresh token as well, and each use replaces that:
    /// of two holders one would end the other's grant.
    pub(crate) forks: bool,
    /// When its tokens were issued, where that is known.
    pub(crate) issued_at: Option<Timestamp>,
    /// Why its refresh token does not come along, if that is so.
    pub(crate) left_out: Option<LeftOut>,
}

/// Why a refresh token does not come along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// Nobody said that it is to be taken over from its other holder.
    NotTakenOver,
    /// The client that it was issued to is not known.
    NoClient,
    /// The client is known, and its secret is not.
    NoClientSecret,
    /// It was issued to the other tool's own client, which alone can use it.
    ToolsClient,
    /// The provider's definition names no token endpoint.
    NoEndpoint,
}

impl Incoming {
    /// The same without a refresh token that has another holder, whose login it leaves alone.
    pub(super) fn without_fork(mut self) -> Self {
        if let Grant::OAuth(grant) = &mut self.credential.grant
            && self.forks
            && grant.refresh_token.is_some()
        {
            **grant = grant.without_secrets(KeptSecrets::AccessToken);
            self.left_out = Some(LeftOut::NotTakenOver);
        }
        self
    }
}
