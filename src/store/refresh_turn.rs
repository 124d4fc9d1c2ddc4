//! The turn to refresh one credential, and the writes in it.
//!
//! Their order keeps a token from being lost: first disk space for the answer and a journal, then
//! the request, then the commit of its answer. If that commit fails, the sealed answer goes into
//! the spill file, and the next process stores it.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::change::{Change, Outcome};
use super::error::Error;
use super::open_vault::OpenVault;
use super::record::{Adopted, Journal, Row, Stored};
use super::spill::Spill;
use super::turn::{self, CredentialTurn, TurnQueue};
use crate::boot_clock::Moment;
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::credential::Credential;

/// The pause between two looks at the journal of another process.
const POLL: Duration = Duration::from_millis(20);

/// The wait of this process for the turn to refresh one credential.
pub(crate) struct RefreshQueue<'a> {
    vault: &'a OpenVault,
    account: &'a Account,
    queue: TurnQueue<'a>,
}

/// The turn to refresh one credential. Meanwhile no other process spends its refresh token, and the
/// vault's keys stay as they are.
pub(crate) struct RefreshTurn<'a> {
    vault: &'a OpenVault,
    account: &'a Account,
    room: Option<Spill>,
    turn: CredentialTurn,
}

/// The outcome of [`RefreshTurn::save`].
#[derive(Debug)]
pub(crate) enum Saved {
    /// The answer is stored in the credential's row.
    Stored,
    /// The answer was not stored: the row was deleted or replaced meanwhile, by a command that did
    /// not wait for the turn.
    Moved,
    /// The answer could not be stored, and is sealed in the spill file.
    Spilled(Error),
    /// The answer could be written nowhere.
    Lost(Error),
}

