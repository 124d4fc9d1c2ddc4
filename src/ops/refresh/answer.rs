//! The answer to a request: what is stored of it, and what the caller gets.

use jiff::Timestamp;

use super::plan::{Refresh, Trigger};
use crate::model::attempt::{Action, Attempt, Outcome, pause_after_refusals, pause_end};
use crate::model::credential::{Credential, Status};
use crate::oauth::http::Fault;
use crate::oauth::token::ResponseMeta;
use crate::oauth::token_error;
use crate::ops::credential;
use crate::ops::error::{Error, LoginReason, NextTry};
use crate::ops::live_token::{LiveToken, TokenState, hand_out, judge};
use crate::store::{Journal, RefreshTurn, Saved, Stored};
use crate::untrusted::printable;

/// A request that brought no token: the server's error, and the record of the attempt.
pub(super) struct Failure {
    pub(super) error: token_error::Error,
    pub(super) attempt: Attempt,
}

/// The journal of a request, and the one from before it.
#[derive(Clone, Copy)]
pub(super) struct Journals<'a> {
    pub(super) own: &'a Journal,
    pub(super) earlier: Option<&'a Journal>,
}

impl Refresh<'_> {
    /// Stores `kept`, which has the refresh token of an answer whose access token can't be used: the
    /// one in the vault may be spent. Returns the access token that was stored before with a warning
    /// if the caller accepts it, else fails with [`Error::NotRefreshed`].
    pub(super) fn keep(
        &self,
        turn: &RefreshTurn<'_>,
        kept: Credential,
        journal: &Journal,
        Failure { error, attempt }: Failure,
    ) -> Result<LiveToken, Error> {
        let token = self.save(turn, kept, journal, &attempt)?;
        if !token.refreshed {
            return Ok(token);
        }
        let (account, next) = (self.account.clone(), NextTry::NextCommand);
        let registered = token.credential.has_registered_client();
        let error = Error::NotRefreshed { account, source: error, next, registered };
        self.fall_back(error, &token.credential)
    }

    /// Stores the renewed credential. Fails with [`Error::Spilled`] if it is in a spill file only,
    /// and with [`Error::Lost`] if it could not be stored at all.
    pub(super) fn save(
        &self,
        turn: &RefreshTurn<'_>,
        renewed: Credential,
        journal: &Journal,
        attempt: &Attempt,
    ) -> Result<LiveToken, Error> {
        let account = || self.account.clone();
        match turn.save(&renewed, journal, attempt) {
            Saved::Stored => Ok(hand_out(renewed, true)),
            Saved::Moved => self.stored_token(),
            Saved::Spilled(source) => {
                let (kept_in, source) = (self.vault.kept_in(), Box::new(source.into()));
                Err(Error::Spilled { account: account(), kept_in, source })
            }
            Saved::Lost(source) => {
                Err(Error::Lost { account: account(), source: Box::new(source.into()) })
            }
        }
    }

    /// Returns the token that is in the vault now, after another command replaced the row that was
    /// read, for example a login.
    fn stored_token(&self) -> Result<LiveToken, Error> {
        let row = credential::expect(self.vault, self.account)?;
        Ok(hand_out(row.stored.credential, false))
    }

    /// Stores the outcome of a request that brought no token: the attempt, the journal or its end,
    /// and the status. Returns the stored token with a warning if the caller accepts it.
    pub(super) fn fail(
        &self,
        turn: &RefreshTurn<'_>,
        stored: &Stored,
        Journals { own, earlier }: Journals<'_>,
        Failure { error, attempt }: Failure,
    ) -> Result<LiveToken, Error> {
        let account = self.account.clone();
        match &error {
            // The client proves itself anew with each request, so no refusal is the last word.
            token_error::Error::IdentityRefused { .. } => {
                let attempt = self.count_refusal(attempt)?;
                turn.restore_journal(own, earlier, Some(&attempt));
            }
            token_error::Error::GrantRefused { .. } if stored.credential.needs_no_person() => {
                let attempt = self.count_refusal(attempt)?;
                turn.restore_journal(own, earlier, Some(&attempt));
            }
            token_error::Error::GrantRefused { .. } => {
                return self.record_refusal(turn, stored, &attempt);
            }
            token_error::Error::ClientRefused { .. } | token_error::Error::NotSigned(_) => {
                turn.restore_journal(own, earlier, Some(&attempt));
                let next = NextTry::NextCommand;
                let registered = stored.credential.has_registered_client();
                return Err(Error::NotRefreshed { account, source: error, next, registered });
            }
            // A request that the server did not process has spent nothing, so its journal goes.
            // Any other may have spent the refresh token, so its journal stays.
            passing if passing.was_not_processed() => {
                turn.restore_journal(own, earlier, Some(&attempt));
            }
            token_error::Error::ClockRefused { .. }
            | token_error::Error::UnusableToken { .. }
            | token_error::Error::TooManyRequests { .. }
            | token_error::Error::NoVerdict { .. }
            | token_error::Error::NoIdentity(_)
            | token_error::Error::Fault(_) => turn.record_attempt(own, &attempt),
        }
        if let Some(token) = self.renewed_since(stored.revision) {
            return Ok(token);
        }
        let next = self.next_try(&stored.credential, &error, own);
        let registered = stored.credential.has_registered_client();
        let error = Error::NotRefreshed { account, source: error, next, registered };
        self.fall_back(error, &stored.credential)
    }

    /// Returns when the next request is sent, after the one of `journal` failed with `error`.
    fn next_try(
        &self,
        credential: &Credential,
        error: &token_error::Error,
        journal: &Journal,
    ) -> NextTry {
        let now = self.now();
        let reuse = self.today.renewal.reuse_of(credential);
        let rests = error.is_ambiguous()
            && !reuse.allows_another_try(journal.since_first_request(now))
            && !credential.expiry().is_past(now);
        if rests {
            NextTry::EndOfToken { at: credential.expiry().at() }
        } else {
            NextTry::NextCommand
        }
    }

    /// Returns `attempt`, a refusal of a grant that needs no person, as a passing failure, with the
    /// pause that it sets: none for the first two in a row.
    fn count_refusal(&self, attempt: Attempt) -> Result<Attempt, Error> {
        let last = self.row()?.attempt;
        let before =
            last.filter(|last| last.action == Action::Refresh).map_or(0, |last| last.refusals);
        let refusals = before.saturating_add(1);
        let not_before = attempt.not_before.max(pause_after_refusals(refusals, attempt.ended_at));
        Ok(Attempt { outcome: Outcome::Transient, refusals, not_before, ..attempt })
    }

    /// Stores [`Status::LoginRequired`], and keeps the tokens. If the row was changed meanwhile, the
    /// refusal was about a refresh token that is replaced, and the token in the vault is returned.
    fn record_refusal(
        &self,
        turn: &RefreshTurn<'_>,
        stored: &Stored,
        attempt: &Attempt,
    ) -> Result<LiveToken, Error> {
        let now = self.now();
        let credential = Credential {
            status: Status::LoginRequired,
            updated_at: now,
            ..stored.credential.clone()
        };
        let credential = match stored.credential.status {
            Status::Inactive => credential.with_dead_token(now),
            Status::Active | Status::LoginRequired | Status::HandedOver => credential,
        };
        if !turn.store_answer(&credential, stored.revision, attempt)? {
            return self.stored_token();
        }
        let login_required =
            || Error::LoginRequired { account: self.account.clone(), reason: LoginReason::Refused };
        match self.trigger {
            Trigger::Explicit => Err(login_required()),
            Trigger::Need(need) => match judge(self.account, &credential, need, now)? {
                TokenState::Good(token) => Ok(*token),
                TokenState::Due => Err(login_required()),
            },
        }
    }
}

