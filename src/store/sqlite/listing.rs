//! The columns of `credentials_2` in the clear, read for lists: nothing of them is verified.

use rusqlite::Connection;

use super::clear::{BEHIND_CLEAR, CLEAR, summary};
use super::evidence;
use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::summary::Summary;
use crate::store::error::Error;

/// The clear copy of one credential, nothing of it verified; `None` if there is none, or none that
/// can be read.
pub(crate) fn summary_of(
    connection: &Connection,
    account: &Account,
) -> Result<Option<Summary>, Error> {
    let sql = format!("SELECT {CLEAR} FROM credentials_2 WHERE provider = ?1 AND user = ?2");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query((account.provider.as_str(), account.user.as_str()))?;
    Ok(rows.next()?.and_then(|row| summary(row).ok()))
}

/// The clear copies that are to be kept, in the order of their names, nothing of them verified. Rows
/// that are so odd that nothing can be read from them are left out.
pub(crate) fn summaries(
    connection: &Connection,
    mut keep: impl FnMut(&Summary) -> bool,
) -> Result<Vec<Summary>, Error> {
    // In the order of the names, SQLite would read a page of the file for each row.
    let mut statement = connection.prepare(&format!("SELECT {CLEAR} FROM credentials_2"))?;
    let mut rows = statement.query([])?;
    let mut summaries = Vec::new();
    while let Some(row) = rows.next()? {
        summaries.extend(summary(row).ok().filter(&mut keep));
    }
    summaries.sort_unstable_by(|one, other| one.account.cmp(&other.account));
    Ok(summaries)
}

/// Reads the clear copy of each credential with the texts of its evidence, nothing of it verified,
/// and hands it to `each`, in the order of their names: one after the other, so that no more than one
/// is held at a time. Returns how many rows are so odd that nothing can be read from them.
pub(crate) fn each_with_evidence<E: From<Error>>(
    connection: &Connection,
    mut each: impl FnMut(Summary, Option<Attempt>, bool) -> Result<(), E>,
) -> Result<usize, E> {
    let sql = format!(
        "SELECT {CLEAR}, last_attempt, journal IS NOT NULL FROM credentials_2
         ORDER BY provider, user"
    );
    let mut statement = connection.prepare(&sql).map_err(Error::from)?;
    let mut rows = statement.query([]).map_err(Error::from)?;
    let mut odd = 0;
    while let Some(row) = rows.next().map_err(Error::from)? {
        let Ok(summary) = summary(row) else {
            odd += 1;
            continue;
        };
        let last = row.get_ref(BEHIND_CLEAR).ok().and_then(|text| text.as_str().ok());
        let in_doubt = row.get(BEHIND_CLEAR + 1).map_err(Error::from)?;
        each(summary, last.and_then(evidence::parse_attempt), in_doubt)?;
    }
    Ok(odd)
}
