//! Carrying out a [`Change`] within a transaction.
//!
//! A transaction whose commit was not confirmed is run once more. So each write leaves the random
//! name of its change in the row, by which the second run finds out that there is nothing left to do.

use std::cell::RefCell;

use super::bundles;
use super::driver::{Fault, ToSql, Transaction, Type};
use super::membership::{Membership, signed};
use super::row::{Row, Sealed};
use super::rows;
use crate::model::account::Account;
use crate::model::credential::Credential;
use crate::model::credential_health::CredentialHealth;
use crate::store::change::{Change, Outcome, Placement};
use crate::store::error::Error as StoreError;
use crate::store::evidence::{Evidence, Found};
use crate::store::record::Journal;
use crate::store::shared_error::Error;
use crate::vault::bundle::BundleId;
use crate::vault::shared::row_name::RowName;

/// The random name of a change.
pub(super) type ChangeId = [u8; 16];

/// A change that is carried out, and what it needs.
pub(super) struct Work<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) membership: &'a Membership,
    pub(super) id: ChangeId,
    /// Fails where the row of an account is older than this machine has seen.
    pub(super) check_age: &'a dyn Fn(&Account, u64) -> Result<(), StoreError>,
    /// The accounts whose credential was written, with its new revision: 0 where it was deleted.
    pub(super) written: &'a RefCell<Vec<(Account, u64)>>,
}

/// The operations that only a vault in a file has.
fn of_files(what: &'static str) -> Fault {
    Error::OfFilesAlone { what }.into()
}

