//! A SQLite file with the table `tokens` of names and values: tokens of Facebook and of Shopify's
//! shops. The values are in Fernet, under a key that is derived from the secret
//! `STATE_TOKEN_SECRET`.

use std::num::NonZeroU32;
use std::path::Path;

use serde_json::{Map, Value};

use super::error::Error;
use super::fernet::Key;
use super::record::{Found, Held, HeldGrant, IssuedTo, Owner, Record};
use super::sqlite::Database;
use super::text::{self, Fault};
use crate::model::address::Address;
use crate::model::credential::{Expiry, StaticToken};
use crate::model::scope::Scopes;
use crate::secret::{SecretText, StoreKey};

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

/// Reads the store at `path`, with its secret.
pub(crate) fn read(path: &Path, secret: Option<&StoreKey>) -> Result<Found, Error> {
    let database = Database::open(path)?;
    if !database.has("tokens", &["key", "value", "type"])? {
        let what = "a database without the table `tokens` of names and values";
        return Err(Error::OtherKind { path: path.to_owned(), what, instead: None });
    }
    let secret = secret.ok_or_else(|| Error::NeedsKey { path: path.to_owned() })?;
    let key = Key::derive(secret.expose(), SALT, ITERATIONS);
    let mut found = Found { files: database.files.clone(), ..Found::default() };
    let rows =
        database.rows("tokens", |row, place| Ok((named(row)?, field(row, "value")?, place)))?;
    for (named, sealed, place) in rows {
        let held = match named {
            Named::Identifier => continue,
            Named::Other => {
                found.ignored.push(format!("{place}, whose name tells no service"));
                continue;
            }
            Named::FacebookUser | Named::FacebookPage(_) | Named::Shop(..) => key
                .open(&sealed)
                .ok_or_else(|| Error::WrongKey { path: path.to_owned(), place: place.clone() })?,
        };
        let record = record(named, &held.text, place.clone()).map_err(|what| Error::Malformed {
            path: path.to_owned(),
            place,
            what: what.to_owned(),
        })?;
        found.records.extend(record);
    }
    Ok(found)
}

fn field(row: &Map<String, Value>, name: &str) -> Result<String, Fault> {
    text::field(row, name)?.ok_or("it has an empty column")
}

fn named(row: &Map<String, Value>) -> Result<Named, Fault> {
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

fn record(named: Named, token: &str, origin: String) -> Result<Option<Record>, Fault> {
    let token = text::access_token(token.to_owned())?;
    let own = |provider, user, server, held| Record {
        provider: Some(provider),
        user,
        origin,
        server,
        username: None,
        inactive: false,
        held,
    };
    let alone = |token| Held::Static(StaticToken { token: Some(token), expiry: Expiry::Unknown });
    Ok(match named {
        Named::FacebookUser => {
            let grant = HeldGrant {
                access_token: Some(token),
                token_type: None,
                expiry: Expiry::Unknown,
                issued_at: None,
                refresh_token: None,
                scopes: Scopes::default(),
                issued_to: IssuedTo::Configured,
            };
            Some(own("facebook", Owner::Unsaid, None, Held::Grant(Box::new(grant))))
        }
        Named::FacebookPage(page) => Some(own("facebook", page, None, alone(token))),
        Named::Shop(shop, address) => Some(own("shopify", shop, Some(address), alone(token))),
        Named::Identifier | Named::Other => None,
    })
}
