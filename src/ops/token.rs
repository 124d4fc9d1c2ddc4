//! A live token: found in the vault, or renewed.
//!
//! [`live`] is what every command asks that hands a token out, and [`renew`] what those ask that
//! want a new one, due or not. What they have to know of today's configuration, they ask their
//! [`Caller`], and only when a token is due: a `get` of a good token reads no configuration.

use jiff::Timestamp;

use super::clock::Clock;
use super::credential;
use super::error::{Error, LoginReason};
use super::refresh::{Refresh, Today, Trigger};
use crate::model::account::Account;
use crate::model::audit::Settings;
use crate::model::credential::{Credential, Status};
use crate::model::readiness::{Need, Readiness, readiness};
use crate::providers::Renewal;
use crate::secret::ClientSecret;
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
    /// It should have been renewed, and was not, for this reason.
    NotRefreshed(Box<Error>),
}

/// How good a token has to be, and what may be done for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) need: Need,
    pub(crate) may_refresh: bool,
    pub(crate) clock: Clock,
}

/// How a token is renewed by today's configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) renewal: Renewal,
    /// How the audit is to be kept, where the configuration can be read.
    pub(crate) audit: Option<Settings>,
}

/// The command for which a token is renewed: knows the configuration, and may show that it waits.
pub(crate) trait Caller {
    /// How tokens of the account's provider are renewed. Without a definition, the strictest rules.
    fn rules(&self, account: &Account) -> Rules;

    /// A client secret that is configured for the credential's client and is not the sealed one.
    fn other_secret(&self, account: &Account, credential: &Credential) -> Option<ClientSecret>;

    /// Does `work`, which waits for a server.
    fn while_waiting<T>(&self, work: impl FnOnce() -> T) -> T;

    /// Hears how a refresh went.
    fn hear(&self, vault: &OpenVault, account: &Account, outcome: &Result<LiveToken, Error>);
}

/// Gives a token of `account` that is good enough: the one in the vault, with no network and no
/// write, or a new one.
///
/// Fails with [`Error::RefreshForbidden`] where it is due and may not be refreshed.
pub(crate) fn live(
    vault: &OpenVault,
    account: &Account,
    policy: Policy,
    caller: &impl Caller,
) -> Result<LiveToken, Error> {
    match find(vault, account, policy)? {
        Found::Good(token) => Ok(*token),
        Found::Due if !policy.may_refresh => {
            Err(Error::RefreshForbidden { account: account.clone() })
        }
        Found::Due => renew(vault, account, Trigger::Need(policy.need), policy.clock, caller),
    }
}

/// Renews the token of `account`.
///
/// If the server refuses the sealed client secret, and another one is configured for the same
/// client, that one is tried once.
pub(crate) fn renew(
    vault: &OpenVault,
    account: &Account,
    trigger: Trigger,
    clock: Clock,
    caller: &impl Caller,
) -> Result<LiveToken, Error> {
    let Rules { renewal, audit } = caller.rules(account);
    if let Some(settings) = audit {
        vault.keep_audit_as(settings);
    }
    let attempt = |client_secret| {
        let today = Today { renewal, client_secret };
        let refresh = Refresh { vault, account, trigger, today: &today, clock };
        caller.while_waiting(|| refresh.run())
    };
    let mut outcome = attempt(None);
    if let Err(error) = &outcome
        && error.is_about_the_client()
    {
        let row = credential::expect(vault, account)?;
        if let Some(secret) = caller.other_secret(account, &row.stored.credential) {
            outcome = attempt(Some(secret));
        }
    }
    caller.hear(vault, account, &outcome);
    outcome
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

/// A credential as it is, with a warning if the service refused it.
pub(crate) fn hand_out(credential: Credential, refreshed: bool) -> LiveToken {
    let warning = (credential.status == Status::Inactive).then_some(Warning::Inactive);
    LiveToken { credential, refreshed, warning }
}
