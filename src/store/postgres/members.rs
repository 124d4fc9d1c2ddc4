//! Founding a vault, and adding to its list of members.

use super::driver::{Fault, ToSql, Transaction, Type};
use super::membership::{Membership, signed};
use super::schema::{FORMAT, MAKE};
use crate::store::shared_error::Error;
use crate::vault::shared::member::MemberId;
use crate::vault::shared::roster::Roster;

/// A slot, and the member whose it is.
pub(super) type Slot = (MemberId, Vec<u8>);

/// The first rows of a new vault.
pub(super) struct FoundedVault<'a> {
    pub(super) roster: &'a Roster,
    pub(super) entry: &'a [u8],
    pub(super) slot: Slot,
}

impl FoundedVault<'_> {
    /// Makes the tables if they are missing, and the vault.
    pub(super) fn make(&self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        transaction.run(MAKE)?;
        let (vault, n) = (self.roster.vault(), signed(self.roster.head().n)?);
        let generation = signed(self.roster.generation())?;
        let values: [(&(dyn ToSql + Sync), Type); 4] = [
            (&vault.0.as_slice(), Type::BYTEA),
            (&FORMAT, Type::INT2),
            (&generation, Type::INT8),
            (&n, Type::INT8),
        ];
        transaction.execute(
            "INSERT INTO tokctl_vaults (vault, format, generation, n) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
            &values,
        )?;
        put_entry(transaction, self.roster, self.entry)?;
        put_slots(transaction, self.roster, std::slice::from_ref(&self.slot))
    }
}

/// Adds `entry`, the last of `next`, with the `slots` of new members. The data key stays.
pub(super) fn append(
    transaction: &Transaction<'_>,
    membership: &Membership,
    next: &Roster,
    entry: &[u8],
    slots: &[Slot],
) -> Result<(), Fault> {
    if !hold(transaction, membership, next)? {
        return Ok(());
    }
    put_entry(transaction, next, entry)?;
    put_slots(transaction, next, slots)?;
    let (vault, n) = (next.vault(), signed(next.head().n)?);
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&vault.0.as_slice(), Type::BYTEA), (&n, Type::INT8)];
    transaction.execute_last("UPDATE tokctl_vaults SET n = $2 WHERE vault = $1", &values)?;
    Ok(())
}

/// Keeps all others from the list of members until the end of the transaction. Returns false if
/// `next` was written by the first run of this change. Fails with [`Error::MembersMoved`] if another
/// admin wrote another entry.
pub(super) fn hold(
    transaction: &Transaction<'_>,
    membership: &Membership,
    next: &Roster,
) -> Result<bool, Fault> {
    let vault = next.vault();
    let values: [(&(dyn ToSql + Sync), Type); 1] = [(&vault.0.as_slice(), Type::BYTEA)];
    let found = transaction
        .query("SELECT v.n FROM tokctl_vaults v WHERE v.vault = $1 FOR UPDATE", &values)?;
    let row = found.first().ok_or(Error::NoVault { place: String::new() })?;
    if row.get::<_, i64>(0) == signed(membership.roster.head().n)? {
        return Ok(true);
    }
    // Asked by a statement of its own, which sees what was committed while the first one waited.
    if transaction.is_repeated() && is_written(transaction, next)? {
        return Ok(false);
    }
    Err(Error::MembersMoved.into())
}

/// Whether the last entry of `roster` is in the database.
fn is_written(transaction: &Transaction<'_>, roster: &Roster) -> Result<bool, Fault> {
    let (vault, head) = (roster.vault(), roster.head());
    let n = signed(head.n)?;
    let values: [(&(dyn ToSql + Sync), Type); 3] = [
        (&vault.0.as_slice(), Type::BYTEA),
        (&n, Type::INT8),
        (&head.hash.0.as_slice(), Type::BYTEA),
    ];
    let found = transaction.query(
        "SELECT FROM tokctl_roster r WHERE r.vault = $1 AND r.n = $2 AND r.hash = $3",
        &values,
    )?;
    Ok(!found.is_empty())
}

/// Writes the last entry of `roster`.
pub(super) fn put_entry(
    transaction: &Transaction<'_>,
    roster: &Roster,
    entry: &[u8],
) -> Result<(), Fault> {
    let (vault, head) = (roster.vault(), roster.head());
    let n = signed(head.n)?;
    let values: [(&(dyn ToSql + Sync), Type); 4] = [
        (&vault.0.as_slice(), Type::BYTEA),
        (&n, Type::INT8),
        (&head.hash.0.as_slice(), Type::BYTEA),
        (&entry, Type::BYTEA),
    ];
    transaction.execute(
        "INSERT INTO tokctl_roster (vault, n, hash, entry) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        &values,
    )?;
    Ok(())
}

/// Writes `slots` of the generation of `roster`.
pub(super) fn put_slots(
    transaction: &Transaction<'_>,
    roster: &Roster,
    slots: &[Slot],
) -> Result<(), Fault> {
    let (vault, generation) = (roster.vault(), signed(roster.generation())?);
    let members: Vec<&[u8]> = slots.iter().map(|(member, _)| member.0.as_slice()).collect();
    let wrapped: Vec<&[u8]> = slots.iter().map(|(_, slot)| slot.as_slice()).collect();
    let values: [(&(dyn ToSql + Sync), Type); 4] = [
        (&vault.0.as_slice(), Type::BYTEA),
        (&generation, Type::INT8),
        (&members, Type::BYTEA_ARRAY),
        (&wrapped, Type::BYTEA_ARRAY),
    ];
    transaction.execute(
        "INSERT INTO tokctl_slots (vault, generation, member, slot)
         SELECT $1, $2, member, slot FROM unnest($3, $4) AS new (member, slot)
         ON CONFLICT (vault, generation, member) DO UPDATE SET slot = excluded.slot",
        &values,
    )?;
    Ok(())
}
