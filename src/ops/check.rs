//! Asking a service whether a credential's token works, and writing down what it says.
//!
//! The request carries the token, so it goes nowhere but to the address that was sealed at login.
//! A credential from before such addresses were sealed is asked about where today's definition
//! says, but only at an origin that is under its seal: an edited configuration sends no token
//! elsewhere.

use std::time::Instant;

use jiff::Timestamp;

use super::clock::Clock;
use super::credential;
use super::error::{CheckError, Error};
use super::live_token::token_of;
use super::refresh::WAIT;
use crate::model::account::Account;
use crate::model::attempt::{Action, Attempt, Outcome, pause_end};
use crate::model::credential::{Check, Credential, Grant, Status};
use crate::oauth::http::Fault;
pub(crate) use crate::oauth::protected_resource::Verdict;
use crate::oauth::protected_resource::{self, CheckAnswer, NoVerdict};
use crate::providers::{self, AddressParameters, Provider};
use crate::store::{self, CheckRecorded, OpenVault, Row};

/// How often a service is asked anew whose refusal was about a token that was replaced meanwhile.
const TRIES: usize = 3;

/// What the service said, and what became of it in the vault.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) verdict: Verdict,
    pub(crate) credential: Credential,
    /// Whether the status stands in the vault as the service said. Else a refresh is in doubt, and
    /// what is known of that must not be lost.
    pub(crate) recorded: bool,
}

/// How the service is asked about `credential`: as it was sealed; else as `today` has it, if that
/// is where the credential's requests go anyway.
pub(crate) fn request(
    account: &Account,
    credential: &Credential,
    today: Option<&Provider>,
) -> Result<Check, Error> {
    if let Some(check) = &credential.api.check {
        return Ok(check.clone());
    }
    let none = || CheckError::NoRequest { account: account.clone() };
    let today = today.ok_or_else(none)?;
    let api = &credential.api;
    let places = |api_base_url| AddressParameters {
        server: api.server_url.as_ref(),
        api_base_url,
        site_id: None,
    };
    let found = match credential.grant {
        Grant::Static(_) => today.static_check(&api.auth, places(credential.api_base_url())),
        // A token of a gateway never works at the site itself.
        Grant::OAuth(_) => today.check(places(api.base_url.as_ref())),
    };
    let check = match found {
        // An address that nothing is known to fill in is no address.
        Err(providers::Error::NoServer { .. }) | Ok(None) => return Err(none().into()),
        Ok(Some(check)) => check,
        Err(error) => return Err(error.into()),
    };
    let origin = check.url.url().origin();
    let sealed = [&api.base_url, &api.server_url];
    if sealed.into_iter().flatten().any(|address| address.url().origin() == origin) {
        return Ok(check);
    }
    Err(CheckError::Elsewhere { account: account.clone(), address: check.url }.into())
}

/// Asks the service about the token of `account` and writes the answer down: `active` for one that
/// works, `inactive` for one that does not.
///
/// That the provider no longer renews a grant is another matter, which no answer about its last
/// access token changes. The caller sees to it that the token is not due: the service's word on
/// one that has ended says nothing.
pub(crate) fn check(
    vault: &OpenVault,
    account: &Account,
    today: Option<&Provider>,
    clock: Clock,
) -> Result<Checked, Error> {
    for _ in 0..TRIES {
        let row = credential::expect(vault, account)?;
        let check = request(account, &row.stored.credential, today)?;
        let token = token_of(account, &row.stored.credential)?;
        let began_at = clock();
        if let Some(until) = paused_until(vault, account, began_at)? {
            return Err(CheckError::Paused { account: account.clone(), until }.into());
        }
        let asked = protected_resource::ask(&row.stored.credential, token, &check);
        let attempt = attempt(&asked, began_at, clock());
        let said = asked.map_err(protected_resource::Error::from);
        let verdict = match said.and_then(|answered| Ok(answered.verdict?)) {
            Ok(verdict) => verdict,
            Err(source) => {
                // What was seen is told all the same if it can't be written down.
                let _ = record(vault, account, &row, None, &attempt);
                return Err(CheckError::NoVerdict { account: account.clone(), source }.into());
            }
        };
        let credential = with_status(&row.stored.credential, verdict, clock());
        let recorded = record(vault, account, &row, credential.as_ref(), &attempt)?;
        let recorded = match (recorded, verdict) {
            // The token that was refused is nobody's any more.
            (CheckRecorded::Moved, Verdict::Refused) => continue,
            (CheckRecorded::InDoubt, _) => false,
            (CheckRecorded::Moved | CheckRecorded::Yes, _) => true,
        };
        let credential = credential.filter(|_| recorded).unwrap_or(row.stored.credential);
        return Ok(Checked { verdict, credential, recorded });
    }
    Err(store::Error::Busy.into())
}

