//! What a change of the data key does to the rows, and how it is made sure that none is missed.
//!
//! However many rows there are, only a few are in memory at a time.

use rusqlite::blob::Blob;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, MAIN_DB, Statement, Transaction, params_from_iter};

use super::clear::Columns;
use super::evidence;
use super::examine::count;
use super::header::{self, Form};
use super::row_seal::seal_context;
use super::rows::{Clear, Content, Keys, Rows, Sealed};
use super::values::one_row;
use super::workers::work_through;
use crate::model::summary::Summary;
use crate::store::error::Error;
use crate::vault::evidence_key::Code;
use crate::vault::seal::{DataKey, Nonce, RowSeal};

/// Room for pages, in KiB. SQLite keeps changed pages and leaves a tenth to others: with less, a page
/// that was read would have to be read once more when its rows come back to be written.
const CACHE: &str = "PRAGMA cache_size = -8000";

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
    transaction.execute_batch(CACHE)?;
    let form = header::check(transaction, key)?;
    let mut update = Update::of(transaction)?;
    let mut sealed_again = 0;
    let mut rows = Rows::of(transaction, form)?;
    let (key, next) = (Keys::of(key), Keys::of(next));
    let batch_anew = |batch: Vec<Sealed>| -> Result<Vec<Anew>, Error> {
        let nonces = Nonce::draw(batch.len())?;
        let mut nonces = nonces.into_iter();
        batch.into_iter().map(|sealed| anew(sealed, &key, &next, &mut nonces)).collect()
    };
    work_through(
        || rows.batch(),
        &batch_anew,
        |sealed| {
            for anew in sealed? {
                update.write(&anew)?;
                sealed_again += 1;
            }
            progress(sealed_again);
            Ok(())
        },
    )?;
    if self::count(transaction)? == sealed_again {
        Ok(sealed_again)
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
    let batch_anew = |batch: Vec<Sealed>| -> Result<Vec<Option<Anew>>, Error> {
        let nonces = Nonce::draw(batch.len())?;
        let mut nonces = nonces.into_iter();
        Ok(batch.into_iter().map(|sealed| anew(sealed, &key, &key, &mut nonces).ok()).collect())
    };
    work_through(
        || rows.batch(),
        &batch_anew,
        |sealed| {
            for anew in sealed?.into_iter().flatten() {
                update.write(&anew)?;
            }
            Ok(())
        },
    )
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

/// The row under the seals of the next key. Fails as reading it did, or with
/// [`Error::Tampered`].
fn anew(
    sealed: Sealed,
    key: &Keys<'_>,
    next: &Keys<'_>,
    nonces: &mut impl Iterator<Item = Nonce>,
) -> Result<Anew, Error> {
    const TOO_FEW: Error = Error::Inconsistent("too few random numbers");
    let row = sealed.row;
    let nonce = nonces.next().ok_or(TOO_FEW)?;
    let (Content { account, revision, clear, proof, .. }, opened) = sealed.content?.open(key)?;
    let (proof, texts) = proof.anew(&next.evidence, (&account, revision))?;
    let seal = |clear: &[u8]| {
        let context = seal_context(RowSeal::BesideEvidence, &account, revision, clear);
        next.credential.seal_again(context, nonce, opened)
    };
    Ok(match clear {
        Clear::Covered(clear) => Anew { row, sealed: seal(&clear), proof, clear: None, texts },
        Clear::Compared(summary) => {
            let sealed = seal(&Columns::of(&summary).covered());
            Anew { row, sealed, proof, clear: Some(summary), texts }
        }
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;
    use crate::store::sqlite::credentials::made_up::{EDITS, account, put_alone, store, write};
    use crate::store::sqlite::credentials::read;
    use crate::store::sqlite::database::Database;
    use crate::store::sqlite::examine::{Damage, examine};
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
