//! The storages of PAuth: JSON dictionaries with the parts of a token answer, encrypted in files,
//! plain, in a table of a database or in Redis.
//!
//! They do not say which service a token is for.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::Error;
use super::fernet::Key;
use super::record::{Fault, Found, Held, HeldGrant, IssuedTo, Label, Owner, Record};
use super::row::Row;
use super::sqlite;
use super::table::{self, Table, TableRow, TableRows};
use super::text;
use super::times;
use crate::model::credential::Expiry;
use crate::secret::StoreKey;
use crate::untrusted::printable;

/// The extension of the encrypted files, one for each user and named by the user.
const SUFFIX: &str = "enc";

/// The beginning of the names of its keys in Redis.
const REDIS: &str = "oauth_tokens:";

const TABLES: [Table; 3] = [
    Table {
        name: "oauth_tokens",
        columns: &["id", "user_id", "tokens"],
        needed: &["user_id", "tokens"],
        fits: |row| row.get("tokens").is_some_and(|tokens| text::object(tokens).is_ok()),
        label: |row| (None, user(text::user(row, "user_id"))),
    },
    // What is in Redis, an entry in each line.
    Table {
        name: "oauth_tokens",
        columns: &[],
        needed: &["key", "value"],
        fits: |row| row.get("value").is_some_and(|tokens| text::object(tokens).is_ok()),
        label: |row| (None, user(text::user(row, "key"))),
    },
    // A column for each part of the tokens.
    Table {
        name: "oauth_tokens",
        columns: &[],
        needed: &["user_id", "access_token"],
        fits: |_| true,
        label: |row| (None, user(text::user(row, "user_id"))),
    },
];

/// Reads `path`: an encrypted file, a directory of such files, the table `oauth_tokens` in a
/// database or a dump, or JSON with the tokens of one user or, by their names, of several.
pub(crate) fn read(path: &Path, key: Option<&StoreKey>) -> Result<Found, Error> {
    if path.is_dir() {
        return folder(path, key);
    }
    let mut found = Found { files: vec![path.into()], ..Found::default() };
    if is_encrypted(path) {
        let key = fernet_key(path, key)?;
        add_encrypted(&mut found, path, &key);
    } else if let Some(rows) = table::find(path, &TABLES)? {
        add_rows(&mut found, rows);
    } else {
        add_entries(&mut found, path)?;
    }
    Ok(found)
}

fn is_encrypted(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == SUFFIX)
}

fn fernet_key(path: &Path, key: Option<&StoreKey>) -> Result<Key, Error> {
    Key::read(key.ok_or_else(|| Error::NeedsKey { path: path.to_owned() })?, path)
}

fn folder(path: &Path, key: Option<&StoreKey>) -> Result<Found, Error> {
    let failed = |source| crate::private_file::Error::Io { path: path.to_owned(), source };
    let mut found = Found::default();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file: PathBuf = entry.map_err(failed)?.path();
        if is_encrypted(&file) {
            found.files.push(file);
        }
    }
    found.files.sort();
    if found.files.is_empty() {
        return Err(other(path, "a directory without `.enc` files"));
    }
    let key = fernet_key(path, key)?;
    for file in found.files.clone() {
        add_encrypted(&mut found, &file, &key);
    }
    Ok(found)
}

/// Adds the record of an encrypted file; its own time tells when the tokens were stored.
fn add_encrypted(found: &mut Found, path: &Path, key: &Key) {
    let user = path.file_stem().and_then(|stem| stem.to_str()).map_or(Owner::Unnameable, Owner::of);
    let label = label(user, printable(&path.to_string_lossy()));
    let made = || -> Result<Record, Fault> {
        let sealed =
            text::read(path).map_err(|error| Fault::Unreadable(printable(&error.to_string())))?;
        let opened = key.open(&sealed).ok_or(Fault::WrongKey)?;
        record(text::object(&Value::String(opened.text.to_string()))?, label.clone(), opened.at)
    };
    let made = made();
    found.add(label, made);
}

