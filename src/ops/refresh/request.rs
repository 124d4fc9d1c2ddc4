//! The request for a new token, made by the process that has the turn: whether it may be sent, and how
//! often.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::answer::{Failure, Journals, attempt, failed_attempt};
use super::backoff::{Backoff, WINDOW};
use super::id_token;
use super::plan::{Refresh, Trigger};
use super::renewed::{renewed_credential, with_refresh_token};
use crate::model::attempt::{Attempt, pause_end};
use crate::model::client::Client;
use crate::model::credential::{Credential, Grant, OAuthGrant, RenewalProof, Status};
use crate::model::definition::Reuse;
use crate::oauth::token::{self, TokenOutcome};
use crate::oauth::{client_credentials, jwt_bearer, token_error, workload};
use crate::ops::credential;
use crate::ops::error::{Error, LoginReason};
use crate::ops::identity::{self, Shown};
use crate::ops::live_token::{LiveToken, TokenState, Warning, judge};
use crate::signals;
use crate::store::{self, Journal, RefreshTurn, Row};

impl Refresh<'_> {
    /// Asks the authorization server for a new token and stores it. Repeats the request after a
    /// pause where [`Backoff`] allows it. Returns `None`, with nothing sent, if another command
    /// changed the row or began a refresh since `row` was read.
    pub(super) fn request(
        &self,
        mut turn: RefreshTurn<'_>,
        row: Row,
    ) -> Result<Option<LiveToken>, Error> {
        let Row { stored, journal: mut earlier, .. } = row;
        if let Some(journal) = &earlier {
            if turn.has_request_beside(journal) {
                return Ok(None);
            }
            if let Some(token) = self.stay_with_stored(&stored.credential, journal)? {
                return Ok(Some(token));
            }
        }
        if stored.credential.status == Status::HandedOver {
            return Err(credential::handed_over(self.vault, self.account, &stored.credential));
        }
        let now = self.now();
        let (sealed, renewal_proof) = self.renewable(&stored.credential, now)?;
        if let Some(token) = self.heed_pause(&stored.credential, &sealed.client)? {
            return Ok(Some(token));
        }
        // Both before the journal: it may take a request or a program, and spends nothing.
        let own = self.with_new_certificate(&stored.credential, sealed);
        let grant = own.as_ref().unwrap_or(sealed);
        let shown = match renewal_proof {
            RenewalProof::Workload { workload, .. } => identity::shown(workload, self.around, now),
            RenewalProof::RefreshToken(_)
            | RenewalProof::Exchange(_)
            | RenewalProof::ClientCredentials { .. }
            | RenewalProof::JwtBearer { .. } => None,
        };
        turn.make_room(&stored.credential)?;
        let reuse = self.today.renewal.reuse_of(&stored.credential);
        let has_token = self.trigger.accepts(&stored.credential, now);
        let mut backoff = Backoff::new(has_token && reuse == Reuse::Tolerant);
        loop {
            // Signals wait until the answer is saved. During the pause nothing can be lost, so
            // they do not wait then.
            let held =
                signals::hold().map_err(|source| store::Error::io("watch signals over", source))?;
            let began_at = self.now();
            let bound = backoff.request();
            let journal = match turn.begin_refresh(&stored, earlier.as_ref(), began_at, bound) {
                Ok(Some(journal)) => journal,
                Ok(None) => return Ok(None),
                Err(error @ store::Error::Older { .. }) => {
                    return self.fall_back(error.into(), &stored.credential).map(Some);
                }
                Err(error) => return Err(error.into()),
            };
            let TokenOutcome { answer, meta } = self.ask(grant, renewal_proof, &shown, bound);
            let attempt = attempt(&journal, began_at, self.now(), meta);
            let error = match answer {
                Ok(answer) if !answer.token_type.suits(&stored.credential.api.auth) => {
                    let source = answer.unusable(&grant.client);
                    let kept = with_refresh_token(&stored.credential, answer, self.now());
                    let failure =
                        Failure { attempt: failed_attempt(attempt, &source), error: source };
                    return self.keep(&turn, kept, &journal, failure).map(Some);
                }
                Ok(mut answer) => {
                    let now = self.now();
                    let (id_token, dropped) = id_token::accept(grant, answer.id_token.take(), now);
                    let grant = OAuthGrant { id_token, ..grant.clone() };
                    let renewed =
                        renewed_credential(&stored.credential, grant, answer, self.today, now);
                    let token = self.save(&turn, renewed, &journal, &attempt)?;
                    let dropped = dropped.filter(|_| token.refreshed).map(Warning::IdTokenDropped);
                    return Ok(Some(LiveToken { warning: token.warning.or(dropped), ..token }));
                }
                Err(error) => error,
            };
            self.keep_pause(&grant.client, &attempt, &error);
            let since_first_use = journal.since_first_request(self.now());
            let Some(pause) = backoff.pause(&error, reuse.allows_another_try(since_first_use))
            else {
                let failure = Failure { attempt: failed_attempt(attempt, &error), error };
                let journals = Journals { own: &journal, earlier: earlier.as_ref() };
                return self.fail(&turn, &stored, journals, failure).map(Some);
            };
            if error.was_not_processed() {
                turn.restore_journal(&journal, earlier.as_ref(), None);
            } else {
                earlier = Some(journal);
            }
            drop(held);
            std::thread::sleep(pause);
            // Another credential's answer may have asked for a longer pause.
            if let Some(token) = self.heed_pause(&stored.credential, &grant.client)? {
                return Ok(Some(token));
            }
        }
    }

    /// Waits for the end of the pause that the server of `client` asked for, if it is near.
    ///
    /// Else returns the stored token with a warning if the caller accepts it, or fails with
    /// [`Error::Paused`]. Returns `None` if a request may be sent.
    fn heed_pause(
        &self,
        credential: &Credential,
        client: &Client,
    ) -> Result<Option<LiveToken>, Error> {
        let deadline = Instant::now() + WINDOW;
        loop {
            let now = self.now();
            let Some(until) = self.vault.client_pause(client, now) else { return Ok(None) };
            let pause = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            let is_near = Instant::now() + pause < deadline;
            if !is_near || self.trigger.accepts(credential, now) {
                let paused = Error::Paused { account: self.account.clone(), until };
                return self.fall_back(paused, credential).map(Some);
            }
            std::thread::sleep(pause);
        }
    }

    /// Stores the pause that the server of `client` asked for with `error`, which ended `attempt`: all
    /// credentials of that client wait.
    fn keep_pause(&self, client: &Client, attempt: &Attempt, error: &token_error::Error) {
        if let Some(until) = pause_end(error.retry_after(), attempt.ended_at) {
            self.vault.pause_client(client, until, attempt.ended_at);
        }
    }

    /// Returns the stored token if sending its refresh token could end the grant: `earlier` may have
    /// spent it, the provider takes a second use for theft, and the access token still works.
    ///
    /// Returns `None` if a request may be sent. Fails with [`Error::Interrupted`] for an explicit
    /// refresh of a token that still works.
    fn stay_with_stored(
        &self,
        credential: &Credential,
        earlier: &Journal,
    ) -> Result<Option<LiveToken>, Error> {
        let now = self.now();
        let reuse = self.today.renewal.reuse_of(credential);
        if reuse.allows_another_try(earlier.since_first_request(now)) {
            return Ok(None);
        }
        let interrupted = || Error::Interrupted {
            account: self.account.clone(),
            since: earlier.started_at,
            holder: earlier.holder().map(str::to_owned),
            until: credential.expiry().at().filter(|at| *at > now),
        };
        match self.trigger {
            Trigger::Explicit if !credential.expiry().is_past(now) => Err(interrupted()),
            Trigger::Explicit => Ok(None),
            // `judge` fails where no refresh would help.
            Trigger::Need(need) => match judge(self.account, credential, need, now)? {
                TokenState::Good(token) => {
                    let warning = Some(token.warning.unwrap_or(Warning::InDoubt));
                    Ok(Some(LiveToken { warning, ..*token }))
                }
                TokenState::Due => Ok(self.fall_back(interrupted(), credential).ok()),
            },
        }
    }

    /// Returns the grant of `credential` and the means to renew it. Fails with
    /// [`Error::LoginRequired`] if nothing renews it.
    fn renewable<'a>(
        &self,
        credential: &'a Credential,
        now: Timestamp,
    ) -> Result<(&'a OAuthGrant, RenewalProof<'a>), Error> {
        let login_required =
            |reason| Error::LoginRequired { account: self.account.clone(), reason };
        if credential.is_over(now) && credential.is_refreshable() {
            return Err(login_required(LoginReason::Ended));
        }
        match &credential.grant {
            Grant::OAuth(grant) => grant
                .renewal_proof()
                .map(|renewal_proof| (&**grant, renewal_proof))
                .ok_or_else(|| login_required(LoginReason::NotRefreshable)),
            Grant::Static(_) => Err(Error::Static { account: self.account.clone() }),
        }
    }

    /// Sends one request with `bound` as its time limit. Uses the client's secret or key of today's
    /// configuration, if there is one, in place of the sealed one.
    fn ask(
        &self,
        grant: &OAuthGrant,
        renewal_proof: RenewalProof<'_>,
        shown: &Shown,
        bound: Duration,
    ) -> TokenOutcome {
        let mut client = grant.client.clone();
        client.authentication =
            client.authentication.with_proofs(self.today.client_proofs.clone().unwrap_or_default());
        let now = self.now();
        match renewal_proof {
            RenewalProof::RefreshToken(token) => token::refresh(&client, token, now, bound),
            RenewalProof::Exchange(token) => token::exchange(&client, token, now, bound),
            RenewalProof::ClientCredentials { scopes } => {
                client_credentials::request(&client, scopes, now, bound)
            }
            RenewalProof::JwtBearer { account, scopes } => {
                jwt_bearer::request(&client, account, scopes, now, bound)
            }
            RenewalProof::Workload { workload, scopes } => {
                workload::request(&client, workload, scopes, shown, now, bound)
            }
        }
    }
}
