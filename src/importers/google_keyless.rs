//! Google's files without a key: `external_account`, for a job or workload with an identity token of
//! its platform, and `impersonated_service_account`, for somebody who acts in a service account's
//! name.
//!
//! The addresses in such a file are read, since a file is made for one of several regions. Whether
//! anything may be sent there is not decided here.

use std::path::PathBuf;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::google_grant;
use super::record::{Held, HeldWorkload, IssuedTo, Label, Owner, Record};
use super::text::{self, ValueFault};
use crate::model::address::Address;
use crate::model::scope::Scopes;
use crate::model::service_account::ServiceAccount;
use crate::model::workload::{
    Identity, IdentitySource, IdentityUse, Impersonation, LIFETIME, Proof, SourceHeader, Workload,
};
use crate::secret::{ApiKey, PrivateKey, SecretText};

/// The words of `type` for such files.
pub(super) const EXTERNAL: &str = "external_account";
pub(super) const IMPERSONATED: &str = "impersonated_service_account";

/// The time that a program may take, in milliseconds: usually, at least and at most.
const TIMEOUT: u64 = 30_000;
const TIMEOUTS: std::ops::RangeInclusive<u64> = 5_000..=120_000;

/// The characters that Google's libraries encode in a parameter.
const RESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b'/');

/// The end of the address at which a service account's token is asked for.
const METHOD: &str = ":generateAccessToken";

/// Returns what a file of `kind` describes.
pub(super) fn record(
    object: &Map<String, Value>,
    kind: &str,
) -> (Label, Result<Record, ValueFault>) {
    let read = if kind == EXTERNAL { external(object) } else { impersonated(object) };
    let read = read.map(|held| HeldWorkload { name: name(&held), ..held });
    let name = read.as_ref().ok().and_then(|held| held.name.as_deref());
    let label = Label {
        provider: Some("gdrive"),
        user: name.map_or(Owner::Unsaid, Owner::of),
        origin: "the file".into(),
    };
    let record = read.map(|held| Record {
        label: label.clone(),
        server: None,
        username: None,
        inactive: false,
        held: Held::Workload(Box::new(held)),
    });
    (label, record)
}

/// Returns a name for what a file describes: the service account's, or else that of the provider in
/// its pool.
fn name(held: &HeldWorkload) -> Option<String> {
    if let Some(account) = &held.service_account {
        return Some(account.clone());
    }
    let audience = held.workload.identity()?.exchange_audience.as_deref()?;
    let parts: Vec<&str> = audience.split('/').collect();
    let behind = |word: &[&str]| {
        let at = parts.iter().position(|part| word.contains(part))?;
        parts.get(at + 1).copied().filter(|part| !part.is_empty())
    };
    let pool = behind(&["workloadIdentityPools", "workforcePools"])?;
    Some(format!("{}@{pool}", behind(&["providers"])?))
}

fn external(object: &Map<String, Value>) -> Result<HeldWorkload, ValueFault> {
    let field = |name| text::field(object, name);
    let audience = field("audience")?.ok_or("it names no audience")?;
    let token_type = field("subject_token_type")?.ok_or("it names no type of token")?;
    let Some(Value::Object(source)) = object.get("credential_source") else {
        return Err("it does not say where its identity token comes from");
    };
    let source = credential_source(source)?;
    let quota_project = field("quota_project_id")?;
    let lifetime = match object.get("service_account_impersonation") {
        Some(options) if !options["token_lifetime_seconds"].is_null() => {
            let seconds =
                options["token_lifetime_seconds"].as_u64().and_then(|s| s.try_into().ok());
            seconds.ok_or("the life of its tokens is no number of seconds")?
        }
        Some(_) | None => LIFETIME,
    };
    let impersonation = match field("service_account_impersonation_url")? {
        Some(url) => Some(Impersonation {
            endpoint: address(&url)?,
            lifetime,
            delegates: None,
            quota_project: quota_project.clone(),
        }),
        None => None,
    };
    let service_account = impersonation.as_ref().and_then(account_in);
    let client = match field("client_id")? {
        Some(id) => Some((
            text::client_id(id)?,
            field("client_secret")?.map(text::client_secret).transpose()?,
        )),
        None => None,
    };
    let mut params = vec![("audience", audience.clone())];
    if let Some(project) = field("workforce_pool_user_project")?
        && client.is_none()
    {
        // As Google's libraries send it: encoded once more than the form itself.
        let options = format!("{{\"userProject\": {}}}", Value::from(project));
        params.push(("options", utf8_percent_encode(&options, RESERVED).to_string()));
    }
    let identity = Identity {
        source,
        audience: None,
        used_as: IdentityUse::TokenExchange,
        token_type,
        exchange_audience: Some(audience),
        acts_for: service_account.clone(),
    };
    Ok(HeldWorkload {
        workload: Workload { proof: Proof::Identity(identity), impersonation },
        token_endpoint: field("token_url")?.map(|url| address(&url)).transpose()?,
        params,
        client,
        quota_project,
        scopes: Scopes::default(),
        service_account,
        name: None,
    })
}