/// Returns the record of an attempt that brought a token.
pub(super) fn attempt(
    journal: &Journal,
    began_at: Timestamp,
    ended_at: Timestamp,
    meta: Option<ResponseMeta>,
) -> Attempt {
    let server_time = meta.and_then(|meta| meta.date);
    Attempt {
        name: Some(data_encoding::HEXLOWER.encode(&journal.attempt)),
        action: Action::Refresh,
        began_at,
        ended_at,
        outcome: Outcome::Done,
        status: meta.map(|meta| meta.status),
        error: None,
        message: None,
        not_before: None,
        wanted_scopes: None,
        refusals: 0,
        clock_skew: server_time.map(|date| date.duration_since(ended_at).as_secs()),
    }
}

/// Returns the record `attempt` changed to one that failed with `error`.
pub(super) fn failed_attempt(attempt: Attempt, error: &token_error::Error) -> Attempt {
    let outcome = match error {
        token_error::Error::GrantRefused { .. } | token_error::Error::IdentityRefused { .. } => {
            Outcome::Refused
        }
        token_error::Error::ClientRefused { .. }
        | token_error::Error::UnusableToken { .. }
        | token_error::Error::NotSigned(_)
        | token_error::Error::Fault(
            Fault::CertificateRefused { .. } | Fault::Setup { .. } | Fault::Forbidden { .. },
        ) => Outcome::Configuration,
        token_error::Error::ClockRefused { .. }
        | token_error::Error::TooManyRequests { .. }
        | token_error::Error::NoVerdict { .. }
        // Nobody was asked: the next job, or this one outside, may have what is missing here.
        | token_error::Error::NoIdentity(_)
        | token_error::Error::Fault(_) => Outcome::Transient,
    };
    Attempt {
        outcome,
        error: error.code().map(printable),
        message: Some(printable(&error.to_string())),
        not_before: pause_end(error.retry_after(), attempt.ended_at),
        ..attempt
    }
}
