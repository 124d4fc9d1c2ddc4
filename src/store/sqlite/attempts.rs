//! The table `attempts`: the last time that a provider was asked about a credential.

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::clear::{BEHIND_CLEAR, CLEAR};
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

/// What is in the clear of each credential, nothing of it verified, with its last attempt; one after
/// the other, so that no more than one is held at a time. Returns how many rows are so odd that
/// nothing can be read from them.
pub(crate) fn with_summaries<E: From<Error>>(
    connection: &Connection,
    mut each: impl FnMut(Summary, Option<Attempt>) -> Result<(), E>,
) -> Result<usize, E> {
    let sql = format!(
        "SELECT {CLEAR}, last FROM credentials LEFT JOIN attempts USING (provider, user)
         ORDER BY provider, user"
    );
    each_summary(connection, &sql, |summary, row| {
        let last: Option<String> = row.get(BEHIND_CLEAR).ok();
        each(summary, last.as_deref().and_then(parse))
    })
}

/// What stands in the clear may have been edited: its texts are made fit to be shown.
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

/// Forgets what is known of one credential's attempts, and what was told of them.
pub(crate) fn remove(transaction: &Transaction<'_>, account: &Account) -> Result<(), Error> {
    transaction
        .prepare_cached("DELETE FROM attempts WHERE provider = ?1 AND user = ?2")?
        .execute((account.provider.as_str(), account.user.as_str()))?;
    standings::remove(transaction, account)
}