/// Reads the place that identity tokens come from.
fn credential_source(source: &Map<String, Value>) -> Result<IdentitySource, ValueFault> {
    if source.contains_key("environment_id") {
        return Err(
            "it takes its identity from Amazon's signed requests, which tokctl does not make",
        );
    }
    if source.contains_key("certificate") {
        return Err("it takes its identity from a certificate, which tokctl does not present");
    }
    let format = source.get("format").cloned().unwrap_or_default();
    let field = match format["type"].as_str() {
        Some("json") => {
            let name = format["subject_token_field_name"].as_str();
            Some(name.ok_or("it does not name the field of its identity token")?.to_owned())
        }
        Some("text") | None => None,
        Some(_) => return Err("its identity token has a format that is not known"),
    };
    let (file, url) = (text::field(source, "file")?, text::field(source, "url")?);
    match (file, url, source.get("executable")) {
        (Some(path), None, None) => Ok(IdentitySource::File { path: absolute(&path)?, field }),
        (None, Some(url), None) => {
            Address::of_local_service(&url).map_err(
                |_| "the address of its identity token is neither https nor on this host",
            )?;
            Ok(IdentitySource::Url { url, headers: headers(source)?, field })
        }
        (None, None, Some(Value::Object(program))) => executable(program),
        (..) => Err("it does not name one place that its identity token comes from"),
    }
}

fn headers(source: &Map<String, Value>) -> Result<Vec<SourceHeader>, ValueFault> {
    const FAULT: ValueFault = "the headers of its request are no texts";
    let Some(headers) = source.get("headers").filter(|headers| !headers.is_null()) else {
        return Ok(Vec::new());
    };
    let headers = headers.as_object().ok_or(FAULT)?;
    let is_plain = |text: &str| text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    let header = |(name, value): (&String, &Value)| {
        let value = value.as_str().filter(|value| is_plain(value)).ok_or(FAULT)?;
        if !crate::model::credential::is_field_name(name) {
            return Err(FAULT);
        }
        let value = ApiKey::from_trusted(value.to_owned());
        Ok(SourceHeader { name: name.clone(), value })
    };
    headers.iter().map(header).collect()
}

fn executable(program: &Map<String, Value>) -> Result<IdentitySource, ValueFault> {
    let command = text::field(program, "command")?.ok_or("its program has no name")?;
    let command = shell_words::split(&command).map_err(|_| "its program is no command line")?;
    if command.is_empty() {
        return Err("its program has no name");
    }
    let timeout = match program.get("timeout_millis") {
        None | Some(Value::Null) => TIMEOUT,
        Some(timeout) => timeout
            .as_u64()
            .filter(|timeout| TIMEOUTS.contains(timeout))
            .ok_or("the time for its program is not between 5 and 120 seconds")?,
    };
    let output_file =
        text::field(program, "output_file")?.map(|path| absolute(&path)).transpose()?;
    Ok(IdentitySource::Executable { command, timeout, output_file })
}

fn impersonated(object: &Map<String, Value>) -> Result<HeldWorkload, ValueFault> {
    let field = |name| text::field(object, name);
    let Some(Value::Object(source)) = object.get("source_credentials") else {
        return Err("it does not say who acts in the service account's name");
    };
    let url = field("service_account_impersonation_url")?.ok_or("it names no service account")?;
    let impersonation = Impersonation {
        endpoint: address(&url)?,
        lifetime: LIFETIME,
        delegates: match object.get("delegates") {
            None | Some(Value::Null) => None,
            Some(list) => {
                let list = list.as_array().ok_or("its delegates are no list")?;
                let texts = list.iter().map(|one| one.as_str().map(str::to_owned));
                Some(texts.collect::<Option<_>>().ok_or("its delegates are no list of names")?)
            }
        },
        quota_project: text::field(source, "quota_project_id")?,
    };
    let (proof, client) = source_credentials(source)?;
    let service_account = account_in(&impersonation);
    Ok(HeldWorkload {
        workload: Workload { proof, impersonation: Some(impersonation) },
        token_endpoint: text::field(source, "token_uri")?.map(|url| address(&url)).transpose()?,
        params: Vec::new(),
        client,
        quota_project: field("quota_project_id")?,
        scopes: text::scopes(object.get("scopes"))?,
        service_account,
        name: None,
    })
}

