//! A credential that is about to be imported.

use jiff::Timestamp;

use crate::model::account::Account;
use crate::model::credential::{Credential, Grant};
use crate::model::without_secrets::KeptSecrets;
use crate::secret::{AccessToken, SecretText};

/// A credential that is about to be imported, complete as it would be stored.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) account: Account,
    pub(crate) credential: Credential,
    /// The place where it was found, made safe to print, for example `row 3 of jira_tokens`.
    pub(crate) origin: String,
    /// Whether its refresh token rotates and the source keeps a copy. If both used it, the provider
    /// would end the grant.
    pub(crate) forks: bool,
    /// The time at which its tokens were issued, if known.
    pub(crate) issued_at: Option<Timestamp>,
    /// The reason why its refresh token was left out, if it was.
    pub(crate) left_out: Option<LeftOut>,
}

/// The reason why a refresh token is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// The source may still use the token, and the user did not say that tokctl takes it over.
    NotTakenOver,
    /// The client that the token was issued to is not known.
    NoClient,
    /// The client is known, but its secret is not.
    NoClientSecret,
    /// The token was issued to the other tool's own client, and only that client can use it.
    ToolsClient,
    /// The provider's definition names no token endpoint.
    NoEndpoint,
}

impl Incoming {
    /// Removes the refresh token if the source may use it too, so that the source's login keeps
    /// working.
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

/// Returns whether both are the same grant or token, renewed or not.
pub(super) fn is_same(stored: &Credential, incoming: &Credential) -> bool {
    if stored.api.server_url != incoming.api.server_url {
        return false;
    }
    let text = AccessToken::expose;
    let same_token = stored.token().map(text) == incoming.token().map(text);
    if let (Some(own), Some(other)) = (stored.workload(), incoming.workload()) {
        return own.is_same(other);
    }
    match (&stored.grant, &incoming.grant) {
        (Grant::Static(_), Grant::Static(_)) => same_token,
        (Grant::OAuth(own), Grant::OAuth(other)) => {
            match (&own.refresh_token, &other.refresh_token) {
                (Some(own), Some(other)) => own.expose() == other.expose(),
                (None, Some(_)) => false,
                (Some(_) | None, None) => same_token,
            }
        }
        (Grant::Static(_), Grant::OAuth(_)) | (Grant::OAuth(_), Grant::Static(_)) => false,
    }
}
