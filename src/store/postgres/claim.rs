//! The claim of a turn to refresh: one statement, which writes the journal and begins the lease.

use super::driver::{Fault, ToSql, Transaction, Type};
use super::membership::{Membership, signed};
use super::rows;
use super::schema::NOW;
use crate::model::account::Account;
use crate::store::change::Outcome;
use crate::store::record::{AttemptId, Journal};

/// The time in which a claim is of use to its sender, who sends no request later.
pub(super) const TIME_TO_CLAIM: i64 = 5_000_000;

/// The time from the claim to the end of the lease. A request is sent within 5 seconds of the claim,
/// and over 25 seconds later; the rest is for clocks that run at different rates.
const LEASE: i64 = 45_000_000;

/// Claims the turn to refresh the credential of `account` for the attempt of `journal`, where the
/// journal of the attempt `over` stands, or none.
///
/// The lease of that one has to be over, unless it is an attempt of this process: `is_own`. Nothing
/// is claimed while a rotation is announced, but for a claim whose first run was committed: the
/// rotation waits for its lease.
///
/// Nothing is claimed later than at `latest`, by the database. The statement commits itself: one that
/// lay in the network until its sender gave up would leave a journal that nobody has.
///
/// If two statements claim one row at once, the second waits for the first, and judges the row as that
/// one left it. It judges the vault's own row as it was at its beginning, so it may miss an
/// announcement that came meanwhile. That does no harm: a rotation has all rows before it looks at
/// their leases, so it sees this one's, or this statement finds its row gone.
pub(super) fn claim(
    transaction: &Transaction<'_>,
    membership: &Membership,
    account: &Account,
    journal: &Journal,
    over: Option<AttemptId>,
    is_own: bool,
    latest: i64,
) -> Result<Outcome, Fault> {
    let name = membership.name(account);
    let statement = format!(
        "UPDATE tokctl_rows r SET attempt = $4, turn = r.turn + 1,
           started_at = CASE WHEN r.attempt IS NULL THEN {NOW} ELSE r.started_at END,
           lease_until = {NOW} + {LEASE}, holder = $5
         FROM tokctl_vaults v
         WHERE v.vault = $1 AND r.vault = $1 AND r.name = $2 AND r.revision = $3
           AND v.generation = $6
           AND (r.attempt = $4
             OR {NOW} <= $9 AND v.held_until <= {NOW}
               AND CASE WHEN $7::bytea IS NULL THEN r.attempt IS NULL
                        ELSE r.attempt = $7 AND ($8 OR r.lease_until <= {NOW}) END)"
    );
    let holder = membership.seal_holder(&name, &journal.attempt)?;
    let (vault, revision) = (membership.vault(), signed(journal.revision)?);
    let generation = signed(membership.key.generation)?;
    let over = over.as_ref().map(<[u8; 16]>::as_slice);
    let values: [(&(dyn ToSql + Sync), Type); 9] = [
        (&vault.0.as_slice(), Type::BYTEA),
        (&name.as_slice(), Type::BYTEA),
        (&revision, Type::INT8),
        (&journal.attempt.as_slice(), Type::BYTEA),
        (&holder, Type::BYTEA),
        (&generation, Type::INT8),
        (&over, Type::BYTEA),
        (&is_own, Type::BOOL),
        (&latest, Type::INT8),
    ];
    if transaction.execute_last(&statement, &values)? == 1 {
        return Ok(Outcome::Done);
    }
    rows::header(transaction, membership)?;
    Ok(Outcome::Moved)
}
