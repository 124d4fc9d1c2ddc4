//! The table `credentials_2`: one row an account, sealed, with a copy of some of it in the clear.

#[cfg(test)]
pub(super) mod made_up;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Transaction, params_from_iter};

use super::clear::{CLEAR, Columns, account};
use super::evidence::{self, EVIDENCE, Evidence};
use super::header::{self, Form};
use super::row_seal::{BEHIND_SEALED, opened, seal, seal_context};
use super::sealing::Sealing;
use super::values::{one_row, stored};
use crate::model::account::Account;
use crate::model::credential::Credential;
use crate::model::summary::Summary;
use crate::store::error::Error;
use crate::store::record::Row as Found;
use crate::vault::evidence_key::EvidenceKey;
use crate::vault::seal::{DataKey, RowSeal};

/// Reads and opens one credential, with its evidence.
///
/// Fails with [`Error::KeyRetired`] if `key` is not the current data key, and with
/// [`Error::Tampered`] if the seal is broken, or if what is in the clear differs from what is under
/// it.
pub(crate) fn read(
    connection: &Connection,
    key: &DataKey,
    account: &Account,
) -> Result<Option<Found>, Error> {
    let form = header::check(connection, key)?;
    let sql = format!(
        "SELECT {CLEAR}, revision, sealed, {EVIDENCE} FROM credentials_2
         WHERE provider = ?1 AND user = ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((account.provider.as_str(), account.user.as_str()))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let stored = opened(row, key, form, account)?;
    let about = (account, stored.revision);
    Ok(Some(match evidence::found(row, BEHIND_SEALED, key, form, about) {
        evidence::Found::Genuine(evidence, _) => {
            let Evidence { journal, attempt, refused_since, .. } = *evidence;
            Found { stored, journal, attempt, refused_since, is_forged: false }
        }
        evidence::Found::Forged => Found::forged(stored),
    }))
}

/// Stores `credential` with its evidence, over whatever was there.
pub(crate) fn put(
    sealing: &Sealing<'_, '_>,
    account: &Account,
    credential: &Credential,
    evidence: &Evidence,
) -> Result<(), Error> {
    let revision = sealing.next_revision()?;
    let summary = Summary::of(account, credential);
    let columns = Columns::of(&summary);
    let clear = columns.covered();
    let context = seal_context(RowSeal::BesideEvidence, account, revision, &clear);
    let sealed = seal(sealing.key, context, credential)?;
    let texts = evidence::Columns::of(evidence)?;
    let covered = texts.covered();
    let proof =
        EvidenceKey::of(sealing.key).code(evidence::context(account, revision, revision, &covered));
    let revision = ValueRef::Integer(stored(revision)?);
    let behind = [revision, ValueRef::Blob(&sealed), ValueRef::Blob(&proof), revision];
    let values =
        columns.names().into_iter().chain(columns.others()).chain(behind).chain(texts.texts());
    let written = sealing
        .prepare_cached(
            "INSERT INTO credentials_2
         (provider, user, kind, status, server_url, username, scopes, expires_at, refreshable,
          created_at, updated_at, last_refreshed_at, login_by, revision, sealed, evidence,
          evidence_revision, journal, last_attempt, reported)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
          ?19, ?20)
         ON CONFLICT (provider, user) DO UPDATE SET
          kind = excluded.kind, status = excluded.status, server_url = excluded.server_url,
          username = excluded.username, scopes = excluded.scopes,
          expires_at = excluded.expires_at, refreshable = excluded.refreshable,
          created_at = excluded.created_at, updated_at = excluded.updated_at,
          last_refreshed_at = excluded.last_refreshed_at, login_by = excluded.login_by,
          revision = excluded.revision, sealed = excluded.sealed, evidence = excluded.evidence,
          evidence_revision = excluded.evidence_revision, journal = excluded.journal,
          last_attempt = excluded.last_attempt, reported = excluded.reported",
        )?
        .execute(params_from_iter(values.map(ToSqlOutput::Borrowed)))?;
    one_row(written)
}

/// Reads the evidence of the credential of `account` at `expected`, without opening the credential;
/// returns `None` if it has another revision.
pub(crate) fn evidence(
    sealing: &Sealing<'_, '_>,
    account: &Account,
    expected: u64,
) -> Result<Option<evidence::Found>, Error> {
    evidence_at(sealing, sealing.key, Form::Sealed, account)
        .map(|found| found.filter(|(revision, _)| *revision == expected).map(|(_, found)| found))
}

