//! The storages of PAuth: JSON dictionaries with the parts of a token answer, encrypted in files or
//! plain.
//!
//! They do not say which service a token is for.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::error::Error;
use super::fernet::Key;
use super::record::{Fault, Found, Held, HeldGrant, IssuedTo, Label, Owner, Record};
use super::sqlite::{self, Database};
use super::text::{self, ValueFault};
use crate::model::credential::Expiry;
use crate::secret::StoreKey;
use crate::untrusted::printable;

/// The extension of the encrypted files, one for each user and named by the user.
const SUFFIX: &str = "enc";

/// Reads `path`: an encrypted file, a directory of such files, a JSON file with the tokens of one
/// user or, by their names, of several, or a database with the table `oauth_tokens`.
pub(crate) fn read(path: &Path, key: Option<&StoreKey>) -> Result<Found, Error> {
    if path.is_dir() {
        return folder(path, key);
    }
    let mut found = Found { files: vec![path.into()], ..Found::default() };
    if is_encrypted(path) {
        let key = fernet_key(path, key)?;
        add_encrypted(&mut found, path, &key);
    } else if sqlite::is_one(path) {
        add_rows(&mut found, path)?;
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
        record(&text::object(&opened.text)?, label.clone(), opened.at)
    };
    let made = made();
    found.add(label, made);
}

fn add_entries(found: &mut Found, path: &Path) -> Result<(), Error> {
    let text = text::read(path)?;
    let Some(entries) = text::json_entries(&text) else {
        return Err(other(path, "neither an `.enc` file nor a JSON object of tokens"));
    };
    if entries.iter().any(|(name, _)| name == "access_token") {
        let label = label(Owner::Unsaid, "the file".into());
        found.add(label.clone(), record(&entries.into_iter().collect(), label, None));
        return Ok(());
    }
    if entries.is_empty() {
        return Err(other(path, "a JSON object without tokens"));
    }
    for (number, (user, tokens)) in (1..).zip(&entries) {
        let label = label(Owner::of(user), format!("entry {number}"));
        let made = match tokens {
            Value::Object(tokens) => record(tokens, label.clone(), None),
            _ => Err(Fault::Malformed("it is no object of tokens")),
        };
        found.add(label, made);
    }
    Ok(())
}

fn add_rows(found: &mut Found, path: &Path) -> Result<(), Error> {
    let database = Database::open(path)?;
    if !database.has("oauth_tokens", &["user_id", "tokens"])? {
        return Err(other(path, "a database without PAuth's table `oauth_tokens`"));
    }
    for (origin, row) in database.rows("oauth_tokens")? {
        let label = label(text::user(&row, "user_id"), origin);
        let made = || -> Result<Record, Fault> {
            let tokens = text::field(&row, "tokens")?.ok_or("it has no tokens")?;
            record(&text::object(&tokens)?, label.clone(), None)
        };
        let made = made();
        found.add(label, made);
    }
    found.files = database.files;
    Ok(())
}

/// Returns the label of a record: the store does not say which service it is for.
fn label(user: Owner, origin: String) -> Label {
    Label { provider: None, user, origin }
}

/// Makes a record of `tokens` that were stored at `stored_at`, if that is known.
fn record(
    tokens: &Map<String, Value>,
    label: Label,
    stored_at: Option<Timestamp>,
) -> Result<Record, Fault> {
    let field = |name| text::field(tokens, name);
    let time =
        |name| -> Result<_, ValueFault> { field(name)?.map(|text| text::time(&text)).transpose() };
    let access_token = field("access_token")?.map(text::access_token).transpose()?;
    let refresh_token = field("refresh_token")?.map(text::refresh_token).transpose()?;
    if access_token.is_none() && refresh_token.is_none() {
        return Err(Fault::Malformed("it holds no token"));
    }
    let issued_at = time("stored_at")?.or(stored_at);
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
        token_type: text::token_type(tokens)?,
        expiry: end(time("expires_at")?, field("expires_in")?, issued_at)?,
        issued_at,
        refresh_token,
        scopes,
        issued_to,
    };
    let held = Held::Grant(Box::new(grant));
    Ok(Record { label, server: None, username: None, inactive: false, held })
}

/// Returns the end of an access token. Its life counts only from a time that is known.
fn end(
    at: Option<Timestamp>,
    life: Option<String>,
    from: Option<Timestamp>,
) -> Result<Expiry, ValueFault> {
    const FAULT: ValueFault = "its life is no number of seconds";
    if let Some(at) = at {
        return Ok(Expiry::Known(at));
    }
    let life: Option<i64> = life.map(|life| life.parse().map_err(|_| FAULT)).transpose()?;
    let (Some(life), Some(from)) = (life, from) else { return Ok(Expiry::Unknown) };
    let end = from.checked_add(SignedDuration::from_secs(life)).map_err(|_| FAULT)?;
    Ok(Expiry::Known(end))
}

fn other(path: &Path, what: &'static str) -> Error {
    Error::OtherKind { path: path.to_owned(), what, instead: None }
}
