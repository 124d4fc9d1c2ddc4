//! The table `refresh_journal`: refreshes whose request may have been sent and whose answer was
//! not stored yet.
//!
//! A row is committed before the request and goes with the commit of its answer. One that is
//! found later tells that a process died, or a reply was lost, in between.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::header;
use super::header::time;
use crate::model::account::Account;
use crate::store::error::Error;
use crate::store::record::Journal;

/// The journal of one credential.
pub(crate) fn read(connection: &Connection, account: &Account) -> Result<Option<Journal>, Error> {
    let found = connection
        .prepare_cached(
            "SELECT revision, attempt, started_at FROM refresh_journal
             WHERE provider = ?1 AND user = ?2",
        )?
        .query_row((account.provider.as_str(), account.user.as_str()), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?))
        })
        .optional()?;
    found
        .map(|(revision, attempt, started_at)| {
            let revision =
                u64::try_from(revision).map_err(|_| Error::Inconsistent("a negative revision"))?;
            // Behind the name of the attempt; absent in what an earlier program wrote.
            let (attempt, rest) = attempt
                .split_first_chunk()
                .ok_or(Error::Inconsistent("a journal without an attempt"))?;
            let (started, lease) = serde_json::from_slice(rest).unwrap_or_default();
            Ok(Journal {
                revision,
                attempt: *attempt,
                started_at: time(started_at)?,
                started,
                lease,
            })
        })
        .transpose()
}

/// The accounts whose last refresh got no certain answer.
pub(crate) fn accounts(connection: &Connection) -> Result<BTreeSet<(String, String)>, Error> {
    let sql = "SELECT provider, user FROM refresh_journal JOIN credentials
               USING (provider, user, revision)";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The accounts whose last refresh got no certain answer, and when it began.
pub(crate) fn interrupted(connection: &Connection) -> Result<Vec<(Account, Timestamp)>, Error> {
    let sql = "SELECT provider, user, started_at FROM refresh_journal JOIN credentials
               USING (provider, user, revision) ORDER BY provider, user";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (provider, user): (String, String) = (row.get(0)?, row.get(1)?);
        // Such names are no account's, and told with all that does not open.
        let (Ok(provider), Ok(user)) = (provider.parse(), user.parse()) else { continue };
        found.push((Account { provider, user }, time(row.get(2)?)?));
    }
    Ok(found)
}

/// Writes the journal of one credential, over an older one.
pub(crate) fn put(
    transaction: &Transaction<'_>,
    account: &Account,
    journal: &Journal,
) -> Result<(), Error> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO refresh_journal (provider, user, revision, attempt, started_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            account.provider.as_str(),
            account.user.as_str(),
            header::stored(journal.revision)?,
            [
                journal.attempt.as_slice(),
                &serde_json::to_vec(&(&journal.started, &journal.lease)).unwrap_or_default(),
            ]
            .concat(),
            journal.started_at.as_second(),
        ))?;
    Ok(())
}

/// Clears the journal of one credential.
pub(crate) fn remove(transaction: &Transaction<'_>, account: &Account) -> Result<(), Error> {
    transaction
        .prepare_cached("DELETE FROM refresh_journal WHERE provider = ?1 AND user = ?2")?
        .execute((account.provider.as_str(), account.user.as_str()))?;
    Ok(())
}
