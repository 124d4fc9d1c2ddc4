//! All rows of the table `credentials_2`, one after the other, under one data key or the next.
//!
//! What a change of the data key does to them, and how it is made sure that none is missed. SQLite
//! reads and writes on one thread, in the order in which the rows lie in the file; seals are opened
//! and made on others (`workers.rs`), since that takes longer. However many rows there are, only a
//! few are in memory at a time.

use std::mem;

use rusqlite::blob::Blob;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, MAIN_DB, Row, Statement, Transaction, params_from_iter};

use super::clear::{CLEAR, Columns, account, covered, summary};
use super::credentials::{BEHIND_SEALED, REVISION, SEALED, belongs, compared, parsed, place};
use super::evidence::{self, EVIDENCE, Proof};
use super::header::{self, Form};
use super::values::one_row;
use super::workers::work_through;
use crate::model::account::Account;
use crate::model::summary::Summary;
use crate::store::error::Error;
use crate::vault::evidence_key::{Code, EvidenceKey};
use crate::vault::seal::{DataKey, Nonce, OpenedSeal, RowSeal};

/// The number of rows that are read at once, at most, and their bytes in all, about.
const ROWS: usize = 256;
const BYTES: usize = 256 * 1024;

/// The place of a row's number, behind all else.
const NUMBER: usize = BEHIND_SEALED + evidence::WIDTH;

/// The rows that do not open.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The credentials that are damaged or were tampered with.
    pub(crate) accounts: Vec<Account>,
    /// The number of rows whose name no credential can have.
    pub(crate) nameless: usize,
}

/// The number of rows, whatever is in them.
pub(crate) fn count(connection: &Connection) -> Result<u64, Error> {
    let count: i64 =
        connection.query_row("SELECT count(*) FROM credentials_2", [], |row| row.get(0))?;
    u64::try_from(count).map_err(|_| Error::Inconsistent("a negative number of rows"))
}

/// Opens every credential and checks its evidence, and tells how many there are, and which do not
/// open.
pub(crate) fn examine(
    connection: &Connection,
    key: &DataKey,
    mut progress: impl FnMut(u64),
) -> Result<(u64, Damage), Error> {
    let form = header::check(connection, key)?;
    let (mut count, mut damage) = (0, Damage::default());
    let mut rows = Rows::of(connection, form)?;
    let key = Keys::of(key);
    let look =
        |batch: Vec<Sealed>| batch.into_iter().map(|sealed| sealed.check(&key)).collect::<Vec<_>>();
    work_through(
        || rows.batch(),
        &look,
        |found| {
            for found in found {
                match found {
                    Ok(()) => {}
                    Err(Error::Tampered { account }) => damage.accounts.push(account),
                    Err(_) => damage.nameless += 1,
                }
                count += 1;
            }
            progress(count);
            Ok(())
        },
    )?;
    Ok((count, damage))
}

/// Seals every credential and its evidence with `next` instead of `key`, at the revision that they
/// have: a journal is about the same refresh token as before. Returns how many they are.
///
/// What is under a credential's seal is not read, which would take longer than all the rest.
///
/// Fails with [`Error::Tampered`] for the first that does not open.
pub(crate) fn all(
    transaction: &Transaction<'_>,
    key: &DataKey,
    next: &DataKey,
    mut progress: impl FnMut(u64),
) -> Result<u64, Error> {
    let form = header::check(transaction, key)?;
    let mut update = Update::of(transaction)?;
    let mut count = 0;
    let mut rows = Rows::of(transaction, form)?;
    let (key, next) = (Keys::of(key), Keys::of(next));
    let anew = |batch: Vec<Sealed>| -> Result<Vec<Anew>, Error> {
        let nonces = Nonce::draw(batch.len())?;
        let mut nonces = nonces.into_iter();
        batch.into_iter().map(|sealed| sealed.anew(&key, &next, &mut nonces)).collect()
    };
    work_through(
        || rows.batch(),
        &anew,
        |sealed| {
            for anew in sealed? {
                update.write(&anew)?;
                count += 1;
            }
            progress(count);
            Ok(())
        },
    )?;
    if self::count(transaction)? == count {
        Ok(count)
    } else {
        Err(Error::Inconsistent("it has credentials that can't be found"))
    }
}

