//! The configuration `rclone.conf`: remotes of Google Drive, whose token is JSON on a line of its
//! section.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::error::Error;
use super::record::{Found, Held, HeldGrant, IssuedTo, Owner, Record};
use super::text::{self, Fault};
use crate::model::credential::Expiry;
use crate::model::scope::Scopes;
use crate::untrusted::printable;

/// The prefix of a scope of Drive, which rclone leaves out.
const DRIVE: &str = "https://www.googleapis.com/auth/";

/// A section, with the line at which it begins.
struct Remote {
    name: String,
    line: usize,
    settings: BTreeMap<String, String>,
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
    let malformed = |(line, what): (usize, Fault)| Error::Malformed {
        path: path.to_owned(),
        place: format!("line {line}"),
        what: what.to_owned(),
    };
    let remotes = remotes(&text).map_err(malformed)?;
    let mut found = Found { files: vec![path.to_owned()], ..Found::default() };
    if remotes.is_empty() {
        let what = "no configuration of rclone's, or one without remotes";
        return Err(Error::OtherKind { path: path.to_owned(), what, instead: None });
    }
    for remote in remotes {
        let name = printable(&remote.name);
        let kind = remote.settings.get("type").map_or("", String::as_str);
        if kind != "drive" {
            found.ignored.push(format!("the remote {name}, which is no Google Drive"));
        } else if !remote.settings.contains_key("token") {
            found.ignored.push(format!("the remote {name}, which has no login of a person"));
        } else {
            let made = record(&remote, &name);
            found.records.push(made.map_err(|what| malformed((remote.line, what)))?);
        }
    }
    Ok(found)
}

fn record(remote: &Remote, name: &str) -> Result<Record, Fault> {
    Ok(Record {
        provider: Some("gdrive"),
        user: Owner::of(&remote.name),
        origin: format!("the remote {name}"),
        server: None,
        username: None,
        inactive: false,
        held: Held::Grant(Box::new(grant(&remote.settings)?)),
    })
}

fn grant(settings: &BTreeMap<String, String>) -> Result<HeldGrant, Fault> {
    let set = |name: &str| settings.get(name).filter(|text| !text.is_empty()).cloned();
    let Some(Value::Object(token)) = set("token").as_deref().and_then(text::json) else {
        return Err("its token is no JSON object");
    };
    let field = |name| text::field(&token, name);
    let end = field("expiry")?.map(|text| text::time(&text)).transpose()?;
    let access_token = field("access_token")?.ok_or("it has no access token")?;
    let scopes: Vec<String> = Scopes::parse(&set("scope").unwrap_or_default())
        .iter()
        .map(|scope| if scope.contains(':') { scope.into() } else { format!("{DRIVE}{scope}") })
        .collect();
    Ok(HeldGrant {
        access_token: Some(text::access_token(access_token)?),
        token_type: text::token_type(&token)?,
        expiry: end.map_or(Expiry::Unknown, Expiry::Known),
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
    })
}

/// Takes off the quotes in which a value may stand: three, as rclone's library writes a value that
/// begins or ends oddly, or a backtick.
fn unquoted(value: &str) -> &str {
    ["\"\"\"", "`"]
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}

/// Returns the sections of the file, or the first line that belongs to none.
fn remotes(text: &str) -> Result<Vec<Remote>, (usize, Fault)> {
    let mut remotes: Vec<Remote> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), number + 1);
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let settings = BTreeMap::new();
            remotes.push(Remote { name: name.to_owned(), line: number, settings });
            continue;
        }
        let remote = remotes.last_mut().ok_or((number, "it stands before the first remote"))?;
        let (name, value) = line.split_once(['=', ':']).ok_or((number, "it is no setting"))?;
        let value = unquoted(value.trim());
        remote.settings.insert(name.trim().to_owned(), value.to_owned());
    }
    Ok(remotes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_quotes_and_after_a_colon_as_well() {
        let text = "[x]\ntype: drive\ntoken = \"\"\"{\"a\":1}\"\"\"\nclient_id = `b`\n";
        let remotes = remotes(text).unwrap_or_else(|_| panic!());
        let settings = &remotes[0].settings;
        let value = |name: &str| settings.get(name).map(String::as_str);
        assert_eq!(value("type"), Some("drive"));
        assert_eq!((value("token"), value("client_id")), (Some("{\"a\":1}"), Some("b")));
    }
}