impl Work<'_> {
    /// Carries out `change`, all but the beginning of a refresh, which is a statement by itself.
    pub(super) fn apply(&self, change: &Change) -> Result<Outcome, Fault> {
        match change {
            Change::SealAuditHead => Ok(Outcome::Done),
            Change::Reserve => {
                self.membership.check_writer()?;
                rows::held(self.transaction, self.membership).map(|_| Outcome::Done)
            }
            Change::BeginRefresh { .. } => {
                Err(StoreError::Inconsistent("a claim is a statement by itself").into())
            }
            Change::RestoreJournal { account, own, earlier, attempt } => {
                self.edit(account, own.revision, |evidence| {
                    if attempt.is_some() {
                        evidence.attempt.clone_from(attempt);
                    }
                    evidence.end(own, earlier.as_ref()) || attempt.is_some()
                })
            }
            Change::RecordAttempt { account, journal, attempt } => {
                self.edit(account, journal.revision, |evidence| {
                    evidence.attempt = Some(attempt.clone());
                    evidence.end(journal, Some(&Journal { shared: None, ..journal.clone() }));
                    true
                })
            }
            Change::StoreAnswer { account, revision, credential, attempt } => {
                let Some(row) = self.row(account)?.filter(|row| row.is_at(*revision, &self.id))
                else {
                    return Ok(Outcome::Moved);
                };
                // The answer is all that is left of the grant, so forged evidence must not stop it.
                let reported = match self.found(&row) {
                    Found::Genuine(evidence, _) if attempt.is_some() => evidence.reported,
                    Found::Genuine(..) | Found::Forged => CredentialHealth::Good,
                };
                let evidence = Evidence { journal: None, attempt: attempt.clone(), reported };
                self.put(account, credential, &evidence, Some(row.revision))
            }
            Change::RecordCheck { .. } => self.checked(change),
            Change::Amend { account, revision, credential } => {
                let Some(row) = self.aged(account, *revision)? else { return Ok(Outcome::Moved) };
                let evidence = self.found(&row).genuine(account)?;
                if evidence.journal.is_some() {
                    return Ok(Outcome::InDoubt);
                }
                self.put(account, credential, &evidence, Some(row.revision))
            }
            Change::Put { account, credential, over } => self.place(&[Placement {
                account: account.clone(),
                credential: Credential::clone(credential),
                over: *over,
            }]),
            Change::Import { placements, bundle: None, .. } => self.place(placements),
            Change::Import { placements, bundle: Some(bundle), .. } => {
                self.take_in(placements, *bundle)
            }
            Change::HandOver { give_up, .. } if give_up() => Err(StoreError::Busy.into()),
            Change::HandOver { left, bundle, text, .. } => self.hand_over(left, *bundle, text),
            Change::ForgetBundle(bundle) => {
                bundles::forget(self.transaction, self.membership, *bundle).map(|()| Outcome::Done)
            }
            Change::Forget { account, revision } => self.forget(account, *revision),
            Change::RecordHealth { account, health } => self.reported(account, *health),
            Change::AddIntent { .. }
            | Change::ConfirmIntents { .. }
            | Change::RemoveIntent { .. }
            | Change::AddSlot { .. }
            | Change::RemoveSlot { .. } => Err(of_files("key slots")),
        }
    }

    /// Reads the row of `account` for a write.
    fn row(&self, account: &Account) -> Result<Option<Row>, Fault> {
        let name = self.membership.name(account);
        Ok(rows::locked(self.transaction, self.membership, &name)?.1)
    }

    /// Reads the row of `account` at `revision`, which must not be older than this machine has seen.
    fn aged(&self, account: &Account, revision: u64) -> Result<Option<Row>, Fault> {
        let row = self.row(account)?;
        if let Some(row) = &row {
            (self.check_age)(account, row.revision)?;
        }
        Ok(row.filter(|row| row.is_at(revision, &self.id)))
    }

    /// The clock counts for nothing here: what matters is whether there is a journal.
    fn found(&self, row: &Row) -> Found {
        row.evidence(self.membership, 0)
    }

    /// Changes the evidence of the credential at `revision`, if `change` says so.
    fn edit(
        &self,
        account: &Account,
        revision: u64,
        change: impl FnOnce(&mut Evidence) -> bool,
    ) -> Result<Outcome, Fault> {
        self.membership.check_writer()?;
        let Some(row) = self.row(account)?.filter(|row| row.revision == revision) else {
            return Ok(Outcome::Moved);
        };
        let before = self.found(&row).genuine(account)?;
        let mut evidence = before.clone();
        if !change(&mut evidence) {
            return Ok(Outcome::Moved);
        }
        self.put_evidence(&row, &evidence, before.journal.as_ref())
    }

    /// Writes `evidence` into `row`. Its journal is the one that was there, whose lease goes on, or
    /// another one, which has none.
    fn put_evidence(
        &self,
        row: &Row,
        evidence: &Evidence,
        before: Option<&Journal>,
    ) -> Result<Outcome, Fault> {
        let sealed = self.membership.seal_evidence(&row.name, row.revision, evidence)?;
        let (vault, revision) = (self.membership.vault(), signed(row.revision)?);
        let keeps_lease = evidence.journal.as_ref() == before;
        let attempt = evidence.journal.as_ref().map(|journal| journal.attempt.as_slice());
        let values: [(&(dyn ToSql + Sync), Type); 6] = [
            (&vault.0.as_slice(), Type::BYTEA),
            (&row.name.as_slice(), Type::BYTEA),
            (&revision, Type::INT8),
            (&sealed, Type::BYTEA),
            (&attempt, Type::BYTEA),
            (&keeps_lease, Type::BOOL),
        ];
        let written = self.transaction.execute(
            "UPDATE tokctl_rows SET evidence = $4, attempt = $5,
               lease_until = CASE WHEN $6 THEN lease_until ELSE 0 END,
               holder = CASE WHEN attempt = $5 THEN holder END
             WHERE vault = $1 AND name = $2 AND revision = $3",
            &values,
        )?;
        Ok(if written == 1 { Outcome::Done } else { Outcome::Moved })
    }

    /// Puts all of `placements` where they belong, or none of them.
    fn place(&self, placements: &[Placement]) -> Result<Outcome, Fault> {
        let mut ordered: Vec<(RowName, &Placement)> = placements
            .iter()
            .map(|placed| (self.membership.name(&placed.account), placed))
            .collect();
        // Two members that write the same rows don't wait for each other.
        ordered.sort_unstable_by_key(|(name, _)| *name);
        for (_, Placement { account, over, .. }) in &ordered {
            let row = self.row(account)?;
            let is_meant = match (&row, over) {
                (Some(row), _) if row.change == self.id => true,
                (Some(row), Some(over)) => row.revision == *over,
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            if !is_meant {
                return Ok(Outcome::Moved);
            }
        }
        let none = Evidence::default();
        for (_, Placement { account, credential, .. }) in &ordered {
            let before = self.row(account)?.map(|row| row.revision);
            let outcome = self.put(account, credential, &none, before)?;
            if outcome != Outcome::Done {
                return Err(Fault::Undone);
            }
        }
        Ok(Outcome::Done)
    }

    /// Puts the credentials of `bundle` where they belong, unless the vault took it in before.
    fn take_in(&self, placements: &[Placement], bundle: BundleId) -> Result<Outcome, Fault> {
        self.membership.check_writer()?;
        match bundles::taken_in(self.transaction, self.membership, bundle)? {
            Some((_, change)) if change == self.id => return Ok(Outcome::Done),
            Some((at, _)) => return Ok(Outcome::AlreadyImported(at)),
            None => {}
        }
        let outcome = self.place(placements)?;
        if outcome == Outcome::Done {
            bundles::note_taken_in(self.transaction, self.membership, bundle, &self.id)?;
        }
        Ok(outcome)
    }

    /// Stores what is `left` of credentials that move into `bundle`, and its text. Nobody else may
    /// be renewing one of them: their refresh tokens are in the bundle.
    fn hand_over(
        &self,
        left: &[Placement],
        bundle: BundleId,
        text: &str,
    ) -> Result<Outcome, Fault> {
        for Placement { account, .. } in left {
            if self.row(account)?.is_some_and(|row| row.turn.is_some()) {
                let why = format!("a refresh of `{account}` was begun, and has no answer yet");
                return Err(Error::Busy { why }.into());
            }
        }
        let outcome = self.place(left)?;
        if outcome == Outcome::Done {
            bundles::keep(self.transaction, self.membership, bundle, text, &self.id)?;
        }
        Ok(outcome)
    }

    /// Stores `credential` with its evidence over the row at the revision `over`, which this
    /// transaction has, or as a new row.
    fn put(
        &self,
        account: &Account,
        credential: &Credential,
        evidence: &Evidence,
        over: Option<u64>,
    ) -> Result<Outcome, Fault> {
        self.membership.check_writer()?;
        let now = rows::header(self.transaction, self.membership)?.now;
        let next = over.map_or(Ok(0), |over| signed(over).map(|over| over + 1))?.max(now);
        let revision = u64::try_from(next).unwrap_or_default();
        let name = self.membership.name(account);
        let Sealed { secret, label, writer, signature } =
            self.membership.seal(account, credential, revision)?;
        let sealed_evidence = self.membership.seal_evidence(&name, revision, evidence)?;
        let keeps_turn = evidence.journal.is_some();
        let vault = self.membership.vault();
        let values: [(&(dyn ToSql + Sync), Type); 10] = [
            (&vault.0.as_slice(), Type::BYTEA),
            (&name.as_slice(), Type::BYTEA),
            (&next, Type::INT8),
            (&secret, Type::BYTEA),
            (&label, Type::BYTEA),
            (&sealed_evidence, Type::BYTEA),
            (&writer.0.as_slice(), Type::BYTEA),
            (&signature.as_slice(), Type::BYTEA),
            (&self.id.as_slice(), Type::BYTEA),
            (&keeps_turn, Type::BOOL),
        ];
        let statement = match over {
            Some(_) => {
                "UPDATE tokctl_rows SET revision = $3, secret = $4, label = $5, evidence = $6,
                   writer = $7, signature = $8, change = $9,
                   attempt = CASE WHEN $10 THEN attempt END,
                   lease_until = CASE WHEN $10 THEN lease_until ELSE 0 END,
                   holder = CASE WHEN $10 THEN holder END
                 WHERE vault = $1 AND name = $2"
            }
            None => {
                "INSERT INTO tokctl_rows
                   (vault, name, revision, secret, label, evidence, writer, signature, change)
                 SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE NOT $10
                 ON CONFLICT DO NOTHING"
            }
        };
        if self.transaction.execute(statement, &values)? != 1 {
            return Ok(Outcome::Moved);
        }
        self.written.borrow_mut().push((account.clone(), revision));
        Ok(Outcome::Done)
    }

    fn forget(&self, account: &Account, revision: u64) -> Result<Outcome, Fault> {
        self.membership.check_writer()?;
        let Some(row) = self.row(account)? else {
            // The first run may have deleted it.
            let is_done = self.transaction.is_repeated();
            return Ok(if is_done { Outcome::Done } else { Outcome::Moved });
        };
        if row.revision != revision {
            return Ok(Outcome::Moved);
        }
        let vault = self.membership.vault();
        let values: [(&(dyn ToSql + Sync), Type); 2] =
            [(&vault.0.as_slice(), Type::BYTEA), (&row.name.as_slice(), Type::BYTEA)];
        self.transaction
            .execute("DELETE FROM tokctl_rows WHERE vault = $1 AND name = $2", &values)?;
        self.written.borrow_mut().push((account.clone(), 0));
        Ok(Outcome::Done)
    }

    fn reported(&self, account: &Account, health: CredentialHealth) -> Result<Outcome, Fault> {
        self.membership.check_writer()?;
        let Some(row) = self.row(account)? else { return Ok(Outcome::HealthToReport(None)) };
        (self.check_age)(account, row.revision)?;
        let mut news = None;
        let outcome = self.edit(account, row.revision, |evidence| {
            news = health.worsening_since(evidence.reported);
            evidence.reported = health.reported_after(evidence.reported);
            true
        })?;
        Ok(Outcome::HealthToReport(news.filter(|_| outcome == Outcome::Done)))
    }

    fn checked(&self, change: &Change) -> Result<Outcome, Fault> {
        self.membership.check_writer()?;
        let Change::RecordCheck { account, revision, was, attempt, credential } = change else {
            return Err(StoreError::Inconsistent("another change than was asked for").into());
        };
        let Some(row) = self.aged(account, *revision)? else { return Ok(Outcome::Moved) };
        let before = self.found(&row).genuine(account)?;
        let mut evidence = before.clone();
        let earlier = evidence.attempt.as_ref();
        if !earlier.is_some_and(|earlier| earlier.is_still_needed(*was, attempt.ended_at)) {
            evidence.attempt = Some(attempt.clone());
        }
        match credential {
            Some(credential) if evidence.journal.is_none() => {
                self.put(account, credential, &evidence, Some(row.revision))
            }
            Some(_) | None => {
                self.put_evidence(&row, &evidence, before.journal.as_ref())?;
                Ok(if credential.is_some() { Outcome::InDoubt } else { Outcome::Done })
            }
        }
    }
}

impl Row {
    /// Whether the row is at `revision`, or was written by the first run of the change `id`.
    fn is_at(&self, revision: u64, id: &ChangeId) -> bool {
        self.revision == revision || self.change == id
    }
}
