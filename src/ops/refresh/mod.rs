//! Renewing a token: exactly once, and never lost.
//!
//! Two processes that spend one rotating refresh token make the provider revoke the whole grant;
//! so does a process that dies between the provider's answer and the save, once the next one tries
//! again. Hence the order here: the credential's turn, the row read again, room for the answer and
//! a journal on the disk, the request, the commit, and only then a word to the caller.
//!
//! `turn` waits for the turn and finds out what other processes did meanwhile; `request` asks the
//! authorization server and decides what its answer means; `backoff` says how often.

mod backoff;
mod turn;
mod request;

use jiff::Timestamp;

use self::turn::Taken;
pub(super) use self::turn::WAIT;
use super::clock::Clock;
use super::credential;
use super::error::Error;
use super::token::{LiveToken, Warning};
use crate::model::account::Account;
use crate::model::credential::Credential;
use crate::model::readiness::{Need, Readiness, lasts, readiness};
use crate::providers::Renewal;
use crate::secret::ClientSecret;
use crate::store::OpenVault;

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

/// One refresh of one credential.
pub(crate) struct Refresh<'a> {
    pub(crate) vault: &'a OpenVault,
    pub(crate) account: &'a Account,
    pub(crate) trigger: Trigger,
    pub(crate) today: &'a Today,
    pub(crate) clock: Clock,
}

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

    /// The token in hand with `error` as a warning, where the caller could do with that one though
    /// it was not renewed; else `error`.
    fn in_spite_of(&self, error: Error, credential: &Credential) -> Result<LiveToken, Error> {
        if self.trigger.could_do_with(credential, (self.clock)()) {
            let warning = Some(Warning::NotRefreshed(Box::new(error)));
            return Ok(LiveToken { credential: credential.clone(), refreshed: false, warning });
        }
        Err(error)
    }
}

impl Trigger {
    /// Whether the caller could do with the token as it is, though it should be renewed.
    fn could_do_with(self, credential: &Credential, now: Timestamp) -> bool {
        match self {
            Self::Asked => false,
            Self::Need(need) => matches!(
                readiness(credential, need, now),
                Readiness::Good | Readiness::Fading | Readiness::Due { fallback: true }
            ),
        }
    }
}
