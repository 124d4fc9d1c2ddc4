//! The table `credentials`: one row an account, sealed, with a copy of some of it in the clear.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params_from_iter};

use super::clear::{BEHIND_CLEAR, CLEAR, Columns, account, covered, summary};
use super::{header, journal};
use crate::model::account::{Account, ProviderName, UserName};
use crate::model::credential::Credential;
use crate::model::summary::Summary;
use crate::store::error::Error;
use crate::store::record::{Row as Found, Stored};
use crate::vault::plaintext;
use crate::vault::seal::{DataKey, SealContext, covers_the_clear_copy};

/// The place of the revision, behind [`CLEAR`], and of what is sealed, behind it.
pub(super) const REVISION: usize = BEHIND_CLEAR;
pub(super) const SEALED: usize = REVISION + 1;

/// The accounts that match, in order. A name that is left out matches all.
pub(crate) fn accounts(
    connection: &Connection,
    provider: Option<&ProviderName>,
    user: Option<&UserName>,
) -> Result<Vec<Account>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT provider, user FROM credentials
         WHERE (?1 IS NULL OR provider = ?1) AND (?2 IS NULL OR user = ?2)
         ORDER BY provider, user",
    )?;
    let mut rows =
        statement.query((provider.map(ProviderName::as_str), user.map(UserName::as_str)))?;
    let mut accounts = Vec::new();
    while let Some(row) = rows.next()? {
        // A name that no account can have is nobody's: it must not stop the others.
        accounts.extend(account(row));
    }
    Ok(accounts)
}

/// The clear copies of all credentials, nothing of them verified; and how many rows are so odd that
/// nothing can be read from them.
pub(crate) fn summaries(connection: &Connection) -> Result<(Vec<Summary>, usize), Error> {
    let sql = format!("SELECT {CLEAR} FROM credentials ORDER BY provider, user");
    let mut summaries = Vec::new();
    let odd = each_summary(connection, &sql, |summary| {
        summaries.push(summary);
        Ok::<_, Error>(())
    })?;
    Ok((summaries, odd))
}

/// Hands each clear copy to `each`, one after the other, so that no more than one is held at a time:
/// `sql` selects [`CLEAR`]. Returns how many rows are so odd that nothing can be read from them.
pub(super) fn each_summary<E: From<Error>>(
    connection: &Connection,
    sql: &str,
    mut each: impl FnMut(Summary) -> Result<(), E>,
) -> Result<usize, E> {
    let mut statement = connection.prepare(sql).map_err(Error::from)?;
    let mut rows = statement.query([]).map_err(Error::from)?;
    let mut odd = 0;
    while let Some(row) = rows.next().map_err(Error::from)? {
        match summary(row) {
            Ok(summary) => each(summary)?,
            Err(_) => odd += 1,
        }
    }
    Ok(odd)
}