/// Seals every credential of an early vault in today's form, with the evidence that stood in the
/// clear. A row that does not open stays as it is, and opens for nobody afterwards either.
pub(super) fn seal_as_today(transaction: &Transaction<'_>, key: &DataKey) -> Result<(), Error> {
    let mut update = Update::of(transaction)?;
    let mut rows = Rows::of(transaction, Form::Earlier)?;
    let key = Keys::of(key);
    let anew = |batch: Vec<Sealed>| -> Result<Vec<Option<Anew>>, Error> {
        let nonces = Nonce::draw(batch.len())?;
        let mut nonces = nonces.into_iter();
        Ok(batch.into_iter().map(|sealed| sealed.anew(&key, &key, &mut nonces).ok()).collect())
    };
    work_through(
        || rows.batch(),
        &anew,
        |sealed| {
            for anew in sealed?.into_iter().flatten() {
                update.write(&anew)?;
            }
            Ok(())
        },
    )
}

/// The keys of a row.
struct Keys<'a> {
    credential: &'a DataKey,
    evidence: EvidenceKey<'a>,
}

impl<'a> Keys<'a> {
    fn of(key: &'a DataKey) -> Self {
        Self { credential: key, evidence: EvidenceKey::of(key) }
    }
}

/// A row as it stands in the file.
struct Sealed {
    row: i64,
    /// [`Error::Tampered`] if it has a name but not what every row has, and another if not even
    /// that.
    content: Result<Content, Error>,
}

struct Content {
    account: Account,
    revision: u64,
    seal: RowSeal,
    clear: Clear,
    sealed: Vec<u8>,
    proof: Proof,
}

/// The columns in the clear.
enum Clear {
    /// Their bytes, as the seal covers them.
    Covered(Vec<u8>),
    /// Their values, to be compared with what is under an earlier seal.
    Compared(Box<Summary>),
}

/// A row under the seal of the next key.
struct Anew {
    row: i64,
    sealed: Vec<u8>,
    proof: Code,
    /// The clear copy, where the row is to be written as a new one would be.
    clear: Option<Box<Summary>>,
    /// The evidence, where its texts are written anew.
    texts: Option<evidence::Columns>,
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

    /// Opens the row. Fails as reading it did, or with [`Error::Tampered`].
    fn check(self, key: &Keys<'_>) -> Result<(), Error> {
        let (Content { account, clear, .. }, opened) = self.content?.open(key)?;
        match clear {
            Clear::Covered(_) => parsed(opened.text()).map(drop).ok_or(Error::Tampered { account }),
            Clear::Compared(_) => Ok(()),
        }
    }

    /// The row under the seals of the next key. Fails as reading it did, or with
    /// [`Error::Tampered`].
    fn anew(
        self,
        key: &Keys<'_>,
        next: &Keys<'_>,
        nonces: &mut impl Iterator<Item = Nonce>,
    ) -> Result<Anew, Error> {
        const TOO_FEW: Error = Error::Inconsistent("too few random numbers");
        let row = self.row;
        let nonce = nonces.next().ok_or(TOO_FEW)?;
        let (Content { account, revision, clear, proof, .. }, opened) = self.content?.open(key)?;
        let (proof, texts) = proof.anew(&next.evidence, (&account, revision))?;
        let seal = |clear: &[u8]| {
            let place = place(RowSeal::BesideEvidence, &account, revision, clear);
            next.credential.seal_again(place, nonce, opened)
        };
        Ok(match clear {
            Clear::Covered(clear) => Anew { row, sealed: seal(&clear), proof, clear: None, texts },
            Clear::Compared(summary) => {
                let sealed = seal(&Columns::of(&summary).covered());
                Anew { row, sealed, proof, clear: Some(summary), texts }
            }
        })
    }

    fn length(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.sealed.len())
    }
}

