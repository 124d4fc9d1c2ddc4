//! A token that is good enough, and whether the vault has one.

use jiff::Timestamp;

use super::clock::Clock;
use super::credential;
use super::error::{Error, LoginReason, StoreError};
use crate::model::account::Account;
use crate::model::credential::{Credential, Status};
use crate::model::readiness::{Need, Readiness, readiness};
use crate::secret::AccessToken;
use crate::store::OpenVault;

/// A credential whose token may be handed out.
#[derive(Debug)]
pub(crate) struct LiveToken {
    pub(crate) credential: Credential,
    /// Whether this call renewed it.
    pub(crate) refreshed: bool,
    pub(crate) warning: Option<Warning>,
}

/// What the user should know of a token that is handed out all the same.
#[derive(Debug)]
pub(crate) enum Warning {
    /// The service refused it when it was last asked.
    Inactive,
    /// It ends at this time, and nothing will renew it.
    Fading { ends_at: Option<Timestamp> },
    /// Another process is renewing it.
    BeingRefreshed,
    /// What became of an earlier refresh is not known, and another could end the grant.
    InDoubt,
    /// It should have been renewed, and was not, for this reason.
    NotRefreshed(Box<Error>),
}

impl Warning {
    /// What `error`, which kept a token from being renewed, says of the token in hand.
    pub(super) fn of(error: Error) -> Self {
        match error {
            Error::Store(StoreError::Busy) => Self::BeingRefreshed,
            Error::Interrupted { .. } => Self::InDoubt,
            error => Self::NotRefreshed(Box::new(error)),
        }
    }
}

/// How good a token has to be, and what may be done for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) need: Need,
    pub(crate) may_refresh: bool,
    pub(crate) clock: Clock,
}

/// What was found in the vault.
#[derive(Debug)]
pub(crate) enum Found {
    /// A token that is good enough.
    Good(Box<LiveToken>),
    /// It has to be renewed first.
    Due,
}

/// Looks whether the token of `account` is good enough, with no network and no write.
pub(crate) fn find(vault: &OpenVault, account: &Account, policy: Policy) -> Result<Found, Error> {
    let row = credential::expect(vault, account)?;
    if row.stored.credential.status == Status::HandedOver {
        return Err(credential::handed_over(vault, account));
    }
    let found = judge(account, &row.stored.credential, policy.need, (policy.clock)())?;
    // An interrupted refresh is seen to even while the token works: that may be the last chance.
    // But where none may be made, or none would help, there is nothing to see to.
    let refused = row.stored.credential.status == Status::LoginRequired;
    if row.journal.is_some() && policy.may_refresh && !refused {
        return Ok(Found::Due);
    }
    Ok(found)
}

/// Says what can be done with `credential`, no refresh of which was interrupted.
pub(super) fn judge(
    account: &Account,
    credential: &Credential,
    need: Need,
    now: Timestamp,
) -> Result<Found, Error> {
    match readiness(credential, need, now) {
        Readiness::Good => Ok(Found::Good(Box::new(hand_out(credential.clone(), false)))),
        Readiness::Due { .. } => Ok(Found::Due),
        Readiness::Fading => {
            let warning = Some(Warning::Fading { ends_at: credential.expiry().at() });
            let credential = credential.clone();
            Ok(Found::Good(Box::new(LiveToken { credential, refreshed: false, warning })))
        }
        Readiness::LoginRequired => {
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
            Err(Error::HandedOver { account: account.clone(), unplaced: false })
        }
        Readiness::NeverLongEnough { asked } => {
            Err(Error::NeverLongEnough { account: account.clone(), asked })
        }
    }
}

/// The token of `credential`, to be handed out. A credential without one is renewed before this is
/// called; an error means that nothing renews it.
pub(crate) fn token_of<'a>(
    account: &Account,
    credential: &'a Credential,
) -> Result<&'a AccessToken, Error> {
    let reason = LoginReason::NotRefreshable;
    credential.token().ok_or_else(|| Error::LoginRequired { account: account.clone(), reason })
}

/// A credential as it is, with a warning if the service refused it.
pub(crate) fn hand_out(credential: Credential, refreshed: bool) -> LiveToken {
    let warning = (credential.status == Status::Inactive).then_some(Warning::Inactive);
    LiveToken { credential, refreshed, warning }
}
