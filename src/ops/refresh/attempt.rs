//! One turn to renew a token, with the credential's lock in hand.

use std::time::Duration;

use jiff::Timestamp;

use super::answer;
use super::evidence::{self, Span};
use super::pace::Pace;
use super::trigger::Trigger;
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::credential::{Credential, Grant, OAuthGrant, Renewing, Status};
use crate::model::definition::Reuse;
use crate::model::readiness::due_at;
use crate::oauth::token::{self, Asked};
use crate::oauth::token_answer::TokenAnswer;
use crate::oauth::{client_credentials, jwt_bearer, token_error};
use crate::ops::access_token::{Found, Handed, Warning, hand_out, judge};
use crate::ops::clock::Clock;
use crate::ops::error::{Error, LoginReason};
use crate::ops::open_vault::{OpenVault, Row};
use crate::providers::Renewal;
use crate::secret::{ClientSecret, SecretText};
use crate::signals;
use crate::store::credentials::Stored;
use crate::store::journal::{self, Journal};
use crate::store::spill::Spill;
use crate::store::{self, attempts, credentials};

/// What today's configuration says, as far as it matters to a refresh. Where requests go is not
/// part of it: that stands under the seal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Today {
    pub(crate) renewal: Renewal,
    /// The client secret to use, and seal if it works, instead of the sealed one.
    pub(crate) client_secret: Option<ClientSecret>,
}

/// Asks for a new token, and again after a moment where that can help and does no harm.
pub(super) fn attempt(
    vault: &mut OpenVault,
    account: &Account,
    row: Row,
    trigger: Trigger,
    today: &Today,
    clock: Clock,
) -> Result<Handed, Error> {
    let Row { stored, journal: mut earlier } = row;
    if let Some(journal) = &earlier
        && let Some(handed) = spare(account, &stored, journal, trigger, today, clock())?
    {
        return Ok(handed);
    }
    if stored.credential.status == Status::HandedOver {
        return Err(vault.handed_over(account));
    }
    let (grant, renewing) = renewable(account, &stored.credential, clock())?;
    let spill = Spill::open(vault.file(), account, &stored.credential)?;
    let reuse = today.renewal.reuse_of(&stored.credential);
    let has_token = trigger.could_do_with(&stored.credential, clock());
    let mut pace = Pace::new(has_token && reuse == Reuse::Tolerant);
    loop {
        // Held until the answer is saved, but not while nothing is under way.
        let held = signals::hold()
            .map_err(|source| store::Error::Io { doing: "watch signals over", source })?;
        let began_at = clock();
        let Some(journal) = begin(vault, account, &stored, earlier.as_ref(), began_at)? else {
            return Ok(hand_out(vault.expect(account)?.stored.credential, false));
        };
        let Asked { answer, heard } = request(grant, renewing, today, pace.request(), clock);
        let span = Span { name: journal.attempt, began_at, ended_at: clock() };
        let error = match answer {
            Ok(answer) => {
                let credential = renewed(&stored.credential, grant, answer, today, clock());
                let attempt = evidence::of_success(span, heard);
                return answer::save(vault, account, credential, &journal, &spill, &attempt);
            }
            Err(error) => error,
        };
        let since_first_use = clock().duration_since(journal.started_at);
        let Some(pause) = pace.pause(&error, reuse.allows_another_try(since_first_use)) else {
            let failure = Failure { record: evidence::of_failure(span, heard, &error), error };
            return failed(vault, account, trigger, &stored, earlier.as_ref(), failure, clock);
        };
        if error.was_not_processed() {
            put_back(vault, account, earlier.as_ref(), None);
        } else {
            earlier = Some(journal);
        }
        drop(held);
        std::thread::sleep(pause);
    }
}

