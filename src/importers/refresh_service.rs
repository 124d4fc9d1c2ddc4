//! The tables of a service that refreshes tokens of Etsy and Shopify: `etsy_users` and
//! `shopify_stores`, in a SQLite file, or one of them dumped as CSV.

use std::path::Path;

use serde_json::Value;

use super::error::Error;
use super::record::{Fault, Found, Held, Label, Owner, Record};
use super::row::Row;
use super::salla;
use super::sqlite::{self, Database};
use super::text;
use crate::model::credential::{Expiry, StaticToken};

/// A table, recognised by the columns that it has to have.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    label: fn(&Row, String) -> Label,
    record: fn(&Row, Label) -> Result<Record, Fault>,
}

const TABLES: [Table; 2] = [
    Table {
        name: "etsy_users",
        columns: &["user_id", "access_token", "refresh_token", "token_expires_at"],
        label: |row, origin| Label {
            provider: Some("etsy"),
            user: text::user(row, "user_id"),
            origin,
        },
        record: etsy,
    },
    Table {
        name: "shopify_stores",
        columns: &["shop_domain", "access_token"],
        // A shop's number has no meaning outside of that service.
        label: |row, origin| Label {
            provider: Some("shopify"),
            user: text::user(row, "shop_domain"),
            origin,
        },
        record: shopify,
    },
];

/// Reads the file at `path`.
pub(crate) fn read(path: &Path) -> Result<Found, Error> {
    if sqlite::is_one(path) { database(path) } else { dump(path) }
}

fn database(path: &Path) -> Result<Found, Error> {
    let database = Database::open(path)?;
    let mut found = Found { files: database.files.clone(), ..Found::default() };
    let mut known = 0;
    for Table { name, columns, label, record } in TABLES {
        if database.has(name, columns)? {
            known += 1;
            for (origin, row) in database.rows(name)? {
                let label = label(&row, origin);
                found.add(label.clone(), record(&row, label));
            }
        }
    }
    if known == 0 {
        return Err(other(path, "a database with neither `etsy_users` nor `shopify_stores`"));
    }
    Ok(found)
}

fn dump(path: &Path) -> Result<Found, Error> {
    let text = text::read(path)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(&text))
        .trim(csv::Trim::Headers)
        .from_reader(text.as_bytes());
    let headers = reader.headers().cloned().unwrap_or_default();
    let headers: csv::StringRecord = headers.iter().map(str::to_ascii_lowercase).collect();
    let has = |column: &&str| headers.iter().any(|header| header == *column);
    let table = TABLES
        .into_iter()
        .find(|table| table.columns.iter().all(&has))
        .ok_or_else(|| other(path, "neither a SQLite file nor a CSV dump of such a table"))?;
    let mut found = Found { files: vec![path.to_owned()], ..Found::default() };
    let mut line = csv::StringRecord::new();
    loop {
        let origin = format!("line {}", reader.position().line());
        match reader.read_record(&mut line) {
            Ok(false) => return Ok(found),
            Ok(true) => {
                let values =
                    headers.iter().zip(&line).map(|(name, value)| (name.to_owned(), field(value)));
                let row: Row = values.collect();
                let label = (table.label)(&row, origin);
                found.add(label.clone(), (table.record)(&row, label));
            }
            Err(_) => {
                let label = Label { provider: None, user: Owner::Unsaid, origin };
                let what = "it has not as many fields as the first line";
                found.add(label, Err(Fault::Malformed(what)));
            }
        }
    }
}

/// Returns what separates the fields of a dump, by its first line: a tab (`mysql -B`), a semicolon
/// (spreadsheets) or a comma.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    [b'\t', b';'].into_iter().find(|byte| first.as_bytes().contains(byte)).unwrap_or(b',')
}

/// Reads a field of a dump; PostgreSQL writes `\N` for NULL.
fn field(value: &str) -> Value {
    if value == "\\N" { Value::Null } else { Value::String(value.to_owned()) }
}

fn etsy(row: &Row, label: Label) -> Result<Record, Fault> {
    let held = Held::Grant(Box::new(salla::grant(row, "token_expires_at")?));
    Ok(Record { label, server: None, username: None, inactive: false, held })
}

fn shopify(row: &Row, label: Label) -> Result<Record, Fault> {
    let domain = text::field(row, "shop_domain")?.ok_or("it has no shop")?;
    let token = text::field(row, "access_token")?.ok_or("it has no access token")?;
    let active = match text::field(row, "is_active")?.map(|text| text.to_lowercase()).as_deref() {
        None | Some("1" | "t" | "true") => true,
        Some("0" | "f" | "false") => false,
        Some(_) => return Err(Fault::Malformed("`is_active` is neither true nor false")),
    };
    let token = StaticToken { token: Some(text::access_token(token)?), expiry: Expiry::Unknown };
    Ok(Record {
        label,
        server: Some(text::shop(&domain)?),
        username: None,
        inactive: !active,
        held: Held::Static(token),
    })
}

fn other(path: &Path, what: &'static str) -> Error {
    Error::OtherKind { path: path.to_owned(), what, instead: None }
}
