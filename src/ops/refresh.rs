//! Renewing a token: exactly once, and never lost.
//!
//! Two processes that spend one rotating refresh token make the provider revoke the whole grant;
//! so does a process that dies between the provider's answer and the save, once the next one tries
//! again. Hence the order here: the credential's lock, the row read again, a journal and room for
//! the answer on the disk, the request, the commit, and only then a word to the caller.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::access_token::{Found, Handed, Warning, hand_out, judge};
use super::clock::Clock;
use super::error::{Error, LoginReason};
use super::open_vault::{OpenVault, Row};
use super::signals::Held;
use crate::model::account::Account;
use crate::model::credential::{Credential, Grant, OAuthGrant, Status};
use crate::model::readiness::{Need, Readiness, due_at, lasts, readiness};
use crate::oauth::token::{self, TokenAnswer};
use crate::oauth::{http, token_error};
use crate::providers::Renewal;
use crate::secret::{ClientSecret, RefreshToken};
use crate::store::journal::{self, Journal};
use crate::store::spill::Spill;
use crate::store::{self, credentials, locks};

/// How long a waiter gives the process that has the lock: the request's own bound, and some.
const WAIT: Duration = http::WHOLE.saturating_add(Duration::from_secs(15));

/// The same where the token in hand works still.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// How often a waiter looks whether the work was done.
const POLL: Duration = Duration::from_millis(10);

/// Why a token is renewed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger {
    /// It is not good enough for this.
    Need(Need),
    /// Somebody asked for it, due or not.
    Asked,
}

/// What today's configuration says, as far as it matters to a refresh. Where requests go is not
/// part of it: that stands under the seal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Today {
    pub(crate) renewal: Renewal,
    /// The client secret to use, and seal if it works, instead of the sealed one.
    pub(crate) client_secret: Option<ClientSecret>,
}

/// Renews the token of `account`, or takes what another process renewed meanwhile.
///
/// `vault` has to be writable.
pub(crate) fn renew(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    today: &Today,
    clock: Clock,
) -> Result<Handed, Error> {
    let before = vault.expect(account)?.stored.revision;
    let Some(lock) = wait_for_turn(vault, account, trigger, before, clock)? else {
        // The work was done, or the token in hand has to do.
        return settled(vault, account, trigger, before, clock)?
            .ok_or(Error::Store(store::Error::Busy));
    };
    let _key_in_use = locks::key_in_use(vault.file(), Instant::now() + WAIT)?;
    adopt_spill(vault, account)?;
    let handed = match settled_under_lock(vault, account, trigger, before, clock)? {
        Some(handed) => handed,
        None => attempt(vault, account, trigger, today, clock)?,
    };
    drop(lock);
    keep_promise(account, trigger, handed, clock)
}

/// A token that was renewed may still not live as long as was asked; it is stored all the same.
fn keep_promise(
    account: &Account,
    trigger: Trigger,
    handed: Handed,
    clock: Clock,
) -> Result<Handed, Error> {
    match trigger {
        Trigger::Need(need @ Need::AtLeast(asked))
            if !lasts(handed.credential.expiry(), need, clock()) =>
        {
            Err(Error::NeverLongEnough { account: account.clone(), asked })
        }
        Trigger::Need(_) | Trigger::Asked => Ok(handed),
    }
}

/// Waits for the credential's lock. `None` if there is nothing to do under it any more, or if the
/// wait is over and the token in hand works still.
fn wait_for_turn(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    before: u64,
    clock: Clock,
) -> Result<Option<locks::Guard>, Error> {
    let started = Instant::now();
    loop {
        if let Some(lock) = locks::try_credential(vault.file(), account)? {
            return Ok(Some(lock));
        }
        if settled(vault, account, trigger, before, clock)?.is_some_and(|handed| {
            let waited_enough = started.elapsed() >= SHORT_WAIT;
            waited_enough || !matches!(handed.warning, Some(Warning::Busy))
        }) {
            return Ok(None);
        }
        if started.elapsed() >= WAIT {
            return Err(store::Error::Busy.into());
        }
        std::thread::sleep(POLL);
    }
}

/// What a waiter can hand out without the lock: what another process renewed; or, with a warning
/// that it is busy, a token that works still.
fn settled(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    before: u64,
    clock: Clock,
) -> Result<Option<Handed>, Error> {
    let row = vault.expect(account)?;
    let now = clock();
    match trigger {
        Trigger::Asked => Ok((row.stored.revision != before && row.journal.is_none())
            .then(|| hand_out(row.stored.credential, false))),
        Trigger::Need(need) => {
            let due = readiness(&row.stored.credential, need, now);
            if let Readiness::Due { fallback: true } = due {
                let warning = Some(Warning::Busy);
                return Ok(Some(Handed {
                    credential: row.stored.credential,
                    refreshed: false,
                    warning,
                }));
            }
            if row.journal.is_some() {
                return Ok(None);
            }
            match judge(account, row, need, now)? {
                Found::Good(handed) => Ok(Some(handed)),
                Found::Due => Ok(None),
            }
        }
    }
}

