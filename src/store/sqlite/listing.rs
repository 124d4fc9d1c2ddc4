//! The columns of `credentials_2` in the clear, read for lists: nothing of them is verified.

use rusqlite::{Connection, Statement};

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

/// The number of rows that are held at a time. More of them would be read a little faster.
const GROUP: usize = if cfg!(test) { 3 } else { 16 * 1024 };

/// A row for a list: its clear copy, its last attempt, and whether a refresh is in doubt.
type Listed = (Summary, Option<Attempt>, bool);

/// Reads the clear copy of each credential with the texts of its evidence, nothing of it verified,
/// and hands it to `each`, in the order of their names and with no more than [`GROUP`] held at a
/// time. Returns how many rows are so odd that nothing can be read from them.
pub(crate) fn each_with_evidence<E: From<Error>>(
    connection: &Connection,
    mut each: impl FnMut(Summary, Option<Attempt>, bool) -> Result<(), E>,
) -> Result<usize, E> {
    let prepare = |sql: &str| connection.prepare(sql).map_err(Error::from);
    // The index has all that this needs.
    let mut numbers = prepare("SELECT rowid FROM credentials_2 ORDER BY provider, user")?;
    let mut numbers = numbers.query([]).map_err(Error::from)?;
    let mut row = prepare(&format!(
        "SELECT {CLEAR}, last_attempt, journal IS NOT NULL FROM credentials_2 WHERE rowid = ?1"
    ))?;
    let mut odd = 0;
    loop {
        let mut group = Vec::new();
        while group.len() < GROUP
            && let Some(number) = numbers.next().map_err(Error::from)?
        {
            group.push(number.get(0).map_err(Error::from)?);
        }
        if group.is_empty() {
            return Ok(odd);
        }
        for listed in read_group(&mut row, &group)? {
            match listed {
                Some((summary, last, in_doubt)) => each(summary, last, in_doubt)?,
                None => odd += 1,
            }
        }
    }
}

/// Reads the rows with these numbers in the order in which they lie in the file, and returns them in
/// the order of the numbers; `None` for one from which nothing can be read.
fn read_group(
    statement: &mut Statement<'_>,
    numbers: &[i64],
) -> Result<Vec<Option<Listed>>, Error> {
    let mut in_file: Vec<_> = numbers.iter().enumerate().collect();
    in_file.sort_unstable_by_key(|(_, number)| **number);
    let mut group: Vec<_> = numbers.iter().map(|_| None).collect();
    for (place, number) in in_file {
        let mut rows = statement.query([number])?;
        let Some(row) = rows.next()? else { continue };
        let Ok(summary) = summary(row) else { continue };
        let last = row.get_ref(BEHIND_CLEAR).ok().and_then(|text| text.as_str().ok());
        let in_doubt = row.get(BEHIND_CLEAR + 1)?;
        group[place] = Some((summary, last.and_then(evidence::parse_attempt), in_doubt));
    }
    Ok(group)
}
