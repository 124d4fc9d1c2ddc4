//! The token store of agentllm: a SQLite file with a table for each service, or one of the tables
//! dumped from another database. Later versions encrypt its secrets with Fernet.

use std::path::Path;

use serde_json::Value;

use super::error::Error;
use super::fernet::{self, Key};
use super::google_grant;
use super::record::{Fault, Found, Held, Label, Record};
use super::row::Row;
use super::table::{self, Table, TableRow, TableRows};
use super::text;
use super::times;
use crate::model::address::Address;
use crate::model::credential::{Expiry, StaticToken};
use crate::secret::StoreKey;

const JIRA: &str = "jira_tokens";
const DRIVE: &str = "gdrive_tokens";
const GITHUB: &str = "github_tokens";

/// The columns of a table of tokens that people made.
const OWN_TOKEN: [&str; 7] =
    ["id", "user_id", "token", "server_url", "username", "created_at", "updated_at"];

/// The columns that may be encrypted.
const SECRET: [&str; 3] = ["token", "refresh_token", "client_secret"];

/// The domain of Jira Cloud's hosts; any other host is an installation of its own.
const CLOUD: &str = ".atlassian.net";

const TABLES: [Table; 3] = [
    Table {
        name: JIRA,
        columns: &OWN_TOKEN,
        needed: &["user_id", "token", "server_url"],
        fits: |row| !is_github(row),
        label: |row| (Some(jira_provider(row)), text::user(row, "user_id")),
    },
    Table {
        name: DRIVE,
        columns: &[
            "id",
            "user_id",
            "token",
            "refresh_token",
            "token_uri",
            "client_id",
            "client_secret",
            "scopes",
            "expiry",
            "created_at",
            "updated_at",
        ],
        needed: &["user_id", "token", "refresh_token"],
        fits: |_| true,
        label: |row| (Some("gdrive"), text::user(row, "user_id")),
    },
    Table {
        name: GITHUB,
        columns: &OWN_TOKEN,
        needed: &["user_id", "token", "server_url"],
        fits: is_github,
        label: |row| (Some("github"), text::user(row, "user_id")),
    },
];

/// Reads the store at `path`, with its key if it has one.
pub(crate) fn read(path: &Path, key: Option<&StoreKey>) -> Result<Found, Error> {
    let key = key.map(|key| Key::read(key, path)).transpose()?;
    let what = "no database or dump with agentllm's tables";
    let TableRows { rows, files, others } = table::read(path, &TABLES, what)?;
    let is_closed = |row: &Row| SECRET.iter().any(|column| is_encrypted(row, column));
    if key.is_none() && rows.iter().flat_map(|one| &one.row).any(is_closed) {
        return Err(Error::NeedsKey { path: path.to_owned() });
    }
    let mut found = Found { files, ..Found::default() };
    for TableRow { table, label, row } in rows {
        let of = match table {
            JIRA => jira,
            DRIVE => drive,
            _ => github,
        };
        let row = row.and_then(|row| open(row, key.as_ref()));
        found.add(label.clone(), row.and_then(|row| of(&row, label)));
    }
    let others = others.into_iter().filter(|table| table.ends_with("_tokens"));
    found
        .ignored
        .extend(others.map(|table| format!("the table {table}, of a service that is not known")));
    Ok(found)
}

fn is_encrypted(row: &Row, column: &str) -> bool {
    row.get(column).and_then(Value::as_str).is_some_and(fernet::is_token)
}

/// Returns the row with its secrets decrypted.
fn open(mut row: Row, key: Option<&Key>) -> Result<Row, Fault> {
    for column in SECRET {
        if is_encrypted(&row, column)
            && let Some(key) = key
            && let Some(Value::String(text)) = row.get(column)
        {
            let opened = key.open(text).ok_or(Fault::WrongKey)?;
            row.replace(column, &opened.text);
        }
    }
    Ok(row)
}

/// Returns the host of a row's server.
fn host(row: &Row) -> Option<String> {
    let server = text::field(row, "server_url").ok().flatten()?;
    let url = url::Url::parse(&server).or_else(|_| url::Url::parse(&format!("https://{server}")));
    url.ok()?.host_str().map(str::to_owned)
}

/// Returns the provider of a row by its server: Jira Cloud, or an installation of its own.
fn jira_provider(row: &Row) -> &'static str {
    if host(row).is_some_and(|host| host.ends_with(CLOUD)) { "jira" } else { "jira-dc" }
}

/// Whether the server of a row is a GitHub, as far as its name tells.
fn is_github(row: &Row) -> bool {
    host(row).is_some_and(|host| host.split('.').any(|part| part == "github"))
}

fn jira(row: &Row, label: Label) -> Result<Record, Fault> {
    let server = text::field(row, "server_url")?.ok_or("it has no server")?;
    let server = Address::from_typed(&server)
        .map_err(|_| "the server's address is neither https nor http on loopback")?;
    let username = text::field(row, "username")?;
    Ok(Record { server: Some(server), username, ..own_token(row, label)? })
}

fn github(row: &Row, label: Label) -> Result<Record, Fault> {
    // The addresses of a self-hosted installation are only in the configuration.
    let server = text::field(row, "server_url")?;
    let own = ["https://api.github.com", "https://github.com"];
    if server.is_none_or(|server| own.contains(&server.trim_end_matches('/'))) {
        own_token(row, label)
    } else {
        Err(Fault::Malformed("it is of a GitHub that is not github.com"))
    }
}

fn drive(row: &Row, label: Label) -> Result<Record, Fault> {
    let mut grant = google_grant::grant(row)?;
    grant.issued_at = text::field(row, "updated_at")?.and_then(|text| times::time(&text).ok());
    let held = Held::Grant(Box::new(grant));
    Ok(Record { label, server: None, username: None, inactive: false, held })
}

/// Makes a record of a token that a person made. The store does not keep its end.
fn own_token(row: &Row, label: Label) -> Result<Record, Fault> {
    let token = text::field(row, "token")?.ok_or("it has no token")?;
    let token = StaticToken { token: Some(text::own_token(&token)?), expiry: Expiry::Unknown };
    let held = Held::Static(token);
    Ok(Record { label, server: None, username: None, inactive: false, held })
}