/// The same with the lock in hand: what another process left is final.
fn settled_under_lock(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    before: u64,
    clock: Clock,
) -> Result<Option<Handed>, Error> {
    let row = vault.expect(account)?;
    if row.journal.is_some() {
        return Ok(None);
    }
    match trigger {
        Trigger::Asked if row.stored.revision == before => Ok(None),
        Trigger::Asked => Ok(Some(hand_out(row.stored.credential, false))),
        Trigger::Need(need) => match judge(account, row, need, clock())? {
            Found::Good(handed) => Ok(Some(handed)),
            Found::Due => Ok(None),
        },
    }
}

/// Stores the answer of a process that could not do so itself.
fn adopt_spill(vault: &mut OpenVault, account: &Account) -> Result<(), Error> {
    let Row { journal: Some(journal), .. } = vault.expect(account)? else { return Ok(()) };
    let spill = Spill::open(vault.file(), account)?;
    let place = (journal.revision, &journal.attempt);
    let Some(credential) = spill.read(vault.key(), account, place) else { return Ok(()) };
    store_answer(vault, account, &credential, journal.revision)?;
    Ok(spill.clear()?)
}

/// One try, with the credential's lock in hand.
fn attempt(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    today: &Today,
    clock: Clock,
) -> Result<Handed, Error> {
    let row = vault.expect(account)?;
    let stored = row.stored;
    let now = clock();
    if let Some(journal) = &row.journal {
        let since = now.duration_since(journal.started_at);
        let usable = is_good_for(&stored.credential, trigger, now);
        if usable && !today.renewal.reuse.allows_another_try(since) {
            // A second use of the refresh token may end a grant whose token works still.
            return match trigger {
                Trigger::Need(_) => Ok(Handed {
                    credential: stored.credential,
                    refreshed: false,
                    warning: Some(Warning::Interrupted),
                }),
                Trigger::Asked => {
                    Err(Error::Interrupted { account: account.clone(), since: journal.started_at })
                }
            };
        }
    }
    let (grant, refresh_token) = renewable(account, &stored.credential)?;

    let mut name = [0; 16];
    getrandom::fill(&mut name)?;
    let spill = Spill::open(vault.file(), account)?;
    let journal = Journal {
        revision: stored.revision,
        attempt: name,
        // The refresh token may have been spent as early as by the first try.
        started_at: row.journal.as_ref().map_or(now, |journal| journal.started_at),
    };
    vault.write(|transaction, _| journal::put(transaction, account, &journal))?;

    let held =
        Held::hold().map_err(|source| store::Error::Io { doing: "watch signals over", source })?;
    let outcome = request(grant, refresh_token, today, clock);
    let handed = match outcome {
        Ok(answer) => {
            let credential = renewed(&stored.credential, grant, answer, today, clock());
            save(vault, account, credential, &journal, &spill)
        }
        Err(error) => failed(
            vault,
            account,
            trigger,
            (&stored.credential, stored.revision),
            row.journal,
            error,
            clock,
        ),
    };
    drop(held);
    handed
}

/// Whether the token will do for the caller as it is, though it should be renewed.
fn is_good_for(credential: &Credential, trigger: Trigger, now: Timestamp) -> bool {
    match trigger {
        Trigger::Asked => !credential.expiry().is_past(now),
        Trigger::Need(need) => matches!(
            readiness(credential, need, now),
            Readiness::Good | Readiness::Fading | Readiness::Due { fallback: true }
        ),
    }
}

fn renewable<'a>(
    account: &Account,
    credential: &'a Credential,
) -> Result<(&'a OAuthGrant, &'a RefreshToken), Error> {
    if credential.status == Status::HandedOver {
        return Err(Error::HandedOver { account: account.clone() });
    }
    match &credential.grant {
        Grant::OAuth(grant) => match &grant.refresh_token {
            Some(refresh_token) => Ok((grant, refresh_token)),
            None => Err(not_refreshable(account)),
        },
        Grant::Static(_) => Err(not_refreshable(account)),
    }
}

fn not_refreshable(account: &Account) -> Error {
    Error::LoginRequired { account: account.clone(), reason: LoginReason::NotRefreshable }
}

