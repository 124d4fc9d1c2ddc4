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
use crate::model::credential::Expiry;

/// The prefix of the scopes of Drive.
const DRIVE: &str = "https://www.googleapis.com/auth/drive";

/// The beginning of Go's zero time, which stands for no time at all.
const NO_TIME: &str = "0001-01-01";

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
    let expiry = match field("expiry_date")? {
        Some(milliseconds) => Some(text::time_in_milliseconds(&milliseconds)?),
        None => field("expiry")?
            .filter(|text| !text.starts_with(NO_TIME))
            .map(|text| text::time(&text))
            .transpose()?,
    };
    Ok(HeldGrant {
        access_token,
        token_type: None,
        expiry: expiry.map_or(Expiry::Unknown, Expiry::Known),
        issued_at: None,
        refresh_token,
        scopes: text::scopes(granted_scopes(object))?,
        issued_to,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libraries_for_go_and_node_write_their_own_names() {
        let held = |text: &str| {
            let Some(Value::Object(object)) = text::json(text) else { panic!("{text}") };
            grant(&object).unwrap()
        };
        let go = held(r#"{"access_token":"made-up","expiry":"0001-01-01T00:00:00Z"}"#);
        assert!(go.access_token.is_some());
        assert_eq!(go.expiry, Expiry::Unknown, "Go's zero time is none");
        let node = held(r#"{"access_token":"made-up","expiry_date":1764320000123,"scope":"a b"}"#);
        assert_eq!(node.expiry, Expiry::Known("2025-11-28T08:53:20Z".parse().unwrap()));
        assert_eq!(node.scopes.to_string(), "a b");
    }
}
