//! Waiting for the turn to renew a credential, and using the result of another process.
//!
//! Each process stores the outcome of its attempt. The processes that waited meanwhile take it over:
//! else each of them would repeat a failing request, and a server's `Retry-After`, which is meant
//! for all, would be kept by one process only.

use std::time::{Duration, Instant};

use super::backoff;
use super::plan::{Refresh, Trigger};
use crate::model::attempt::{Action, Attempt, Outcome};
use crate::model::credential::{Credential, Status};
use crate::ops::credential;
use crate::ops::error::{Error, LoginReason};
use crate::ops::live_token::{LiveToken, TokenState, hand_out, judge};
use crate::store::{self, Adopted, RefreshTurn, Row};

/// The longest time to wait for a turn: the longest that another process needs, and some more.
pub(in crate::ops) const WAIT: Duration = backoff::LONGEST.saturating_add(Duration::from_secs(10));

/// The time to wait for a turn if the stored token still works.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// The pause between two looks whether the turn is free.
const POLL: Duration = Duration::from_millis(10);

/// The state of a credential before this process waited for its turn. What differs afterwards was
/// done by another process.
pub(super) struct Arrival {
    /// The revision of the credential's row.
    revision: u64,
    /// The last attempt to renew or check the credential.
    last: Option<Attempt>,
}

/// The outcome of waiting for a turn.
pub(super) enum WaitOutcome<'a> {
    /// This process has the turn. An answer that this machine had may have been stored meanwhile.
    Turn(RefreshTurn<'a>, Adopted),
    /// No turn is needed: another process renewed the token, or the caller accepts the stored one.
    Resolved(Box<LiveToken>),
}

impl<'a> Refresh<'a> {
    /// Reads the state of the credential before waiting.
    pub(super) fn arrive(&self) -> Result<Arrival, Error> {
        let (revision, last) =
            self.vault.revision(self.account)?.ok_or_else(|| self.no_credential())?;
        Ok(Arrival { revision, last })
    }

    /// Reads the credential's row, with evidence that nobody forged.
    pub(super) fn row(&self) -> Result<Row, Error> {
        let mut row = self.vault.read_to_send(self.account)?.ok_or_else(|| self.no_credential())?;
        row.stored.credential = row.stored.credential.with_status_of_today();
        Ok(row)
    }

    fn no_credential(&self) -> Error {
        Error::NoCredential { account: self.account.clone() }
    }