/// Asks for a new token; with the client secret of today's configuration, if there is one.
fn request(
    grant: &OAuthGrant,
    refresh_token: &RefreshToken,
    today: &Today,
    clock: Clock,
) -> Result<TokenAnswer, token_error::Error> {
    let mut client = grant.client.clone();
    client.client_secret = today.client_secret.clone().or(client.client_secret);
    token::refresh(&client, refresh_token, clock())
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
    grant.access_token = answer.access_token;
    grant.token_type = answer.token_type;
    grant.issued_at = now;
    grant.expiry = answer.expiry;
    grant.due_at = due_at(now, answer.expiry, today.renewal.margin);
    // RFC 6749 §6: a new refresh token replaces the old one; without one the old one stays good.
    grant.refresh_token = answer.refresh_token.or(grant.refresh_token);
    grant.scopes = answer.scopes.unwrap_or(grant.scopes);
    grant.client.client_secret = today.client_secret.clone().or(grant.client.client_secret);
    Credential {
        grant: Grant::OAuth(Box::new(grant)),
        status: Status::Active,
        updated_at: now,
        last_refreshed_at: Some(now),
        ..credential.clone()
    }
}

/// Commits the answer, or puts it where the next process finds it.
fn save(
    vault: &mut OpenVault,
    account: &Account,
    credential: Credential,
    journal: &Journal,
    spill: &Spill,
) -> Result<Handed, Error> {
    match store_answer(vault, account, &credential, journal.revision) {
        Ok(true) => Ok(hand_out(credential, true)),
        // Deleted or replaced meanwhile, by somebody who knew what they did.
        Ok(false) => Ok(hand_out(vault.expect(account)?.stored.credential, false)),
        Err(Error::Store(source)) => {
            let place = (journal.revision, &journal.attempt);
            match spill.write(vault.key(), account, place, &credential) {
                Ok(()) => Err(Error::Spilled { account: account.clone(), source }),
                Err(_) => Err(Error::Lost { account: account.clone(), source }),
            }
        }
        Err(other) => Err(other),
    }
}

/// Stores an answer over the row that it is for, and over no other; clears the journal.
fn store_answer(
    vault: &mut OpenVault,
    account: &Account,
    credential: &Credential,
    revision: u64,
) -> Result<bool, Error> {
    vault.write(|transaction, key| {
        let stored = credentials::replace(transaction, key, account, credential, revision)?;
        if stored {
            journal::remove(transaction, account)?;
        }
        Ok(stored)
    })
}

/// Sees to the journal and the status after a request that brought no token.
fn failed(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    (credential, revision): (&Credential, u64),
    earlier: Option<Journal>,
    error: token_error::Error,
    clock: Clock,
) -> Result<Handed, Error> {
    match &error {
        token_error::Error::GrantRefused { .. } => {
            return refused(vault, account, trigger, (credential, revision), clock);
        }
        token_error::Error::ClientRefused { .. } => {
            put_back(vault, account, earlier)?;
            return Err(Error::NotRefreshed { account: account.clone(), source: error });
        }
        // What was not processed leaves things as they were. Anything else may have spent the
        // refresh token: its journal stays.
        passing if passing.was_not_processed() => put_back(vault, account, earlier)?,
        token_error::Error::TooManyRequests { .. }
        | token_error::Error::NoVerdict { .. }
        | token_error::Error::Fault(_) => {}
    }
    let now = clock();
    let will_do =
        matches!(trigger, Trigger::Need(Need::Usual)) && !credential.expiry().is_past(now);
    if will_do {
        let warning = Some(Warning::NotRefreshed(error));
        return Ok(Handed { credential: credential.clone(), refreshed: false, warning });
    }
    Err(Error::NotRefreshed { account: account.clone(), source: error })
}

/// The journal as it was before a request that the server did not process.
fn put_back(
    vault: &mut OpenVault,
    account: &Account,
    earlier: Option<Journal>,
) -> Result<(), Error> {
    vault.write(|transaction, _| match &earlier {
        Some(journal) => journal::put(transaction, account, journal),
        None => journal::remove(transaction, account),
    })
}

/// Records that the grant is no longer renewed, unless the row was changed meanwhile: then the
/// refusal was about a refresh token that somebody replaced. The tokens are kept.
fn refused(
    vault: &mut OpenVault,
    account: &Account,
    trigger: Trigger,
    (credential, revision): (&Credential, u64),
    clock: Clock,
) -> Result<Handed, Error> {
    let now = clock();
    let credential =
        Credential { status: Status::LoginRequired, updated_at: now, ..credential.clone() };
    let recorded = store_answer(vault, account, &credential, revision)?;
    if !recorded {
        return Ok(hand_out(vault.expect(account)?.stored.credential, false));
    }
    match trigger {
        Trigger::Asked => {
            Err(Error::LoginRequired { account: account.clone(), reason: LoginReason::Refused })
        }
        Trigger::Need(need) => {
            let row = vault.expect(account)?;
            match judge(account, row, need, now)? {
                Found::Good(handed) => Ok(handed),
                Found::Due => Err(Error::LoginRequired {
                    account: account.clone(),
                    reason: LoginReason::Refused,
                }),
            }
        }
    }
}