/// Commits the journal of a request that is about to be sent; `None` if the row is no longer the
/// one that was read.
fn begin(
    vault: &mut OpenVault,
    account: &Account,
    stored: &Stored,
    earlier: Option<&Journal>,
    now: Timestamp,
) -> Result<Option<Journal>, Error> {
    let journal = Journal {
        revision: stored.revision,
        attempt: attempt_name()?,
        // The refresh token may have been spent as early as by the first try.
        started_at: earlier.map_or(now, |journal| journal.started_at),
    };
    let (account, begins) = (account.clone(), journal.clone());
    let begun = vault.jot_in_group(move |transaction, _| {
        let current = credentials::revision(transaction, &account)? == Some(begins.revision);
        if current {
            journal::put(transaction, &account, &begins)?;
        }
        Ok(current)
    })?;
    Ok(begun.then_some(journal))
}

/// Whether the refresh token is better left alone: an earlier try may have spent it, the provider
/// takes a second use for theft, and the access token still works.
fn spare(
    account: &Account,
    stored: &Stored,
    earlier: &Journal,
    trigger: Trigger,
    today: &Today,
    now: Timestamp,
) -> Result<Option<Handed>, Error> {
    let credential = &stored.credential;
    let reuse = today.renewal.reuse_of(credential);
    if reuse.allows_another_try(now.duration_since(earlier.started_at)) {
        return Ok(None);
    }
    match trigger {
        Trigger::Asked if !credential.expiry().is_past(now) => {
            Err(Error::Interrupted { account: account.clone(), since: earlier.started_at })
        }
        // Says, where that is so, that no try would help, or that none may be made.
        Trigger::Need(need) => match judge(account, credential, need, now)? {
            Found::Good(handed) => {
                let warning = handed.warning.or(Some(Warning::Interrupted));
                Ok(Some(Handed { warning, ..*handed }))
            }
            Found::Due if trigger.could_do_with(credential, now) => Ok(Some(Handed {
                credential: credential.clone(),
                refreshed: false,
                warning: Some(Warning::Interrupted),
            })),
            Found::Due => Ok(None),
        },
        Trigger::Asked => Ok(None),
    }
}

fn renewable<'a>(
    account: &Account,
    credential: &'a Credential,
    now: Timestamp,
) -> Result<(&'a OAuthGrant, Renewing<'a>), Error> {
    if credential.is_over(now) && credential.is_refreshable() {
        let reason = LoginReason::Ended;
        return Err(Error::LoginRequired { account: account.clone(), reason });
    }
    match &credential.grant {
        Grant::OAuth(grant) => grant
            .renewing()
            .map(|renewing| (&**grant, renewing))
            .ok_or_else(|| not_refreshable(account)),
        Grant::Static(_) => Err(not_refreshable(account)),
    }
}

fn not_refreshable(account: &Account) -> Error {
    Error::LoginRequired { account: account.clone(), reason: LoginReason::NotRefreshable }
}

fn attempt_name() -> Result<[u8; 16], getrandom::Error> {
    let mut name = [0; 16];
    getrandom::fill(&mut name)?;
    Ok(name)
}

/// Asks for a new token; with the client secret of today's configuration, if there is one.
fn request(
    grant: &OAuthGrant,
    renewing: Renewing<'_>,
    today: &Today,
    bound: Duration,
    clock: Clock,
) -> Asked {
    let mut client = grant.client.clone();
    client.authentication = client.authentication.with_secret(today.client_secret.clone());
    match renewing {
        Renewing::RefreshToken(token) => token::refresh(&client, token, clock(), bound),
        Renewing::Exchange(token) => token::exchange(&client, token, clock(), bound),
        Renewing::ClientCredentials { scopes } => {
            client_credentials::request(&client, scopes, clock(), bound)
        }
        Renewing::JwtBearer { account, scopes } => {
            jwt_bearer::request(&client, account, scopes, clock(), bound)
        }
    }
}

