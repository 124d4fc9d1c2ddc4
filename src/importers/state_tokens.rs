//! The table `tokens` of names and values, in a SQLite file or a dump: tokens of Facebook and of
//! Shopify's shops. The values are in Fernet, under a key that is derived from the secret
//! `STATE_TOKEN_SECRET`.

use std::num::NonZeroU32;
use std::path::Path;

use serde_json::{Map, Value};

use super::error::Error;
use super::fernet::{Key, is_token};
use super::record::{Fault, Found, Held, HeldGrant, IssuedTo, Label, Owner, Record};
use super::table::{self, Table, TableRow, TableRows};
use super::text::{self, ValueFault};
use crate::model::address::Address;
use crate::model::credential::{Expiry, StaticToken};
use crate::model::scope::Scopes;
use crate::secret::{AccessToken, SecretText, StoreKey};

/// The salt with which the program derives its key.
const SALT: &[u8] = b"salt_";
const ITERATIONS: NonZeroU32 = NonZeroU32::new(100_000).unwrap();

/// The kind of a value, by its name.
enum Named {
    /// The token of a person who logged in to Facebook; the store does not say who.
    FacebookUser,
    /// The token of a page, under its number.
    FacebookPage(Owner),
    /// The token of a shop, at its address.
    Shop(Owner, Address),
    /// An identifier, which is no secret.
    Identifier,
    /// A value of unknown meaning.
    Other,
}

const TABLES: [Table; 1] = [Table {
    name: "tokens",
    columns: &["key", "value", "type"],
    needed: &["key", "value", "type"],
    fits: |row| text::field(row, "value").ok().flatten().is_some_and(|text| is_token(&text)),
    label: |row| match named(row) {
        Ok(Named::FacebookUser) => (Some("facebook"), Owner::Unsaid),
        Ok(Named::FacebookPage(page)) => (Some("facebook"), page),
        Ok(Named::Shop(shop, _)) => (Some("shopify"), shop),
        Ok(Named::Identifier | Named::Other) | Err(_) => (None, Owner::Unsaid),
    },
}];

/// Reads the store at `path`, with its secret.
pub(crate) fn read(path: &Path, secret: Option<&StoreKey>) -> Result<Found, Error> {
    let what = "no database or dump with the table `tokens` of names and values";
    let TableRows { rows, files, .. } = table::read(path, &TABLES, what)?;
    let secret = secret.ok_or_else(|| Error::NeedsKey { path: path.to_owned() })?;
    let key = Key::derive(secret.expose(), SALT, ITERATIONS);
    let mut found = Found { files, ..Found::default() };
    for TableRow { label, row, .. } in rows {
        let named = row.and_then(|row| Ok((named(&row)?, row)));
        if let Ok((Named::Other, _)) = named {
            found.ignored.push(format!("{}, whose name tells no service", label.origin));
            continue;
        }
        match named.and_then(|(named, row)| record(named, &row, &key, &label)) {
            Ok(None) => {}
            Ok(Some(record)) => found.add(label, Ok(record)),
            Err(fault) => found.add(label, Err(fault)),
        }
    }
    Ok(found)
}

fn field(row: &Map<String, Value>, name: &str) -> Result<String, ValueFault> {
    text::field(row, name)?.ok_or("it has an empty column")
}

fn named(row: &Map<String, Value>) -> Result<Named, ValueFault> {
    let (name, kind) = (field(row, "key")?, field(row, "type")?);
    if kind == "uuid" {
        return Ok(Named::Identifier);
    }
    if name == "FACEBOOK_USER_ACCESS_TOKEN" {
        return Ok(Named::FacebookUser);
    }
    if let Some(page) = name.strip_prefix("FACEBOOK_ACCESS_TOKEN_") {
        return Ok(Named::FacebookPage(Owner::of(page)));
    }
    let Some(shop) = name.strip_prefix("SHOPIFY_ACCESS_TOKEN_") else { return Ok(Named::Other) };
    // The program replaced dots with underscores, which no shop's name has.
    let host = shop.replace('_', ".");
    let address = text::shop(&host)?;
    Ok(Named::Shop(Owner::of(&host), address))
}

/// Makes a record of a row; `None` if the row is no token.
fn record(
    named: Named,
    row: &Map<String, Value>,
    key: &Key,
    label: &Label,
) -> Result<Option<Record>, Fault> {
    let open = || -> Result<AccessToken, Fault> {
        let opened = key.open(&field(row, "value")?).ok_or(Fault::WrongKey)?;
        Ok(text::access_token(opened.text.to_string())?)
    };
    let alone = |token| Held::Static(StaticToken { token: Some(token), expiry: Expiry::Unknown });
    let (server, held) = match named {
        Named::FacebookUser => {
            let grant = HeldGrant {
                access_token: Some(open()?),
                token_type: None,
                expiry: Expiry::Unknown,
                issued_at: None,
                refresh_token: None,
                scopes: Scopes::default(),
                issued_to: IssuedTo::Configured,
                quota_project: None,
            };
            (None, Held::Grant(Box::new(grant)))
        }
        Named::FacebookPage(_) => (None, alone(open()?)),
        Named::Shop(_, address) => (Some(address), alone(open()?)),
        Named::Identifier | Named::Other => return Ok(None),
    };
    let label = label.clone();
    Ok(Some(Record { label, server, username: None, inactive: false, held }))
}
