//! A look at every row: which open, and what is in them.

use rusqlite::Connection;

use super::header;
use super::row_seal::parsed;
use super::rows::{Clear, Content, Keys, Rows, Sealed};
use super::workers::work_through;
use crate::model::account::{Account, ProviderName};
use crate::model::credential::Credential;
use crate::store::error::Error;
use crate::vault::seal::DataKey;

/// The rows that do not open.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The credentials that are damaged or were tampered with.
    pub(crate) accounts: Vec<Account>,
    /// The number of rows whose name no credential can have.
    pub(crate) nameless: usize,
}

/// The number of rows, whatever is in them.
pub(crate) fn count(connection: &Connection) -> Result<u64, Error> {
    let count: i64 =
        connection.query_row("SELECT count(*) FROM credentials_2", [], |row| row.get(0))?;
    u64::try_from(count).map_err(|_| Error::Inconsistent("a negative number of rows"))
}

/// Opens every credential and checks its evidence, and tells how many there are, and which do not
/// open.
pub(crate) fn examine(
    connection: &Connection,
    key: &DataKey,
    mut progress: impl FnMut(u64),
) -> Result<(u64, Damage), Error> {
    let form = header::check(connection, key)?;
    let (mut count, mut damage) = (0, Damage::default());
    let mut rows = Rows::of(connection, form)?;
    let key = Keys::of(key);
    let look = |batch: Vec<Sealed>| {
        batch.into_iter().map(|sealed| check(sealed, &key)).collect::<Vec<_>>()
    };
    work_through(
        || rows.batch(),
        &look,
        |found| {
            for found in found {
                match found {
                    Ok(()) => {}
                    Err(Error::Tampered { account }) => damage.accounts.push(account),
                    Err(_) => damage.nameless += 1,
                }
                count += 1;
            }
            progress(count);
            Ok(())
        },
    )?;
    Ok((count, damage))
}

/// Opens the credentials of `provider`, or all, and hands `take` what `look` makes of each, in the
/// order of the file, or [`Error::Tampered`]. A row whose name no credential can have is left out.
pub(crate) fn each_opened<T: Send>(
    connection: &Connection,
    key: &DataKey,
    provider: Option<&ProviderName>,
    look: &(impl Fn(&Account, &Credential) -> T + Sync),
    take: &mut impl FnMut(Account, Result<T, Error>),
) -> Result<(), Error> {
    let form = header::check(connection, key)?;
    let mut rows = Rows::of(connection, form)?;
    let key = Keys::of(key);
    let opened = |sealed: Sealed| {
        let content = match sealed.content {
            Ok(content) => content,
            Err(Error::Tampered { account }) => {
                return Some((account.clone(), Err(Error::Tampered { account })));
            }
            Err(_) => return None,
        };
        let account = content.account.clone();
        if provider.is_some_and(|named| *named != account.provider) {
            return None;
        }
        let looked = content.credential(&key).map(|credential| look(&account, &credential));
        Some((account, looked))
    };
    work_through(
        || rows.batch(),
        &|batch: Vec<Sealed>| batch.into_iter().filter_map(opened).collect::<Vec<_>>(),
        |found| {
            for (account, looked) in found {
                if provider.is_none_or(|named| *named == account.provider) {
                    take(account, looked);
                }
            }
            Ok(())
        },
    )
}

/// Opens a row. Fails as reading it did, or with [`Error::Tampered`].
fn check(sealed: Sealed, key: &Keys<'_>) -> Result<(), Error> {
    let (Content { account, clear, .. }, opened) = sealed.content?.open(key)?;
    match clear {
        Clear::Covered(_) => parsed(opened.text()).map(drop).ok_or(Error::Tampered { account }),
        Clear::Compared(_) => Ok(()),
    }
}
