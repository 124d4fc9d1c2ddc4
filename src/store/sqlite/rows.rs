//! All rows of the table `credentials_2`, a few at a time, and how one is opened apart from the others.
//!
//! SQLite reads on one thread, in the order in which the rows lie in the file; seals are opened on
//! others (`workers.rs`), since that takes longer.

use std::mem;

use rusqlite::{Connection, Row, Statement};

use super::clear::{CLEAR, account, covered, summary};
use super::evidence::{self, EVIDENCE, Proof};
use super::header::Form;
use super::row_seal::{BEHIND_SEALED, REVISION, SEALED, belongs, compared, parsed, seal_context};
use crate::model::account::Account;
use crate::model::credential::Credential;
use crate::model::summary::Summary;
use crate::store::error::Error;
use crate::vault::evidence_key::EvidenceKey;
use crate::vault::seal::{DataKey, OpenedSeal, RowSeal};

/// The number of rows that are read at once, at most, and their bytes in all, about. With more, the
/// pages are no longer in SQLite's cache when a rotation writes them.
const ROWS: usize = 64;
const BYTES: usize = 64 * 1024;

/// The number of the column of a row's number, behind all else.
const NUMBER: usize = BEHIND_SEALED + evidence::WIDTH;

/// The keys of a row.
pub(super) struct Keys<'a> {
    pub(super) credential: &'a DataKey,
    pub(super) evidence: EvidenceKey,
}

impl<'a> Keys<'a> {
    pub(super) fn of(key: &'a DataKey) -> Self {
        Self { credential: key, evidence: EvidenceKey::of(key) }
    }
}

/// A row as it stands in the file.
pub(super) struct Sealed {
    pub(super) row: i64,
    /// [`Error::Tampered`] if it has a name but not what every row has, and another if not even
    /// that.
    pub(super) content: Result<Content, Error>,
}

/// The columns of a row that has all of them.
pub(super) struct Content {
    pub(super) account: Account,
    pub(super) revision: u64,
    seal: RowSeal,
    pub(super) clear: Clear,
    sealed: Vec<u8>,
    pub(super) proof: Proof,
}

/// The columns in the clear.
pub(super) enum Clear {
    /// The bytes of the columns, as the seal covers them.
    Covered(Vec<u8>),
    /// The values of the columns, to be compared with what is under an earlier seal.
    Compared(Box<Summary>),
}

impl Sealed {
    fn of(row: &Row<'_>, form: Form) -> Result<Self, Error> {
        let (revision, number): (i64, i64) = (row.get(REVISION)?, row.get(NUMBER)?);
        let account = account(row);
        let content = account.and_then(|account| {
            let content = || {
                let sealed = row.get_ref(SEALED).ok()?.as_blob().ok()?.to_vec();
                let seal = Some(RowSeal::of(&sealed)).filter(|seal| belongs(*seal, form))?;
                let clear = match seal {
                    RowSeal::Comparing => Clear::Compared(Box::new(summary(row).ok()?)),
                    RowSeal::Covering | RowSeal::BesideEvidence => {
                        Clear::Covered(covered(row).ok()?)
                    }
                };
                let revision = revision.try_into().ok()?;
                let proof = Proof::of(row, BEHIND_SEALED, form, revision)?;
                Some((revision, seal, clear, sealed, proof))
            };
            match content() {
                Some((revision, seal, clear, sealed, proof)) => {
                    Ok(Content { account, revision, seal, clear, sealed, proof })
                }
                None => Err(Error::Tampered { account }),
            }
        });
        Ok(Self { row: number, content })
    }

    fn length(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.sealed.len())
    }
}

impl Content {
    /// The row without its seal, its clear copy and its evidence found to be true, and what was
    /// under the seal. Fails with [`Error::Tampered`].
    pub(super) fn open(mut self, key: &Keys<'_>) -> Result<(Self, OpenedSeal), Error> {
        let opened = self.open_seal(key)?;
        if !self.proof.holds(&key.evidence, (&self.account, self.revision)) {
            return Err(Error::Tampered { account: self.account });
        }
        if let Clear::Compared(summary) = self.clear {
            let (summary, _) = compared(*summary, opened.text())?;
            self.clear = Clear::Compared(Box::new(summary));
        }
        Ok((self, opened))
    }

    /// The credential, whatever its evidence is, its clear copy found to be true. Fails with
    /// [`Error::Tampered`].
    pub(super) fn credential(mut self, key: &Keys<'_>) -> Result<Credential, Error> {
        let opened = self.open_seal(key)?;
        match self.clear {
            Clear::Covered(_) => {
                parsed(opened.text()).ok_or(Error::Tampered { account: self.account })
            }
            Clear::Compared(summary) => Ok(compared(*summary, opened.text())?.1),
        }
    }

    fn open_seal(&mut self, key: &Keys<'_>) -> Result<OpenedSeal, Error> {
        let sealed = mem::take(&mut self.sealed);
        let covered = match &self.clear {
            Clear::Covered(clear) => clear.as_slice(),
            Clear::Compared(_) => &[],
        };
        let context = seal_context(self.seal, &self.account, self.revision, covered);
        let opened = key.credential.open_in_place(context, sealed);
        opened.map_err(|_| Error::Tampered { account: self.account.clone() })
    }
}

/// The rows in the order in which they lie in the file: in the order of their names, reading would
/// jump about in it.
pub(super) struct Rows<'a> {
    // A few at a time: a statement that reads is not to meet what another one writes.
    select: Statement<'a>,
    form: Form,
    /// The number of the next row; `None` at the end.
    from: Option<i64>,
}

impl<'a> Rows<'a> {
    /// Prepares to read all rows of a vault of `form`, in the order of the file.
    pub(super) fn of(connection: &'a Connection, form: Form) -> Result<Self, Error> {
        let sql = format!(
            "SELECT {CLEAR}, revision, sealed, {EVIDENCE}, rowid FROM credentials_2
             WHERE rowid >= ?1 ORDER BY rowid LIMIT {ROWS}"
        );
        Ok(Self { select: connection.prepare(&sql)?, form, from: Some(i64::MIN) })
    }

    /// Returns the next rows; `None` after the last.
    pub(super) fn batch(&mut self) -> Result<Option<Vec<Sealed>>, Error> {
        let mut batch = Vec::with_capacity(ROWS);
        let mut length = 0;
        let Some(from) = self.from else { return Ok(None) };
        let mut rows = self.select.query([from])?;
        while length < BYTES
            && let Some(row) = rows.next()?
        {
            let sealed = Sealed::of(row, self.form)?;
            self.from = sealed.row.checked_add(1);
            length += sealed.length();
            batch.push(sealed);
        }
        Ok(Some(batch).filter(|batch| !batch.is_empty()))
    }
}
