//! Writes to an unlocked vault, and the turns in which they are made.

use std::time::Instant;

use jiff::Timestamp;

use super::change::{Change, Outcome, Placement};
use super::engine::Engine;
use super::error::Error;
use super::evidence::Found;
use super::open_vault::OpenVault;
use super::spill;
use super::turn::{CredentialTurn, Turn};
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::attempt::Attempt;
use crate::model::credential::{Credential, Status};
use crate::model::credential_health::CredentialHealth;
use crate::vault::bundle::BundleId;

/// The outcome of [`OpenVault::record_check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckRecorded {
    Yes,
    /// Only the attempt was recorded: a refresh is in doubt, and a new revision would make its
    /// journal void.
    InDoubt,
    /// Nothing was recorded: the row has another revision by now.
    Moved,
}

/// The outcome of [`OpenVault::amend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amended {
    Yes,
    /// Nothing was written: a refresh is under way or in doubt, and a new revision would make its
    /// journal void.
    InDoubt,
    /// Nothing was written: the row has another revision by now.
    Moved,
}

/// The outcome of [`OpenVault::import`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Imported {
    Yes,
    /// Nothing was written: a row has another revision by now.
    Moved,
    /// Nothing was written: the bundle was imported before, at this time.
    Before(Timestamp),
}

