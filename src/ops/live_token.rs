//! The judgement whether the token in the vault is good enough to be handed out.

use jiff::Timestamp;

use super::clock::Clock;
use super::credential;
use super::error::{Error, LoginReason, StoreError};
use crate::model::account::Account;
use crate::model::credential::{Credential, Expiry, Grant, Status};
use crate::model::readiness::{Need, Readiness, readiness};
pub(crate) use crate::oauth::id_token::Error as IdTokenFault;
use crate::secret::AccessToken;
use crate::store::OpenVault;

/// A credential whose token may be handed out.
#[derive(Debug)]
pub(crate) struct LiveToken {
    pub(crate) credential: Credential,
    /// Whether this call renewed the token.
    pub(crate) refreshed: bool,
    pub(crate) warning: Option<Warning>,
}

/// A problem of a token that is handed out anyway.
#[derive(Debug)]
pub(crate) enum Warning {
    /// The service refused the token when it was last asked.
    Inactive,
    /// The token ends at this time, and nothing will renew it.
    Fading { ends_at: Option<Timestamp> },
    /// Another process is renewing the token.
    BeingRefreshed,
    /// An earlier refresh was interrupted, and another one could end the grant.
    InDoubt,
    /// The evidence of the credential was forged, so nothing will renew the token.
    Forged,
    /// The token is new, and the ID token that came with it was dropped for this reason.
    IdTokenDropped(IdTokenFault),
    /// The database of a shared vault had lost the token, and this machine, which kept it, stored it
    /// again.
    StoredAgain,
    /// The token is due, and could not be renewed for this reason.
    NotRefreshed(Box<Error>),
}

impl Warning {
    /// Returns the warning for a stored token that could not be renewed because of `error`.
    pub(super) fn of(error: Error) -> Self {
        match error {
            Error::Store(StoreError::Busy) => Self::BeingRefreshed,
            Error::Interrupted { .. } => Self::InDoubt,
            error => Self::NotRefreshed(Box::new(error)),
        }
    }
}

/// The demands on a token: how long it has to live, and whether it may be refreshed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) need: Need,
    pub(crate) may_refresh: bool,
    pub(crate) clock: Clock,
}

/// The state of the token in the vault, measured by the caller's need.
#[derive(Debug)]
pub(crate) enum TokenState {
    /// The token is good enough.
    Good(Box<LiveToken>),
    /// The token has to be renewed first.
    Due,
}

/// Reads the token of `account` and judges whether it is good enough, with no network and no write.
///
/// Fails with [`Error::LoginRequired`], [`Error::HandedOver`] or [`Error::NeverLongEnough`] if no
/// refresh can help.
pub(crate) fn find(
    vault: &OpenVault,
    account: &Account,
    policy: Policy,
) -> Result<TokenState, Error> {
    let row = credential::expect(vault, account)?;
    if row.stored.credential.status == Status::HandedOver {
        return Err(credential::handed_over(vault, account, &row.stored.credential));
    }
    #[cfg(feature = "postgres")]
    if policy.may_refresh && !row.is_forged && vault.keeps_answer(account, &row) {
        log::trace!("this machine has a newer token for `{account}`");
        return Ok(TokenState::Due);
    }
    let found = judge(account, &row.stored.credential, policy.need, vault.now((policy.clock)()))?;
    if row.is_forged
        && let TokenState::Good(token) = found
    {
        let warning = Some(Warning::Forged);
        return Ok(TokenState::Good(Box::new(LiveToken { warning, ..*token })));
    }
    // An interrupted refresh is finished even while the token works: later the provider may no
    // longer allow another try. Not where a refresh is forbidden, or known to be refused, or where
    // another process is at it.
    let refused = row.stored.credential.status == Status::LoginRequired;
    if let Some(journal) = &row.journal
        && policy.may_refresh
        && !refused
        && !vault.is_under_way(account, journal)
    {
        log::trace!("what became of an earlier refresh of `{account}` is not known");
        return Ok(TokenState::Due);
    }
    Ok(found)
}

