//! Asking a service whether a credential's token works, and storing the answer.
//!
//! The request carries the token, so it is sent only to the address that was sealed at login. If no
//! address was sealed, today's definition names one, but it has to be at an origin that is sealed:
//! an edited configuration can't send a token elsewhere.

use std::time::Instant;

use jiff::Timestamp;

use super::clock::Clock;
use super::credential;
use super::error::{CheckError, Error};
use super::live_token::token_of;
use super::refresh::WAIT;
use super::superseded;
use crate::model::account::Account;
use crate::model::attempt::{Action, Attempt, Outcome, pause_end};
use crate::model::credential::{Check, Credential, Grant, Status};
use crate::model::scope::Scopes;
use crate::oauth::http::Fault;
use crate::oauth::introspection;
pub(crate) use crate::oauth::protected_resource::Verdict;
use crate::oauth::protected_resource::{self, CheckAnswer, NoVerdict};
use crate::providers::{self, AddressParameters, Provider};
use crate::secret::AccessToken;
use crate::store::{self, CheckRecorded, OpenVault, Row};

/// The number of requests for one check. Another one is sent if the service refused a token that
/// another process replaced meanwhile.
const TRIES: usize = 3;

/// The result of a check: the service's verdict, and the credential as it is stored now.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) verdict: Verdict,
    pub(crate) credential: Credential,
    /// Whether the vault's status agrees with the verdict. `false` if a refresh of the credential
    /// was interrupted: its journal must not be lost, so the status was not changed.
    pub(crate) recorded: bool,
    /// The HTTP status of the service's answer.
    pub(crate) status: Option<u16>,
}

