//! The table `attempts`: the last time that a provider was asked about a credential.

use std::cmp::Ordering;

use rusqlite::{Connection, OptionalExtension, Rows, Transaction};

use super::clear::CLEAR;
use super::credentials::each_summary;
use super::standings;
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::summary::Summary;
use crate::store::error::Error;
use crate::untrusted::printable;

/// The last attempt for one credential. One that can't be read counts as none: it is evidence, not
/// authority.
pub(crate) fn read(connection: &Connection, account: &Account) -> Result<Option<Attempt>, Error> {
    let last: Option<Option<String>> = connection
        .prepare_cached("SELECT last FROM attempts WHERE provider = ?1 AND user = ?2")?
        .query_row((account.provider.as_str(), account.user.as_str()), |row| Ok(row.get(0).ok()))
        .optional()?;
    Ok(last.flatten().as_deref().and_then(parse))
}

/// The last attempt for each credential; those that can't be read are left out.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Attempt>, Error> {
    let mut statement = connection.prepare_cached("SELECT last FROM attempts")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(row.get::<_, String>(0).ok().as_deref().and_then(parse));
    }
    Ok(found)
}

/// Hands the clear copy of each credential, nothing of it verified, to `each` with its last attempt;
/// one after the other, so that no more than one is held at a time. Returns how many rows are so odd
/// that nothing can be read from them.
pub(crate) fn with_summaries<E: From<Error>>(
    connection: &Connection,
    mut each: impl FnMut(Summary, Option<Attempt>) -> Result<(), E>,
) -> Result<usize, E> {
    // Side by side, in the order of the names: a join would search for each account.
    let credentials = format!("SELECT {CLEAR} FROM credentials ORDER BY provider, user");
    let attempts = "SELECT provider, user, last FROM attempts ORDER BY provider, user";
    let mut attempts = connection.prepare(attempts).map_err(Error::from)?;
    let mut attempts = attempts.query([]).map_err(Error::from)?;
    let mut next = following(&mut attempts)?;
    each_summary(connection, &credentials, |summary| {
        let Account { provider, user } = &summary.account;
        let account = (provider.as_str(), user.as_str());
        let mut last = None;
        while let Some(Named { provider, user, last: found }) = &next {
            match (provider.as_str(), user.as_str()).cmp(&account) {
                Ordering::Less => {}
                Ordering::Equal => last = found.as_deref().and_then(parse),
                Ordering::Greater => break,
            }
            next = following(&mut attempts)?;
        }
        each(summary, last)
    })
}

/// A row of this table.
struct Named {
    provider: String,
    user: String,
    last: Option<String>,
}

/// The next row that has names.
fn following(rows: &mut Rows<'_>) -> Result<Option<Named>, Error> {
    while let Some(row) = rows.next()? {
        if let (Ok(provider), Ok(user)) = (row.get(0), row.get(1)) {
            return Ok(Some(Named { provider, user, last: row.get(2).ok() }));
        }
    }
    Ok(None)
}

/// The attempt that is written as `last`. Its texts are made fit to be shown, since they may have
/// been edited.
fn parse(last: &str) -> Option<Attempt> {
    let attempt: Attempt = serde_json::from_str(last).ok()?;
    let shown = |text: Option<String>| text.as_deref().map(printable);
    Some(Attempt { error: shown(attempt.error), message: shown(attempt.message), ..attempt })
}

/// Writes the last attempt of one credential down, over the one before.
pub(crate) fn put(
    transaction: &Transaction<'_>,
    account: &Account,
    attempt: &Attempt,
) -> Result<(), Error> {
    let last = serde_json::to_string(attempt)
        .map_err(|_| Error::Inconsistent("an attempt that can't be written"))?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO attempts (provider, user, last) VALUES (?1, ?2, ?3)",
        )?
        .execute((account.provider.as_str(), account.user.as_str(), last))?;
    Ok(())
}

/// Forgets the last attempt for one credential, and what was told of its health.
pub(crate) fn remove(transaction: &Transaction<'_>, account: &Account) -> Result<(), Error> {
    transaction
        .prepare_cached("DELETE FROM attempts WHERE provider = ?1 AND user = ?2")?
        .execute((account.provider.as_str(), account.user.as_str()))?;
    standings::remove(transaction, account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::credentials::tests::{account, store, write};

    #[test]
    fn each_credential_comes_with_its_own_attempt() {
        let (_home, mut store, key) = store();
        for user in ["b", "ab", "d", "c"] {
            write(&mut store, &key, user, "made-up");
        }
        let transaction = store.write().unwrap();
        // Some are no credential's.
        for user in ["0", "ab", "bb", "c", "x"] {
            let last = format!(
                r#"{{"action":"check","began_at":"2023-11-14T22:13:20Z",
                "ended_at":"2023-11-14T22:13:20Z","outcome":"passing","message":"{user}"}}"#
            );
            put(&transaction, &account(user), &parse(&last).unwrap()).unwrap();
        }
        // And one can't be read.
        transaction.execute("INSERT INTO attempts VALUES ('acme', 'b', 'nonsense')", []).unwrap();
        let mut found = Vec::new();
        let odd = with_summaries(&transaction, |summary, last| {
            found.push((summary.account.user.to_string(), last.and_then(|last| last.message)));
            Ok::<_, Error>(())
        });
        assert_eq!(odd.unwrap(), 0);
        let own = |user: &str| (user.to_owned(), Some(user.to_owned()));
        let none = |user: &str| (user.to_owned(), None);
        assert_eq!(found, [own("ab"), none("b"), own("c"), none("d")]);
    }
}