/// Judges whether the token of `credential` is good enough. Does not look for interrupted refreshes.
pub(super) fn judge(
    account: &Account,
    credential: &Credential,
    need: Need,
    now: Timestamp,
) -> Result<TokenState, Error> {
    let readiness = readiness(credential, need, now);
    log::trace!("`{account}`: {}", reason(readiness, credential, need, now));
    match readiness {
        Readiness::Good => Ok(TokenState::Good(Box::new(hand_out(credential.clone(), false)))),
        Readiness::Due { .. } => Ok(TokenState::Due),
        Readiness::Fading => {
            let warning = Some(Warning::Fading { ends_at: credential.expiry().at() });
            let credential = credential.clone();
            Ok(TokenState::Good(Box::new(LiveToken { credential, refreshed: false, warning })))
        }
        Readiness::LoginRequired => {
            if let Grant::Static(_) = credential.grant {
                let account = account.clone();
                return Err(if credential.expiry().is_past(now) {
                    Error::LoginRequired { account, reason: LoginReason::StaticEnded }
                } else {
                    Error::Static { account }
                });
            }
            let reason = match credential.status {
                Status::LoginRequired => LoginReason::Refused,
                _ if credential.expiry().is_past(now) => LoginReason::Ended,
                Status::Active | Status::Inactive | Status::HandedOver => {
                    LoginReason::NotRefreshable
                }
            };
            Err(Error::LoginRequired { account: account.clone(), reason })
        }
        Readiness::HandedOver => {
            let moved_to = credential.moved_to.clone();
            let account = account.clone();
            Err(Error::HandedOver { account, moved_to, moved_by: None, unplaced: false })
        }
        Readiness::NeverLongEnough { asked } => {
            Err(Error::NeverLongEnough { account: account.clone(), asked })
        }
    }
}

/// Returns why a token is handed out as it is, or why not.
fn reason(readiness: Readiness, credential: &Credential, need: Need, now: Timestamp) -> String {
    let left = match credential.expiry() {
        Expiry::Known(at) if at <= now => "the token has ended".to_owned(),
        Expiry::Known(at) => format!("the token has {} s left", at.duration_since(now).as_secs()),
        Expiry::None => "the token has no end of its own".into(),
        Expiry::Unknown => "nobody said when the token ends".into(),
    };
    let needed = match (need, &credential.grant) {
        (Need::AtLeast(asked), _) => format!(", {} s are needed", asked.as_secs()),
        (Need::Usual, Grant::OAuth(grant)) => {
            grant.due_at.map_or_else(String::new, |due_at| format!(", it is due from {due_at} on"))
        }
        (Need::Usual, Grant::Static(_)) => String::new(),
    };
    let decision = match readiness {
        Readiness::Good => "handed out as it is",
        Readiness::Due { .. } => "to be refreshed first",
        Readiness::Fading => "handed out, since nothing renews it",
        Readiness::LoginRequired => "only a login helps",
        Readiness::HandedOver => "it was handed over",
        Readiness::NeverLongEnough { .. } => "the provider issues none that lasts as long",
    };
    format!("{left}{needed}: {decision}")
}

/// Returns the access token of `credential`. Fails with [`Error::LoginRequired`] if it has none:
/// what can be renewed is renewed before this is called.
pub(crate) fn token_of<'a>(
    account: &Account,
    credential: &'a Credential,
) -> Result<&'a AccessToken, Error> {
    let reason = LoginReason::NotRefreshable;
    credential.token().ok_or_else(|| Error::LoginRequired { account: account.clone(), reason })
}

/// Returns `credential` as a [`LiveToken`], with a warning if the service refused its token.
pub(crate) fn hand_out(credential: Credential, refreshed: bool) -> LiveToken {
    let warning = (credential.status == Status::Inactive).then_some(Warning::Inactive);
    LiveToken { credential, refreshed, warning }
}