impl Content {
    /// The row without its seal, its clear copy and its evidence found to be true, and what was
    /// under the seal.
    fn open(mut self, key: &Keys<'_>) -> Result<(Self, OpenedSeal), Error> {
        let sealed = mem::take(&mut self.sealed);
        let Self { account, revision, .. } = &self;
        let covered = match &self.clear {
            Clear::Covered(clear) => clear.as_slice(),
            Clear::Compared(_) => &[],
        };
        let opened =
            key.credential.open_in_place(place(self.seal, account, *revision, covered), sealed);
        let Ok(opened) = opened else {
            return Err(Error::Tampered { account: self.account });
        };
        if !self.proof.holds(&key.evidence, (account, *revision)) {
            return Err(Error::Tampered { account: self.account });
        }
        if let Clear::Compared(summary) = self.clear {
            let (summary, _) = compared(*summary, opened.text())?;
            self.clear = Clear::Compared(Box::new(summary));
        }
        Ok((self, opened))
    }
}

/// A writer of rows under the next key.
struct Update<'a> {
    in_place: [Column<'a>; 2],
    seal: Statement<'a>,
    texts: Statement<'a>,
    clear: Statement<'a>,
}

impl<'a> Update<'a> {
    fn of(transaction: &'a Transaction<'_>) -> Result<Self, Error> {
        let column = |name| Column { connection: transaction, name, opened: None };
        Ok(Self {
            in_place: [column("sealed"), column("evidence")],
            seal: transaction
                .prepare("UPDATE credentials_2 SET sealed = ?2, evidence = ?3 WHERE rowid = ?1")?,
            texts: transaction.prepare(
                "UPDATE credentials_2 SET journal = ?2, last_attempt = ?3, reported = ?4
                 WHERE rowid = ?1",
            )?,
            clear: transaction.prepare(
                "UPDATE credentials_2 SET kind = ?2, status = ?3, server_url = ?4,
                  username = ?5, scopes = ?6, expires_at = ?7, refreshable = ?8, created_at = ?9,
                  updated_at = ?10, last_refreshed_at = ?11, login_by = ?12
                 WHERE rowid = ?1",
            )?,
        })
    }

    fn write(&mut self, Anew { row, sealed, proof, clear, texts }: &Anew) -> Result<(), Error> {
        if texts.is_none() && clear.is_none() {
            let [seal, evidence] = &mut self.in_place;
            seal.overwrite(*row, sealed)?;
            return evidence.overwrite(*row, proof);
        }
        one_row(self.seal.execute((row, sealed, proof))?)?;
        let first = || std::iter::once(ValueRef::Integer(*row));
        if let Some(texts) = texts {
            let values = first().chain(texts.texts()).map(ToSqlOutput::Borrowed);
            one_row(self.texts.execute(params_from_iter(values))?)?;
        }
        if let Some(summary) = clear {
            let columns = Columns::of(summary);
            let values = first().chain(columns.others()).map(ToSqlOutput::Borrowed);
            one_row(self.clear.execute(params_from_iter(values))?)?;
        }
        Ok(())
    }
}

/// A column whose values are written over where they stand. A statement would take each row apart
/// and put it together again, which takes longer than all else that SQLite does for a rotation.
struct Column<'a> {
    connection: &'a Connection,
    name: &'static str,
    opened: Option<Blob<'a>>,
}

impl Column<'_> {
    /// Writes `bytes` over the value in `row`, which is as long.
    fn overwrite(&mut self, row: i64, bytes: &[u8]) -> Result<(), Error> {
        let value = if let Some(value) = &mut self.opened {
            value.reopen(row)?;
            value
        } else {
            let opened =
                self.connection.blob_open(MAIN_DB, "credentials_2", self.name, row, false)?;
            self.opened.insert(opened)
        };
        if value.len() != bytes.len() {
            return Err(Error::Inconsistent("a seal of another length"));
        }
        Ok(value.write_at(bytes, 0)?)
    }
}

/// The rows in the order in which they lie in the file: in the order of their names, reading would
/// jump about in it.
struct Rows<'a> {
    // A few at a time: a statement that reads is not to meet what another one writes.
    select: Statement<'a>,
    form: Form,
    /// The number of the next row; `None` at the end.
    from: Option<i64>,
}

