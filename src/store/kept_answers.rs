//! Answers that this machine keeps of a shared vault.
//!
//! Whoever refreshes writes the answer into the spill file first, and then into the database. The file
//! keeps it for ten minutes after that: a database that goes on as a copy of itself from a moment
//! before does not have the answer, and nobody else does. Until the database has it, each command on
//! this machine tries to store it first.

use std::collections::BTreeSet;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::change::{Change, Outcome};
use super::error::Error;
use super::file::VaultFile;
use super::open_vault::OpenVault;
use super::postgres::Server;
use super::record::{Adopted, Row};
use super::spill::{self, Place, Spill};
use super::turn::{CredentialTurn, TurnQueue};
use super::vault::Vault;
use crate::model::account::{Account, AccountFilter};
use crate::model::credential::Credential;

/// The time for which an answer is kept after the database had it.
const KEPT: SignedDuration = SignedDuration::from_mins(10);

/// An answer that this machine keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptAnswer {
    pub(crate) account: Account,
    /// The end of its time here; `None` if the database does not have it yet.
    pub(crate) until: Option<Timestamp>,
}

impl Vault {
    /// Stores the answers in the database that it does not have yet, and returns their accounts. Does
    /// away with those whose time is over, and leaves one alone whose credential another process is
    /// refreshing. A vault in a file has none.
    pub(crate) fn store_kept_answers(&self) -> Result<Vec<Account>, Error> {
        match self.server() {
            Some(server) => Self::over_server(server).store_answers(server),
            None => Ok(Vec::new()),
        }
    }
}

impl OpenVault {
    fn store_answers(&self, server: &Server) -> Result<Vec<Account>, Error> {
        let mut waiting = BTreeSet::new();
        for (name, spill) in spill::all(self.file()) {
            match spill.place().map(|place| place.stored_at) {
                Some(None) => drop(waiting.insert(name)),
                Some(Some(at)) if is_over(at, server.now()) => self.settle(&name, Spill::clear)?,
                Some(Some(_)) | None => {}
            }
        }
        let mut stored = Vec::new();
        if waiting.is_empty() {
            return Ok(stored);
        }
        for account in self.first_accounts(EVERYTHING, usize::MAX)? {
            if !waiting.remove(&VaultFile::name_of(&account)) {
                continue;
            }
            let mut queue = TurnQueue::of(self.file(), &account)?;
            let Some(_turn) = at_once(&mut queue)? else { continue };
            let Some(row) = self.read(&account)? else { continue };
            if self.store_kept_answer(&account, &row)? != Adopted::Nothing {
                stored.push(account);
            }
        }
        // Of credentials that were deleted.
        let now = server.now();
        for name in waiting {
            self.settle(&name, |spill| spill.mark_stored(now))?;
        }
        Ok(stored)
    }

    /// Returns the answers that this machine keeps, in the order of their accounts.
    pub(crate) fn kept_answers(&self) -> Result<Vec<KeptAnswer>, Error> {
        let mut kept = Vec::new();
        if self.server().is_none() || spill::all(self.file()).is_empty() {
            return Ok(kept);
        }
        for account in self.first_accounts(EVERYTHING, usize::MAX)? {
            let place = spill::existing(self.file(), &account).and_then(|spill| spill.place());
            let Some(Place { stored_at, .. }) = place else { continue };
            let until = stored_at.map(|at| at.checked_add(KEPT).unwrap_or(at));
            kept.push(KeptAnswer { account, until });
        }
        Ok(kept)
    }

    /// Whether an answer waits here for the database. Reads files of this machine alone.
    pub(crate) fn has_waiting_answers(&self) -> bool {
        self.server().is_some()
            && spill::all(self.file())
                .iter()
                .any(|(_, spill)| spill.place().is_some_and(|place| place.stored_at.is_none()))
    }