/// Reads the evidence of the credential of `account` in a vault of `form`, and the revision of the
/// credential, which is not opened.
pub(crate) fn evidence_at(
    connection: &Connection,
    key: &DataKey,
    form: Form,
    account: &Account,
) -> Result<Option<(u64, evidence::Found)>, Error> {
    let sql =
        format!("SELECT revision, {EVIDENCE} FROM credentials_2 WHERE provider = ?1 AND user = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((account.provider.as_str(), account.user.as_str()))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let Ok(revision) = u64::try_from(row.get::<_, i64>(0)?) else { return Ok(None) };
    let found = evidence::found(row, 1, key, form, (account, revision));
    Ok(Some((revision, found)))
}

/// Removes a row without opening it; returns whether it was there.
pub(crate) fn remove(transaction: &Transaction<'_>, account: &Account) -> Result<bool, Error> {
    let removed = transaction
        .prepare_cached("DELETE FROM credentials_2 WHERE provider = ?1 AND user = ?2")?
        .execute((account.provider.as_str(), account.user.as_str()))?;
    Ok(removed == 1)
}

/// The revision of a row, damaged or not.
pub(crate) fn revision(connection: &Connection, account: &Account) -> Result<Option<u64>, Error> {
    let revision = connection
        .prepare_cached("SELECT revision FROM credentials_2 WHERE provider = ?1 AND user = ?2")?
        .query_row((account.provider.as_str(), account.user.as_str()), |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(revision.and_then(|revision| u64::try_from(revision).ok()))
}

/// The numbers of a row, damaged or not: the revisions of the credential and of its evidence.
pub(crate) fn numbers(
    connection: &Connection,
    account: &Account,
) -> Result<Option<[u64; 2]>, Error> {
    let sql = "SELECT revision, evidence_revision FROM credentials_2
               WHERE provider = ?1 AND user = ?2";
    let numbers = connection
        .prepare_cached(sql)?
        .query_row((account.provider.as_str(), account.user.as_str()), |row| {
            Ok([row.get::<_, i64>(0)?, row.get(1)?])
        })
        .optional()?;
    Ok(numbers.map(|numbers| numbers.map(|number| u64::try_from(number).unwrap_or_default())))
}

/// Calls `each` with the account of each row and its [`numbers`], in the order of the file. A row whose
/// name no account can have is left out.
pub(crate) fn each_numbers(
    connection: &Connection,
    mut each: impl FnMut(Account, [u64; 2]),
) -> Result<(), Error> {
    let mut statement = connection
        .prepare("SELECT provider, user, revision, evidence_revision FROM credentials_2")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Ok(account) = account(row) else { continue };
        let number = |column| Ok::<_, Error>(u64::try_from(row.get::<_, i64>(column)?));
        each(account, [number(2)?.unwrap_or_default(), number(3)?.unwrap_or_default()]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::made_up::{EDITS, NOW, account, put_alone, store, write};
    use super::*;
    use crate::model::account::AccountFilter;
    use crate::secret::SecretText;
    use crate::store::record::Journal;
    use crate::store::sqlite::listing::{each_with_evidence, summaries};

    #[test]
    fn a_credential_comes_back_as_it_was_stored() {
        let (_home, mut store, key) = store();
        write(&mut store, &key, "x", "made-up-1");
        let transaction = store.read().unwrap();
        let row = read(&transaction, &key, &account("x")).unwrap().unwrap();
        assert_eq!(row.stored.credential.token().unwrap().expose(), "made-up-1");
        assert!(!row.is_forged && row.journal.is_none() && row.attempt.is_none());
        assert!(read(&transaction, &key, &account("y")).unwrap().is_none());
        assert_eq!(
            summaries(&transaction, AccountFilter::default(), |_| true).unwrap(),
            [Summary::of(&account("x"), &row.stored.credential)]
        );
    }

    #[test]
    fn a_row_that_was_deleted_and_made_anew_never_has_the_old_revision() {
        let (_home, mut store, key) = store();
        write(&mut store, &key, "x", "made-up-1");
        let second = write(&mut store, &key, "x", "made-up-2");
        let transaction = store.write().unwrap();
        assert!(remove(&transaction, &account("x")).unwrap());
        transaction.commit().unwrap();
        assert!(write(&mut store, &key, "x", "made-up-4") > second);
    }

    #[test]
    fn nothing_is_written_under_a_retired_key() {
        let (_home, mut store, key) = store();
        let retired = DataKey::generate(key.vault, 2).unwrap();
        let transaction = store.write().unwrap();
        let refused = put_alone(&transaction, &retired, "x", "made-up");
        assert!(matches!(refused, Err(Error::KeyRetired)));
    }

    #[test]
    fn edited_clear_columns_are_found() {
        let (_home, mut store, key) = store();
        for edit in EDITS.into_iter().chain(["user = 'y'"]) {
            let transaction = store.write().unwrap();
            put_alone(&transaction, &key, "x", "made-up").unwrap();
            transaction.execute(&format!("UPDATE credentials_2 SET {edit}"), []).unwrap();
            let user = if edit.starts_with("user ") { "y" } else { "x" };
            let found = read(&transaction, &key, &account(user));
            assert!(matches!(found, Err(Error::Tampered { .. })), "{edit}");
        }
    }

    #[test]
    fn edited_evidence_is_forged_and_the_credential_still_opens() {
        let (_home, mut store, key) = store();
        for edit in [
            "evidence = x''",
            "evidence = zeroblob(41)",
            "evidence_revision = evidence_revision + 1",
            "evidence_revision = -1",
            "journal = '{}'",
            "journal = (SELECT journal FROM credentials_2 WHERE user = 'z')",
            "last_attempt = 'nonsense'",
            "reported = 'login_required'",
            "evidence = (SELECT evidence FROM credentials_2 WHERE user = 'z'), journal = NULL",
        ] {
            let transaction = store.write().unwrap();
            put_alone(&transaction, &key, "x", "made-up").unwrap();
            put_alone(&transaction, &key, "z", "made-up").unwrap();
            let sealing = Sealing::begin(&transaction, &key).unwrap();
            let at = revision(&transaction, &account("z")).unwrap().unwrap();
            let journal = Journal {
                revision: at,
                attempt: [7; 16],
                started_at: NOW,
                started: None,
                lease: None,
                shared: None,
            };
            let evidence = Evidence { journal: Some(journal.clone()), ..Evidence::default() };
            assert!(evidence::put(&sealing, &account("z"), at, &evidence).unwrap());
            sealing.finish().unwrap();
            let genuine = read(&transaction, &key, &account("z")).unwrap().unwrap();
            assert_eq!(genuine.journal, Some(journal));
            let sql = format!("UPDATE credentials_2 SET {edit} WHERE user = 'x'");
            transaction.execute(&sql, []).unwrap();
            let row = read(&transaction, &key, &account("x")).unwrap().unwrap();
            assert!(row.is_forged, "{edit}");
            assert_eq!(row.stored.credential.token().unwrap().expose(), "made-up");
        }
    }

    #[test]
    fn a_row_or_header_of_the_earlier_form_is_not_taken() {
        let (_home, mut store, key) = store();
        let transaction = store.write().unwrap();
        put_alone(&transaction, &key, "x", "made-up").unwrap();
        for version in ["00", "01", "02", "04"] {
            let sql = format!(
                "UPDATE credentials_2 SET sealed = CAST(x'{version}' || substr(sealed, 2) AS BLOB)"
            );
            transaction.execute(&sql, []).unwrap();
            let found = read(&transaction, &key, &account("x"));
            assert!(matches!(found, Err(Error::Tampered { .. })), "{version}: {found:?}");
        }
        put_alone(&transaction, &key, "x", "made-up").unwrap();
        let earlier = r#"{"revision":0,"opened":[]}"#;
        let sql = "UPDATE vault_2 SET sealed = CAST(?1 AS BLOB)";
        transaction.execute(sql, [earlier]).unwrap();
        let found = read(&transaction, &key, &account("x"));
        assert!(matches!(found, Err(Error::Tampered { .. })), "{found:?}");
    }

    #[test]
    fn each_credential_comes_in_order_with_its_own_attempt() {
        let (_home, mut store, key) = store();
        // More than one group of them.
        for user in ["b", "e", "ab", "d", "c"] {
            write(&mut store, &key, user, "made-up");
        }
        let last = |user: &str| {
            format!(
                r#"{{"action":"check","began_at":"2023-11-14T22:13:20Z",
                "ended_at":"2023-11-14T22:13:20Z","outcome":"passing","message":"{user}"}}"#
            )
        };
        let transaction = store.write().unwrap();
        let own_texts = ["ab", "c", "d", "e"].map(|user| (user, last(user)));
        for (user, text) in own_texts.into_iter().chain([("b", "nonsense".into())]) {
            let sql = "UPDATE credentials_2 SET last_attempt = ?2 WHERE user = ?1";
            transaction.execute(sql, (user, text)).unwrap();
        }
        let mut found = Vec::new();
        let odd = each_with_evidence(&transaction, AccountFilter::default(), |summary, last, _| {
            found.push((summary.account.user.to_string(), last.and_then(|last| last.message)));
            Ok::<_, Error>(())
        });
        assert_eq!(odd.unwrap(), 0);
        let own = |user: &str| (user.to_owned(), Some(user.to_owned()));
        let nonsense = ("b".to_owned(), None);
        assert_eq!(found, [own("ab"), nonsense, own("c"), own("d"), own("e")]);
        let listed =
            summaries(&transaction, AccountFilter::default(), |_| true).unwrap().into_iter();
        assert!(listed.map(|it| it.account.user.to_string()).eq(found.into_iter().map(|it| it.0)));
    }
}
