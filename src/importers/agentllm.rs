//! The token store of agentllm: a SQLite file with a table for each service. Later versions encrypt
//! its secrets with Fernet.

use std::path::Path;

use serde_json::Value;

use super::error::Error;
use super::fernet::{self, Key};
use super::google;
use super::record::{Fault, Found, Held, Label, Record};
use super::row::Row;
use super::sqlite::Database;
use super::text;
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
    for (table, provider, of) in [
        (JIRA, jira_provider as fn(&Row) -> &'static str, jira as Of),
        (DRIVE, |_| "gdrive", drive),
        (GITHUB, |_| "github", github),
    ] {
        if !database.has(table, &["user_id", "token"])? {
            continue;
        }
        known += 1;
        for (origin, row) in database.rows(table)? {
            if key.is_none() && SECRET.iter().any(|column| is_encrypted(&row, column)) {
                return Err(Error::NeedsKey { path: path.to_owned() });
            }
            let user = text::user(&row, "user_id");
            let label = Label { provider: Some(provider(&row)), user, origin };
            let read = open(row, key.as_ref()).and_then(|row| of(&row, label.clone()));
            found.add(label, read);
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
type Of = fn(&Row, Label) -> Result<Record, Fault>;

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

/// Returns the provider of a row by its server: Jira Cloud, or an installation of its own.
fn jira_provider(row: &Row) -> &'static str {
    let server = text::field(row, "server_url").ok().flatten().unwrap_or_default();
    let host = url::Url::parse(&server).ok().and_then(|url| url.host_str().map(str::to_owned));
    if host.is_some_and(|host| host.ends_with(CLOUD)) { "jira" } else { "jira-dc" }
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
    let mut grant = google::grant(row)?;
    grant.issued_at = text::field(row, "updated_at")?.and_then(|text| text::time(&text).ok());
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