impl<'a> Rows<'a> {
    fn of(connection: &'a Connection, form: Form) -> Result<Self, Error> {
        let sql = format!(
            "SELECT {CLEAR}, revision, sealed, {EVIDENCE}, rowid FROM credentials_2
             WHERE rowid >= ?1 ORDER BY rowid LIMIT {ROWS}"
        );
        Ok(Self { select: connection.prepare(&sql)?, form, from: Some(i64::MIN) })
    }

    /// Returns the next rows; `None` after the last.
    fn batch(&mut self) -> Result<Option<Vec<Sealed>>, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;
    use crate::store::sqlite::credentials::read;
    use crate::store::sqlite::credentials::tests::{EDITS, account, put_alone, store, write};
    use crate::store::sqlite::database::Database;
    use crate::store::sqlite::sealing::Sealing;

    fn rotate(store: &mut Database, key: &DataKey, next: &DataKey) -> Result<u64, Error> {
        let transaction = store.write()?;
        let sealing = Sealing::begin(&transaction, key)?;
        let count = all(&transaction, key, next, |_| {})?;
        sealing.finish_under(next)?;
        transaction.commit()?;
        Ok(count)
    }

    #[test]
    fn every_row_opens_with_the_next_key_at_its_revision_and_none_with_the_old_one() {
        let (_home, mut store, key) = store();
        let before: Vec<u64> = (0..250)
            .map(|number| write(&mut store, &key, &format!("x{number}"), "made-up"))
            .collect();
        let next = DataKey::generate(key.vault, 2).unwrap();
        assert_eq!(rotate(&mut store, &key, &next).unwrap(), 250);
        let view = store.read().unwrap();
        assert_eq!(count(&view).unwrap(), 250);
        assert_eq!(examine(&view, &next, |_| {}).unwrap(), (250, Damage::default()));
        assert!(matches!(examine(&view, &key, |_| {}), Err(Error::KeyRetired)));
        for (number, revision) in before.into_iter().enumerate() {
            let account = account(&format!("x{number}"));
            let stored = read(&view, &next, &account).unwrap().unwrap().stored;
            assert_eq!(
                (stored.credential.token().unwrap().expose(), stored.revision),
                ("made-up", revision)
            );
            assert!(read(&view, &key, &account).is_err());
        }
    }

    #[test]
    fn an_edited_column_is_found() {
        for edit in EDITS.into_iter().chain(["reported = 'login_required'", "evidence = x''"]) {
            let (_home, mut store, key) = store();
            let transaction = store.write().unwrap();
            put_alone(&transaction, &key, "x", "made-up").unwrap();
            transaction.execute(&format!("UPDATE credentials_2 SET {edit}"), []).unwrap();
            transaction.commit().unwrap();
            let (_, damage) = examine(&store.read().unwrap(), &key, |_| {}).unwrap();
            assert_eq!(damage.accounts.len(), 1, "{edit}");
            let next = DataKey::generate(key.vault, 2).unwrap();
            let refused = rotate(&mut store, &key, &next);
            assert!(matches!(refused, Err(Error::Tampered { .. })), "{edit}: {refused:?}");
        }
    }

    #[test]
    fn a_row_that_does_not_open_is_named_and_stops_it() {
        let (_home, mut store, key) = store();
        for user in ["x", "y", "z", "w"] {
            write(&mut store, &key, user, "made-up");
        }
        let transaction = store.write().unwrap();
        for edit in [
            "sealed = zeroblob(100) WHERE user = 'y'",
            "scopes = 'admin' WHERE user = 'z'",
            "user = '' WHERE user = 'w'",
        ] {
            transaction.execute(&format!("UPDATE credentials_2 SET {edit}"), []).unwrap();
        }
        transaction.commit().unwrap();
        let found = examine(&store.read().unwrap(), &key, |_| {}).unwrap();
        let accounts = vec![account("y"), account("z")];
        assert_eq!(found, (4, Damage { accounts, nameless: 1 }));
        let next = DataKey::generate(key.vault, 2).unwrap();
        let stopped = rotate(&mut store, &key, &next);
        assert!(matches!(stopped, Err(Error::Tampered { account: it }) if it == account("y")));
        assert!(read(&store.read().unwrap(), &key, &account("x")).unwrap().is_some());
    }
}