    /// Whether this machine has an answer that is newer than `row`: it could not be stored, the
    /// database was put back to a time before it was, or a member found the token refused that it
    /// replaces.
    pub(crate) fn keeps_answer(&self, account: &Account, row: &Row) -> bool {
        self.server().is_some() && self.kept_answer(account, row).is_some()
    }

    /// Stores the answer that this machine keeps, if that is newer than `row`. The caller has the turn
    /// to refresh the credential.
    pub(super) fn store_kept_answer(&self, account: &Account, row: &Row) -> Result<Adopted, Error> {
        let Some(server) = self.server() else { return Ok(Adopted::Nothing) };
        let Some(spill) = spill::existing(self.file(), account) else {
            return Ok(Adopted::Nothing);
        };
        let Some(Place { stored_at, .. }) = spill.place() else { return Ok(Adopted::Nothing) };
        let Some(credential) = self.kept_answer(account, row) else {
            // What the row has is newer. Another member's answer stays what it is: see `read`.
            if stored_at.is_none() && self.opened(&spill, account).is_some() {
                spill.mark_stored(server.now())?;
            }
            return Ok(Adopted::Nothing);
        };
        let outcome = self.commit(|| Change::StoreAnswer {
            account: account.clone(),
            revision: row.stored.revision,
            credential: Box::new(credential.clone()),
            attempt: None,
        })?;
        if outcome != Outcome::Done {
            return Ok(Adopted::Nothing);
        }
        // If this fails, the next command finds that the row is the newer one.
        let _ = spill.mark_stored(server.now());
        log::debug!("stored the new token for `{account}` that only this machine had");
        Ok(if stored_at.is_some() { Adopted::StoredAgain } else { Adopted::Stored })
    }

    /// Returns the answer that this machine keeps, if that is newer than `row`. Revisions only grow,
    /// so a row at or before the one that was asked about does not have the answer.
    fn kept_answer(&self, account: &Account, row: &Row) -> Option<Credential> {
        let spill = spill::existing(self.file(), account)?;
        let Place { revision, stored_at, .. } = spill.place()?;
        let now = self.server()?.now();
        let is_newer = row.stored.revision <= revision || row.is_refusal_of(revision);
        if !is_newer || stored_at.is_some_and(|at| is_over(at, now)) {
            return None;
        }
        self.opened(&spill, account)
    }

    fn opened(&self, spill: &Spill, account: &Account) -> Option<Credential> {
        let Place { revision, attempt, .. } = spill.place()?;
        spill.read(&self.machine_key(), account, (revision, &attempt))
    }

    /// Changes a spill file about which nothing else is left to do, unless another process has the
    /// turn of its credential.
    fn settle(
        &self,
        name: &str,
        change: impl FnOnce(&Spill) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut queue = TurnQueue::named(self.file(), name)?;
        let Some(_turn) = at_once(&mut queue)? else { return Ok(()) };
        spill::named(self.file(), name).map_or(Ok(()), |spill| change(&spill))
    }
}

const EVERYTHING: AccountFilter<'static> = AccountFilter { provider: None, user: None };

/// Takes the turn of `queue`, unless another process has it, or changes keys.
fn at_once(queue: &mut TurnQueue<'_>) -> Result<Option<CredentialTurn>, Error> {
    match queue.take(Instant::now()) {
        Err(Error::Busy) => Ok(None),
        taken => taken,
    }
}

/// Whether an answer that the database had at `stored_at` is not kept any longer at `now`. A time that
/// is far ahead counts as over: the database's clock was set back.
fn is_over(stored_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(stored_at).abs() >= KEPT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_for_ten_minutes() {
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        assert!(!is_over(at(0), at(0)));
        assert!(!is_over(at(0), at(599)));
        assert!(is_over(at(0), at(600)));
        assert!(!is_over(at(599), at(0)), "clocks differ a little");
        assert!(is_over(at(600), at(0)), "the clock was set back");
    }
}