    /// Waits for the turn, or until another process has done the work. Fails with
    /// [`store::Error::Busy`] at `deadline`.
    pub(super) fn wait_for_turn(
        &self,
        arrival: &Arrival,
        deadline: Instant,
    ) -> Result<WaitOutcome<'a>, Error> {
        let started = Instant::now();
        let mut queue = self.vault.refresh_queue(self.account)?;
        let mut turn: Option<RefreshTurn<'a>> = None;
        let mut adopted = Adopted::Nothing;
        loop {
            if turn.is_none() {
                turn = queue.take(deadline)?;
            }
            if let Some(held) = turn.take() {
                // Nearly always the process that had the turn before has ended its request.
                let mut row = self.row()?;
                match self.vault.adopt_spill(self.account, &row)? {
                    Adopted::Nothing => {}
                    stored @ (Adopted::Stored | Adopted::StoredAgain) => {
                        adopted = stored;
                        row = self.row()?;
                    }
                }
                if !row.journal.is_some_and(|journal| held.has_request_beside(&journal)) {
                    let waited = started.elapsed().as_millis();
                    log::trace!("took the turn to refresh `{}` after {waited} ms", self.account);
                    return Ok(WaitOutcome::Turn(held, adopted));
                }
                turn = Some(held);
            }
            // Who has the turn here waits for another machine.
            std::thread::sleep(if turn.is_none() { POLL } else { self.vault.pause(POLL) });
            // Asked after the pause: just behind a failed try, another one that waits would have it.
            let others_hold_it = turn.is_none() && !queue.is_free()?;
            if !others_hold_it {
                // Reading another process's result needs no turn, so all waiting processes can
                // go on at once.
                let row = self.row()?;
                let under_way = row.journal.as_ref().is_some_and(|journal| match &turn {
                    Some(held) => held.has_request_beside(journal),
                    None => self.vault.is_under_way(self.account, journal),
                });
                if let Some(token) = self.resolved_by_other(&row, under_way, arrival)? {
                    log::trace!(
                        "another process decided about `{}` while this one waited for {} ms",
                        self.account,
                        started.elapsed().as_millis()
                    );
                    return Ok(WaitOutcome::Resolved(Box::new(token)));
                }
            }
            if (others_hold_it || turn.is_some()) && started.elapsed() >= SHORT_WAIT {
                let credential = credential::expect(self.vault, self.account)?.stored.credential;
                let busy = Error::Store(store::Error::Busy);
                if let Ok(token) = self.fall_back(busy, &credential) {
                    return Ok(WaitOutcome::Resolved(Box::new(token)));
                }
            }
            if Instant::now() >= deadline {
                return Err(store::Error::Busy.into());
            }
        }
    }

    /// Returns the result of another process since `arrival`, if that leaves nothing to do: its new
    /// token, or its failure. Returns `None` if this process has to send a request. `under_way` says
    /// whether the request of the row's journal may still be on its way.
    pub(super) fn resolved_by_other(
        &self,
        row: &Row,
        under_way: bool,
        arrival: &Arrival,
    ) -> Result<Option<LiveToken>, Error> {
        if let Some(token) = self.renewed_by_other(row, under_way, arrival)? {
            return Ok(Some(token));
        }
        let Some(last) = row.attempt.clone() else { return Ok(None) };
        self.take_over(&row.stored.credential, last, arrival.last.as_ref()).transpose()
    }

    /// Returns the token that was renewed since the credential had `revision`, if it is good enough:
    /// such as by a member of a shared vault, while this machine slept.
    pub(super) fn renewed_since(&self, revision: u64) -> Option<LiveToken> {
        let row = self.row().ok()?;
        let before = Arrival { revision, last: None };
        let is_another = row.stored.revision != revision;
        is_another.then(|| self.renewed_by_other(&row, true, &before).ok().flatten()).flatten()
    }

    /// Returns the token that another process renewed, if it is good enough for this caller.
    fn renewed_by_other(
        &self,
        row: &Row,
        under_way: bool,
        arrival: &Arrival,
    ) -> Result<Option<LiveToken>, Error> {
        let Row { stored, journal, .. } = row;
        match self.trigger {
            Trigger::Explicit => {
                let unusable = row.attempt.as_ref().is_some_and(Attempt::brought_unusable_token);
                let renewed = stored.revision != arrival.revision
                    && journal.is_none()
                    && !unusable
                    && stored.credential.status != Status::LoginRequired;
                Ok(renewed.then(|| hand_out(stored.credential.clone(), false)))
            }
            // An interrupted refresh is to be finished.
            Trigger::Need(_) if journal.is_some() && !under_way => Ok(None),
            Trigger::Need(need) => {
                match judge(self.account, &stored.credential, need, self.now())? {
                    TokenState::Good(token) => Ok(Some(*token)),
                    TokenState::Due => Ok(None),
                }
            }
        }
    }

    /// Returns what the failed attempt `last` of another process means for this one, or `None` if it
    /// means nothing. It counts if it is newer than `before`, the last attempt that this process
    /// found when it came, or if the server's `Retry-After` is not over.
    fn take_over(
        &self,
        credential: &Credential,
        last: Attempt,
        before: Option<&Attempt>,
    ) -> Option<Result<LiveToken, Error>> {
        let account = self.account.clone();
        let paused_until = last.paused_until(self.now());
        let is_new = before.and_then(|before| before.name.as_ref()) != last.name.as_ref();
        if last.action != Action::Refresh || !(is_new || paused_until.is_some()) {
            return None;
        }
        let leaves_token = match last.outcome {
            Outcome::Done => return None,
            Outcome::Refused if credential.status != Status::LoginRequired => return None,
            Outcome::Refused => {
                return Some(Err(Error::LoginRequired { account, reason: LoginReason::Refused }));
            }
            Outcome::Configuration => last.brought_unusable_token(),
            Outcome::Transient => true,
        };
        let error = if let Some(until) = paused_until {
            Error::Paused { account, until }
        } else {
            let registered = credential.has_registered_client();
            Error::NotRefreshedBefore { account, last: Box::new(last), registered }
        };
        Some(if leaves_token { self.fall_back(error, credential) } else { Err(error) })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::plan::Today;
    use super::*;
    use crate::model::account::Account;
    use crate::model::attempt::pause_end;
    use crate::model::credential::Expiry;
    use crate::model::readiness::Need;
    use crate::ops::create::open_or_create;
    use crate::ops::identity::Nowhere;
    use crate::store::OpenVault;
    use crate::vault::Key;
    use crate::vault::slot_secret::SlotSecret;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn done(name: u8, began: i64) -> Attempt {
        Attempt {
            name: Some(name.to_string()),
            action: Action::Refresh,
            began_at: at(began),
            ended_at: at(began + 1),
            outcome: Outcome::Done,
            status: None,
            error: None,
            message: None,
            not_before: None,
            clock_skew: None,
            wanted_scopes: None,
            refusals: 0,
        }
    }

    fn busy(began: i64, retry_after: Option<u64>) -> Attempt {
        let attempt = done(1, began);
        let not_before = pause_end(retry_after.map(Duration::from_secs), attempt.ended_at);
        Attempt { outcome: Outcome::Transient, not_before, ..attempt }
    }

    fn vault() -> (tempfile::TempDir, OpenVault) {
        let home = tempfile::tempdir().unwrap();
        let secret = SlotSecret::Key(Key::generate().unwrap());
        let path = home.path().join("v/tokens.db");
        let vault = open_or_create(&path, secret, || Timestamp::UNIX_EPOCH).unwrap();
        (home, vault)
    }

    /// Returns what `last` means for a process that found the attempt `before` when it came.
    fn take(
        last: Attempt,
        before: Option<&Attempt>,
        clock: fn() -> Timestamp,
    ) -> Option<Result<LiveToken, Error>> {
        let (_home, vault) = vault();
        let account = Account { provider: "acme".parse().unwrap(), user: "x".parse().unwrap() };
        let today = Today::default();
        let trigger = Trigger::Need(Need::Usual);
        let (vault, account, today, around) = (&vault, &account, &today, &Nowhere);
        let refresh =
            Refresh { vault, account, trigger, today, clock, around, new_certificate: &|_| None };
        let credential = Credential::made_up_static(Expiry::Known(at(-1)));
        refresh.take_over(&credential, last, before)
    }

    #[test]
    fn only_an_attempt_that_ended_since_one_came_is_taken_over() {
        let now = || at(6);
        let last = busy(5, None);
        let taken = take(last.clone(), None, now);
        assert!(matches!(taken, Some(Err(Error::NotRefreshedBefore { .. }))));
        assert!(take(last.clone(), Some(&done(2, 0)), now).is_some());
        assert!(take(last.clone(), Some(&last), now).is_none());
        assert!(take(done(2, 5), Some(&last), now).is_none());
    }

    #[test]
    fn a_server_that_asked_to_be_left_alone_is_for_an_hour_at_most() {
        let last = busy(0, Some(60));
        let paused = take(last.clone(), Some(&last), || at(31));
        assert!(matches!(paused, Some(Err(Error::Paused { .. }))));
        assert!(take(last.clone(), Some(&last), || at(71)).is_none());
        let last = busy(0, Some(u64::MAX));
        assert_eq!(last.not_before, Some(at(3601)));
        assert!(take(last.clone(), Some(&last), || at(3700)).is_none());
    }

    #[test]
    fn a_record_from_the_future_binds_nobody() {
        let last = busy(50, Some(60));
        assert!(take(last.clone(), Some(&last), || at(40)).is_none());
    }
}
