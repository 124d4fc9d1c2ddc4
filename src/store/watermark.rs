//! One watermark: the number of one subject, and the record in which it is kept.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::model::account::Account;
use crate::vault::seal::VaultId;

/// The length of a record: a subject, its number, and a check that tells a torn record.
pub(super) const RECORD: usize = 32;

/// The bit of a number that lets the record stand for all before it of the same subject.
const ACCEPTED: u64 = 1 << 63;

/// The thing whose number is kept: the header of a vault, the place where it was written to, or a
/// part of a credential's row. In a record, it is a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject([u8; 16]);

impl Subject {
    /// Returns the subject of the vault's header.
    pub(super) fn header(vault: VaultId) -> Self {
        Self::of(vault, &[b"header"])
    }

    /// Returns the subjects of an account's row: the credential, and the evidence of its requests.
    pub(super) fn row(vault: VaultId, account: &Account) -> [Self; 2] {
        let (provider, user) = (account.provider.as_str(), account.user.as_str());
        [&b"credential"[..], b"evidence"]
            .map(|part| Self::of(vault, &[part, provider.as_bytes(), user.as_bytes()]))
    }

    /// Returns the subject of the place at which the vault was written to.
    pub(super) fn place(vault: VaultId, path: &Path) -> Self {
        Self::of(vault, &[b"place", path.as_os_str().as_encoded_bytes()])
    }

    /// Returns the subject of the list of a shared vault's members.
    #[cfg(feature = "postgres")]
    pub(super) fn roster(vault: VaultId) -> Self {
        Self::of(vault, &[b"roster"])
    }

    /// Returns the subject of the entry with this hash in the list of a shared vault's members.
    #[cfg(feature = "postgres")]
    pub(super) fn entry(vault: VaultId, hash: &[u8; 32]) -> Self {
        Self::of(vault, &[b"entry", hash])
    }

    fn of(vault: VaultId, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new().chain_update(vault.0);
        for part in parts {
            hash.update(part);
            hash.update([0]);
        }
        let mut subject = [0; 16];
        subject.copy_from_slice(&hash.finalize()[..16]);
        Self(subject)
    }
}

/// A number that was committed, or that a person accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watermark {
    pub(super) subject: Subject,
    pub(super) number: u64,
    /// Whether the number counts even if a higher one was seen before. 0 forgets the subject.
    pub(super) accepted: bool,
}

/// Writes a record.
pub(super) fn encode(mark: &Watermark) -> [u8; RECORD] {
    let number = mark.number & !ACCEPTED | if mark.accepted { ACCEPTED } else { 0 };
    let mut record = [0; RECORD];
    record[..16].copy_from_slice(&mark.subject.0);
    record[16..24].copy_from_slice(&number.to_le_bytes());
    let check = check(&record);
    record[24..].copy_from_slice(&check.to_le_bytes());
    record
}

/// Reads a record; returns `None` for one that is torn, or that a power cut left empty.
pub(super) fn decode(record: &[u8; RECORD]) -> Option<Watermark> {
    if word(record, 3) != check(record) {
        return None;
    }
    let mut subject = [0; 16];
    subject.copy_from_slice(&record[..16]);
    let number = word(record, 2);
    Some(Watermark {
        subject: Subject(subject),
        number: number & !ACCEPTED,
        accepted: number & ACCEPTED != 0,
    })
}

fn check(record: &[u8; RECORD]) -> u64 {
    !(word(record, 0) ^ word(record, 1).rotate_left(1) ^ word(record, 2).rotate_left(2))
}

fn word(record: &[u8; RECORD], at: usize) -> u64 {
    let (words, _) = record.as_chunks::<8>();
    u64::from_le_bytes(words[at])
}
