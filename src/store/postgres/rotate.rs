//! A new data key: every row is sealed anew, with new slots and a new entry of the list of members.
//!
//! A rotation is announced first, so that no refresh begins; it waits until none can be on its way,
//! and then is one transaction. Without the announcement, writers would starve it.

use std::time::{Duration, Instant};

use super::driver::{Connection, Fault, ToSql, Transaction, Type};
use super::members::{self, Slot};
use super::membership::{Membership, signed, unsigned};
use super::row::{Row, Sealed};
use super::rows;
use super::schema::NOW;
use crate::store::error::Error as StoreError;
use crate::store::evidence::{Evidence, Found};
use crate::store::shared_error::Error;
use crate::vault::seal::SealContext;
use crate::vault::shared::row_name::row_name;

/// The time for which no refresh begins, if this process dies meanwhile. Whoever needs a token waits
/// longer than that.
const ANNOUNCED: i64 = 15_000_000;

/// The time after which a rotation that still waits is announced again.
const AGAIN: Duration = Duration::from_secs(4);

/// The time for which refreshes that are under way are waited for: a lease, and some more.
const PATIENCE: Duration = Duration::from_secs(50);

/// The pause between two looks whether they are over.
const POLL: Duration = Duration::from_millis(250);

/// The vault from the rotation on.
pub(super) struct Next<'a> {
    pub(super) membership: &'a Membership,
    pub(super) entry: &'a [u8],
    pub(super) slots: &'a [Slot],
}

/// Replaces the data key, as `next` says: all or nothing.
pub(super) fn rotate(
    connection: &mut Connection,
    membership: &Membership,
    next: &Next<'_>,
    own: [u8; 16],
) -> Result<(), StoreError> {
    announce(connection, membership, &own, true)?;
    let began = Instant::now();
    let mut announced = began;
    let outcome = loop {
        match connection.transact(|transaction| replace(transaction, membership, next)) {
            Ok(true) => break Ok(()),
            Ok(false) if began.elapsed() < PATIENCE => std::thread::sleep(POLL),
            Ok(false) => {
                let why = "a refresh did not come to its end".to_owned();
                break Err(Error::Busy { why }.into());
            }
            Err(error) => break Err(error),
        }
        if announced.elapsed() > AGAIN {
            if let Err(error) = announce(connection, membership, &own, true) {
                break Err(error);
            }
            announced = Instant::now();
        }
    };
    if outcome.is_err() {
        // If this fails, refreshes begin again once the time of the announcement is over.
        let _ = announce(connection, membership, &own, false);
    }
    outcome
}

/// Announces the rotation `own`, or ends its announcement.
fn announce(
    connection: &mut Connection,
    membership: &Membership,
    own: &[u8; 16],
    begins: bool,
) -> Result<(), StoreError> {
    let vault = membership.vault();
    let statement = format!(
        "UPDATE tokctl_vaults SET
           held_until = CASE WHEN $3 THEN {NOW} + {ANNOUNCED} ELSE 0 END, held_by = $2
         WHERE vault = $1 AND (held_until <= {NOW} OR held_by = $2)"
    );
    let values: [(&(dyn ToSql + Sync), Type); 3] =
        [(&vault.0.as_slice(), Type::BYTEA), (&own.as_slice(), Type::BYTEA), (&begins, Type::BOOL)];
    let written = connection.transact(|transaction| transaction.execute(&statement, &values))?;
    if written == 0 {
        return Err(Error::Busy { why: "another admin changes the members".to_owned() }.into());
    }
    Ok(())
}

/// Seals every row anew. Returns false, with nothing written, while a refresh may be under way.
fn replace(
    transaction: &Transaction<'_>,
    membership: &Membership,
    next: &Next<'_>,
) -> Result<bool, Fault> {
    if !members::hold(transaction, membership, &next.membership.roster)? {
        return Ok(true);
    }
    let now = rows::header(transaction, membership)?.now;
    let found = rows::all_locked(transaction, membership)?;
    if found.iter().any(|row| row.turn.as_ref().is_some_and(|turn| turn.is_running(now))) {
        return Ok(false);
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
    transaction.execute(
        "UPDATE tokctl_vaults SET n = $2, generation = $3, held_until = 0, held_by = NULL
         WHERE vault = $1",
        &values,
    )?;
    Ok(true)
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
        let label = super::label::encode(summary).map_err(|_| tampered())?;
        let name = row_name(&next.key, account.provider.as_str(), account.user.as_str());
        let Sealed { secret, label, writer, signature } =
            next.seal_texts(&name, row.revision, &text, &label)?;
        let Found::Genuine(evidence, _) = row.evidence(membership, 0) else {
            return Err(tampered().into());
        };
        let Evidence { attempt, reported, .. } = *evidence;
        let evidence = Evidence { journal: None, attempt, reported };
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
