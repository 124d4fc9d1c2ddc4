//! The tables of a service that refreshes tokens of Etsy and Shopify: `etsy_users` and
//! `shopify_stores`, in a SQLite file, or one of them dumped as CSV.

use std::path::Path;

use serde_json::{Map, Value};

use super::error::Error;
use super::record::{Found, Held, Owner, Record};
use super::row::Row;
use super::salla;
use super::sqlite::{self, Database};
use super::text::{self, Fault};
use crate::model::credential::{Expiry, StaticToken};

/// A table, recognised by the columns that it has to have.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    record: fn(&Map<String, Value>, String) -> Result<Record, Fault>,
}

const TABLES: [Table; 2] = [
    Table {
        name: "etsy_users",
        columns: &["user_id", "access_token", "refresh_token", "token_expires_at"],
        record: etsy,
    },
    Table { name: "shopify_stores", columns: &["shop_domain", "access_token"], record: shopify },
];

/// Reads the file at `path`.
pub(crate) fn read(path: &Path) -> Result<Found, Error> {
    if sqlite::is_one(path) { database(path) } else { dump(path) }
}

fn database(path: &Path) -> Result<Found, Error> {
    let database = Database::open(path)?;
    let mut found = Found { files: database.files.clone(), ..Found::default() };
    let mut known = 0;
    for Table { name, columns, record } in TABLES {
        if database.has(name, columns)? {
            known += 1;
            found.records.extend(database.rows(name, record)?);
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
    let mut records = Vec::new();
    let mut line = csv::StringRecord::new();
    loop {
        let place = format!("line {}", reader.position().line());
        let malformed = |what: Fault| Error::Malformed {
            path: path.to_owned(),
            place: place.clone(),
            what: what.to_owned(),
        };
        let more = reader.read_record(&mut line);
        if !more.map_err(|_| malformed("it has not as many fields as the first line"))? {
            break;
        }
        let values = headers.iter().zip(&line).map(|(name, value)| (name.to_owned(), field(value)));
        let row: Row = values.collect();
        records.push((table.record)(&row, place.clone()).map_err(malformed)?);
    }
    Ok(Found { records, files: vec![path.to_owned()], ignored: Vec::new() })
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

fn etsy(row: &Map<String, Value>, origin: String) -> Result<Record, Fault> {
    Ok(Record {
        provider: Some("etsy"),
        user: text::user(row, "user_id")?,
        origin,
        server: None,
        username: None,
        inactive: false,
        held: Held::Grant(Box::new(salla::grant(row, "token_expires_at")?)),
    })
}

/// Makes a record of a shop's token, named by the shop's address: its number has no meaning outside
/// of that service.
fn shopify(row: &Map<String, Value>, origin: String) -> Result<Record, Fault> {
    let domain = text::field(row, "shop_domain")?.ok_or("it has no shop")?;
    let token = text::field(row, "access_token")?.ok_or("it has no access token")?;
    let active = match text::field(row, "is_active")?.map(|text| text.to_lowercase()).as_deref() {
        None | Some("1" | "t" | "true") => true,
        Some("0" | "f" | "false") => false,
        Some(_) => return Err("`is_active` is neither true nor false"),
    };
    Ok(Record {
        provider: Some("shopify"),
        user: Owner::of(&domain),
        origin,
        server: Some(text::shop(&domain)?),
        username: None,
        inactive: !active,
        held: Held::Static(StaticToken {
            token: Some(text::access_token(token)?),
            expiry: Expiry::Unknown,
        }),
    })
}

fn other(path: &Path, what: &'static str) -> Error {
    Error::OtherKind { path: path.to_owned(), what, instead: None }
}