fn add_entries(found: &mut Found, path: &Path) -> Result<(), Error> {
    if sqlite::is_one(path) {
        return Err(other(path, "a database without PAuth's table `oauth_tokens`"));
    }
    let text = text::read(path)?;
    let entries = entries(&text).ok_or_else(|| {
        other(path, "neither an `.enc` file, JSON with tokens nor a dump of `oauth_tokens`")
    })?;
    if entries.iter().any(|(_, name, _)| text::snake_case(name) == "access_token") {
        let label = label(Owner::Unsaid, "the file".into());
        let tokens = entries.into_iter().map(|(_, name, value)| (name, value)).collect();
        found.add(label.clone(), record(tokens, label, None));
        return Ok(());
    }
    if entries.is_empty() {
        return Err(other(path, "a JSON object without tokens"));
    }
    for (place, name, tokens) in entries {
        let label = label(user(Owner::of(&name)), place);
        let tokens = text::object(&tokens).map_err(Fault::from);
        found.add(label.clone(), tokens.and_then(|tokens| record(tokens, label, None)));
    }
    Ok(())
}

/// Returns the names and values of a JSON object, or of one in each line, each with its place.
fn entries(text: &str) -> Option<Vec<(String, String, Value)>> {
    if let Some(entries) = text::json_entries(text) {
        let numbered = (1..).zip(entries);
        let entry = |(number, (name, value))| (format!("entry {number}"), name, value);
        return Some(numbered.map(entry).collect());
    }
    let mut all = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let entries = text::json_entries(line)?.into_iter();
        all.extend(entries.map(|(name, value)| (format!("line {number}"), name, value)));
    }
    Some(all).filter(|all| !all.is_empty())
}

fn add_rows(found: &mut Found, read: TableRows) {
    found.files = read.files;
    for TableRow { label, row, .. } in read.rows {
        let made = row.and_then(|row| {
            let mut tokens = match row.get("tokens").or_else(|| row.get("value")) {
                Some(tokens) => text::object(tokens)?,
                None => row.clone_fields(),
            };
            // What is beside the tokens is known better: Redis forgets them at their end.
            if let Some(end) = row.get("expires_at") {
                tokens.insert("expires_at".into(), end.clone());
            }
            record(tokens, label.clone(), None)
        });
        found.add(label, made);
    }
}

/// Returns the user whose tokens Redis has under a key.
fn user(owner: Owner) -> Owner {
    match owner {
        Owner::Named(name) => match name.as_str().strip_prefix(REDIS) {
            Some(user) => Owner::of(user),
            None => Owner::Named(name),
        },
        Owner::Unsaid | Owner::Unnameable => owner,
    }
}

/// Returns the label of a record: the store does not say which service it is for.
fn label(user: Owner, origin: String) -> Label {
    Label { provider: None, user, origin }
}

/// Makes a record of `tokens` that were stored at `stored_at`, if that is known.
fn record(
    tokens: Map<String, Value>,
    label: Label,
    stored_at: Option<Timestamp>,
) -> Result<Record, Fault> {
    let tokens: Row =
        tokens.into_iter().map(|(name, value)| (text::snake_case(&name), value)).collect();
    let field = |name| text::field(&tokens, name);
    let access_token = field("access_token")?.map(text::access_token).transpose()?;
    let refresh_token = field("refresh_token")?.map(text::refresh_token).transpose()?;
    if access_token.is_none() && refresh_token.is_none() {
        return Err(Fault::Malformed("it holds no token"));
    }
    let issued_at = ["stored_at", "created_at", "created"]
        .into_iter()
        .find_map(|name| field(name).ok()?.and_then(|text| times::time(&text).ok()))
        .or(stored_at);
    let issued_to = match field("client_id")? {
        Some(id) => IssuedTo::Named {
            id: text::client_id(id)?,
            secret: field("client_secret")?.map(text::client_secret).transpose()?,
        },
        None => IssuedTo::Configured,
    };
    let scopes = text::scopes(tokens.get("scope").or_else(|| tokens.get("scopes")))?;
    let grant = HeldGrant {
        access_token,
        token_type: text::token_type(&tokens)?,
        expiry: match times::end(&tokens, "expires_at")? {
            Expiry::Unknown => times::end_of_life(issued_at, field("expires_in")?)?,
            known @ (Expiry::Known(_) | Expiry::None) => known,
        },
        issued_at,
        refresh_token,
        scopes,
        issued_to,
        quota_project: None,
    };
    let held = Held::Grant(Box::new(grant));
    Ok(Record { label, server: None, username: None, inactive: false, held })
}

fn other(path: &Path, what: &'static str) -> Error {
    Error::OtherKind { path: path.to_owned(), what, instead: None }
}
