//! Statements that read rows.

use super::driver::{Fault, Row as Columns, ToSql, Transaction, Type};
use super::membership::{HEADER, Header, Membership, header_columns, unsigned};
use super::row::{Row, Turn};
use crate::store::shared_error::Error;
use crate::vault::shared::row_name::RowName;

/// The part of a row that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The row without the sealed credential.
    Label,
    Whole,
}

fn columns(part: Part) -> String {
    let secret = match part {
        Part::Label => "NULL::bytea",
        Part::Whole => "r.secret",
    };
    format!(
        "r.name, r.revision, r.label, sha256(r.secret), {secret}, r.writer, r.signature, r.evidence,
         r.change, r.attempt, r.turn, r.started_at, r.lease_until, r.holder"
    )
}

/// Reads the row `name`; `None` if there is none. Fails if `membership` is not of the vault's present
/// state.
pub(super) fn one(
    transaction: &Transaction<'_>,
    membership: &Membership,
    name: &RowName,
    part: Part,
) -> Result<(Header, Option<Row>), Fault> {
    let statement = format!(
        "SELECT {}, {} FROM tokctl_vaults v
         LEFT JOIN tokctl_rows r ON r.vault = v.vault AND r.name = $2 WHERE v.vault = $1",
        header_columns(),
        columns(part)
    );
    let vault = membership.vault();
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&vault.0.as_slice(), Type::BYTEA), (&name.as_slice(), Type::BYTEA)];
    let (header, mut rows) = read(&transaction.query(&statement, &values)?, membership)?;
    Ok((header, rows.pop()))
}

/// Reads all rows, in no order.
pub(super) fn all(
    transaction: &Transaction<'_>,
    membership: &Membership,
    part: Part,
) -> Result<(Header, Vec<Row>), Fault> {
    let statement = format!(
        "SELECT {}, {} FROM tokctl_vaults v LEFT JOIN tokctl_rows r ON r.vault = v.vault
         WHERE v.vault = $1",
        header_columns(),
        columns(part)
    );
    let vault = membership.vault();
    let values: [(&(dyn ToSql + Sync), Type); 1] = [(&vault.0.as_slice(), Type::BYTEA)];
    read(&transaction.query(&statement, &values)?, membership)
}

/// Reads the row `name` and keeps others from writing it until the end of the transaction; `None` if
/// there is none.
pub(super) fn locked(
    transaction: &Transaction<'_>,
    membership: &Membership,
    name: &RowName,
) -> Result<(Header, Option<Row>), Fault> {
    let statement = format!(
        "SELECT {}, {} FROM tokctl_rows r JOIN tokctl_vaults v ON v.vault = r.vault
         WHERE r.vault = $1 AND r.name = $2 FOR UPDATE OF r",
        header_columns(),
        columns(Part::Label)
    );
    let vault = membership.vault();
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&vault.0.as_slice(), Type::BYTEA), (&name.as_slice(), Type::BYTEA)];
    let found = transaction.query(&statement, &values)?;
    if found.is_empty() {
        // The name is another one after a rotation.
        return Ok((held(transaction, membership)?, None));
    }
    let (header, mut rows) = read(&found, membership)?;
    Ok((header, rows.pop()))
}

/// Reads all rows and keeps others from writing them until the end of the transaction, which has the
/// vault's own row already.
pub(super) fn all_locked(
    transaction: &Transaction<'_>,
    membership: &Membership,
) -> Result<Vec<Row>, Fault> {
    let statement = format!(
        "SELECT {} FROM tokctl_rows r WHERE r.vault = $1 ORDER BY r.name FOR UPDATE",
        columns(Part::Whole)
    );
    let vault = membership.vault();
    let values: [(&(dyn ToSql + Sync), Type); 1] = [(&vault.0.as_slice(), Type::BYTEA)];
    let found = transaction.query(&statement, &values)?;
    found.iter().map(|columns| Ok(row(columns, 0)?)).collect()
}

/// Reads the state of the vault and keeps it until the end of the transaction: no rotation comes in
/// between.
pub(super) fn held(
    transaction: &Transaction<'_>,
    membership: &Membership,
) -> Result<Header, Fault> {
    let statement =
        format!("SELECT {} FROM tokctl_vaults v WHERE v.vault = $1 FOR SHARE", header_columns());
    let vault = membership.vault();
    let values: [(&(dyn ToSql + Sync), Type); 1] = [(&vault.0.as_slice(), Type::BYTEA)];
    let (header, _) = read_header(&transaction.query(&statement, &values)?, membership)?;
    Ok(header)
}

/// Reads the state of the vault.
pub(super) fn header(
    transaction: &Transaction<'_>,
    membership: &Membership,
) -> Result<Header, Fault> {
    let statement = format!("SELECT {} FROM tokctl_vaults v WHERE v.vault = $1", header_columns());
    let vault = membership.vault();
    let values: [(&(dyn ToSql + Sync), Type); 1] = [(&vault.0.as_slice(), Type::BYTEA)];
    let (header, _) = read_header(&transaction.query(&statement, &values)?, membership)?;
    Ok(header)
}

fn read_header<'a>(
    found: &'a [Columns],
    membership: &Membership,
) -> Result<(Header, &'a [Columns]), Fault> {
    let first = found.first().ok_or(Error::NoVault { place: String::new() })?;
    let header = Header::of(first)?;
    membership.check(header)?;
    Ok((header, found))
}

fn read(found: &[Columns], membership: &Membership) -> Result<(Header, Vec<Row>), Fault> {
    let (header, found) = read_header(found, membership)?;
    let is_there = |columns: &&Columns| columns.get::<_, Option<&[u8]>>(HEADER).is_some();
    let rows = found.iter().filter(is_there).map(|columns| row(columns, HEADER));
    Ok((header, rows.collect::<Result<_, Error>>()?))
}

/// Reads a row whose columns stand in `columns` from `at` on.
fn row(columns: &Columns, at: usize) -> Result<Row, Error> {
    let bytes = |column: usize| columns.get::<_, Option<Vec<u8>>>(at + column);
    let of_length = Error::Forged { what: "a name of another length" };
    let attempt = bytes(9).map(<[u8; 16]>::try_from);
    let turn = match attempt {
        None => None,
        Some(Err(_)) => return Err(of_length),
        Some(Ok(attempt)) => Some(Turn {
            attempt,
            number: columns.get(at + 10),
            started_at: columns.get(at + 11),
            lease_until: columns.get(at + 12),
            holder: bytes(13),
        }),
    };
    Ok(Row {
        name: bytes(0).unwrap_or_default().try_into().map_err(|_| of_length)?,
        revision: unsigned(columns.get(at + 1))?,
        label: bytes(2).unwrap_or_default(),
        digest: bytes(3).unwrap_or_default(),
        secret: bytes(4),
        writer: bytes(5).unwrap_or_default(),
        signature: bytes(6).unwrap_or_default(),
        evidence: bytes(7).unwrap_or_default(),
        change: bytes(8).unwrap_or_default(),
        turn,
    })
}
