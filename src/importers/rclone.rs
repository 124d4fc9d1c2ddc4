//! The configuration `rclone.conf`, or what `rclone config dump` prints: remotes of Google Drive,
//! whose token is JSON in one of its settings.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::error::Error;
use super::record::{Fault, Found, Held, HeldGrant, IssuedTo, Label, Owner, Record};
use super::text::{self, ValueFault};
use super::times;
use crate::model::scope::Scopes;
use crate::untrusted::printable;

/// The prefix of a scope of Drive, which rclone leaves out.
const DRIVE: &str = "https://www.googleapis.com/auth/";

/// A remote, with the place at which it begins.
struct Remote {
    name: String,
    place: String,
    settings: BTreeMap<String, String>,
    /// The first line in it that is no setting.
    odd_line: Option<usize>,
}

/// Reads the configuration at `path`.
pub(crate) fn read(path: &Path) -> Result<Found, Error> {
    let text = text::read(path)?;
    if text.contains("RCLONE_ENCRYPT_V0:") {
        return Err(Error::OtherKind {
            path: path.to_owned(),
            what: "encrypted by rclone",
            instead: Some(
                "`rclone config show > FILE` in a directory of your own, then import that".into(),
            ),
        });
    }
    let mut found = Found { files: vec![path.to_owned()], ..Found::default() };
    let (remotes, stray) = match text::json(&text) {
        Some(dump) => (remotes_in_dump(&dump), None),
        None => remotes(&text),
    };
    if remotes.is_empty() {
        let what = "no configuration of rclone's, or one without remotes";
        return Err(Error::OtherKind { path: path.to_owned(), what, instead: None });
    }
    found.ignored.extend(stray.map(|line| format!("line {line}, before the first remote")));
    for remote in remotes {
        let name = printable(&remote.name);
        let kind = remote.settings.get("type").map(String::as_str);
        let is_complete = remote.odd_line.is_none();
        if kind.map_or(is_complete, |kind| kind != "drive") {
            found.ignored.push(format!("the remote {name}, which is no Google Drive"));
        } else if is_complete && !remote.settings.contains_key("token") {
            found.ignored.push(format!("the remote {name}, which has no login of a person"));
        } else {
            let place = remote.odd_line.map_or(remote.place.clone(), |line| format!("line {line}"));
            let origin = format!("{place}, of the remote {name}");
            let label = Label { provider: Some("gdrive"), user: Owner::of(&remote.name), origin };
            found.add(label.clone(), record(&remote, label));
        }
    }
    Ok(found)
}

fn record(remote: &Remote, label: Label) -> Result<Record, Fault> {
    if remote.odd_line.is_some() {
        return Err(Fault::Malformed("it is no setting"));
    }
    let held = Held::Grant(Box::new(grant(&remote.settings)?));
    Ok(Record { label, server: None, username: None, inactive: false, held })
}

fn grant(settings: &BTreeMap<String, String>) -> Result<HeldGrant, ValueFault> {
    let set = |name: &str| settings.get(name).filter(|text| !text.is_empty()).cloned();
    let Some(Value::Object(token)) = set("token").as_deref().and_then(text::json) else {
        return Err("its token is no JSON object");
    };
    let field = |name| text::field(&token, name);
    let expiry = times::end(&token, "expiry")?;
    let access_token = field("access_token")?.ok_or("it has no access token")?;
    let scopes: Vec<String> = Scopes::parse(&set("scope").unwrap_or_default())
        .iter()
        .map(|scope| if scope.contains(':') { scope.into() } else { format!("{DRIVE}{scope}") })
        .collect();
    Ok(HeldGrant {
        access_token: Some(text::access_token(access_token)?),
        token_type: text::token_type(&token)?,
        expiry,
        issued_at: None,
        refresh_token: field("refresh_token")?.map(text::refresh_token).transpose()?,
        scopes: Scopes::parse(&scopes.join(" ")),
        issued_to: match set("client_id") {
            Some(id) => IssuedTo::Named {
                id: text::client_id(id)?,
                secret: set("client_secret").map(text::client_secret).transpose()?,
            },
            None => IssuedTo::Tool,
        },
        quota_project: None,
    })
}

/// Takes off the quotes in which a value may stand: three, as rclone's library writes a value that
/// begins or ends oddly, a backtick, or those that people write.
fn unquoted(value: &str) -> &str {
    ["\"\"\"", "`", "'", "\""]
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}

/// Returns the remotes in the output of `rclone config dump`.
fn remotes_in_dump(dump: &Value) -> Vec<Remote> {
    let remotes = dump.as_object().into_iter().flatten();
    let settings = |remote: &Value| -> BTreeMap<String, String> {
        let settings = remote.as_object().into_iter().flatten();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        settings.map(|(name, value)| (name.clone(), text(value))).collect()
    };
    (1..)
        .zip(remotes)
        .map(|(number, (name, remote))| Remote {
            name: name.clone(),
            place: format!("entry {number}"),
            settings: settings(remote),
            odd_line: None,
        })
        .collect()
}

/// Returns the sections of the file, and the first line that belongs to none.
fn remotes(text: &str) -> (Vec<Remote>, Option<usize>) {
    let (mut remotes, mut stray): (Vec<Remote>, _) = (Vec::new(), None);
    for (number, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), number + 1);
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let (name, settings) = (name.to_owned(), BTreeMap::new());
            let place = format!("line {number}");
            remotes.push(Remote { name, place, settings, odd_line: None });
            continue;
        }
        match (remotes.last_mut(), line.split_once(['=', ':'])) {
            (None, _) => stray = stray.or(Some(number)),
            (Some(remote), None) => remote.odd_line = remote.odd_line.or(Some(number)),
            (Some(remote), Some((name, value))) => {
                let value = unquoted(value.trim()).to_owned();
                remote.settings.insert(name.trim().to_owned(), value);
            }
        }
    }
    (remotes, stray)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_quotes_and_after_a_colon_as_well() {
        let text = "[x]\ntype: drive\ntoken = \"\"\"{\"a\":1}\"\"\"\nclient_id = `b`\n";
        let (remotes, _) = remotes(text);
        let settings = &remotes[0].settings;
        let value = |name: &str| settings.get(name).map(String::as_str);
        assert_eq!(value("type"), Some("drive"));
        assert_eq!((value("token"), value("client_id")), (Some("{\"a\":1}"), Some("b")));
    }
}
