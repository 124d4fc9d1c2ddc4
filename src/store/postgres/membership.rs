//! What this member may do in a vault, and the data key, as far as admins signed it.

use super::driver::{Fault, ToSql, Transaction, Type};
use super::schema::{FORMAT, NOW};
use crate::store::error::Error as StoreError;
use crate::store::shared_error::Error;
use crate::vault::seal::DataKey;
use crate::vault::shared::entry::SharedId;
use crate::vault::shared::identity::Identity;
use crate::vault::shared::member::Role;
use crate::vault::shared::pin::Pin;
use crate::vault::shared::roster::Roster;

/// A vault as one member has it: the list of members, verified, and the data key that it commits to.
#[derive(Debug, Clone)]
pub(super) struct Membership {
    pub(super) roster: Roster,
    pub(super) key: DataKey,
    pub(super) identity: Identity,
    pub(super) role: Role,
}

/// The state of the vault when something was read from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) generation: u64,
    pub(super) n: u64,
    /// The time of the database, in microseconds.
    pub(super) now: i64,
}

/// The columns of a [`Header`], of the table `tokctl_vaults v`.
pub(super) fn header_columns() -> String {
    format!("v.generation, v.n, {NOW}, pg_is_in_recovery()")
}

/// The number of columns of a [`Header`].
pub(super) const HEADER: usize = 4;

impl Header {
    /// Reads the header in the first columns of `row`. A server that is a copy may be behind.
    pub(super) fn of(row: &super::driver::Row) -> Result<Self, Fault> {
        if row.get::<_, bool>(3) {
            return Err(Fault::Lost("the server became a copy that takes no writes".to_owned()));
        }
        Ok(Self { generation: unsigned(row.get(0))?, n: unsigned(row.get(1))?, now: row.get(2) })
    }
}

impl Membership {
    /// Reads the list of members from the entry of `pin` on, verifies it, and opens the slot of
    /// `identity`. Returns the time of the database too.
    pub(super) fn read(
        transaction: &Transaction<'_>,
        pin: Pin,
        identity: &Identity,
    ) -> Result<(Self, i64), Fault> {
        let statement = format!(
            "SELECT {}, v.vault, v.format,
               ARRAY(SELECT entry FROM tokctl_roster r
                     WHERE r.vault = v.vault AND r.n >= $1 ORDER BY r.n),
               (SELECT slot FROM tokctl_slots s WHERE s.vault = v.vault
                  AND s.generation = v.generation AND s.member = $3)
             FROM tokctl_roster p JOIN tokctl_vaults v ON v.vault = p.vault
             WHERE p.n = $1 AND p.hash = $2",
            header_columns()
        );
        let (n, member) = (signed(pin.n)?, identity.id());
        let values: [(&(dyn ToSql + Sync), Type); 3] = [
            (&n, Type::INT8),
            (&pin.hash.0.as_slice(), Type::BYTEA),
            (&member.0.as_slice(), Type::BYTEA),
        ];
        let rows = transaction.query(&statement, &values)?;
        let Some(row) = rows.first() else {
            return Err(Error::NoVault { place: String::new() }.into());
        };
        let header = Header::of(row)?;
        if row.get::<_, i16>(HEADER + 1) > FORMAT {
            return Err(Error::NewerFormat.into());
        }
        let entries: Vec<Vec<u8>> = row.get(HEADER + 2);
        let roster = Roster::verify(pin, &entries).map_err(Error::from)?;
        let is_named = row.get::<_, &[u8]>(HEADER) == roster.vault().0;
        if !is_named || (roster.head().n, roster.generation()) != (header.n, header.generation) {
            return Err(
                Error::Forged { what: "a state of the vault beside its list of members" }.into()
            );
        }
        let own = roster.member(member).ok_or(Error::NotAMember)?;
        let slot = row.get::<_, Option<&[u8]>>(HEADER + 3);
        let slot = slot.ok_or(Error::Forged { what: "no data key for this member" })?;
        let key = roster.open_slot(identity, slot).map_err(Error::from)?;
        let role = own.role;
        Ok((Self { roster, key, identity: identity.clone(), role }, header.now))
    }

    pub(super) fn vault(&self) -> SharedId {
        self.roster.vault()
    }

    /// Fails with [`StoreError::KeyRetired`] if the vault is not in the state that this membership is
    /// of: it has to be read again.
    pub(super) fn check(&self, header: Header) -> Result<(), Fault> {
        let own = (self.roster.generation(), self.roster.head().n);
        if (header.generation, header.n) == own {
            Ok(())
        } else {
            Err(StoreError::KeyRetired.into())
        }
    }

    /// Fails if this member may not write.
    pub(super) fn check_writer(&self) -> Result<(), Error> {
        if self.role.writes() { Ok(()) } else { Err(Error::Reader) }
    }

    /// Returns the label of this member.
    pub(super) fn label(&self) -> &str {
        let own = self.roster.member(self.identity.id());
        own.map_or("", |member| member.label.as_str())
    }
}

/// Returns a number as the database keeps it.
pub(super) fn signed(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::Forged { what: "a number that is too large" })
}

/// Returns a number that the database kept.
pub(super) fn unsigned(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| Error::Forged { what: "a negative number" })
}
