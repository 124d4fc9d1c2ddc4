//! What is written to an unlocked vault.

use std::time::Instant;

use jiff::Timestamp;

use super::change::{Change, Outcome, Placement};
use super::error::Error;
use super::open_vault::OpenVault;
use super::spill;
use super::sqlite::standings;
use super::turn::{CredentialTurn, CredentialTurns, HandOverTurn, LoginTurn, StatusTurn};
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::attempt::Attempt;
use crate::model::credential::{Credential, Status};
use crate::model::credential_health::CredentialHealth;
use crate::vault::bundle::BundleId;

/// What became of the service's word on a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckRecorded {
    Yes,
    /// The journal of a refresh stands; it goes with the revision that a status would replace.
    InDoubt,
    /// The row is another one by now.
    Moved,
}

/// What became of credentials that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Imported {
    Yes,
    /// Nothing was written: the vault has moved on meanwhile.
    Moved,
    /// Nothing was written: the bundle was taken in at this time.
    Before(Timestamp),
}

impl OpenVault {
    /// Makes sure, by a real write, that the disk takes one and that the key is the current one.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        self.commit(|| Change::Reserve).map(drop)
    }

    /// Remembers how far the audit reaches.
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

    /// Waits for the turn to write the credentials of all `accounts`, in this order; with `moving`,
    /// to hand them over as well.
    pub(crate) fn credential_turns<'a>(
        &self,
        accounts: impl Iterator<Item = &'a Account>,
        moving: bool,
        deadline: Instant,
    ) -> Result<CredentialTurns, Error> {
        CredentialTurns::of(self.file(), accounts, moving, deadline)
    }

    /// Waits for the turn to put a bundle in its place.
    pub(crate) fn hand_over_turn(&self, deadline: Instant) -> Result<HandOverTurn, Error> {
        HandOverTurn::of(self.file(), deadline)
    }

    /// Waits for the turn to change the status of a credential.
    pub(crate) fn status_turn(
        &self,
        account: &Account,
        deadline: Instant,
    ) -> Result<StatusTurn, Error> {
        StatusTurn::of(self.file(), account, deadline)
    }

    /// Takes the turn to log in for `user`, or for whoever it will turn out to be; `None` while
    /// another process has it.
    pub(crate) fn login_turn(
        &self,
        provider: &ProviderName,
        user: Option<&UserName>,
    ) -> Result<Option<LoginTurn>, Error> {
        LoginTurn::of(self.file(), provider, user)
    }

    /// Stores a credential over the one at the revision `over`, or in an empty place, with no
    /// history. Returns whether it did: not if the place was taken meanwhile.
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
            // What an answer may need one day; a refresh sees to it as well.
            let _ = spill::Spill::open(self.file(), account, credential);
        }
        self.discard_spill(account);
        Ok(true)
    }

    /// Stores all of `placements`, or nothing. A `bundle` that they came in with is taken in with
    /// that, once.
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

    /// Leaves in the vault what stays of credentials that are moved, and keeps their bundle until
    /// it is in place.
    ///
    /// Fails with [`Error::Busy`], with nothing changed, if one of them is another one by now.
    pub(crate) fn hand_over(
        &self,
        left: &[Placement],
        bundle: BundleId,
        text: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        let outcome = self.commit(|| Change::HandOver {
            left: left.to_vec(),
            bundle,
            text: text.to_owned(),
            at,
        })?;
        if outcome != Outcome::Done {
            // Somebody took the locks' files away.
            return Err(Error::Busy);
        }
        for gone in left {
            self.discard_spill(&gone.account);
        }
        Ok(())
    }

    /// Forgets a bundle that is in place. What was overwritten goes from the log too, where nobody
    /// reads it.
    pub(crate) fn forget_bundle(&self, bundle: BundleId) -> Result<(), Error> {
        self.commit(|| Change::ForgetBundle(bundle))?;
        self.empty_log();
        Ok(())
    }

    /// Forgets an account whose credential was read at `revision`, with all that belongs to it.
    ///
    /// Fails with [`Error::Busy`] if it is another one by now.
    pub(crate) fn forget_at(&self, account: &Account, revision: u64) -> Result<(), Error> {
        let outcome = self.commit(|| Change::Forget { account: account.clone(), revision })?;
        // Somebody took the locks' files away: what is there now is not what was read.
        if outcome == Outcome::Done { Ok(()) } else { Err(Error::Busy) }
    }

    /// Writes down what the service said of the token in `read`, and `credential` over it if that
    /// changes it.
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

    /// Takes down how the credential of `account` stands, and returns what this process, and no
    /// other, has to tell.
    pub(crate) fn record_health(
        &self,
        account: &Account,
        health: CredentialHealth,
    ) -> Result<Option<CredentialHealth>, Error> {
        // Nearly always there is nothing to write.
        let told = self.file_engine().read(|view| standings::read(view, account))?;
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

    /// Moves what is in the write-ahead log into the file: it may hold what was overwritten since.
    /// Returns whether that could be done, for all readers.
    pub(crate) fn empty_log(&self) -> bool {
        self.file_engine().writer().empty_log().unwrap_or(false)
    }

    /// Overwrites the spill file of `account`: it opens for nothing any more. That it is there does
    /// no harm.
    pub(super) fn discard_spill(&self, account: &Account) {
        let _ = spill::discard(self.file(), account);
    }
}
