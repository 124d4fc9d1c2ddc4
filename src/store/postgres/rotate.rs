//! A new data key: every row is sealed anew, with new slots and a new entry of the list of members.
//!
//! A rotation is announced first, so that no refresh begins; it waits until none can be on its way,
//! and then is one transaction. Without the announcement, writers would starve it.
//!
//! What keeps rows whole is that transaction alone, under READ COMMITTED. It has the vault's own row
//! first: a new credential needs that too, so none is added meanwhile. Then it has all rows: a claim
//! and every other write lock theirs, so each of them is either seen here, or finds its row gone and
//! reads the vault again. A statement that waited for a lock judges the newest version of the row
//! that it waited for, and of nothing else: so no decision is made from a second table in the one
//! that waits.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::driver::{Connection, Fault, ToSql, Transaction, Type};
use super::members::{self, Slot};
use super::membership::{Membership, signed, unsigned};
use super::pause::pause;
use super::row::{Row, Sealed};
use super::rows;
use super::schema::NOW;
use super::status::LeaseRunning;
use crate::store::error::Error as StoreError;
use crate::store::evidence::{Evidence, Found};
use crate::store::shared_error::Error;
use crate::vault::seal::SealContext;
use crate::vault::shared::row_name::row_name;

/// The time for which no refresh begins after the last sign of life of a process that rotates.
const ANNOUNCED: i64 = 15_000_000;

/// The pause between two looks whether the refreshes are over that are under way.
const POLL: Duration = Duration::from_millis(250);

/// The vault from the rotation on.
pub(super) struct Next<'a> {
    pub(super) membership: &'a Membership,
    pub(super) entry: &'a [u8],
    pub(super) slots: &'a [Slot],
    /// Whether answers are given up that only a member can have who may not store them any more.
    pub(super) forced: bool,
}

/// The state of the vault as an announcement finds it.
enum Announced {
    /// Another process has announced a rotation.
    ByAnother,
    /// Refreshes are under way, or not.
    Own { is_refreshing: bool },
}

/// Replaces the data key, as `next` says: all or nothing. Returns the refreshes whose answers are
/// given up.
pub(super) fn rotate(
    connection: &mut Connection,
    membership: &Membership,
    next: &Next<'_>,
    own: [u8; 16],
    deadline: Instant,
) -> Result<Vec<LeaseRunning>, StoreError> {
    let outcome = loop {
        let announced = announce(connection, membership, &own)?;
        let (why, nap) = match announced {
            Announced::ByAnother => ("another admin changes the members", pause()),
            Announced::Own { is_refreshing: true } => ("a refresh did not come to its end", POLL),
            Announced::Own { is_refreshing: false } => {
                let mut given_up = Vec::new();
                let replaced = connection.transact(|transaction| {
                    given_up.clear();
                    replace(transaction, membership, next, &mut given_up)
                });
                match replaced {
                    Ok(true) => break Ok(given_up),
                    Ok(false) => ("a refresh did not come to its end", POLL),
                    // Others held the vault's row for too long.
                    Err(StoreError::Shared(Error::Busy { .. })) if Instant::now() < deadline => {
                        continue;
                    }
                    Err(error) => break Err(error),
                }
            }
        };
        if Instant::now() + nap > deadline {
            break Err(Error::Busy { why: why.to_owned() }.into());
        }
        std::thread::sleep(nap);
    };
    if outcome.is_err() {
        // If this fails, refreshes begin again once the time of the announcement is over.
        let _ = withdraw(connection, membership, &own);
    }
    outcome
}

/// Announces the rotation `own`, or does so for some more time, and looks whether refreshes are under
/// way.
fn announce(
    connection: &mut Connection,
    membership: &Membership,
    own: &[u8; 16],
) -> Result<Announced, StoreError> {
    let vault = membership.vault();
    let statement = format!(
        "UPDATE tokctl_vaults SET held_until = {NOW} + {ANNOUNCED}, held_by = $2
         WHERE vault = $1 AND (held_until <= {NOW} OR held_by = $2)
         RETURNING EXISTS (SELECT FROM tokctl_rows r
           WHERE r.vault = $1 AND r.attempt IS NOT NULL AND r.lease_until > {NOW})"
    );
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&vault.0.as_slice(), Type::BYTEA), (&own.as_slice(), Type::BYTEA)];
    let found = connection.transact(|transaction| transaction.query_last(&statement, &values))?;
    Ok(match found.first() {
        None => Announced::ByAnother,
        Some(row) => Announced::Own { is_refreshing: row.get(0) },
    })
}