/// Returns the request that asks the service about `credential`: the sealed one, else the one of
/// today's definition.
///
/// Fails with [`CheckError::NoRequest`] if there is neither, with [`CheckError::OtherService`] if the
/// token is for another service than the one that today's definition asks, and with [`CheckError::Elsewhere`] if
/// the definition's address is not at a sealed origin.
pub(crate) fn request(
    account: &Account,
    credential: &Credential,
    today: Option<&Provider>,
) -> Result<Check, Error> {
    if let Some(check) = &credential.api.check {
        return Ok(check.clone());
    }
    // A definition's own request comes before that to the resource itself.
    let is_defined = today.is_some_and(|today| today.definition.check_url.is_some());
    if let Some(facts) = credential.by_address().filter(|_| !is_defined) {
        let (url, trusted_certificates) = (facts.asked.clone(), None);
        let (fields, refusals) = (Vec::new(), Vec::new());
        return Ok(Check { url, fields, refusals, introspects: false, trusted_certificates });
    }
    let none = || CheckError::NoRequest { account: account.clone() };
    let today = today.ok_or_else(none)?;
    let api = &credential.api;
    let places = |api_base_url| AddressParameters {
        server: api.server_url.as_ref(),
        api_base_url,
        site_id: None,
    };
    if let Grant::OAuth(grant) = &credential.grant
        && let Some(service) = today.other_service(&grant.scopes)
    {
        let (account, service) = (account.clone(), service.to_owned());
        return Err(CheckError::OtherService { account, service }.into());
    }
    let found = match credential.grant {
        Grant::Static(_) => today.static_check(&api.auth, places(credential.api_base_url())),
        // A token for a gateway does not work at the site's own address.
        Grant::OAuth(_) => today.check(places(api.base_url.as_ref())),
    };
    let check = match found {
        // An address with a placeholder that can't be filled in counts as none.
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

/// Asks the service about the token of `account` and stores the answer as its status:
/// [`Status::Active`] if the token works, [`Status::Inactive`] if not.
///
/// The statuses [`Status::LoginRequired`] and [`Status::HandedOver`] stay, because they are about
/// the grant and not about its last access token; with the first, a refused token counts as ended.
/// The caller renews a token that is due before: a verdict about an expired token says nothing.
/// Fails with [`Error::Check`] if there is no verdict.
pub(crate) fn check(
    vault: &OpenVault,
    account: &Account,
    today: Option<&Provider>,
    clock: Clock,
) -> Result<Checked, Error> {
    for _ in 0..TRIES {
        let row = credential::expect(vault, account)?.trusted(account)?;
        let check = request(account, &row.stored.credential, today)?;
        let token = token_of(account, &row.stored.credential)?;
        // A verdict about an older token could not be stored.
        vault.expect_newest(account)?;
        let began_at = clock();
        if let Some(until) = paused_until(vault, account, began_at)? {
            return Err(CheckError::Paused { account: account.clone(), until }.into());
        }
        let answer = match &row.stored.credential.grant {
            Grant::OAuth(grant) if check.introspects => {
                introspection::ask(&grant.client, &check.url, token, began_at)
            }
            Grant::OAuth(_) | Grant::Static(_) => {
                protected_resource::ask(&row.stored.credential, token, &check)
            }
        };
        let attempt = attempt(&answer, began_at, clock());
        let answer = answer.map_err(protected_resource::Error::from);
        let verdict = match answer.and_then(|answered| Ok(answered.verdict?)) {
            Ok(verdict) => verdict,
            Err(source) => {
                // The service's error counts more than one of storing it.
                let _ = record(vault, account, &row, None, &attempt);
                return Err(CheckError::NoVerdict { account: account.clone(), source }.into());
            }
        };
        let credential = with_status(&row.stored.credential, verdict, clock());
        let recorded = record(vault, account, &row, credential.as_ref(), &attempt)?;
        let recorded = match (recorded, verdict) {
            // Another process replaced the token that was refused: the new one is tried.
            (CheckRecorded::Moved, Verdict::Refused) => continue,
            (CheckRecorded::InDoubt, _) => false,
            (CheckRecorded::Moved | CheckRecorded::Yes, _) => true,
        };
        let credential = credential.filter(|_| recorded).unwrap_or(row.stored.credential);
        superseded::finish(vault, account, &credential, clock);
        let status = attempt.status;
        return Ok(Checked { verdict, credential, recorded, status });
    }
    Err(store::Error::Busy.into())
}

/// The outcome of noting that a service refused a token, as another program said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noted {
    /// The refusal counts like a check: a token that can be renewed is due, and another one is handed out
    /// with a warning.
    Yes,
    /// The credential has another token by now.
    OtherToken,
    /// A refresh of the credential was interrupted, whose journal must not be lost.
    InDoubt,
}

/// Stores that a service refused `token`, as a program says that used it, if `account` still has
/// that token. No request is sent.
pub(crate) fn note_refusal(
    vault: &OpenVault,
    account: &Account,
    token: &AccessToken,
    clock: Clock,
) -> Result<Noted, Error> {
    vault.open_for_writing()?;
    let row = credential::expect(vault, account)?.trusted(account)?;
    if !row.stored.credential.has_token(token) {
        return Ok(Noted::OtherToken);
    }
    vault.expect_newest(account)?;
    let now = clock();
    let attempt = Attempt {
        name: None,
        action: Action::Check,
        began_at: now,
        ended_at: now,
        outcome: Outcome::Refused,
        status: None,
        error: None,
        message: Some("the server refused the token, as the program says that used it".into()),
        not_before: None,
        wanted_scopes: None,
        refusals: 0,
        clock_skew: None,
    };
    let credential = with_status(&row.stored.credential, Verdict::Refused, now);
    Ok(match record(vault, account, &row, credential.as_ref(), &attempt)? {
        CheckRecorded::Yes => Noted::Yes,
        CheckRecorded::InDoubt => Noted::InDoubt,
        CheckRecorded::Moved => Noted::OtherToken,
    })
}

/// Returns `credential` with the status that follows from `verdict`, or `None` if its status stays.
fn with_status(credential: &Credential, verdict: Verdict, now: Timestamp) -> Option<Credential> {
    let status = match (credential.status, verdict) {
        (Status::Active, Verdict::Refused) => Status::Inactive,
        (Status::Inactive, Verdict::Accepted) => Status::Active,
        // Nothing renews the token any more, so nobody may be handed it.
        (Status::LoginRequired, Verdict::Refused) if !credential.expiry().is_past(now) => {
            return Some(credential.clone().with_dead_token(now));
        }
        (Status::Active, Verdict::Accepted)
        | (Status::Inactive, Verdict::Refused)
        | (Status::LoginRequired | Status::HandedOver, _) => return None,
    };
    Some(Credential { status, updated_at: now, ..credential.clone() })
}

/// Stores `attempt`, and `credential`, if given, in place of the row `read`.
fn record(
    vault: &OpenVault,
    account: &Account,
    read: &Row,
    credential: Option<&Credential>,
    attempt: &Attempt,
) -> Result<CheckRecorded, Error> {
    // A process that has the turn has read the row and relies on it, so a change of the row waits
    // for the turn. An attempt alone changes no row, and need not wait.
    let _turn = match credential {
        Some(_) => Some(vault.status_turn(account, Instant::now() + WAIT)?),
        None => None,
    };
    let was = (read.stored.revision, read.stored.credential.status);
    Ok(vault.record_check(account, was, credential, attempt)?)
}

/// Returns the record of a request to a service, with what `answer` says.
fn attempt(
    answer: &Result<CheckAnswer, Fault>,
    began_at: Timestamp,
    ended_at: Timestamp,
) -> Attempt {
    let (outcome, message) = match answer {
        Ok(CheckAnswer { verdict: Ok(Verdict::Accepted), .. }) => (Outcome::Done, None),
        Ok(CheckAnswer { verdict: Ok(Verdict::Refused), meta }) => {
            let what = match meta.status {
                200..=299 => "the service answered as to a stranger",
                _ => "the service refused the token",
            };
            (Outcome::Refused, Some(format!("{what} (HTTP {})", meta.status)))
        }
        Ok(CheckAnswer { verdict: Err(error), .. }) => {
            let outcome =
                if error.is_passing() { Outcome::Transient } else { Outcome::Configuration };
            (outcome, Some(error.to_string()))
        }
        Err(fault) => (Outcome::Transient, Some(fault.to_string())),
    };
    let retry_after = match answer {
        Ok(CheckAnswer {
            verdict: Err(NoVerdict::TooManyRequests { retry_after, .. }), ..
        }) => *retry_after,
        Ok(_) | Err(_) => None,
    };
    let meta = answer.as_ref().ok().map(|answered| answered.meta);
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
        wanted_scopes: wanted_scopes(answer),
        refusals: 0,
        clock_skew: meta
            .and_then(|meta| meta.date)
            .map(|date| date.duration_since(ended_at).as_secs()),
    }
}

/// Returns the scopes that a login has to ask for, if `answer` says that one is missing and names it.
fn wanted_scopes(answer: &Result<CheckAnswer, Fault>) -> Option<Scopes> {
    match answer {
        Ok(CheckAnswer { verdict: Err(NoVerdict::ScopeMissing { scopes, .. }), .. }) => {
            Some(scopes.clone()).filter(|scopes| !scopes.is_empty())
        }
        Ok(_) | Err(_) => None,
    }
}

/// Returns the time until which the service asked for no more checks of `account`, if it did and
/// that time has not come.
fn paused_until(
    vault: &OpenVault,
    account: &Account,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let last = vault.last_attempt(account)?.filter(|last| last.action == Action::Check);
    Ok(last.and_then(|last| last.paused_until(now)))
}
