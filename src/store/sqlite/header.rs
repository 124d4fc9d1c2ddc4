//! The table `vault_2`: the vault's header.
//!
//! The header's name and generation are in the clear, since the data key is unwrapped with them.
//! The rest is sealed in one column, so that none of it can be edited or taken away by itself: the
//! counter of writes, the key and head of the audit, and the bundles that were imported.

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::values::{Covered, one_row, stored, time};
use crate::store::audit::{AuditState, decode_head, decode_key, encode_head, encode_key};
use crate::store::error::Error;
use crate::vault::bundle::BundleId;
use crate::vault::seal::{DataKey, Generation, SealContext, VaultId};

/// The vault's name and the generation of its data key, to which all seals are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) vault: VaultId,
    pub(crate) generation: Generation,
    pub(crate) form: Form,
}

/// The form of a vault's seals, as its header claims. A header whose claim was edited is of no use:
/// the rows of the one form don't open in a vault of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The form of the vaults up to version 5: evidence and counter are in the clear. A migration
    /// keeps it until the first write under the key.
    Earlier,
    /// Today's form: the header is sealed, and evidence has a code.
    Sealed,
}

/// The part of the header that is sealed.
#[derive(Debug, Clone)]
pub(crate) struct Contents {
    /// The number of the last write, which every write under the key raises. It is also the last
    /// revision that was given to a credential or its evidence.
    pub(crate) counter: u64,
    /// The state of the audit; `None` in an early vault that kept none.
    pub(crate) audit: Option<AuditState>,
    /// The bundles that were imported, each with the time in seconds since 1970.
    pub(crate) imported: Vec<(BundleId, i64)>,
}

impl Contents {
    /// Returns what a copy keeps of the contents: the audit's file stays with the vault that was
    /// copied.
    pub(super) fn of_a_copy(self) -> Self {
        Self { audit: self.audit.map(AuditState::of_a_copy), ..self }
    }

    /// Returns the time at which a bundle was imported, if it was.
    pub(crate) fn imported_at(&self, bundle: BundleId) -> Result<Option<Timestamp>, Error> {
        let found = self.imported.iter().find(|(id, _)| *id == bundle);
        found.map(|(_, at)| time(*at)).transpose()
    }
}

/// The columns of the header but the bundle's text. All readers share this text, so that SQLite
/// prepares it once.
const SQL: &str = "SELECT vault_id, generation, sealed, created_at, bundle_id, bundle_at, copied_at
                   FROM vault_2";
const SEALED: usize = 2;
const COPIED_AT: usize = 6;

/// The length of an imported bundle's record in bytes: its id, and a time.
const IMPORTED: usize = 24;

/// Reads the clear part of the header; returns `None` where the vault was never finished.
///
/// A vault without one that holds anything was tampered with: to take it for a new one would be to
/// make a key over what an older key sealed.
pub(crate) fn read(connection: &Connection) -> Result<Option<Header>, Error> {
    let mut statement = connection.prepare_cached(SQL)?;
    let mut rows = statement.query([])?;
    match rows.next()? {
        Some(row) => header(row).map(Some),
        None if is_empty(connection)? => Ok(None),
        None => Err(Error::Inconsistent("it has credentials or key slots, and no header")),
    }
}

fn header(row: &Row<'_>) -> Result<Header, Error> {
    let (vault, generation): ([u8; 16], i64) = (row.get(0)?, row.get(1)?);
    let generation =
        u64::try_from(generation).map_err(|_| Error::Inconsistent("a negative generation"))?;
    let form = match row.get_ref(SEALED)?.as_bytes().ok().and_then(<[u8]>::first) {
        Some(b'{') => Form::Earlier,
        Some(_) | None => Form::Sealed,
    };
    Ok(Header { vault: VaultId(vault), generation, form })
}

fn is_empty(connection: &Connection) -> Result<bool, Error> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM key_slots_2)
                AND NOT EXISTS (SELECT 1 FROM credentials_2)";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Opens the sealed part of the header.
///
/// Fails with [`Error::KeyRetired`] if `key` is not the current data key, and with
/// [`Error::HeaderDamaged`] if the seal does not open.
pub(crate) fn open(connection: &Connection, key: &DataKey) -> Result<(Form, Contents), Error> {
    let (form, contents, is_marked) = open_marked(connection, key)?;
    Ok((form, if is_marked { contents.of_a_copy() } else { contents }))
}

/// Opens the sealed part of the header as it was sealed. Also returns whether the header is marked as
/// that of a copy, which no seal covers: a backup needs no key. Fails as [`open`] does.
pub(crate) fn open_marked(
    connection: &Connection,
    key: &DataKey,
) -> Result<(Form, Contents, bool), Error> {
    let mut statement = connection.prepare_cached(SQL)?;
    let mut rows = statement.query([])?;
    let row = rows.next()?.ok_or(NO_HEADER)?;
    let header = header(row)?;
    if (header.vault, header.generation) != (key.vault, key.generation) {
        return Err(Error::KeyRetired);
    }
    let sealed = row.get_ref(SEALED)?.as_bytes().map_err(|_| Error::HeaderDamaged)?;
    let contents = match header.form {
        Form::Earlier => earlier(key, sealed).ok_or(Error::HeaderDamaged)?,
        Form::Sealed => {
            let clear = covered(row)?;
            let opened = key.open(SealContext::Header { clear: &clear }, sealed);
            decode(&opened.map_err(|_| Error::HeaderDamaged)?).ok_or(Error::HeaderDamaged)?
        }
    };
    Ok((header.form, contents, row.get_ref(COPIED_AT)? != ValueRef::Null))
}