/// Reads and opens one credential.
///
/// Fails with [`Error::Tampered`] if the seal is broken, or if what is in the clear differs from
/// what is under it.
pub(crate) fn read(
    connection: &Connection,
    key: &DataKey,
    account: &Account,
) -> Result<Option<Stored>, Error> {
    let sql = format!(
        "SELECT {CLEAR}, revision, sealed FROM credentials WHERE provider = ?1 AND user = ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((account.provider.as_str(), account.user.as_str()))?;
    rows.next()?.map(|row| opened(row, key, account)).transpose()
}

/// Reads and opens one credential, with the journal of its refresh.
///
/// Fails with [`Error::KeyRetired`] if `key` is not the current data key, and as [`read`] does.
pub(crate) fn read_with_journal(
    connection: &Connection,
    key: &DataKey,
    account: &Account,
) -> Result<Option<Found>, Error> {
    let current = header::read(connection)?;
    if current
        .is_none_or(|current| (current.vault, current.generation) != (key.vault, key.generation))
    {
        return Err(Error::KeyRetired);
    }
    let Some(stored) = read(connection, key, account)? else { return Ok(None) };
    // A journal of an earlier revision is about a refresh token that was replaced since.
    let journal =
        journal::read(connection, account)?.filter(|journal| journal.revision == stored.revision);
    Ok(Some(Found { stored, journal }))
}

/// The credential in a row that begins with [`CLEAR`], if it is the one of `account`.
fn opened(row: &Row<'_>, key: &DataKey, account: &Account) -> Result<Stored, Error> {
    let tampered = || Error::Tampered { account: account.clone() };
    let revision = u64::try_from(row.get::<_, i64>(REVISION)?).map_err(|_| tampered())?;
    let sealed = row.get_ref(SEALED)?.as_blob().map_err(|_| tampered())?;
    let credential = if covers_the_clear_copy(sealed) {
        let clear = covered(row)?;
        let text = key.open(place(account, revision, &clear), sealed).map_err(|_| tampered())?;
        parsed(&text).ok_or_else(tampered)?
    } else {
        let clear = summary(row).map_err(|_| tampered())?;
        let place = earlier_place(account, revision);
        let text = key.open(place, sealed).map_err(|_| tampered())?;
        compared(clear, &text)?.1
    };
    Ok(Stored { credential, revision })
}

/// The credential that was under a seal.
pub(super) fn parsed(text: &[u8]) -> Option<Credential> {
    // All of it is checked for UTF-8 at once, and not each text in it.
    serde_json::from_str(str::from_utf8(text).ok()?).ok()
}

/// The credential that was under a seal that does not cover the clear copy, and its true clear copy,
/// if `clear` agrees with it.
///
/// Fails with [`Error::Tampered`] if not.
pub(super) fn compared(mut clear: Summary, text: &[u8]) -> Result<(Summary, Credential), Error> {
    let Some(credential) = parsed(text) else {
        return Err(Error::Tampered { account: clear.account });
    };
    let sealed = Summary::of(&clear.account, &credential);
    // A row from before this column was kept has nothing in it, which says nothing wrong.
    clear.login_by = clear.login_by.or(sealed.login_by);
    if clear == sealed {
        Ok((sealed, credential))
    } else {
        Err(Error::Tampered { account: clear.account })
    }
}

/// Stores `credential`, over whatever was there.
pub(crate) fn put(
    transaction: &Transaction<'_>,
    key: &DataKey,
    account: &Account,
    credential: &Credential,
) -> Result<(), Error> {
    let revision = header::next_revision(transaction, key)?;
    let summary = Summary::of(account, credential);
    let columns = Columns::of(&summary);
    let sealed = seal(key, place(account, revision, &columns.covered()), credential)?;
    let behind = [ValueRef::Integer(header::stored(revision)?), ValueRef::Blob(&sealed)];
    let values = columns.names().into_iter().chain(columns.others()).chain(behind);
    let stored = transaction
        .prepare_cached(
            "INSERT INTO credentials
         (provider, user, kind, status, server_url, username, scopes, expires_at, refreshable,
          created_at, updated_at, last_refreshed_at, login_by, revision, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT (provider, user) DO UPDATE SET
          kind = excluded.kind, status = excluded.status, server_url = excluded.server_url,
          username = excluded.username, scopes = excluded.scopes,
          expires_at = excluded.expires_at, refreshable = excluded.refreshable,
          created_at = excluded.created_at, updated_at = excluded.updated_at,
          last_refreshed_at = excluded.last_refreshed_at, login_by = excluded.login_by,
          revision = excluded.revision, sealed = excluded.sealed",
        )?
        .execute(params_from_iter(values.map(ToSqlOutput::Borrowed)))?;
    // A trigger in the file could have swallowed it.
    if stored == 1 { Ok(()) } else { Err(Error::Inconsistent("it does not keep what is stored")) }
}

/// Stores `credential` over the row that was read at `expected`, and only over that one.
///
/// Returns whether it did; else the row was deleted or replaced meanwhile.
pub(crate) fn replace(
    transaction: &Transaction<'_>,
    key: &DataKey,
    account: &Account,
    credential: &Credential,
    expected: u64,
) -> Result<bool, Error> {
    if revision(transaction, account)? != Some(expected) {
        return Ok(false);
    }
    put(transaction, key, account, credential)?;
    Ok(true)
}

/// Removes a row without opening it; returns whether it was there.
pub(crate) fn remove(transaction: &Transaction<'_>, account: &Account) -> Result<bool, Error> {
    let removed = transaction
        .prepare_cached("DELETE FROM credentials WHERE provider = ?1 AND user = ?2")?
        .execute((account.provider.as_str(), account.user.as_str()))?;
    Ok(removed == 1)
}

/// Seals a credential for `place`.
pub(in crate::store) fn seal(
    key: &DataKey,
    place: SealContext<'_>,
    credential: &Credential,
) -> Result<Vec<u8>, Error> {
    let text = plaintext::to_json(credential)
        .map_err(|_| Error::Inconsistent("a credential that can't be written down"))?;
    Ok(key.seal(place, &text)?)
}

/// The revision of a row, damaged or not.
pub(crate) fn revision(connection: &Connection, account: &Account) -> Result<Option<u64>, Error> {
    let revision = connection
        .prepare_cached("SELECT revision FROM credentials WHERE provider = ?1 AND user = ?2")?
        .query_row((account.provider.as_str(), account.user.as_str()), |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(revision.and_then(|revision| u64::try_from(revision).ok()))
}

/// The place of a row's seal, which covers `clear`.
pub(super) fn place<'a>(account: &'a Account, revision: u64, clear: &'a [u8]) -> SealContext<'a> {
    let Account { provider, user } = account;
    SealContext::Row { provider: provider.as_str(), user: user.as_str(), revision, clear }
}

/// The place of a row's seal as it was before seals covered the clear copy.
pub(crate) fn earlier_place(account: &Account, revision: u64) -> SealContext<'_> {
    SealContext::Credential {
        provider: account.provider.as_str(),
        user: account.user.as_str(),
        revision,
    }
}

/// Stores `credential` as programs did before seals covered the clear copy.
#[cfg(any(test, fuzzing))]
pub(crate) fn put_earlier(
    transaction: &Transaction<'_>,
    key: &DataKey,
    account: &Account,
    credential: &Credential,
) -> Result<(), Error> {
    put(transaction, key, account, credential)?;
    let revision =
        revision(transaction, account)?.ok_or(Error::Inconsistent("it counts no revisions"))?;
    let sealed = seal(key, earlier_place(account, revision), credential)?;
    transaction.execute(
        "UPDATE credentials SET sealed = ?3 WHERE provider = ?1 AND user = ?2",
        (account.provider.as_str(), account.user.as_str(), sealed),
    )?;
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::credential::{ApiAuth, Expiry, Grant, StaticToken, Status};
    use crate::secret::{AccessToken, SecretText};
    use crate::store::sqlite::database::{Access, Database};
    use crate::store::sqlite::header::Header;
    use crate::vault::seal::VaultId;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

    pub(in crate::store) fn account(user: &str) -> Account {
        Account { provider: "acme".parse().unwrap(), user: user.parse().unwrap() }
    }

    pub(in crate::store) fn credential(token: &str) -> Credential {
        let token = Some(AccessToken::from_trusted(token.into()));
        let grant = Grant::Static(StaticToken { token, expiry: Expiry::Known(NOW) });
        let mut credential = Credential::made_up(grant, Status::Active);
        credential.api.auth = ApiAuth::Basic;
        credential.api.server_url = Some("https://acme.example/jira".parse().unwrap());
        credential.api.username = Some("alice".into());
        credential
    }

    pub(in crate::store) fn store() -> (tempfile::TempDir, Database, DataKey) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("v/tokens.db");
        let mut store = Database::open(&path, Access::Create).unwrap();
        let key = DataKey::generate(VaultId([5; 16]), 1).unwrap();
        let transaction = store.write().unwrap();
        header::insert(&transaction, Header { vault: key.vault, generation: 1 }, NOW).unwrap();
        transaction.commit().unwrap();
        (home, store, key)
    }

    pub(in crate::store) fn write(
        store: &mut Database,
        key: &DataKey,
        user: &str,
        token: &str,
    ) -> u64 {
        let transaction = store.write().unwrap();
        put(&transaction, key, &account(user), &credential(token)).unwrap();
        transaction.commit().unwrap();
        read(&store.read().unwrap(), key, &account(user)).unwrap().unwrap().revision
    }

    #[test]
    fn a_credential_comes_back_as_it_was_stored() {
        let (_home, mut store, key) = store();
        write(&mut store, &key, "x", "made-up-1");
        let transaction = store.read().unwrap();
        let stored = read(&transaction, &key, &account("x")).unwrap().unwrap();
        assert_eq!(stored.credential.token().unwrap().expose(), "made-up-1");
        assert!(read(&transaction, &key, &account("y")).unwrap().is_none());
        assert_eq!(
            summaries(&transaction).unwrap(),
            (vec![Summary::of(&account("x"), &stored.credential)], 0)
        );
    }

    #[test]
    fn only_the_revision_that_was_read_is_replaced() {
        let (_home, mut store, key) = store();
        let first = write(&mut store, &key, "x", "made-up-1");
        let second = write(&mut store, &key, "x", "made-up-2");
        let transaction = store.write().unwrap();
        let newer = credential("made-up-3");
        assert!(!replace(&transaction, &key, &account("x"), &newer, first).unwrap());
        assert!(!replace(&transaction, &key, &account("y"), &newer, second).unwrap());
        assert!(replace(&transaction, &key, &account("x"), &newer, second).unwrap());
        assert!(remove(&transaction, &account("x")).unwrap());
        transaction.commit().unwrap();
        // A row that was deleted and made anew never has the old one's revision.
        assert!(write(&mut store, &key, "x", "made-up-4") > second + 1);
    }

    #[test]
    fn nothing_is_written_under_a_retired_key() {
        let (_home, mut store, key) = store();
        let retired = DataKey::generate(key.vault, 2).unwrap();
        let transaction = store.write().unwrap();
        let refused = put(&transaction, &retired, &account("x"), &credential("made-up"));
        assert!(matches!(refused, Err(Error::KeyRetired)));
    }

    #[test]
    fn a_row_from_before_the_next_login_was_kept_opens() {
        let (_home, mut store, key) = store();
        let transaction = store.write().unwrap();
        put_earlier(&transaction, &key, &account("x"), &credential("made-up")).unwrap();
        transaction.execute("UPDATE credentials SET login_by = NULL", []).unwrap();
        assert!(read(&transaction, &key, &account("x")).unwrap().is_some());
        put(&transaction, &key, &account("x"), &credential("made-up")).unwrap();
        assert!(read(&transaction, &key, &account("x")).unwrap().is_some());
        transaction.execute("UPDATE credentials SET login_by = NULL", []).unwrap();
        let found = read(&transaction, &key, &account("x"));
        assert!(matches!(found, Err(Error::Tampered { .. })), "{found:?}");
    }

    /// Edits of a row that was stored by [`put`] or [`put_earlier`], one of each column at least.
    pub(in crate::store) const EDITS: [&str; 18] = [
        "server_url = 'https://evil.example'",
        "username = NULL",
        "username = ''",
        "kind = 'oauth'",
        "status = 'inactive'",
        "status = 'nonsense'",
        "expires_at = expires_at + 1",
        "expires_at = NULL",
        "created_at = created_at - 1",
        "updated_at = updated_at + 1",
        "last_refreshed_at = 1700000000",
        "login_by = login_by + 1",
        "scopes = 'admin'",
        "refreshable = 1",
        "revision = revision + 1",
        "sealed = zeroblob(100)",
        // Passed off as sealed otherwise than it is.
        "sealed = CAST(x'01' || substr(sealed, 2) AS BLOB), expires_at = expires_at + 1",
        "sealed = CAST(x'02' || substr(sealed, 2) AS BLOB), expires_at = expires_at + 1",
    ];

    #[test]
    fn edited_clear_columns_are_found() {
        let (_home, mut store, key) = store();
        for put in [put, put_earlier] {
            for edit in EDITS.into_iter().chain(["user = 'y'"]) {
                let transaction = store.write().unwrap();
                put(&transaction, &key, &account("x"), &credential("made-up")).unwrap();
                transaction.execute(&format!("UPDATE credentials SET {edit}"), []).unwrap();
                let user = if edit.starts_with("user ") { "y" } else { "x" };
                let found = read(&transaction, &key, &account(user));
                assert!(matches!(found, Err(Error::Tampered { .. })), "{edit}");
            }
        }
    }

    #[test]
    fn a_seal_opens_in_its_own_way_alone() {
        let (_home, mut store, key) = store();
        for (put, own) in [(put as Put, "02"), (put_earlier, "01")] {
            let transaction = store.write().unwrap();
            put(&transaction, &key, &account("x"), &credential("made-up")).unwrap();
            assert!(read(&transaction, &key, &account("x")).unwrap().is_some());
            for version in ["00", "01", "02", "03"].into_iter().filter(|it| *it != own) {
                let sql = format!(
                    "UPDATE credentials SET sealed = CAST(x'{version}' || substr(sealed, 2) AS BLOB)"
                );
                transaction.execute(&sql, []).unwrap();
                let found = read(&transaction, &key, &account("x"));
                assert!(matches!(found, Err(Error::Tampered { .. })), "{version}: {found:?}");
            }
        }
    }

    type Put = fn(&Transaction<'_>, &DataKey, &Account, &Credential) -> Result<(), Error>;
}