/// The credential with what the server answered.
fn renewed(
    credential: &Credential,
    grant: &OAuthGrant,
    answer: TokenAnswer,
    today: &Today,
    now: Timestamp,
) -> Credential {
    let mut grant = grant.clone();
    grant.access_token = Some(answer.access_token);
    grant.token_type = answer.token_type;
    grant.issued_at = now;
    grant.expiry = answer.expiry;
    grant.due_at = due_at(now, answer.expiry, today.renewal.margin);
    // Another refresh token has an end of its own, or one that nobody told.
    let old = grant.refresh_token.as_ref().map(SecretText::expose);
    let is_another = answer.refresh_token.as_ref().is_some_and(|new| Some(new.expose()) != old);
    let earlier_end = grant.refresh_expires_at.filter(|_| !is_another);
    grant.refresh_expires_at = answer.refresh_expires_at.or(earlier_end);
    grant.life = today.renewal.life.unwrap_or(grant.life);
    // RFC 6749 §6: a new refresh token replaces the old one; without one the old one stays good.
    grant.refresh_token = answer.refresh_token.or(grant.refresh_token);
    grant.scopes = answer.scopes.unwrap_or(grant.scopes);
    let authentication = grant.client.authentication;
    grant.client.authentication = authentication.with_secret(today.client_secret.clone());
    Credential {
        grant: Grant::OAuth(Box::new(grant)),
        status: Status::Active,
        updated_at: now,
        last_refreshed_at: Some(now),
        ..credential.clone()
    }
}

/// Why there is no token, and what is remembered of it.
struct Failure {
    error: token_error::Error,
    record: Attempt,
}

/// Sees to the journal and the status after a request that brought no token.
fn failed(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    stored: &Stored,
    earlier: Option<&Journal>,
    Failure { error, record }: Failure,
    clock: Clock,
) -> Result<Handed, Error> {
    match &error {
        token_error::Error::GrantRefused { .. } => {
            return refused(vault, account, trigger, stored, &record, clock);
        }
        token_error::Error::ClientRefused { .. } | token_error::Error::NotSigned(_) => {
            put_back(vault, account, earlier, Some(&record));
            return Err(Error::NotRefreshed { account: account.clone(), source: error });
        }
        // What was not processed leaves things as they were. Anything else may have spent the
        // refresh token: its journal stays.
        passing if passing.was_not_processed() => {
            put_back(vault, account, earlier, Some(&record));
        }
        token_error::Error::TooManyRequests { .. }
        | token_error::Error::NoVerdict { .. }
        | token_error::Error::Fault(_) => {
            let account = account.clone();
            let _ = vault
                .jot_in_group(move |transaction, _| attempts::put(transaction, &account, &record));
        }
    }
    if trigger.could_do_with(&stored.credential, clock()) {
        let warning = Some(Warning::NotRefreshed(error));
        return Ok(Handed { credential: stored.credential.clone(), refreshed: false, warning });
    }
    Err(Error::NotRefreshed { account: account.clone(), source: error })
}

/// The journal as it was before a request that the server did not process. If that can't be
/// written, the next try is more careful than it need be, and the server's word is still told.
fn put_back(
    vault: &mut OpenVault,
    account: &Account,
    earlier: Option<&Journal>,
    record: Option<&Attempt>,
) {
    let (account, earlier, record) = (account.clone(), earlier.cloned(), record.cloned());
    let _ = vault.jot_in_group(move |transaction, _| {
        if let Some(record) = &record {
            attempts::put(transaction, &account, record)?;
        }
        match &earlier {
            Some(journal) => journal::put(transaction, &account, journal),
            None => journal::remove(transaction, &account),
        }
    });
}

/// Records that the grant is no longer renewed, unless the row was changed meanwhile: then the
/// refusal was about a refresh token that somebody replaced. The tokens are kept.
fn refused(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    stored: &Stored,
    record: &Attempt,
    clock: Clock,
) -> Result<Handed, Error> {
    let now = clock();
    let credential =
        Credential { status: Status::LoginRequired, updated_at: now, ..stored.credential.clone() };
    if !answer::store(vault, account, &credential, stored.revision, Some(record))? {
        return Ok(hand_out(vault.expect(account)?.stored.credential, false));
    }
    let login_required =
        || Error::LoginRequired { account: account.clone(), reason: LoginReason::Refused };
    match trigger {
        Trigger::Asked => Err(login_required()),
        Trigger::Need(need) => match judge(account, &credential, need, now)? {
            Found::Good(handed) => Ok(*handed),
            Found::Due => Err(login_required()),
        },
    }
}
