//! The token store of the Salla SDK's example: a SQLite file with the table `tokens`, which has a
//! row for each user.

use std::path::Path;

use serde_json::{Map, Value};

use super::error::Error;
use super::record::{Fault, Found, Held, HeldGrant, IssuedTo, Label, Record};
use super::sqlite::Database;
use super::text::{self, ValueFault};
use crate::model::credential::Expiry;
use crate::model::scope::Scopes;

/// Reads the store at `path`.
pub(crate) fn read(path: &Path) -> Result<Found, Error> {
    let database = Database::open(path)?;
    if !database.has("tokens", &["user_id", "access_token", "refresh_token", "expires_at"])? {
        let what = "a database without the table `tokens` of the Salla SDK";
        return Err(Error::OtherKind { path: path.to_owned(), what, instead: None });
    }
    let mut found = Found { files: database.files.clone(), ..Found::default() };
    for (origin, row) in database.rows("tokens")? {
        let label = Label { provider: Some("salla"), user: text::user(&row, "user_id"), origin };
        found.add(label.clone(), record(&row, label));
    }
    Ok(found)
}

fn record(row: &Map<String, Value>, label: Label) -> Result<Record, Fault> {
    Ok(Record {
        label,
        server: None,
        username: None,
        inactive: false,
        held: Held::Grant(Box::new(grant(row, "expires_at")?)),
    })
}

/// Reads a grant whose fields are columns of their own, with its end in the column `end`. Its
/// client is the one that the program was configured with.
pub(super) fn grant(row: &Map<String, Value>, end: &str) -> Result<HeldGrant, ValueFault> {
    let access_token = text::field(row, "access_token")?.ok_or("it has no access token")?;
    let end = text::field(row, end)?.map(|text| text::time(&text)).transpose()?;
    Ok(HeldGrant {
        access_token: Some(text::access_token(access_token)?),
        token_type: text::token_type(row)?,
        expiry: end.map_or(Expiry::Unknown, Expiry::Known),
        issued_at: text::field(row, "updated_at")?.and_then(|text| text::time(&text).ok()),
        refresh_token: text::field(row, "refresh_token")?.map(text::refresh_token).transpose()?,
        scopes: Scopes::default(),
        issued_to: IssuedTo::Configured,
    })
}
