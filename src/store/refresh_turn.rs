//! The turn to refresh one credential, and what is written in the course of it.
//!
//! The order is what keeps a token from being lost: room for the answer and a journal on the disk,
//! the request, the commit of its answer. Where that commit fails, the answer goes into the room
//! that was made, sealed, for the next process to store.

use std::time::Instant;

use jiff::Timestamp;

use super::change::{Change, Outcome};
use super::error::Error;
use super::open_vault::OpenVault;
use super::record::{Journal, Row, Stored};
use super::spill::Spill;
use super::turn::{CredentialTurn, TurnQueue};
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::credential::Credential;

/// A place among those who wait for the turn to refresh one credential.
pub(crate) struct RefreshQueue<'a> {
    vault: &'a OpenVault,
    account: &'a Account,
    queue: TurnQueue<'a>,
}

/// The turn to refresh one credential: nobody else spends its refresh token meanwhile, and the
/// vault's keys stay as they are.
pub(crate) struct RefreshTurn<'a> {
    vault: &'a OpenVault,
    account: &'a Account,
    room: Option<Spill>,
    _turn: CredentialTurn,
}

/// What became of an answer.
#[derive(Debug)]
pub(crate) enum Saved {
    /// It stands in the credential's row.
    Stored,
    /// The row was deleted or replaced meanwhile, by somebody who knew what they did.
    Moved,
    /// It could not be stored, and lies sealed beside the vault.
    Spilled(Error),
    /// It could be stored nowhere.
    Lost(Error),
}

impl OpenVault {
    /// Joins those who wait for the turn to refresh the credential of `account`.
    pub(crate) fn refresh_queue<'a>(
        &'a self,
        account: &'a Account,
    ) -> Result<RefreshQueue<'a>, Error> {
        Ok(RefreshQueue { vault: self, account, queue: TurnQueue::of(self.file(), account)? })
    }

    /// Stores the answer of a process that could not do so itself, where `row` waits for one.
    /// Returns whether it did. Whoever calls has a turn that keeps refreshes away, or the keys'.
    pub(crate) fn adopt_spill(&self, account: &Account, row: &Row) -> Result<bool, Error> {
        let Some(journal) = &row.journal else { return Ok(false) };
        let spill = Spill::open(self.file(), account, &row.stored.credential)?;
        let place = (journal.revision, &journal.attempt);
        let Some(credential) = spill.read(&self.key(), account, place) else { return Ok(false) };
        self.commit(|| Change::StoreAnswer {
            account: account.clone(),
            revision: journal.revision,
            credential: Box::new(credential.clone()),
            attempt: None,
        })?;
        // What is left in the file opens for no other attempt.
        let _ = spill.clear();
        Ok(true)
    }
}

impl<'a> RefreshQueue<'a> {
    /// Takes the turn; `None` while another process has it. Waits until `deadline` for a change of
    /// keys that is under way.
    pub(crate) fn take(&mut self, deadline: Instant) -> Result<Option<RefreshTurn<'a>>, Error> {
        let turn = self.queue.take(deadline)?;
        let (vault, account) = (self.vault, self.account);
        Ok(turn.map(|turn| RefreshTurn { vault, account, room: None, _turn: turn }))
    }

    /// Whether nobody has the turn just now. A crowd can ask all at once.
    pub(crate) fn is_free(&self) -> Result<bool, Error> {
        self.queue.is_free()
    }
}

impl RefreshTurn<'_> {
    /// Makes sure that there is room on the disk for an answer to `credential`, come what may.
    pub(crate) fn make_room(&mut self, credential: &Credential) -> Result<(), Error> {
        self.room = Some(Spill::open(self.vault.file(), self.account, credential)?);
        Ok(())
    }

    /// Commits the journal of a request that is about to be sent; `None` if the row is no longer
    /// the one that was read. `earlier` is the journal of a request that may have spent the refresh
    /// token already.
    pub(crate) fn begin_refresh(
        &self,
        stored: &Stored,
        earlier: Option<&Journal>,
        now: Timestamp,
    ) -> Result<Option<Journal>, Error> {
        let mut attempt = [0; 16];
        getrandom::fill(&mut attempt)?;
        let started_at = earlier.map_or(now, |journal| journal.started_at);
        let journal = Journal { revision: stored.revision, attempt, started_at };
        let outcome = self.vault.commit(|| Change::BeginRefresh {
            account: self.account.clone(),
            journal: journal.clone(),
        })?;
        Ok((outcome == Outcome::Done).then_some(journal))
    }

    /// Puts the journal back as it was before a request that the server did not process. If that
    /// can't be written, the next try is more careful than it need be.
    pub(crate) fn restore_journal(&self, earlier: Option<&Journal>, attempt: Option<&Attempt>) {
        let _ = self.vault.commit(|| Change::RestoreJournal {
            account: self.account.clone(),
            earlier: earlier.cloned(),
            attempt: attempt.cloned(),
        });
    }

    /// Writes an attempt down that may have spent the refresh token: its journal stays.
    pub(crate) fn record_attempt(&self, attempt: &Attempt) {
        let _ = self.vault.commit(|| Change::RecordAttempt {
            account: self.account.clone(),
            attempt: attempt.clone(),
        });
    }

    /// Commits what a request brought, or puts it where the next process finds it.
    pub(crate) fn save(
        &self,
        credential: &Credential,
        journal: &Journal,
        attempt: &Attempt,
    ) -> Saved {
        let source = match self.store_answer(credential, journal.revision, attempt) {
            Ok(true) => return Saved::Stored,
            Ok(false) => return Saved::Moved,
            Err(source) => source,
        };
        let place = (journal.revision, &journal.attempt);
        let spilled = self
            .room
            .as_ref()
            .map(|room| room.write(&self.vault.key(), self.account, place, credential));
        match spilled {
            Some(Ok(())) => Saved::Spilled(source),
            Some(Err(_)) | None => Saved::Lost(source),
        }
    }

    /// Stores what a refresh led to over the row at `revision`, and over no other. Returns whether
    /// it did.
    pub(crate) fn store_answer(
        &self,
        credential: &Credential,
        revision: u64,
        attempt: &Attempt,
    ) -> Result<bool, Error> {
        let outcome = self.vault.commit(|| Change::StoreAnswer {
            account: self.account.clone(),
            revision,
            credential: Box::new(credential.clone()),
            attempt: Some(attempt.clone()),
        })?;
        Ok(outcome == Outcome::Done)
    }
}
