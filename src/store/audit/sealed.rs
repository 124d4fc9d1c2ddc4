//! The table `audit`: the key of the chain with the settings, and the head, each under a seal.

use std::num::NonZeroU64;

use rusqlite::{Connection, OptionalExtension, Transaction};
use zeroize::Zeroizing;

use super::line::Mark;
use crate::model::audit::{Mode, Settings};
use crate::store::error::Error;
use crate::store::header;
use crate::vault::Key;
use crate::vault::seal::{DataKey, Place};

/// What the vault keeps of the audit.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(super) key: Key,
    pub(super) head: Mark,
    /// As the last command that wrote to the vault found them in the configuration: whoever
    /// only reads the vault needs no configuration.
    pub(crate) settings: Settings,
}

/// Reads what the vault keeps; `None` where nothing was written since it keeps that.
///
/// Fails with [`Error::KeyRetired`] if `key` is no longer the data key.
pub(crate) fn read(connection: &Connection, key: &DataKey) -> Result<Option<Sealed>, Error> {
    let row = connection
        .prepare_cached("SELECT key, head FROM audit")?
        .query_row([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    let Some((sealed_key, sealed_head)) = row else { return Ok(None) };
    let opened = key.open(Place::AuditKey, &sealed_key).ok().and_then(|bytes| key_from(&bytes));
    let head = key.open(Place::AuditHead, &sealed_head).ok().and_then(|bytes| head_from(&bytes));
    if let (Some((audit_key, settings)), Some(head)) = (opened, head) {
        return Ok(Some(Sealed { key: audit_key, head, settings }));
    }
    header::check(connection, key)?;
    Err(Error::Inconsistent("what it keeps of the audit is damaged or was tampered with"))
}

/// Seals what is to be remembered: `end`, where it is further than what the vault has, and the
/// settings that are `wanted`. Makes the chain's key where there is none.
pub(crate) fn seal(
    transaction: &Transaction<'_>,
    key: &DataKey,
    end: Option<Mark>,
    wanted: Option<Settings>,
) -> Result<(), Error> {
    let before = read(transaction, key)?;
    if before.is_none() {
        header::check(transaction, key)?;
    }
    let now = match &before {
        Some(sealed) => Sealed {
            key: sealed.key.clone(),
            // An end that was read before another process sealed a later one counts for nothing.
            head: end.filter(|end| end.number > sealed.head.number).unwrap_or(sealed.head),
            settings: wanted.unwrap_or(sealed.settings),
        },
        None => Sealed {
            key: Key::generate()?,
            head: Mark::START,
            settings: wanted.unwrap_or_default(),
        },
    };
    if before.is_some_and(|before| before.head == now.head && before.settings == now.settings) {
        return Ok(());
    }
    put(transaction, key, &now)
}

/// Puts what the vault keeps, if anything, under the seals of `next`, which is about to come after
/// `key`.
pub(crate) fn reseal(
    transaction: &Transaction<'_>,
    key: &DataKey,
    next: &DataKey,
) -> Result<(), Error> {
    match read(transaction, key)? {
        Some(sealed) => put(transaction, next, &sealed),
        None => Ok(()),
    }
}

/// Puts `sealed` under the seals of `key`.
fn put(transaction: &Transaction<'_>, key: &DataKey, sealed: &Sealed) -> Result<(), Error> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO audit (one, key, head) VALUES (1, ?1, ?2)")?
        .execute((
            key.seal(Place::AuditKey, &key_bytes(sealed))?,
            key.seal(Place::AuditHead, &head_bytes(&sealed.head))?,
        ))?;
    Ok(())
}

/// The key (32 bytes), the mode (1), and how many entries to keep (8).
fn key_bytes(sealed: &Sealed) -> Zeroizing<Vec<u8>> {
    let mode = match sealed.settings.mode {
        Mode::BestEffort => 0,
        Mode::Required => 1,
        Mode::Off => 2,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(41));
    bytes.extend_from_slice(sealed.key.expose());
    bytes.push(mode);
    bytes.extend_from_slice(&sealed.settings.keep.get().to_le_bytes());
    bytes
}

fn key_from(bytes: &[u8]) -> Option<(Key, Settings)> {
    let (key, rest) = bytes.split_first_chunk::<32>()?;
    let (mode, keep) = rest.split_first()?;
    let mode = match mode {
        0 => Mode::BestEffort,
        1 => Mode::Required,
        2 => Mode::Off,
        _ => return None,
    };
    let keep = NonZeroU64::new(u64::from_le_bytes(keep.try_into().ok()?))?;
    Some((Key::from_bytes(key)?, Settings { mode, keep }))
}

/// The number (8 bytes) and the code (32).
fn head_bytes(head: &Mark) -> Vec<u8> {
    [head.number.to_le_bytes().as_slice(), &head.link].concat()
}

fn head_from(bytes: &[u8]) -> Option<Mark> {
    let (number, link) = bytes.split_first_chunk::<8>()?;
    Some(Mark { number: u64::from_le_bytes(*number), link: link.try_into().ok()? })
}
