//! Renewing a token, so that it is renewed once by one process, and the new one is never lost.
//!
//! If two processes spend one rotating refresh token, the provider revokes the whole grant. It does
//! so too if a process dies between the provider's answer and the commit, and the next one sends
//! the spent token again. So a refresh has a fixed order: take the credential's turn, read the row
//! again, reserve disk space for the answer, commit a journal, send the request, commit the answer,
//! and only then return.
//!
//! `turn` waits for the turn and reads what other processes did meanwhile, `request` asks the
//! authorization server, `answer` decides what its answer means and stores it, and `backoff` limits
//! the requests. This folder knows neither the configuration (see [`Today`]) nor when a token is
//! needed.

mod plan;
mod backoff;
mod turn;
mod id_token;
mod renewed;
mod answer;
mod request;

use std::time::{Duration, Instant};

pub(crate) use self::plan::{Refresh, Today, Trigger};
pub(super) use self::turn::WAIT;
use self::turn::WaitOutcome;
use super::error::{Error, LoginReason};
use super::live_token::{self, LiveToken, Warning};
use crate::model::credential::Status;
use crate::model::readiness::{Need, lasts};
use crate::store::{self, Adopted};

impl Refresh<'_> {
    /// Renews the token, or returns the one that another process renewed meanwhile.
    ///
    /// If the request fails, the disk takes no writes, or this member of a shared vault may not
    /// write, and the caller accepts the stored token, returns that with a warning.
    /// Else fails with [`Error::NotRefreshed`] or [`Error::NotRefreshedBefore`] (trying later may
    /// help), [`Error::Paused`], [`Error::LoginRequired`], or [`Error::Interrupted`]. Fails with
    /// [`Error::Spilled`] or [`Error::Lost`] if the new token could not be stored.
    pub(crate) fn run(&self) -> Result<LiveToken, Error> {
        match self.renew() {
            Err(Error::Store(error)) if error.leaves_token() => {
                match self.vault.read(self.account) {
                    Ok(Some(row)) => self.fall_back(error.into(), &row.stored.credential),
                    Ok(None) | Err(_) => Err(error.into()),
                }
            }
            outcome => outcome,
        }
    }

    fn renew(&self) -> Result<LiveToken, Error> {
        self.vault.open_for_writing()?;
        if let Err(refused) = self.vault.check_may_refresh(self.account) {
            self.check_goes_on()?;
            return Err(refused.into());
        }
        let arrival = self.arrive()?;
        let deadline = Instant::now() + self.vault.patience(WAIT);
        loop {
            let (turn, adopted) = match self.wait_for_turn(&arrival, deadline)? {
                WaitOutcome::Turn(turn, adopted) => (turn, adopted),
                WaitOutcome::Resolved(token) => return Ok(*token),
            };
            let row = self.row()?;
            let resolved = if self.today.client_proofs.is_some() {
                // Another process's failed attempt showed another secret or key, so it says nothing
                // here.
                None
            } else {
                self.resolved_by_other(&row, false, &arrival)?
            };
            let token = match resolved {
                Some(token) if adopted == Adopted::StoredAgain && token.warning.is_none() => {
                    Some(LiveToken { warning: Some(Warning::StoredAgain), ..token })
                }
                Some(token) => Some(token),
                None => self.request(turn, row)?,
            };
            if let Some(token) = token {
                return self.check_life(token);
            }
            // The row is another one by now, and is looked at again.
            if Instant::now() >= deadline {
                return Err(store::Error::Busy.into());
            }
            // While a rotation is announced in a shared vault, nothing changes for seconds.
            std::thread::sleep(self.vault.pause(Duration::ZERO));
        }
    }

    /// Fails if the login is over, which no member renews either.
    fn check_goes_on(&self) -> Result<(), Error> {
        let credential = self.row()?.stored.credential;
        if credential.status == Status::LoginRequired {
            let (account, reason) = (self.account.clone(), LoginReason::Refused);
            return Err(Error::LoginRequired { account, reason });
        }
        live_token::judge(self.account, &credential, Need::Usual, self.now()).map(drop)
    }

    /// Fails with [`Error::NeverLongEnough`] if even the new `token`, which is stored by now, does
    /// not live as long as the caller needs.
    fn check_life(&self, token: LiveToken) -> Result<LiveToken, Error> {
        match self.trigger {
            Trigger::Need(need @ Need::AtLeast(asked))
                if !lasts(token.credential.expiry(), need, self.now()) =>
            {
                Err(Error::NeverLongEnough { account: self.account.clone(), asked })
            }
            Trigger::Need(_) | Trigger::Explicit => Ok(token),
        }
    }
}
