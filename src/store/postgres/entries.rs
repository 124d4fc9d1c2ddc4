//! The entries of the list of members from before the one at which this machine begins to trust.

use super::driver::{Fault, ToSql, Transaction, Type};
use super::membership::{Membership, signed};
use super::server::Server;
use crate::store::error::Error;
use crate::vault::shared::pin::Pin;
use crate::vault::shared::roster::Roster;

impl Server {
    /// Whether `pin` is an entry of this vault's list of members, which is verified from there on.
    pub(in crate::store) fn has_entry(&self, pin: Pin) -> Result<bool, Error> {
        let roster = self.roster();
        if roster.entry(pin.n) == Some(pin) {
            return Ok(true);
        }
        if !roster.begins_after(pin.n) {
            return Ok(false);
        }
        let entries = self.under_membership(|connection, membership| {
            Ok((connection.single(|it| entries_from(it, membership, pin))?, None))
        })?;
        let verified = Roster::verify(pin, &entries);
        Ok(verified.is_ok_and(|found| found.entry(roster.head().n) == Some(roster.head())))
    }
}

/// Returns the bytes of the entry at `pin` and of all after it.
fn entries_from(
    transaction: &Transaction<'_>,
    membership: &Membership,
    pin: Pin,
) -> Result<Vec<Vec<u8>>, Fault> {
    let (vault, n) = (membership.vault(), signed(pin.n)?);
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&vault.0.as_slice(), Type::BYTEA), (&n, Type::INT8)];
    let found = transaction.query(
        "SELECT entry FROM tokctl_roster WHERE vault = $1 AND n >= $2 ORDER BY n",
        &values,
    )?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}