/// The proof of who acts in a service account's name, and the client that it was issued to.
type Source = (Proof, Option<(String, Option<crate::secret::ClientSecret>)>);

fn source_credentials(source: &Map<String, Value>) -> Result<Source, ValueFault> {
    match source.get("type").and_then(Value::as_str) {
        Some("authorized_user") => {
            let held = google_grant::grant(source)?;
            let token = held.refresh_token.ok_or("its source has no refresh token")?;
            match held.issued_to {
                IssuedTo::Named { id, secret } => {
                    Ok((Proof::RefreshToken { token }, Some((id, secret))))
                }
                IssuedTo::Configured | IssuedTo::Tool => Err("its source names no client"),
            }
        }
        Some("service_account") => {
            let email = text::field(source, "client_email")?.ok_or("its source has no name")?;
            let key = text::field(source, "private_key")?.ok_or("its source has no key")?;
            let account = ServiceAccount {
                email,
                key_id: text::field(source, "private_key_id")?,
                private_key: PrivateKey::from_trusted(key),
                subject: None,
            };
            Ok((Proof::ServiceAccount(account), None))
        }
        Some(_) | None => Err("its source is of a type that can't be taken in"),
    }
}

/// Returns the service account whose token is asked for there.
fn account_in(impersonation: &Impersonation) -> Option<String> {
    let (_, name) = impersonation.endpoint.as_str().strip_suffix(METHOD)?.rsplit_once('/')?;
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

fn address(text: &str) -> Result<Address, ValueFault> {
    text.parse().map_err(|_| "an address in it is neither https nor on this machine")
}

fn absolute(path: &str) -> Result<PathBuf, ValueFault> {
    std::path::absolute(path).map_err(|_| "a path in it can't be used")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const AUDIENCE: &str =
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/hub";

    fn file(source: &Value) -> Map<String, Value> {
        let file = json!({
            "type": EXTERNAL, "audience": AUDIENCE, "credential_source": source,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
        });
        match file {
            Value::Object(object) => object,
            _ => panic!("{file}"),
        }
    }

    fn source(source: &Value) -> Result<IdentitySource, ValueFault> {
        let held = external(&file(source))?;
        Ok(held.workload.identity().unwrap().source.clone())
    }

    #[test]
    fn a_file_names_one_place_of_the_identity() {
        let read = source(&json!({ "file": "/x" })).unwrap();
        assert_eq!(read, IdentitySource::File { path: "/x".into(), field: None });
        let local = json!({
            "url": "http://169.254.169.254/x", "headers": { "Metadata": "True" },
            "format": { "type": "json", "subject_token_field_name": "access_token" },
        });
        assert!(matches!(source(&local), Ok(IdentitySource::Url { field: Some(_), .. })));
        let program = json!({ "executable": { "command": "a 'b c'", "timeout_millis": 5000 } });
        match source(&program).unwrap() {
            IdentitySource::Executable { command, timeout, .. } => {
                assert_eq!((command, timeout), (vec!["a".into(), "b c".into()], 5000));
            }
            other => panic!("{other:?}"),
        }
        for (bad, word) in [
            (json!({}), "one place"),
            (json!({ "file": "/x", "url": "https://a.example" }), "one place"),
            (json!({ "environment_id": "aws1", "url": "https://a.example" }), "Amazon"),
            (json!({ "certificate": {} }), "certificate"),
            (json!({ "url": "http://a.example" }), "neither https"),
            (json!({ "file": "/x", "format": { "type": "json" } }), "field"),
            (json!({ "executable": { "command": "x", "timeout_millis": 1 } }), "seconds"),
        ] {
            let why = source(&bad).unwrap_err();
            assert!(why.contains(word), "{bad}: {why}");
        }
    }

    #[test]
    fn a_file_has_a_name_of_its_own() {
        let mut object = file(&json!({ "file": "/x" }));
        let named = |object: &Map<String, Value>| name(&external(object).unwrap());
        assert_eq!(named(&object).as_deref(), Some("hub@ci"));
        let url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/ci@p.iam.gserviceaccount.com:generateAccessToken";
        object.insert("service_account_impersonation_url".into(), url.into());
        assert_eq!(named(&object).as_deref(), Some("ci@p.iam.gserviceaccount.com"));
    }
}