/// Ends the announcement of the rotation `own`.
fn withdraw(
    connection: &mut Connection,
    membership: &Membership,
    own: &[u8; 16],
) -> Result<(), StoreError> {
    let vault = membership.vault();
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&vault.0.as_slice(), Type::BYTEA), (&own.as_slice(), Type::BYTEA)];
    connection.transact(|transaction| {
        transaction.execute_last(
            "UPDATE tokctl_vaults SET held_until = 0, held_by = NULL
             WHERE vault = $1 AND held_by = $2",
            &values,
        )
    })?;
    Ok(())
}

/// Seals every row anew, and adds to `given_up` the refreshes whose answers nobody can store any
/// more. Returns false, with nothing written, while a refresh may be under way.
fn replace(
    transaction: &Transaction<'_>,
    membership: &Membership,
    next: &Next<'_>,
    given_up: &mut Vec<LeaseRunning>,
) -> Result<bool, Fault> {
    if !members::hold(transaction, membership, &next.membership.roster)? {
        return Ok(true);
    }
    let now = rows::header(transaction, membership)?.now;
    let found = rows::all_locked(transaction, membership)?;
    if found.iter().any(|row| row.turn.as_ref().is_some_and(|turn| turn.is_running(now))) {
        return Ok(false);
    }
    given_up.extend(kept_by_those_who_go(&found, membership, next.membership, now)?);
    if let Some(first) = given_up.first()
        && !next.forced
    {
        return Err(Error::AnswerMayBeKept {
            account: first.account.clone(),
            holder: first.holder.clone().unwrap_or_default(),
            since: first.since,
        }
        .into());
    }
    let mut sealed = Columns::default();
    for row in &found {
        sealed.push(row, membership, next.membership)?;
    }
    let vault = membership.vault();
    let of_vault: [(&(dyn ToSql + Sync), Type); 1] = [(&vault.0.as_slice(), Type::BYTEA)];
    transaction.execute("DELETE FROM tokctl_rows WHERE vault = $1", &of_vault)?;
    sealed.insert(transaction, next.membership)?;
    transaction.execute("DELETE FROM tokctl_slots WHERE vault = $1", &of_vault)?;
    let roster = &next.membership.roster;
    members::put_entry(transaction, roster, next.entry)?;
    members::put_slots(transaction, roster, next.slots)?;
    let (n, generation) = (signed(roster.head().n)?, signed(roster.generation())?);
    let values: [(&(dyn ToSql + Sync), Type); 3] =
        [(&vault.0.as_slice(), Type::BYTEA), (&n, Type::INT8), (&generation, Type::INT8)];
    transaction.execute_last(
        "UPDATE tokctl_vaults SET n = $2, generation = $3, held_until = 0, held_by = NULL
         WHERE vault = $1",
        &values,
    )?;
    Ok(true)
}

/// Returns the refreshes that a member began who may write by `membership` and may not by `next`, and
/// that have no answer in their row: that member's machine may keep it.
fn kept_by_those_who_go(
    found: &[Row],
    membership: &Membership,
    next: &Membership,
    now: i64,
) -> Result<Vec<LeaseRunning>, Fault> {
    let mut kept = Vec::new();
    for row in found {
        let Some(journal) = row.journal(membership, now) else { continue };
        let holder = journal.shared.and_then(|lease| lease.holder);
        let goes = membership
            .roster
            .losing(&next.roster)
            .any(|member| holder.as_deref() == Some(member.label.as_str()));
        if goes {
            let account = row.summary(membership)?.account;
            let since = Timestamp::from_second(journal.started_at.as_second());
            let since = since.unwrap_or(journal.started_at);
            kept.push(LeaseRunning { account, holder, since, is_running: false });
        }
    }
    Ok(kept)
}

