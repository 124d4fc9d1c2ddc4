//! The columns of `credentials_2` in the clear, read for lists: nothing of them is verified.

use rusqlite::{Connection, Row};

use super::clear::{BEHIND_CLEAR, CLEAR, summary};
use super::evidence;
use crate::model::attempt::Attempt;
use crate::model::summary::Summary;
use crate::store::error::Error;

/// The clear copies of all credentials, nothing of them verified; and how many rows are so odd that
/// nothing can be read from them.
pub(crate) fn summaries(connection: &Connection) -> Result<(Vec<Summary>, usize), Error> {
    let sql = format!("SELECT {CLEAR} FROM credentials_2 ORDER BY provider, user");
    let mut summaries = Vec::new();
    let odd = each_row(connection, &sql, |summary, _| {
        summaries.push(summary);
        Ok::<_, Error>(())
    })?;
    Ok((summaries, odd))
}

/// Hands each row to `each`, one after the other, with its clear copy: `sql` begins with [`CLEAR`].
/// Returns how many rows are so odd that nothing can be read from them.
fn each_row<E: From<Error>>(
    connection: &Connection,
    sql: &str,
    mut each: impl FnMut(Summary, &Row<'_>) -> Result<(), E>,
) -> Result<usize, E> {
    let mut statement = connection.prepare(sql).map_err(Error::from)?;
    let mut rows = statement.query([]).map_err(Error::from)?;
    let mut odd = 0;
    while let Some(row) = rows.next().map_err(Error::from)? {
        match summary(row) {
            Ok(summary) => each(summary, row)?,
            Err(_) => odd += 1,
        }
    }
    Ok(odd)
}

/// Reads the clear copy of each credential with the texts of its evidence, nothing of it verified,
/// and hands it to `each`: one after the other, so that no more than one is held at a time. Returns
/// how many rows are so odd that nothing can be read from them.
pub(crate) fn each_with_evidence<E: From<Error>>(
    connection: &Connection,
    mut each: impl FnMut(Summary, Option<Attempt>, bool) -> Result<(), E>,
) -> Result<usize, E> {
    let sql = format!(
        "SELECT {CLEAR}, last_attempt, journal IS NOT NULL FROM credentials_2
         ORDER BY provider, user"
    );
    each_row(connection, &sql, |summary, row| {
        let last = row.get_ref(BEHIND_CLEAR).ok().and_then(|text| text.as_str().ok());
        let in_doubt = row.get(BEHIND_CLEAR + 1).map_err(Error::from)?;
        each(summary, last.and_then(evidence::parse_attempt), in_doubt)
    })
}