impl OpenVault {
    /// Begins to wait for the turn to refresh the credential of `account`.
    pub(crate) fn refresh_queue<'a>(
        &'a self,
        account: &'a Account,
    ) -> Result<RefreshQueue<'a>, Error> {
        Ok(RefreshQueue { vault: self, account, queue: TurnQueue::of(self.file(), account)? })
    }

    /// Whether the request of `journal` may still be on its way. Where that can't be found out, it
    /// counts as interrupted.
    pub(crate) fn is_under_way(&self, account: &Account, journal: &Journal) -> bool {
        turn::is_under_way(self.file(), account, journal).unwrap_or(false)
    }

    /// Waits until no request of an earlier holder of `turn` can be on its way: somebody may have
    /// deleted the file of its lock. Fails with [`Error::Busy`] at `deadline`.
    pub(crate) fn wait_for_request(
        &self,
        account: &Account,
        turn: &CredentialTurn,
        deadline: Instant,
    ) -> Result<(), Error> {
        while let Some(Row { journal: Some(journal), .. }) = self.read(account)?
            && turn.has_request_beside(&journal)
        {
            if Instant::now() >= deadline {
                return Err(Error::Busy);
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Stores the answer that an earlier process left in the spill file, if the journal of `row`
    /// waits for it; in a shared vault, if it is newer than `row`. The caller has a turn that keeps
    /// refreshes of the credential away.
    pub(crate) fn adopt_spill(&self, account: &Account, row: &Row) -> Result<Adopted, Error> {
        #[cfg(feature = "postgres")]
        if self.server().is_some() {
            return self.store_kept_answer(account, row);
        }
        let Some(journal) = &row.journal else { return Ok(Adopted::Nothing) };
        let spill = Spill::open(self.file(), account, &row.stored.credential)?;
        let place = (journal.revision, &journal.attempt);
        let Some(credential) = spill.read(&self.machine_key(), account, place) else {
            return Ok(Adopted::Nothing);
        };
        self.commit(|| Change::StoreAnswer {
            account: account.clone(),
            revision: journal.revision,
            credential: Box::new(credential.clone()),
            attempt: None,
        })?;
        // If this fails, the rest in the file does no harm: it opens for no other attempt.
        let _ = spill.clear();
        Ok(Adopted::Stored)
    }
}

impl<'a> RefreshQueue<'a> {
    /// Takes the turn; returns `None` while another process has it. Waits until `deadline` for a
    /// change of keys that is in progress.
    pub(crate) fn take(&mut self, deadline: Instant) -> Result<Option<RefreshTurn<'a>>, Error> {
        let turn = self.queue.take(deadline)?;
        let (vault, account) = (self.vault, self.account);
        Ok(turn.map(|turn| RefreshTurn { vault, account, room: None, turn }))
    }

    /// Whether no process has the turn at this moment. Any number of processes can ask at once.
    pub(crate) fn is_free(&self) -> Result<bool, Error> {
        self.queue.is_free()
    }
}

impl RefreshTurn<'_> {
    /// Allocates disk space for the answer to a refresh of `credential`.
    pub(crate) fn make_room(&mut self, credential: &Credential) -> Result<(), Error> {
        self.room = Some(Spill::open(self.vault.file(), self.account, credential)?);
        Ok(())
    }

    /// Whether the request of `journal` may still be on its way, sent by a process that has a turn
    /// too: somebody deleted the file of its lock.
    pub(crate) fn has_request_beside(&self, journal: &Journal) -> bool {
        self.turn.has_request_beside(journal)
    }

    /// Commits and returns the journal of a request that is about to be sent with the time limit
    /// `bound`. `earlier` is the journal of an earlier request that may have spent the refresh
    /// token. Returns `None` if the row or its journal was changed since it was read, or if the
    /// commit took too long, such as on a machine that slept meanwhile.
    pub(crate) fn begin_refresh(
        &self,
        stored: &Stored,
        earlier: Option<&Journal>,
        now: Timestamp,
        bound: Duration,
    ) -> Result<Option<Journal>, Error> {
        let mut attempt = [0; 16];
        getrandom::fill(&mut attempt)?;
        let (started_at, started) = match earlier {
            Some(journal) => (journal.started_at, journal.started.clone()),
            None => (now, Some(Moment::now())),
        };
        let lease = self.turn.begin_lease(bound);
        let journal = Journal {
            revision: stored.revision,
            attempt,
            started_at,
            started,
            lease: Some(lease.clone()),
            shared: self.vault.shared_lease(),
        };
        let outcome = self.vault.commit(|| Change::BeginRefresh {
            account: self.account.clone(),
            journal: journal.clone(),
            over: earlier.map(|earlier| earlier.attempt),
        })?;
        if outcome != Outcome::Done {
            return Ok(None);
        }
        if !lease.may_send(&Moment::now()) {
            self.restore_journal(&journal, earlier, None);
            return Ok(None);
        }
        Ok(Some(journal))
    }

    /// Restores the journal from before the request of `own`, which the server did not process. If
    /// that can't be written, the next refresh is more careful than necessary.
    pub(crate) fn restore_journal(
        &self,
        own: &Journal,
        earlier: Option<&Journal>,
        attempt: Option<&Attempt>,
    ) {
        let restored = self.vault.commit(|| Change::RestoreJournal {
            account: self.account.clone(),
            own: own.clone(),
            earlier: earlier.cloned(),
            attempt: attempt.cloned(),
        });
        if earlier.is_none() && restored.is_ok() {
            self.turn.has_no_journal();
        }
    }

    /// Records an attempt that may have spent the refresh token: its journal stays.
    pub(crate) fn record_attempt(&self, journal: &Journal, attempt: &Attempt) {
        let _ = self.vault.commit(|| Change::RecordAttempt {
            account: self.account.clone(),
            journal: journal.clone(),
            attempt: attempt.clone(),
        });
    }

    /// Commits the answer to a request, or writes it into the spill file if that fails.
    ///
    /// In a shared vault the spill file comes first: until the answer is on a disk, its only copy is
    /// in memory, and a database may take seconds to confirm it.
    pub(crate) fn save(
        &self,
        credential: &Credential,
        journal: &Journal,
        attempt: &Attempt,
    ) -> Saved {
        if journal.shared.is_some() {
            return self.save_from_spill(credential, journal, attempt);
        }
        let source = match self.store_answer(credential, journal.revision, attempt) {
            Ok(true) => return Saved::Stored,
            Ok(false) => return Saved::Moved,
            Err(source) => source,
        };
        match self.spill(credential, journal) {
            Some(Ok(())) => Saved::Spilled(source),
            Some(Err(_)) | None => Saved::Lost(source),
        }
    }

    fn save_from_spill(
        &self,
        credential: &Credential,
        journal: &Journal,
        attempt: &Attempt,
    ) -> Saved {
        let spilled = self.spill(credential, journal);
        let stored = self.store_late_answer(credential, journal.revision, attempt);
        #[cfg(feature = "postgres")]
        if stored.is_ok() {
            // What is in the spill file stays there for a while: a database may be put back.
            self.note_stored();
        }
        match (stored, spilled) {
            (Ok(true), _) => Saved::Stored,
            (Ok(false), _) => Saved::Moved,
            (Err(source), Some(Ok(()))) => Saved::Spilled(source),
            (Err(source), Some(Err(_)) | None) => Saved::Lost(source),
        }
    }

    /// Commits the answer to a request about `revision`. Where others moved the row meanwhile, it is
    /// left alone, unless all that they found is that the tokens are refused which this request spent.
    fn store_late_answer(
        &self,
        credential: &Credential,
        revision: u64,
        attempt: &Attempt,
    ) -> Result<bool, Error> {
        let mut over = revision;
        loop {
            if self.store_answer(credential, over, attempt)? {
                return Ok(true);
            }
            match self.vault.read(self.account)? {
                Some(row) if row.is_refusal_of(revision) && row.stored.revision > over => {
                    over = row.stored.revision;
                }
                Some(_) | None => return Ok(false),
            }
        }
    }

    /// Notes that the database has the answer in the spill file, or something newer. A failure does no
    /// harm: the next command finds it out again.
    #[cfg(feature = "postgres")]
    fn note_stored(&self) {
        if let (Some(room), Some(server)) = (&self.room, self.vault.server()) {
            let _ = room.mark_stored(server.now());
        }
    }

    /// Writes the answer to the request of `journal` into the spill file, if there is room for it.
    fn spill(&self, credential: &Credential, journal: &Journal) -> Option<Result<(), Error>> {
        let place = (journal.revision, &journal.attempt);
        let room = self.room.as_ref()?;
        Some(room.write(&self.vault.machine_key(), self.account, place, credential))
    }

    /// Commits the result of a refresh over the row at `revision`. Returns false, with nothing
    /// written, if the row has another revision by now.
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
        self.turn.has_no_journal();
        Ok(outcome == Outcome::Done)
    }
}
