//! The token store of the Salla SDK's example: the table `tokens`, which has a row for each user, in
//! a SQLite file or dumped from another database.

use std::path::Path;

use serde_json::{Map, Value};

use super::error::Error;
use super::record::{Fault, Found, Held, HeldGrant, IssuedTo, Label, Record};
use super::row::Row;
use super::table::{self, Table, TableRow, TableRows};
use super::text::{self, ValueFault};
use super::times;
use crate::model::scope::Scopes;

const TABLES: [Table; 1] = [Table {
    name: "tokens",
    columns: &[
        "user_id",
        "access_token",
        "refresh_token",
        "token_type",
        "expires_at",
        "created_at",
        "updated_at",
    ],
    needed: &["user_id", "access_token", "refresh_token", "expires_at"],
    fits: |row| times::is_time(row, "expires_at"),
    label: |row| (Some("salla"), text::user(row, "user_id")),
}];

/// Reads the store at `path`.
pub(crate) fn read(path: &Path) -> Result<Found, Error> {
    let what = "no database or dump with the table `tokens` of the Salla SDK";
    let TableRows { rows, files, .. } = table::read(path, &TABLES, what)?;
    let mut found = Found { files, ..Found::default() };
    for TableRow { label, row, .. } in rows {
        found.add(label.clone(), row.and_then(|row| record(&row, label)));
    }
    Ok(found)
}

fn record(row: &Row, label: Label) -> Result<Record, Fault> {
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
    Ok(HeldGrant {
        access_token: Some(text::access_token(access_token)?),
        token_type: text::token_type(row)?,
        expiry: times::end(row, end)?,
        issued_at: text::field(row, "updated_at")?.and_then(|text| times::time(&text).ok()),
        refresh_token: text::field(row, "refresh_token")?.map(text::refresh_token).transpose()?,
        scopes: Scopes::default(),
        issued_to: IssuedTo::Configured,
        quota_project: None,
    })
}