impl OpenVault {
    /// Checks with a real write that the disk is writable and that the key is the current one.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        self.commit(|| Change::Reserve).map(drop)
    }

    /// Seals the audit's head, the last entry that the vault remembers.
    pub(crate) fn seal_audit_head(&self) -> Result<(), Error> {
        self.commit(|| Change::SealAuditHead).map(drop)
    }

    /// Waits for the turn to write the credential of `account`.
    pub(crate) fn credential_turn(
        &self,
        account: &Account,
        deadline: Instant,
    ) -> Result<CredentialTurn, Error> {
        CredentialTurn::of(self.file(), account, deadline)
    }

    /// Waits for the turn to write the credentials of all `accounts`, which come in the order of
    /// their names; with `moving`, also for the turn to hand them over.
    pub(crate) fn credential_turns<'a>(
        &self,
        accounts: impl Iterator<Item = &'a Account>,
        moving: bool,
        deadline: Instant,
    ) -> Result<Turn, Error> {
        Turn::to_write(self.file(), accounts, moving, deadline)
    }

    /// Waits for the turn to write the file of a bundle that is handed over.
    pub(crate) fn hand_over_turn(&self, deadline: Instant) -> Result<Turn, Error> {
        Turn::to_hand_over(self.file(), deadline)
    }

    /// Waits for the turn to change the status of a credential.
    pub(crate) fn status_turn(&self, account: &Account, deadline: Instant) -> Result<Turn, Error> {
        Turn::to_change_status(self.file(), account, deadline)
    }

    /// Takes the turn to log in for `user`, or for a user who is not known yet; returns `None`
    /// while another process has it.
    pub(crate) fn login_turn(
        &self,
        provider: &ProviderName,
        user: Option<&UserName>,
    ) -> Result<Option<Turn>, Error> {
        Turn::to_log_in(self.file(), provider, user)
    }

    /// Stores a credential over the one at the revision `over`, or as a new row, without journal
    /// and attempts. Returns false, with nothing written, if the row was changed meanwhile.
    pub(crate) fn put(
        &self,
        account: &Account,
        credential: &Credential,
        over: Option<u64>,
    ) -> Result<bool, Error> {
        let outcome = self.commit(|| Change::Put {
            account: account.clone(),
            credential: Box::new(credential.clone()),
            over,
        })?;
        if outcome != Outcome::Done {
            return Ok(false);
        }
        if credential.is_refreshable() {
            // The first refresh finds its room on the disk. If this fails, it tries again.
            let _ = spill::Spill::open(self.file(), account, credential);
        }
        self.discard_spill(account);
        Ok(true)
    }

    /// Stores `credential` over the one at `revision`, which has the same tokens. What is recorded
    /// about those stays.
    pub(crate) fn amend(
        &self,
        account: &Account,
        credential: &Credential,
        revision: u64,
    ) -> Result<Amended, Error> {
        let outcome = self.commit(|| Change::Amend {
            account: account.clone(),
            revision,
            credential: Box::new(credential.clone()),
        })?;
        Ok(match outcome {
            Outcome::Done => Amended::Yes,
            Outcome::InDoubt => Amended::InDoubt,
            Outcome::Moved
            | Outcome::AlreadyImported(_)
            | Outcome::HealthToReport(_)
            | Outcome::Intents(_) => Amended::Moved,
        })
    }

    /// Stores all of `placements`, or nothing. If they came in with a `bundle`, it is marked as
    /// imported, and can't be imported again.
    pub(crate) fn import(
        &self,
        placements: &[Placement],
        bundle: Option<BundleId>,
        at: Timestamp,
    ) -> Result<Imported, Error> {
        let outcome =
            self.commit(|| Change::Import { placements: placements.to_vec(), bundle, at })?;
        match outcome {
            Outcome::AlreadyImported(at) => Ok(Imported::Before(at)),
            Outcome::Done => {
                for placed in placements {
                    self.discard_spill(&placed.account);
                }
                Ok(Imported::Yes)
            }
            Outcome::Moved
            | Outcome::InDoubt
            | Outcome::HealthToReport(_)
            | Outcome::Intents(_) => Ok(Imported::Moved),
        }
    }

    /// Stores what remains here of credentials that move to another machine, and the text of their
    /// bundle until its file is written.
    ///
    /// Fails with [`Error::Busy`], with nothing written, if one of the rows was changed meanwhile, or
    /// if `give_up` says so once the vault is ready to be written.
    pub(crate) fn hand_over(
        &self,
        left: &[Placement],
        bundle: BundleId,
        text: &str,
        at: Timestamp,
        give_up: fn() -> bool,
    ) -> Result<(), Error> {
        let outcome = self.commit(|| Change::HandOver {
            left: left.to_vec(),
            bundle,
            text: text.to_owned(),
            at,
            give_up,
        })?;
        if outcome != Outcome::Done {
            // The turn rules this out, unless somebody deleted the files of the locks.
            return Err(Error::Busy);
        }
        for gone in left {
            self.remove_spill(&gone.account);
        }
        Ok(())
    }

    /// Deletes the text of a bundle whose file is written, also from the write-ahead log if no
    /// other process is reading.
    pub(crate) fn forget_bundle(&self, bundle: BundleId) -> Result<(), Error> {
        self.commit(|| Change::ForgetBundle(bundle))?;
        self.empty_log();
        Ok(())
    }

    /// Deletes the credential of `account` that was read at `revision`, with everything that
    /// belongs to the account.
    ///
    /// The caller has the credential's turn. On a full disk the room that is kept for the answer to
    /// a refresh is given up for this. Fails with [`Error::Busy`], with nothing deleted, if the row
    /// was changed meanwhile.
    pub(crate) fn forget_at(&self, account: &Account, revision: u64) -> Result<(), Error> {
        let forget = || self.commit(|| Change::Forget { account: account.clone(), revision });
        let outcome = match forget() {
            Err(error) if error.is_of_disk() => {
                self.remove_spill(account);
                forget()
            }
            outcome => outcome,
        }?;
        if outcome != Outcome::Done {
            // The turn rules this out, unless somebody deleted the files of the locks.
            return Err(Error::Busy);
        }
        self.remove_spill(account);
        Ok(())
    }

    /// Records what the service said of the token at `revision`, whose credential had the status
    /// `was`, and stores `credential` with its new status, if there is one.
    pub(crate) fn record_check(
        &self,
        account: &Account,
        (revision, was): (u64, Status),
        credential: Option<&Credential>,
        attempt: &Attempt,
    ) -> Result<CheckRecorded, Error> {
        let outcome = self.commit(|| Change::RecordCheck {
            account: account.clone(),
            revision,
            was,
            attempt: attempt.clone(),
            credential: credential.cloned().map(Box::new),
        })?;
        Ok(match outcome {
            Outcome::Done => CheckRecorded::Yes,
            Outcome::InDoubt => CheckRecorded::InDoubt,
            Outcome::Moved
            | Outcome::AlreadyImported(_)
            | Outcome::HealthToReport(_)
            | Outcome::Intents(_) => CheckRecorded::Moved,
        })
    }

    /// Records the health of the credential of `account`. Returns the change of health that this
    /// process, and no other, has to report.
    pub(crate) fn record_health(
        &self,
        account: &Account,
        health: CredentialHealth,
    ) -> Result<Option<CredentialHealth>, Error> {
        // Nearly always there is nothing to write.
        let Some((_, Found::Genuine(evidence, _))) = self.evidence(account)? else {
            return Ok(None);
        };
        let told = evidence.reported;
        if health.reported_after(told) == told {
            return Ok(None);
        }
        match self.commit(|| Change::RecordHealth { account: account.clone(), health })? {
            Outcome::HealthToReport(news) => Ok(news),
            Outcome::Done
            | Outcome::Moved
            | Outcome::InDoubt
            | Outcome::AlreadyImported(_)
            | Outcome::Intents(_) => Ok(None),
        }
    }

    /// Moves the content of the write-ahead log into the file and empties the log, which may hold
    /// old versions of rows. Returns false if another process is still reading them.
    pub(crate) fn empty_log(&self) -> bool {
        match self.engine() {
            Engine::Sqlite(file) => file.writer().empty_log().unwrap_or(false),
            #[cfg(feature = "postgres")]
            Engine::Server(_) => true,
        }
    }

    /// Deletes the spill file of `account`, which nothing will be refreshed for any more. A failure
    /// does no harm and is ignored.
    fn remove_spill(&self, account: &Account) {
        let _ = spill::remove(self.file(), account);
    }

    /// Overwrites the spill file of `account`, whose content belongs to no attempt any more. A
    /// failure does no harm and is ignored.
    fn discard_spill(&self, account: &Account) {
        let _ = spill::discard(self.file(), account);
    }
}
