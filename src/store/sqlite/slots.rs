//! The table `key_slots_2`.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};

use super::values::{one_row, time};
use crate::store::error::Error;
use crate::store::record::ListedSlot;
use crate::vault::seal::VaultId;
use crate::vault::slot::{Cost, KeySlot, SlotId, SlotKind};

/// The number of key slots that a vault may have. Each is tried, so whoever adds rows to the file
/// must not make every command slow.
pub(crate) const MOST: usize = 256;

/// Key slots that name another vault: one was planted, or the name in one of this vault was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Slots of another vault are an error: else the edited name of a vault would look like a wrong key.
    Refused,
    /// Slots of another vault are passed over, by `doctor` alone, which tells of them.
    PassedOver,
}

/// All key slots of `vault`, oldest first. Fails with [`Error::Inconsistent`] if there are more than
/// [`MOST`], and with [`Error::TamperedSlot`] for a `foreign` one that is refused.
pub(crate) fn read(
    connection: &Connection,
    vault: VaultId,
    foreign: Foreign,
) -> Result<Vec<KeySlot>, Error> {
    let mut statement = connection.prepare(
        "SELECT id, kind, memory, passes, lanes, salt, key_check, wrapped_key, vault_id
         FROM key_slots_2 ORDER BY created_at, id",
    )?;
    let mut rows = statement.query([])?;
    let (mut slots, mut count) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let id = SlotId(row.get(0)?);
        if count == MOST {
            return Err(Error::Inconsistent("it has more key slots than tokctl makes"));
        }
        count += 1;
        if row.get::<_, [u8; 16]>(8)? != vault.0 {
            match foreign {
                Foreign::Refused => return Err(Error::TamperedSlot { id }),
                Foreign::PassedOver => continue,
            }
        }
        slots.push(KeySlot {
            id,
            kind: kind(&row.get::<_, String>(1)?)?,
            cost: Cost { memory: row.get(2)?, passes: row.get(3)?, lanes: row.get(4)? },
            salt: row.get(5)?,
            check: row.get(6)?,
            wrapped: row.get(7)?,
        });
    }
    Ok(slots)
}

/// Returns the slots that name another vault than `vault`.
pub(crate) fn foreign(connection: &Connection, vault: VaultId) -> Result<Vec<SlotId>, Error> {
    let mut statement =
        connection.prepare("SELECT id FROM key_slots_2 WHERE vault_id != ?1 ORDER BY id")?;
    let ids = statement.query_map([vault.0], |row| Ok(SlotId(row.get(0)?)))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Takes away the slots that name another vault than `vault`.
pub(crate) fn remove_foreign(transaction: &Transaction<'_>, vault: VaultId) -> Result<(), Error> {
    transaction.execute("DELETE FROM key_slots_2 WHERE vault_id != ?1", [vault.0])?;
    Ok(())
}

/// The public part of all slots, oldest first.
pub(crate) fn list(connection: &Connection) -> Result<Vec<ListedSlot>, Error> {
    let mut statement = connection
        .prepare("SELECT id, kind, created_at FROM key_slots_2 ORDER BY created_at, id")?;
    let mut rows = statement.query([])?;
    let mut slots = Vec::new();
    while let Some(row) = rows.next()? {
        slots.push(ListedSlot {
            id: SlotId(row.get(0)?),
            kind: kind(&row.get::<_, String>(1)?)?,
            created_at: time(row.get(2)?)?,
        });
    }
    Ok(slots)
}

fn kind(text: &str) -> Result<SlotKind, Error> {
    text.parse().map_err(|_| Error::Inconsistent("a key slot of an unknown kind"))
}

/// Takes one slot away; returns whether it was there.
pub(crate) fn remove(transaction: &Transaction<'_>, id: SlotId) -> Result<bool, Error> {
    Ok(transaction.execute("DELETE FROM key_slots_2 WHERE id = ?1", [id.0])? == 1)
}

/// Adds a slot of `vault`.
pub(crate) fn insert(
    transaction: &Transaction<'_>,
    vault: VaultId,
    slot: &KeySlot,
    now: Timestamp,
) -> Result<(), Error> {
    one_row(transaction.execute(
        "INSERT INTO key_slots_2
         (id, kind, memory, passes, lanes, salt, key_check, wrapped_key, created_at, vault_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            slot.id.0,
            slot.kind.as_str(),
            slot.cost.memory,
            slot.cost.passes,
            slot.cost.lanes,
            slot.salt,
            slot.check,
            &slot.wrapped,
            now.as_second(),
            vault.0,
        ),
    )?)
}
