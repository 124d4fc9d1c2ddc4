//! The storages of PAuth: JSON dictionaries with the parts of a token answer, encrypted in files or
//! plain.
//!
//! They do not say which service a token is for.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::error::Error;
use super::fernet::Key;
use super::record::{Found, Held, HeldGrant, IssuedTo, Owner, Record};
use super::sqlite::{self, Database};
use super::text::{self, Fault};
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
    if path.extension().is_some_and(|extension| extension == SUFFIX) {
        let record = encrypted(path, key)?;
        return Ok(Found { records: vec![record], files: vec![path.into()], ignored: Vec::new() });
    }
    if sqlite::is_one(path) { table(path) } else { dump(path) }
}

fn folder(path: &Path, key: Option<&StoreKey>) -> Result<Found, Error> {
    let failed = |source| crate::private_file::Error::Io { path: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file: PathBuf = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == SUFFIX) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(other(path, "a directory without `.enc` files"));
    }
    let records: Result<_, _> = files.iter().map(|file| encrypted(file, key)).collect();
    Ok(Found { records: records?, files, ignored: Vec::new() })
}

/// Reads an encrypted file; its own time tells when the tokens were stored.
fn encrypted(path: &Path, key: Option<&StoreKey>) -> Result<Record, Error> {
    let sealed = text::read(path)?;
    let key = key.ok_or_else(|| Error::NeedsKey { path: path.to_owned() })?;
    let place = || "line 1".to_owned();
    let opened = Key::read(key, path)?
        .open(&sealed)
        .ok_or_else(|| Error::WrongKey { path: path.to_owned(), place: place() })?;
    let made = || -> Result<Record, Fault> {
        let user = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let Some(Value::Object(tokens)) = text::json(&opened.text) else {
            return Err("there is no JSON object in it");
        };
        record(Owner::of(user), &tokens, printable(&path.to_string_lossy()), opened.at)
    };
    made().map_err(|what| malformed(path, place(), what))
}

fn dump(path: &Path) -> Result<Found, Error> {
    let text = text::read(path)?;
    let Some(entries) = text::json_entries(&text) else {
        return Err(other(path, "neither an `.enc` file nor a JSON object of tokens"));
    };
    let mut records = Vec::new();
    if entries.iter().any(|(name, _)| name == "access_token") {
        let object = entries.into_iter().collect();
        let one = record(Owner::Unsaid, &object, "the file".into(), None);
        records.push(one.map_err(|what| malformed(path, "line 1".into(), what))?);
    } else {
        for (number, (user, tokens)) in entries.iter().enumerate() {
            let place = format!("entry {}", number + 1);
            let made = || -> Result<Record, Fault> {
                let tokens = tokens.as_object().ok_or("it is no object of tokens")?;
                record(Owner::of(user), tokens, place.clone(), None)
            };
            records.push(made().map_err(|what| malformed(path, place.clone(), what))?);
        }
    }
    if records.is_empty() {
        return Err(other(path, "a JSON object without tokens"));
    }
    Ok(Found { records, files: vec![path.to_owned()], ignored: Vec::new() })
}

fn table(path: &Path) -> Result<Found, Error> {
    let database = Database::open(path)?;
    if !database.has("oauth_tokens", &["user_id", "tokens"])? {
        return Err(other(path, "a database without PAuth's table `oauth_tokens`"));
    }
    let records = database.rows("oauth_tokens", |row, place| {
        let tokens = text::field(row, "tokens")?.ok_or("it has no tokens")?;
        let Some(Value::Object(tokens)) = text::json(&tokens) else {
            return Err("its tokens are no JSON object");
        };
        record(text::user(row, "user_id")?, &tokens, place, None)
    })?;
    Ok(Found { records, files: database.files, ignored: Vec::new() })
}

/// Makes a record of `tokens` that were stored at `stored_at`, if that is known.
fn record(
    user: Owner,
    tokens: &Map<String, Value>,
    origin: String,
    stored_at: Option<Timestamp>,
) -> Result<Record, Fault> {
    let field = |name| text::field(tokens, name);
    let time = |name| field(name)?.map(|text| text::time(&text)).transpose();
    let access_token = field("access_token")?.map(text::access_token).transpose()?;
    let refresh_token = field("refresh_token")?.map(text::refresh_token).transpose()?;
    if access_token.is_none() && refresh_token.is_none() {
        return Err("it holds no token");
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
    Ok(Record {
        provider: None,
        user,
        origin,
        server: None,
        username: None,
        inactive: false,
        held: Held::Grant(Box::new(grant)),
    })
}

/// Returns the end of an access token. Its life counts only from a time that is known.
fn end(
    at: Option<Timestamp>,
    life: Option<String>,
    from: Option<Timestamp>,
) -> Result<Expiry, Fault> {
    const FAULT: Fault = "its life is no number of seconds";
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

fn malformed(path: &Path, place: String, what: Fault) -> Error {
    Error::Malformed { path: path.to_owned(), place, what: what.to_owned() }
}
