//! Google's files: `authorized_user` as `gcloud` writes it, and the output of `Credentials.to_json`
//! of its Python library; and `token.json` as programs write it with the libraries for Go and Node.
//!
//! Files of Google that hold no grant of a person are recognised, and the error names what to do
//! with them.

use std::path::Path;

use serde_json::{Map, Value};

use super::error::Error;
use super::record::{Fault, Found, Held, HeldGrant, IssuedTo, Label, Record};
use super::text::{self, ValueFault};

/// The prefix of the scopes of Drive.
const DRIVE: &str = "https://www.googleapis.com/auth/drive";

/// The names under which the libraries keep the end of an access token.
const ENDS: [&str; 5] =
    ["expiry_date", "expiry", "token_expiry", "expires_at", "expiration_time_millis"];

/// Reads the file at `path`.
pub(crate) fn read(path: &Path) -> Result<Found, Error> {
    let text = text::read(path)?;
    let other = |what, instead: Option<&str>| Error::OtherKind {
        path: path.to_owned(),
        what,
        instead: instead.map(|flag| format!("tokctl login gdrive {flag} {}", typed(path))),
    };
    let Some(Value::Object(object)) = text::json(&text) else {
        return Err(other("no JSON file of Google's", None));
    };
    let object = flat(object);
    if object.contains_key("installed") || object.contains_key("web") {
        return Err(other("a client file, which holds nobody's login", Some("--client-secrets")));
    }
    match object.get("type").map(Value::as_str) {
        None | Some(Some("authorized_user")) => {}
        Some(Some("service_account")) => {
            return Err(other(
                "a service account's key, which nobody logged in with",
                Some("--service-account"),
            ));
        }
        Some(_) => return Err(other("of a type that can't be taken in", None)),
    }
    let mut found = Found { files: vec![path.to_owned()], ..Found::default() };
    let (label, record) = record(&object);
    found.add(label, record);
    Ok(found)
}

/// Returns a path as one word of a shell's command line.
fn typed(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}

/// Returns the fields of the tokens and of the client in one object, where a program such as clasp
/// keeps them in objects of their own.
fn flat(object: Map<String, Value>) -> Map<String, Value> {
    const INNER: [&str; 5] =
        ["token", "tokens", "default", "token_response", "oauth2ClientSettings"];
    let mut flat = Map::new();
    for (name, value) in object {
        match value {
            Value::Object(inner) if INNER.contains(&name.as_str()) => {
                for (name, value) in self::flat(inner) {
                    flat.entry(name).or_insert(value);
                }
            }
            value => {
                flat.insert(text::snake_case(&name), value);
            }
        }
    }
    flat
}

fn record(object: &Map<String, Value>) -> (Label, Result<Record, Fault>) {
    let scopes = text::scopes(granted_scopes(object)).unwrap_or_default();
    let is_drive = scopes.iter().any(|scope| scope.starts_with(DRIVE));
    let label = Label {
        provider: Some(if is_drive { "gdrive" } else { "google" }),
        user: text::user(object, "account"),
        origin: "the file".into(),
    };
    let record = grant(object).map(|held| Record {
        label: label.clone(),
        server: None,
        username: None,
        inactive: false,
        held: Held::Grant(Box::new(held)),
    });
    (label, record.map_err(Fault::from))
}

/// Returns the scopes under either of their names.
fn granted_scopes(object: &Map<String, Value>) -> Option<&Value> {
    object.get("scopes").or_else(|| object.get("scope"))
}

/// Reads a grant whose fields have the names of Google's library. The address of the token endpoint
/// in it is not read.
pub(super) fn grant(object: &Map<String, Value>) -> Result<HeldGrant, ValueFault> {
    let field = |name| text::field(object, name);
    let refresh_token = field("refresh_token")?.map(text::refresh_token).transpose()?;
    // Python's library says `token`, and those for Go and Node say `access_token`.
    let access_token = match field("token")? {
        Some(token) => Some(token),
        None => field("access_token")?,
    };
    let access_token = access_token.map(text::access_token).transpose()?;
    if refresh_token.is_none() && access_token.is_none() {
        return Err("it holds no token");
    }
    let issued_to = match field("client_id")? {
        Some(id) => IssuedTo::Named {
            id: text::client_id(id)?,
            secret: field("client_secret")?.map(text::client_secret).transpose()?,
        },
        None => IssuedTo::Configured,
    };
    let issued_at = field("created")?.and_then(|text| text::time(&text).ok());
    let expiry = match ENDS.into_iter().find(|name| object.contains_key(*name)) {
        Some(name) => text::end(object, name)?,
        None => text::end_of_life(issued_at, field("expires_in")?)?,
    };
    Ok(HeldGrant {
        access_token,
        token_type: None,
        expiry,
        issued_at,
        refresh_token,
        scopes: text::scopes(granted_scopes(object))?,
        issued_to,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::credential::Expiry;

    #[test]
    fn the_libraries_for_go_and_node_write_their_own_names() {
        let held = |text: &str| {
            let Some(Value::Object(object)) = text::json(text) else { panic!("{text}") };
            grant(&flat(object)).unwrap()
        };
        let go = held(r#"{"access_token":"made-up","expiry":"0001-01-01T00:00:00Z"}"#);
        assert!(go.access_token.is_some());
        assert_eq!(go.expiry, Expiry::Unknown, "Go's zero time is none");
        let node = held(r#"{"access_token":"made-up","expiry_date":1764320000123,"scope":"a b"}"#);
        assert_eq!(node.expiry, Expiry::Known("2025-11-28T08:53:20Z".parse().unwrap()));
        assert_eq!(node.scopes.to_string(), "a b");
        let php = held(r#"{"access_token":"made-up","created":1764316400,"expires_in":3600}"#);
        assert_eq!(php.expiry, Expiry::Known("2025-11-28T08:53:20Z".parse().unwrap()));
        let clasp = held(
            r#"{"token":{"access_token":"made-up","expiry_date":1764320000123},
                "oauth2ClientSettings":{"clientId":"made-up-id","clientSecret":"made-up-secret"}}"#,
        );
        assert_eq!(clasp.expiry, node.expiry);
        assert!(matches!(clasp.issued_to, IssuedTo::Named { id, .. } if id == "made-up-id"));
    }
}
