//! A token that works: found in the vault, or renewed.

use jiff::Timestamp;

use super::error::{Error, LoginReason};
use super::open_vault::{OpenVault, Row};
use crate::model::account::Account;
use crate::model::credential::{Credential, Grant, Status};
use crate::model::readiness::{Need, Readiness, readiness};
use crate::oauth::token_error;

/// A credential whose token may be handed out.
#[derive(Debug)]
pub(crate) struct Handed {
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
    /// It should have been renewed, and was not.
    NotRefreshed(token_error::Error),
    /// Another process was renewing it for too long.
    Busy,
    /// Whether its refresh token was spent is not known, so it is used up first.
    Interrupted,
}

/// What was found in the vault.
#[derive(Debug)]
pub(crate) enum Found {
    /// A token that is good enough.
    Good(Box<Handed>),
    /// It has to be renewed first.
    Due,
}

/// Looks whether the token of `account` is good enough, with no network and no write.
pub(crate) fn find(
    vault: &mut OpenVault,
    account: &Account,
    need: Need,
    may_refresh: bool,
    now: Timestamp,
) -> Result<Found, Error> {
    let row = vault.expect(account)?;
    // An interrupted refresh is seen to even while the token works: that may be the last chance.
    if row.journal.is_some() && may_refresh {
        return Ok(Found::Due);
    }
    judge(account, row, need, now)
}

/// Says what can be done with `row`, whose journal has been seen to.
pub(super) fn judge(
    account: &Account,
    row: Row,
    need: Need,
    now: Timestamp,
) -> Result<Found, Error> {
    let credential = row.stored.credential;
    let account = || account.clone();
    match readiness(&credential, need, now) {
        Readiness::Good => Ok(Found::Good(Box::new(hand_out(credential, false)))),
        Readiness::Due { .. } => Ok(Found::Due),
        Readiness::Fading => {
            let ends_at = credential.expiry().at();
            let warning = Some(Warning::Fading { ends_at });
            Ok(Found::Good(Box::new(Handed { credential, refreshed: false, warning })))
        }
        Readiness::LoginRequired => {
            let reason = match (&credential.grant, credential.status) {
                (_, Status::LoginRequired) => LoginReason::Refused,
                (_, _) if credential.expiry().is_past(now) => LoginReason::Ended,
                (Grant::Static(_) | Grant::OAuth(_), _) => LoginReason::NotRefreshable,
            };
            Err(Error::LoginRequired { account: account(), reason })
        }
        Readiness::HandedOver => Err(Error::HandedOver { account: account() }),
        Readiness::NeverLongEnough => {
            let asked = match need {
                Need::AtLeast(asked) => asked,
                Need::Usual => jiff::SignedDuration::ZERO,
            };
            Err(Error::NeverLongEnough { account: account(), asked })
        }
    }
}

/// A credential as it is, with a warning if the service refused it.
pub(super) fn hand_out(credential: Credential, refreshed: bool) -> Handed {
    let warning = (credential.status == Status::Inactive).then_some(Warning::Inactive);
    Handed { credential, refreshed, warning }
}
