//! Renewing a token: exactly once, and never lost.
//!
//! Two processes that spend one rotating refresh token make the provider revoke the whole grant;
//! so does a process that dies between the provider's answer and the save, once the next one tries
//! again. Hence the order here: the credential's turn, the row read again, room for the answer and
//! a journal on the disk, the request, the commit, and only then a word to the caller.
//!
//! `turn` waits for the turn and finds out what other processes did meanwhile; `request` asks the
//! authorization server and decides what its answer means; `backoff` says how often.

mod plan;
mod backoff;
mod turn;
mod request;

pub(crate) use self::plan::{Refresh, Today, Trigger};
use self::turn::Taken;
pub(super) use self::turn::WAIT;
use super::credential;
use super::error::Error;
use super::live_token::LiveToken;
use crate::model::readiness::{Need, lasts};

impl Refresh<'_> {
    /// Renews the token, or takes what another process renewed meanwhile.
    pub(crate) fn run(&self) -> Result<LiveToken, Error> {
        self.vault.open_for_writing()?;
        let arrival = self.arrive()?;
        let turn = match self.wait_for_turn(&arrival)? {
            Taken::Turn(turn) => turn,
            Taken::Resolved(token) => return Ok(*token),
        };
        let (mut row, last) = self.row()?;
        if self.vault.adopt_spill(self.account, &row)? {
            row = credential::expect(self.vault, self.account)?;
        }
        let resolved = if self.today.client_secret.is_some() {
            // What failed was tried with another secret.
            None
        } else {
            self.resolved_by_other(&row, last, &arrival)?
        };
        let token = match resolved {
            Some(token) => token,
            None => self.request(turn, row)?,
        };
        self.keep_promise(token)
    }

    /// A token that was renewed may still not live as long as was asked; it is stored all the same.
    fn keep_promise(&self, token: LiveToken) -> Result<LiveToken, Error> {
        match self.trigger {
            Trigger::Need(need @ Need::AtLeast(asked))
                if !lasts(token.credential.expiry(), need, (self.clock)()) =>
            {
                Err(Error::NeverLongEnough { account: self.account.clone(), asked })
            }
            Trigger::Need(_) | Trigger::Asked => Ok(token),
        }
    }
}
