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
use crate::model::credential::{Credential, Status};
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

/// The row that a credential is stored over.
#[derive(Clone, Copy)]
struct Over {
    /// The revision of the row; `None` if there is no row.
    revision: Option<u64>,
    /// The time of the database when that was found, from which the next revision comes.
    now: i64,
}

impl Over {
    fn row(row: &Row, now: i64) -> Self {
        Self { revision: Some(row.revision), now }
    }
}

/// The step that comes after a write.
#[derive(Clone, Copy)]
enum Then {
    /// The commit, which is sent along.
    Commit,
    /// Other writes of the same change.
    Others,
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
                let (now, row) = self.row(account)?;
                let Some(row) = row.filter(|row| row.is_at(*revision, &self.id)) else {
                    return Ok(Outcome::Moved);
                };
                // The answer is all that is left of the grant, so forged evidence must not stop it.
                let before = match self.found(&row) {
                    Found::Genuine(evidence, _) => *evidence,
                    Found::Forged => Evidence::default(),
                };
                let reported = match attempt {
                    Some(_) => before.reported,
                    None => CredentialHealth::Good,
                };
                let is_refusal = credential.status == Status::LoginRequired;
                let refused_since = is_refusal.then(|| before.refused_since.unwrap_or(*revision));
                let attempt = attempt.clone();
                let evidence = Evidence { journal: None, attempt, reported, refused_since };
                self.put(account, credential, &evidence, Over::row(&row, now), Then::Commit)
            }
            Change::RecordCheck { .. } => self.checked(change),
            Change::Amend { account, revision, credential } => {
                let Some((now, row)) = self.aged(account, *revision)? else {
                    return Ok(Outcome::Moved);
                };
                let evidence = self.found(&row).genuine(account)?;
                if evidence.journal.is_some() {
                    return Ok(Outcome::InDoubt);
                }
                let evidence = Evidence { refused_since: None, ..evidence };
                self.put(account, credential, &evidence, Over::row(&row, now), Then::Commit)
            }
            Change::Put { account, credential, over } => self.place(
                &[Placement {
                    account: account.clone(),
                    credential: Credential::clone(credential),
                    over: *over,
                }],
                Then::Commit,
            ),
            Change::Import { placements, bundle: None, .. } => self.place(placements, Then::Commit),
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

    /// Reads the row of `account` for a write, and the time of the database.
    fn row(&self, account: &Account) -> Result<(i64, Option<Row>), Fault> {
        let name = self.membership.name(account);
        let (header, row) = rows::locked(self.transaction, self.membership, &name)?;
        Ok((header.now, row))
    }

    /// Reads the row of `account` at `revision`, which must not be older than this machine has seen.
    fn aged(&self, account: &Account, revision: u64) -> Result<Option<(i64, Row)>, Fault> {
        let (now, Some(row)) = self.row(account)? else { return Ok(None) };
        (self.check_age)(account, row.revision)?;
        Ok(row.is_at(revision, &self.id).then_some((now, row)))
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
        match self.row(account)?.1 {
            Some(row) if row.revision == revision => self.edit_row(account, &row, change),
            Some(_) | None => Ok(Outcome::Moved),
        }
    }

    /// Changes the evidence in `row`, if `change` says so.
    fn edit_row(
        &self,
        account: &Account,
        row: &Row,
        change: impl FnOnce(&mut Evidence) -> bool,
    ) -> Result<Outcome, Fault> {
        let before = self.found(row).genuine(account)?;
        let mut evidence = before.clone();
        if !change(&mut evidence) {
            return Ok(Outcome::Moved);
        }
        self.put_evidence(row, &evidence, before.journal.as_ref())
    }

    /// Writes `evidence` into `row` and commits. Its journal is the one that was there, whose lease goes on, or
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
        let written = self.transaction.execute_last(
            "UPDATE tokctl_rows SET evidence = $4, attempt = $5,
               lease_until = CASE WHEN $6 THEN lease_until ELSE 0 END,
               holder = CASE WHEN attempt = $5 THEN holder END
             WHERE vault = $1 AND name = $2 AND revision = $3",
            &values,
        )?;
        Ok(if written == 1 { Outcome::Done } else { Outcome::Moved })
    }

    /// Puts all of `placements` where they belong, or none of them. `then` comes in this transaction.
    fn place(&self, placements: &[Placement], then: Then) -> Result<Outcome, Fault> {
        let mut ordered: Vec<(RowName, &Placement)> = placements
            .iter()
            .map(|placed| (self.membership.name(&placed.account), placed))
            .collect();
        // Two members that write the same rows don't wait for each other.
        ordered.sort_unstable_by_key(|(name, _)| *name);
        let mut places = Vec::with_capacity(ordered.len());
        for (_, placed) in &ordered {
            let (now, row) = self.row(&placed.account)?;
            let is_meant = match (&row, placed.over) {
                (Some(row), _) if row.change == self.id => true,
                (Some(row), Some(over)) => row.revision == over,
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            if !is_meant {
                return Ok(Outcome::Moved);
            }
            places.push((placed, Over { revision: row.map(|row| row.revision), now }));
        }
        // Of several, none is committed before all are there.
        let then = if places.len() == 1 { then } else { Then::Others };
        let none = Evidence::default();
        for (Placement { account, credential, .. }, over) in places {
            let outcome = self.put(account, credential, &none, over, then)?;
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
        let outcome = self.place(placements, Then::Others)?;
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
            if self.row(account)?.1.is_some_and(|row| row.turn.is_some()) {
                let why = format!("a refresh of `{account}` was begun, and has no answer yet");
                return Err(Error::Busy { why }.into());
            }
        }
        let outcome = self.place(left, Then::Others)?;
        if outcome == Outcome::Done {
            bundles::keep(self.transaction, self.membership, bundle, text, &self.id)?;
        }
        Ok(outcome)
    }

    /// Stores `credential` with its evidence over a row that this transaction has, or as a new row.
    fn put(
        &self,
        account: &Account,
        credential: &Credential,
        evidence: &Evidence,
        over: Over,
        then: Then,
    ) -> Result<Outcome, Fault> {
        self.membership.check_writer()?;
        let Over { revision: over, now } = over;
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
        let written = match then {
            Then::Commit => self.transaction.execute_last(statement, &values)?,
            Then::Others => self.transaction.execute(statement, &values)?,
        };
        if written != 1 {
            return Ok(Outcome::Moved);
        }
        self.written.borrow_mut().push((account.clone(), revision));
        Ok(Outcome::Done)
    }

    fn forget(&self, account: &Account, revision: u64) -> Result<Outcome, Fault> {
        self.membership.check_writer()?;
        let Some(row) = self.row(account)?.1 else {
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
            .execute_last("DELETE FROM tokctl_rows WHERE vault = $1 AND name = $2", &values)?;
        self.written.borrow_mut().push((account.clone(), 0));
        Ok(Outcome::Done)
    }

    fn reported(&self, account: &Account, health: CredentialHealth) -> Result<Outcome, Fault> {
        self.membership.check_writer()?;
        let Some(row) = self.row(account)?.1 else { return Ok(Outcome::HealthToReport(None)) };
        (self.check_age)(account, row.revision)?;
        let mut news = None;
        let outcome = self.edit_row(account, &row, |evidence| {
            let reported = health.reported_after(evidence.reported);
            // What the first run wrote was told to nobody yet.
            let is_done = self.transaction.is_repeated() && reported == evidence.reported;
            let known = if is_done { CredentialHealth::Good } else { evidence.reported };
            news = health.worsening_since(known);
            evidence.reported = reported;
            true
        })?;
        Ok(Outcome::HealthToReport(news.filter(|_| outcome == Outcome::Done)))
    }

    fn checked(&self, change: &Change) -> Result<Outcome, Fault> {
        self.membership.check_writer()?;
        let Change::RecordCheck { account, revision, was, attempt, credential } = change else {
            return Err(StoreError::Inconsistent("another change than was asked for").into());
        };
        let Some((now, row)) = self.aged(account, *revision)? else { return Ok(Outcome::Moved) };
        let before = self.found(&row).genuine(account)?;
        let mut evidence = before.clone();
        let earlier = evidence.attempt.as_ref();
        if !earlier.is_some_and(|earlier| earlier.is_still_needed(*was, attempt.ended_at)) {
            evidence.attempt = Some(attempt.clone());
        }
        match credential {
            Some(credential) if evidence.journal.is_none() => {
                evidence.refused_since = None;
                self.put(account, credential, &evidence, Over::row(&row, now), Then::Commit)
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
