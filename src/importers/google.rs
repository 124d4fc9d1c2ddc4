//! Google's files: `authorized_user` as `gcloud` writes it, and the output of `Credentials.to_json`
//! of its Python library; and `token.json` as programs write it with the libraries for Go and Node.
//!
//! Files without a key are read by [`google_keyless`](super::google_keyless). Others that hold no
//! grant of a person are recognised, and the error names what to do with them.

use std::path::Path;

use serde_json::{Map, Value};

use super::error::Error;
use super::google_grant;
use super::google_keyless::{self, EXTERNAL, IMPERSONATED};
use super::record::{Fault, Found, Held, HeldWorkload, Label, Record};
use super::text;

/// The prefix of the scopes of Drive.
const DRIVE: &str = "https://www.googleapis.com/auth/drive";

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
    let mut found = Found { files: vec![path.to_owned()], ..Found::default() };
    if let Some(kind @ (EXTERNAL | IMPERSONATED)) = object.get("type").and_then(Value::as_str) {
        let (label, record) = google_keyless::record(&object, kind);
        if record.as_ref().is_ok_and(|record| !record.held.holds_secret()) {
            // Anybody may read it, and other programs go on with it.
            found.files.clear();
        }
        found.add(label, record.map_err(Fault::from));
        return Ok(found);
    }
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
    let (label, record) = record(&object);
    found.add(label, record);
    Ok(found)
}

/// Reads what a file without a key describes.
pub(crate) fn workload(path: &Path) -> Result<HeldWorkload, Error> {
    let Found { mut records, unusable, .. } = read(path)?;
    let malformed = |what: String| Error::Malformed {
        path: path.to_owned(),
        place: "its credentials".into(),
        what,
    };
    match (records.pop().map(|record| record.held), unusable.first()) {
        (Some(Held::Workload(held)), _) => Ok(*held),
        (_, Some(one)) => Err(malformed(one.fault.to_string())),
        (Some(Held::Static(_) | Held::Grant(_)) | None, None) => Err(Error::OtherKind {
            path: path.to_owned(),
            what: "a person's login, and not of a job or workload",
            instead: Some(format!("tokctl import google {}", typed(path))),
        }),
    }
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
    let scopes = text::scopes(google_grant::granted_scopes(object)).unwrap_or_default();
    let is_drive = scopes.iter().any(|scope| scope.starts_with(DRIVE));
    let label = Label {
        provider: Some(if is_drive { "gdrive" } else { "google" }),
        user: text::user(object, "account"),
        origin: "the file".into(),
    };
    let record = google_grant::grant(object).map(|held| Record {
        label: label.clone(),
        server: None,
        username: None,
        inactive: false,
        held: Held::Grant(Box::new(held)),
    });
    (label, record.map_err(Fault::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::importers::google_grant::grant;
    use crate::importers::record::IssuedTo;
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