/// Rows under the next data key, a column a list.
#[derive(Default)]
struct Columns {
    names: Vec<Vec<u8>>,
    revisions: Vec<i64>,
    secrets: Vec<Vec<u8>>,
    labels: Vec<Vec<u8>>,
    evidences: Vec<Vec<u8>>,
    writers: Vec<Vec<u8>>,
    signatures: Vec<Vec<u8>>,
    changes: Vec<Vec<u8>>,
    attempts: Vec<Option<Vec<u8>>>,
    turns: Vec<i64>,
    starts: Vec<i64>,
    holders: Vec<Option<Vec<u8>>>,
}

impl Columns {
    /// Verifies and opens `row`, which is of `membership`, and seals it for `next`.
    fn push(&mut self, row: &Row, membership: &Membership, next: &Membership) -> Result<(), Fault> {
        let summary = row.summary(membership)?;
        let account = summary.account.clone();
        let tampered = || StoreError::Tampered { account: account.clone() };
        let text = row.text(membership).map_err(|_| tampered())?;
        let label = serde_json::to_vec(&summary).map_err(|_| tampered())?;
        let name = row_name(&next.key, account.provider.as_str(), account.user.as_str());
        let Sealed { secret, label, writer, signature } =
            next.seal_texts(&name, row.revision, &text, &label)?;
        let Found::Genuine(evidence, _) = row.evidence(membership, 0) else {
            return Err(tampered().into());
        };
        let evidence = Evidence { journal: None, ..*evidence };
        let turn = row.turn.as_ref();
        self.holders.push(turn.and_then(|turn| {
            let from = SealContext::SharedHolder { row: &row.name, attempt: &turn.attempt };
            let opened = membership.key.open(from, turn.holder.as_deref()?).ok()?;
            let to = SealContext::SharedHolder { row: &name, attempt: &turn.attempt };
            next.key.seal(to, &opened).ok()
        }));
        self.names.push(name.to_vec());
        self.revisions.push(signed(row.revision)?);
        self.secrets.push(secret);
        self.labels.push(label);
        self.evidences.push(next.seal_evidence(&name, row.revision, &evidence)?);
        self.writers.push(writer.0.to_vec());
        self.signatures.push(signature.to_vec());
        self.changes.push(row.change.clone());
        self.attempts.push(turn.map(|turn| turn.attempt.to_vec()));
        self.turns.push(turn.map_or(0, |turn| turn.number));
        self.starts.push(turn.map_or(0, |turn| turn.started_at));
        Ok(())
    }

    fn insert(&self, transaction: &Transaction<'_>, next: &Membership) -> Result<(), Fault> {
        let vault = next.vault();
        let values: [(&(dyn ToSql + Sync), Type); 13] = [
            (&vault.0.as_slice(), Type::BYTEA),
            (&self.names, Type::BYTEA_ARRAY),
            (&self.revisions, Type::INT8_ARRAY),
            (&self.secrets, Type::BYTEA_ARRAY),
            (&self.labels, Type::BYTEA_ARRAY),
            (&self.evidences, Type::BYTEA_ARRAY),
            (&self.writers, Type::BYTEA_ARRAY),
            (&self.signatures, Type::BYTEA_ARRAY),
            (&self.changes, Type::BYTEA_ARRAY),
            (&self.attempts, Type::BYTEA_ARRAY),
            (&self.turns, Type::INT8_ARRAY),
            (&self.starts, Type::INT8_ARRAY),
            (&self.holders, Type::BYTEA_ARRAY),
        ];
        let written = transaction.execute(
            "INSERT INTO tokctl_rows (vault, name, revision, secret, label, evidence, writer,
               signature, change, attempt, turn, started_at, holder)
             SELECT $1, new.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
               AS new (name, revision, secret, label, evidence, writer, signature, change, attempt,
                 turn, started_at, holder)",
            &values,
        )?;
        let all = unsigned(i64::try_from(self.names.len()).unwrap_or(i64::MAX))?;
        if written == all { Ok(()) } else { Err(Fault::Undone) }
    }
}
