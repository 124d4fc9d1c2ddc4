//! The columns of the table `credentials_2` that stand in the clear, a copy of some of what is sealed.
//!
//! Knows how they are written, how they are read, and how a seal covers them. Refuses to know what
//! is under the seal.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::values::{Covered, time};
use crate::model::account::Account;
use crate::model::credential::Status;
use crate::model::scope::Scopes;
use crate::model::summary::{Kind, Summary};
use crate::store::error::Error;

/// The columns in the clear, in the order in which [`summary`] reads them.
pub(super) const CLEAR: &str = "provider, user, kind, status, server_url, username, scopes, expires_at, \
                     refreshable, created_at, updated_at, last_refreshed_at, login_by";

/// The number of columns that hold the account's names, which are the first.
const NAMES: usize = 2;

/// The number of columns in the clear, and so the place of what is selected behind [`CLEAR`].
pub(super) const BEHIND_CLEAR: usize = 13;

/// The number of columns in the clear beside the names.
const OTHERS: usize = BEHIND_CLEAR - NAMES;

/// The clear copy of a credential, in the values that its row holds.
pub(super) struct Columns<'a> {
    summary: &'a Summary,
    scopes: String,
}

impl<'a> Columns<'a> {
    pub(super) fn of(summary: &'a Summary) -> Self {
        Self { summary, scopes: summary.scopes.to_string() }
    }

    /// The account's names.
    pub(super) fn names(&self) -> [ValueRef<'_>; NAMES] {
        let Account { provider, user } = &self.summary.account;
        [text(provider.as_str()), text(user.as_str())]
    }

    /// The columns beside the names.
    pub(super) fn others(&self) -> [ValueRef<'_>; OTHERS] {
        let Summary { kind, status, server_url, username, refreshable, .. } = self.summary;
        let Summary { expires_at, created_at, updated_at, last_refreshed_at, login_by, .. } =
            self.summary;
        let second = |time: Timestamp| ValueRef::Integer(time.as_second());
        let perhaps = |time: &Option<Timestamp>| time.map_or(ValueRef::Null, second);
        [
            text(kind_text(*kind)),
            text(status_text(*status)),
            server_url.as_deref().map_or(ValueRef::Null, text),
            username.as_deref().map_or(ValueRef::Null, text),
            text(&self.scopes),
            perhaps(expires_at),
            ValueRef::Integer((*refreshable).into()),
            second(*created_at),
            second(*updated_at),
            perhaps(last_refreshed_at),
            perhaps(login_by),
        ]
    }

    /// The columns beside the names, as a seal covers them.
    pub(super) fn covered(&self) -> Vec<u8> {
        let mut covered = Covered::new();
        for value in self.others() {
            covered.push(value);
        }
        covered.into_bytes()
    }
}

fn text(text: &str) -> ValueRef<'_> {
    ValueRef::Text(text.as_bytes())
}

/// The columns of a row beside the names, as a seal covers them. `row` begins with [`CLEAR`].
pub(super) fn covered(row: &Row<'_>) -> Result<Vec<u8>, Error> {
    let mut covered = Covered::new();
    for column in NAMES..BEHIND_CLEAR {
        covered.push(row.get_ref(column)?);
    }
    Ok(covered.into_bytes())
}

/// The error for a column that holds no text where a text should stand.
const ODD: Error = Error::Inconsistent("a column of another type");

/// The account of a row that begins with [`CLEAR`], or with the names alone.
pub(super) fn account(row: &Row<'_>) -> Result<Account, Error> {
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(|_| ODD);
    Ok(Account {
        provider: text(0)?.parse().map_err(|_| Error::Inconsistent("a malformed provider name"))?,
        user: text(1)?.parse().map_err(|_| Error::Inconsistent("a malformed user name"))?,
    })
}

/// The clear copy in a row that begins with [`CLEAR`], nothing of it verified.
pub(super) fn summary(row: &Row<'_>) -> Result<Summary, Error> {
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(|_| ODD);
    let (kind, status) = (text(2)?, text(3)?);
    Ok(Summary {
        account: account(row)?,
        kind: [Kind::Static, Kind::OAuth]
            .into_iter()
            .find(|&known| kind == kind_text(known))
            .ok_or(Error::Inconsistent("a credential of an unknown kind"))?,
        status: [Status::Active, Status::LoginRequired, Status::Inactive, Status::HandedOver]
            .into_iter()
            .find(|&known| status == status_text(known))
            .ok_or(Error::Inconsistent("a credential of an unknown status"))?,
        server_url: row.get(4)?,
        username: row.get(5)?,
        scopes: Scopes::parse(text(6)?),
        expires_at: row.get::<_, Option<i64>>(7)?.map(time).transpose()?,
        refreshable: row.get(8)?,
        created_at: time(row.get(9)?)?,
        updated_at: time(row.get(10)?)?,
        last_refreshed_at: row.get::<_, Option<i64>>(11)?.map(time).transpose()?,
        login_by: row.get::<_, Option<i64>>(12)?.map(time).transpose()?,
    })
}

fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Static => "static",
        Kind::OAuth => "oauth",
    }
}

fn status_text(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::LoginRequired => "login_required",
        Status::Inactive => "inactive",
        Status::HandedOver => "handed_over",
    }
}
