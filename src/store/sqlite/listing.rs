//! The columns of `credentials_2` in the clear, read for lists: nothing of them is verified.

use std::ops::ControlFlow;

use rusqlite::{Connection, Row};

use super::clear::{BEHIND_CLEAR, CLEAR, summary};
use super::evidence;
use super::lookup::each_row;
use crate::model::account::{Account, AccountFilter};
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

/// The clear copies of `filter` that are to be kept, in the order of their names, nothing of them
/// verified. Rows that are so odd that nothing can be read from them are left out.
pub(crate) fn summaries(
    connection: &Connection,
    filter: AccountFilter<'_>,
    mut keep: impl FnMut(&Summary) -> bool,
) -> Result<Vec<Summary>, Error> {
    let mut summaries = Vec::new();
    let mut add = |row: &Row<'_>| summaries.extend(summary(row).ok().filter(&mut keep));
    if filter.is_all() {
        // In the order of the names, SQLite would read a page of the file for each row.
        let mut statement = connection.prepare(&format!("SELECT {CLEAR} FROM credentials_2"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            add(row);
        }
    } else {
        each_row(connection, CLEAR, filter, |row| {
            add(row);
            Ok::<_, Error>(ControlFlow::Continue(()))
        })?;
    }
    summaries.sort_unstable_by(|one, other| one.account.cmp(&other.account));
    Ok(summaries)
}

/// Reads the clear copy of each credential of `filter` with the texts of its evidence, nothing of it verified,
/// and hands it to `each`, in the order of their names: one after the other, so that no more than one
/// is held at a time. Returns how many rows are so odd that nothing can be read from them.
pub(crate) fn each_with_evidence<E: From<Error>>(
    connection: &Connection,
    filter: AccountFilter<'_>,
    mut each: impl FnMut(Summary, Option<Attempt>, bool) -> Result<(), E>,
) -> Result<usize, E> {
    let columns = format!("{CLEAR}, last_attempt, journal IS NOT NULL");
    let mut odd = 0;
    each_row(connection, &columns, filter, |row| {
        let Ok(summary) = summary(row) else {
            odd += 1;
            return Ok(ControlFlow::Continue(()));
        };
        let last = row.get_ref(BEHIND_CLEAR).ok().and_then(|text| text.as_str().ok());
        let in_doubt = row.get(BEHIND_CLEAR + 1).map_err(Error::from)?;
        each(summary, last.and_then(evidence::parse_attempt), in_doubt)?;
        Ok::<_, E>(ControlFlow::Continue(()))
    })?;
    Ok(odd)
}
