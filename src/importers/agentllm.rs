//! The token store of agentllm: a SQLite file with a table for each service. Later versions encrypt
//! its secrets with Fernet.

use std::path::Path;

use serde_json::{Map, Value};

use super::error::Error;
use super::fernet::{self, Key};
use super::google;
use super::record::{Found, Held, Record};
use super::row::Row;
use super::sqlite::Database;
use super::text::{self, Fault};
use crate::model::address::Address;
use crate::model::credential::{Expiry, StaticToken};
use crate::secret::StoreKey;

const JIRA: &str = "jira_tokens";
const DRIVE: &str = "gdrive_tokens";
const GITHUB: &str = "github_tokens";

/// The columns that may be encrypted.
const SECRET: [&str; 3] = ["token", "refresh_token", "client_secret"];

/// The domain of Jira Cloud's hosts; any other host is an installation of its own.
const CLOUD: &str = ".atlassian.net";

/// Reads the store at `path`, with its key if it has one.
pub(crate) fn read(path: &Path, key: Option<&StoreKey>) -> Result<Found, Error> {
    let key = key.map(|key| Key::read(key, path)).transpose()?;
    let database = Database::open(path)?;
    let mut found = Found { files: database.files.clone(), ..Found::default() };
    let tables = database.tables()?;
    let mut known = 0;
    for (table, of) in [(JIRA, jira as Of), (DRIVE, drive), (GITHUB, github)] {
        if !database.has(table, &["user_id", "token"])? {
            continue;
        }
        known += 1;
        let opened = database.rows(table, |row, place| Ok((Row::from(row.clone()), place)))?;
        for (row, place) in opened {
            let row = open(row, key.as_ref(), path, &place)?;
            let malformed = |what: Fault| Error::Malformed {
                path: path.to_owned(),
                place: place.clone(),
                what: what.to_owned(),
            };
            match of(&row, place.clone()).map_err(malformed)? {
                Some(record) => found.records.push(record),
                None => found.ignored.push(format!("{place}, of a GitHub that is not github.com")),
            }
        }
    }
    if known == 0 {
        let what = "a database without agentllm's tables";
        return Err(Error::OtherKind { path: path.to_owned(), what, instead: None });
    }
    for table in tables {
        let is_other = table.ends_with("_tokens") && ![JIRA, DRIVE, GITHUB].contains(&&*table);
        if is_other && database.count(&table)? > 0 {
            found.ignored.push(format!("the table {table}, of a service that is not known"));
        }
    }
    Ok(found)
}

/// A function that makes a record of a row.
type Of = fn(&Map<String, Value>, String) -> Result<Option<Record>, Fault>;

/// Returns the row with its secrets decrypted.
fn open(mut row: Row, key: Option<&Key>, path: &Path, place: &str) -> Result<Row, Error> {
    for column in SECRET {
        let Some(Value::String(text)) = row.get(column) else { continue };
        if !fernet::is_token(text) {
            continue;
        }
        let key = key.ok_or_else(|| Error::NeedsKey { path: path.to_owned() })?;
        let opened = key
            .open(text)
            .ok_or_else(|| Error::WrongKey { path: path.to_owned(), place: place.to_owned() })?;
        row.replace(column, &opened.text);
    }
    Ok(row)
}

fn jira(row: &Map<String, Value>, origin: String) -> Result<Option<Record>, Fault> {
    let server: Address = text::field(row, "server_url")?
        .ok_or("it has no server")?
        .parse()
        .map_err(|_| "the server's address is neither https nor http on loopback")?;
    let is_cloud = server.url().host_str().is_some_and(|host| host.ends_with(CLOUD));
    let username = text::field(row, "username")?;
    Ok(Some(Record {
        provider: Some(if is_cloud { "jira" } else { "jira-dc" }),
        server: Some(server),
        username,
        ..own_token(row, origin)?
    }))
}

fn github(row: &Map<String, Value>, origin: String) -> Result<Option<Record>, Fault> {
    // The addresses of a self-hosted installation are only in the configuration.
    let server = text::field(row, "server_url")?;
    let own = ["https://api.github.com", "https://github.com"];
    let is_own = server.is_none_or(|server| own.contains(&server.trim_end_matches('/')));
    if !is_own {
        return Ok(None);
    }
    Ok(Some(Record { provider: Some("github"), ..own_token(row, origin)? }))
}

fn drive(row: &Map<String, Value>, origin: String) -> Result<Option<Record>, Fault> {
    let mut grant = google::grant(row)?;
    grant.issued_at = text::field(row, "updated_at")?.and_then(|text| text::time(&text).ok());
    Ok(Some(Record {
        provider: Some("gdrive"),
        user: text::user(row, "user_id")?,
        origin,
        server: None,
        username: None,
        inactive: false,
        held: Held::Grant(Box::new(grant)),
    }))
}

/// Makes a record of a token that a person made. The store does not keep its end.
fn own_token(row: &Map<String, Value>, origin: String) -> Result<Record, Fault> {
    let token = text::field(row, "token")?.ok_or("it has no token")?;
    let token = StaticToken { token: Some(text::own_token(&token)?), expiry: Expiry::Unknown };
    Ok(Record {
        provider: None,
        user: text::user(row, "user_id")?,
        origin,
        server: None,
        username: None,
        inactive: false,
        held: Held::Static(token),
    })
}