/// `credential` as the verdict makes it; `None` if that changes nothing.
fn with_status(credential: &Credential, verdict: Verdict, now: Timestamp) -> Option<Credential> {
    let status = match (credential.status, verdict) {
        (Status::Active, Verdict::Refused) => Status::Inactive,
        (Status::Inactive, Verdict::Accepted) => Status::Active,
        (Status::Active, Verdict::Accepted)
        | (Status::Inactive, Verdict::Refused)
        | (Status::LoginRequired | Status::HandedOver, _) => return None,
    };
    Some(Credential { status, updated_at: now, ..credential.clone() })
}

/// Writes down what was learnt of the row that was read, and `credential` over it if it changed.
fn record(
    vault: &OpenVault,
    account: &Account,
    read: &Row,
    credential: Option<&Credential>,
    attempt: &Attempt,
) -> Result<CheckRecorded, Error> {
    // Whoever has the turn has read the row and counts on it; what is only evidence need not wait.
    let _turn = match credential {
        Some(_) => Some(vault.status_turn(account, Instant::now() + WAIT)?),
        None => None,
    };
    let was = (read.stored.revision, read.stored.credential.status);
    Ok(vault.record_check(account, was, credential, attempt)?)
}

fn attempt(
    asked: &Result<CheckAnswer, Fault>,
    began_at: Timestamp,
    ended_at: Timestamp,
) -> Attempt {
    let (outcome, message) = match asked {
        Ok(CheckAnswer { verdict: Ok(Verdict::Accepted), .. }) => (Outcome::Done, None),
        Ok(CheckAnswer { verdict: Ok(Verdict::Refused), meta }) => {
            let status = meta.status;
            (Outcome::Refused, Some(format!("the service refused the token (HTTP {status})")))
        }
        Ok(CheckAnswer { verdict: Err(error), .. }) => {
            (Outcome::Transient, Some(error.to_string()))
        }
        Err(fault) => (Outcome::Transient, Some(fault.to_string())),
    };
    let retry_after = match asked {
        Ok(CheckAnswer {
            verdict: Err(NoVerdict::TooManyRequests { retry_after, .. }), ..
        }) => *retry_after,
        Ok(_) | Err(_) => None,
    };
    let meta = asked.as_ref().ok().map(|answered| answered.meta);
    Attempt {
        name: None,
        action: Action::Check,
        began_at,
        ended_at,
        outcome,
        status: meta.map(|meta| meta.status),
        error: None,
        message,
        not_before: pause_end(retry_after, ended_at),
        clock_skew: meta
            .and_then(|meta| meta.date)
            .map(|date| date.duration_since(ended_at).as_secs()),
    }
}

/// Until when the service that is asked about `account` wants to be left alone.
fn paused_until(
    vault: &OpenVault,
    account: &Account,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let last = vault.last_attempt(account)?.filter(|last| last.action == Action::Check);
    Ok(last.and_then(|last| last.paused_until(now)))
}