/// The error for a vault without a header, where a key is at hand and so there was one.
const NO_HEADER: Error = Error::Inconsistent("it has no header");

/// The columns that the header's seal covers. `row` is one of [`SQL`].
fn covered(row: &Row<'_>) -> Result<Vec<u8>, Error> {
    let mut covered = Covered::new();
    for column in SEALED + 1..COPIED_AT {
        covered.push(row.get_ref(column)?);
    }
    Ok(covered.into_bytes())
}

/// Returns the number of the last write. Fails as [`open`] does.
pub(crate) fn counter(connection: &Connection, key: &DataKey) -> Result<u64, Error> {
    Ok(open(connection, key)?.1.counter)
}

/// Fails with [`Error::KeyRetired`] if `key` is not the current data key; returns the vault's form.
pub(crate) fn check(connection: &Connection, key: &DataKey) -> Result<Form, Error> {
    let current = read(connection)?.ok_or(NO_HEADER)?;
    if (current.vault, current.generation) == (key.vault, key.generation) {
        Ok(current.form)
    } else {
        Err(Error::KeyRetired)
    }
}

/// Writes the first header, whose sealed part is still missing.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    key: &DataKey,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO vault_2 (one, vault_id, generation, created_at, sealed)
               VALUES (1, ?1, ?2, ?3, x'')";
    let values = (key.vault.0, stored(key.generation)?, now.as_second());
    transaction.execute(sql, values)?;
    Ok(())
}

/// Seals `contents` under `key`, which becomes the current data key if it was not.
pub(super) fn put(
    transaction: &Transaction<'_>,
    key: &DataKey,
    contents: &Contents,
) -> Result<(), Error> {
    put_bytes(transaction, key, &encode(contents)?)
}

/// Seals the bytes of the header's contents under `key`, which becomes the current data key.
pub(crate) fn put_bytes(
    transaction: &Transaction<'_>,
    key: &DataKey,
    bytes: &[u8],
) -> Result<(), Error> {
    let clear = {
        let mut statement = transaction.prepare_cached(SQL)?;
        let mut rows = statement.query([])?;
        covered(rows.next()?.ok_or(NO_HEADER)?)?
    };
    let sealed = key.seal(SealContext::Header { clear: &clear }, bytes)?;
    let written = transaction
        .prepare_cached("UPDATE vault_2 SET generation = ?1, sealed = ?2, copied_at = NULL")?
        .execute((stored(key.generation)?, sealed))?;
    one_row(written)
}

fn encode(contents: &Contents) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
    let audit = contents.audit.as_ref().ok_or(Error::Inconsistent("it has no audit"))?;
    let (key, head) = (encode_key(audit), encode_head(&audit.head));
    let length = 8 + key.len() + head.len() + contents.imported.len() * IMPORTED;
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(length));
    bytes.extend_from_slice(&contents.counter.to_le_bytes());
    bytes.extend_from_slice(&key);
    bytes.extend_from_slice(&head);
    for (id, at) in &contents.imported {
        bytes.extend_from_slice(&id.0);
        bytes.extend_from_slice(&at.to_le_bytes());
    }
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Option<Contents> {
    let (counter, rest) = bytes.split_first_chunk::<8>()?;
    let (audit_key, rest) = rest.split_first_chunk::<41>()?;
    let (head, rest) = rest.split_first_chunk::<40>()?;
    let (key, settings) = decode_key(audit_key)?;
    let (imported, []) = rest.as_chunks::<IMPORTED>() else { return None };
    let imported = imported.iter().map(|record| {
        let (id, at) = record.split_first_chunk::<16>()?;
        Some((BundleId(*id), i64::from_le_bytes(at.try_into().ok()?)))
    });
    Some(Contents {
        counter: u64::from_le_bytes(*counter),
        audit: Some(AuditState::sealed(key, decode_head(head)?, settings)),
        imported: imported.collect::<Option<_>>()?,
    })
}

/// Reads a header of the earlier form, in which only the audit's part is sealed.
fn earlier(key: &DataKey, text: &[u8]) -> Option<Contents> {
    #[derive(serde::Deserialize)]
    struct Earlier {
        revision: u64,
        audit_key: Option<String>,
        audit_head: Option<String>,
        opened: Vec<(String, i64)>,
    }
    let hex = |text: &str| data_encoding::HEXUPPER.decode(text.as_bytes()).ok();
    let Earlier { revision, audit_key, audit_head, opened } = serde_json::from_slice(text).ok()?;
    let audit = match (audit_key, audit_head) {
        (None, None) => None,
        (audit_key, head) => {
            let audit_key = key.open(SealContext::AuditKey, &hex(&audit_key?)?).ok()?;
            let head = key.open(SealContext::AuditHead, &hex(&head?)?).ok()?;
            let (key, settings) = decode_key(&audit_key)?;
            Some(AuditState::sealed(key, decode_head(&head)?, settings))
        }
    };
    let imported = opened.iter().map(|(id, at)| Some((BundleId(hex(id)?.try_into().ok()?), *at)));
    Some(Contents { counter: revision, audit, imported: imported.collect::<Option<_>>()? })
}

/// Returns the time of a backup, if this file is a copy that nothing was written to since.
pub(crate) fn copied_at(connection: &Connection) -> Result<Option<Timestamp>, Error> {
    let at: Option<Option<i64>> = connection
        .prepare_cached("SELECT copied_at FROM vault_2")?
        .query_row([], |row| row.get(0))
        .optional()?;
    at.flatten().map(time).transpose()
}
