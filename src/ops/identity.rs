//! The identity token of a job or workload, fetched anew for each use from where its platform has it.
//!
//! The token is in memory for one request and stored nowhere.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::model::jwt;
use crate::model::workload::{GITHUB_VARIABLES, Identity, IdentitySource, Workload};
pub(crate) use crate::oauth::identity_token::Error as IdentityError;
use crate::oauth::identity_token::{accept, field_of, from_github, from_service};
pub(crate) use crate::oauth::workload::Shown;
use crate::private_file;
use crate::secret::IdentityToken;

/// The greatest size of a file with an identity token, in bytes.
const LARGEST: u64 = 64 * 1024;

/// The time for which the writer of a pipe in place of a file is waited for.
const PIPE_PATIENCE: Duration = Duration::from_secs(10);

/// The variable that has to allow programs that a file of Google's names.
const ALLOW_EXECUTABLES: &str = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";

/// A program that is run for an identity token.
pub(crate) struct ProgramCall<'a> {
    /// The program and its arguments.
    pub(crate) words: &'a [String],
    /// Variables that it gets besides those of this process.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// The time that it may take; `None` for the usual one.
    pub(crate) timeout: Option<Duration>,
}

/// The environment and the programs of this machine, as the command line has them.
pub(crate) trait Surroundings {
    /// Returns the value of a variable that is set and not empty. The variable is withheld from
    /// every program that is started from then on.
    fn take_variable(&self, name: &str) -> Option<Zeroizing<String>>;

    /// Whether the variable `name` is `1`.
    fn is_allowed_by(&self, name: &str) -> bool;

    /// Runs a program and returns what it printed. Fails with a sentence.
    fn run(&self, call: &ProgramCall<'_>) -> Result<Zeroizing<String>, String>;
}

/// Returns the identity token of `workload`, or the reason why there is none; `None` if its proof
/// needs no identity.
pub(crate) fn shown(workload: &Workload, around: &dyn Surroundings, now: Timestamp) -> Shown {
    Some(obtain(workload.identity()?, around, now))
}

/// Returns an identity token that is good at `now`.
pub(crate) fn obtain(
    identity: &Identity,
    around: &dyn Surroundings,
    now: Timestamp,
) -> Result<IdentityToken, IdentityError> {
    let audience = identity.audience.as_deref();
    let (text, place) = match &identity.source {
        IdentitySource::Github => (github(around, audience)?, "GitHub".to_owned()),
        IdentitySource::Variable { name } => {
            let place = format!("the variable `{name}`");
            let why = format!("{place} is not set, which a job of GitLab names under `id_tokens`");
            (around.take_variable(name).ok_or(IdentityError::Missing { why })?, place)
        }
        IdentitySource::File { path, field } => {
            let place = format!("`{}`", path.display());
            (field_of(&read(path)?, field.as_deref(), &place)?, place)
        }
        IdentitySource::Url { url, headers, field } => {
            (from_service(url, headers, field.as_deref())?, format!("`{}`", host_of(url)))
        }
        IdentitySource::Command { command } => {
            let place = named(command);
            let call = ProgramCall { words: command, variables: Vec::new(), timeout: None };
            (around.run(&call).map_err(|what| IdentityError::Unavailable { what })?, place)
        }
        IdentitySource::Executable { command, timeout, output_file } => {
            let timeout = Duration::from_millis(*timeout);
            let text = executable(command, timeout, output_file.as_deref(), identity, around, now)?;
            (text, named(command))
        }
    };
    accept(&text, &place, audience, now)
}

fn named(command: &[String]) -> String {
    format!("`{}`", command.first().map(String::as_str).unwrap_or_default())
}

/// Returns the host of an address, without what else may be in it.
fn host_of(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    parsed.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn github(
    around: &dyn Surroundings,
    audience: Option<&str>,
) -> Result<Zeroizing<String>, IdentityError> {
    let [url, token] = GITHUB_VARIABLES.map(|name| (name, around.take_variable(name)));
    match (url, token) {
        ((_, Some(url)), (_, Some(token))) => from_github(&url, &token, audience),
        ((name, None), _) | (_, (name, None)) => Err(IdentityError::Missing {
            why: format!(
                "{name} is not set, which GitHub does for a job with `permissions: id-token: write`"
            ),
        }),
    }
}

/// Reads a file with a token. Nobody but the user, root and the group of a mount may write it.
fn read(path: &Path) -> Result<Zeroizing<String>, IdentityError> {
    let bytes = match private_file::read_trusted(path, LARGEST, || PIPE_PATIENCE) {
        Ok((bytes, _)) => Zeroizing::new(bytes),
        Err(private_file::Error::Io { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            let why = format!("there is no file `{}`", path.display());
            return Err(IdentityError::Missing { why });
        }
        Err(error) => return Err(IdentityError::Unusable { what: error.to_string() }),
    };
    let text = std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned()));
    text.map_err(|_| {
        let what = format!("`{}` holds something that is not text", path.display());
        IdentityError::Unusable { what }
    })
}

/// Runs a program as Google's libraries do, unless its file holds an answer that is still good.
fn executable(
    command: &[String],
    timeout: Duration,
    output_file: Option<&Path>,
    identity: &Identity,
    around: &dyn Surroundings,
    now: Timestamp,
) -> Result<Zeroizing<String>, IdentityError> {
    let program = named(command);
    if !around.is_allowed_by(ALLOW_EXECUTABLES) {
        let what = format!("{program} is not run for a token unless {ALLOW_EXECUTABLES} is 1");
        return Err(IdentityError::Unusable { what });
    }
    let kept = || output_file.and_then(|path| read(path).ok());
    if let Some(text) = kept()
        && serde_json::from_str(&text).is_ok_and(|kept: Value| !kept["expiration_time"].is_null())
        && let Ok(token) = token_of_answer(&text, &program, now)
    {
        return Ok(token);
    }
    let mut variables = vec![
        (
            "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE",
            identity.exchange_audience.clone().unwrap_or_default(),
        ),
        ("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE", identity.token_type.clone()),
        ("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0".into()),
        ("GOOGLE_EXTERNAL_ACCOUNT_REVOKE", "0".into()),
    ];
    if let Some(email) = &identity.acts_for {
        variables.push(("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", email.clone()));
        variables.push(("GOOGLE_EXTERNAL_ACCOUNT_ID", email.clone()));
    }
    if let Some(path) = output_file {
        variables.push(("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", path.display().to_string()));
    }
    let call = ProgramCall { words: command, variables, timeout: Some(timeout) };
    let printed = around.run(&call).map_err(|what| IdentityError::Unavailable { what })?;
    match kept().filter(|_| printed.is_empty()) {
        Some(text) => token_of_answer(&text, &program, now),
        None => token_of_answer(&printed, &program, now),
    }
}

/// Returns the token in what such a program printed.
fn token_of_answer(
    text: &str,
    program: &str,
    now: Timestamp,
) -> Result<Zeroizing<String>, IdentityError> {
    let unusable = |what: &str| IdentityError::Unusable { what: format!("{program} {what}") };
    let answer: Value =
        serde_json::from_str(text).map_err(|_| unusable("printed something else than JSON"))?;
    if answer["version"].as_u64() != Some(1) {
        return Err(unusable("answered in a version that is not known"));
    }
    if answer["success"] != Value::Bool(true) {
        let said = |name: &str| {
            let said = answer[name].as_str().map(str::to_owned);
            crate::untrusted::printable(&said.unwrap_or_else(|| answer[name].to_string()))
        };
        let what = format!("{program} gave no token: {}, {}", said("code"), said("message"));
        return Err(IdentityError::Unavailable { what });
    }
    if let Some(at) = jwt::moment(&answer["expiration_time"])
        && at < now
    {
        return Err(IdentityError::Expired { place: program.to_owned(), at });
    }
    let field = match answer["token_type"].as_str().unwrap_or_default() {
        "urn:ietf:params:oauth:token-type:jwt" | "urn:ietf:params:oauth:token-type:id_token" => {
            "id_token"
        }
        "urn:ietf:params:oauth:token-type:saml2" => "saml_response",
        _ => return Err(unusable("gave a token of a type that is not known")),
    };
    let token = answer[field].as_str().map(|token| Zeroizing::new(token.to_owned()));
    token.ok_or_else(|| unusable("gave no token"))
}

/// Surroundings for unit tests, with neither variables nor programs.
#[cfg(test)]
pub(crate) struct Nowhere;

#[cfg(test)]
impl Surroundings for Nowhere {
    fn take_variable(&self, _: &str) -> Option<Zeroizing<String>> {
        None
    }

    fn is_allowed_by(&self, _: &str) -> bool {
        false
    }

    fn run(&self, _: &ProgramCall<'_>) -> Result<Zeroizing<String>, String> {
        Err("there is no program".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_answer_has_a_version_a_verdict_and_a_token() {
        let now = Timestamp::from_second(1000).unwrap();
        let read = |text: &str| token_of_answer(text, "`x`", now);
        let good = r#"{"version":1,"success":true,"expiration_time":1001,
            "token_type":"urn:ietf:params:oauth:token-type:id_token","id_token":"made-up"}"#;
        assert_eq!(*read(good).unwrap(), "made-up");
        let saml = r#"{"version":1,"success":true,
            "token_type":"urn:ietf:params:oauth:token-type:saml2","saml_response":"made-up"}"#;
        assert_eq!(*read(saml).unwrap(), "made-up");
        let over = read(&good.replace("1001", "999"));
        assert!(matches!(over, Err(IdentityError::Expired { .. })));
        let failed = r#"{"version":1,"success":false,"code":"401","message":"Not you"}"#;
        let said = read(failed).unwrap_err().to_string();
        assert_eq!(said, "`x` gave no token: 401, Not you");
        for bad in
            ["", "{}", "made-up", &good.replace(":1,", ":2,"), &good.replace("id_token", "a")]
        {
            assert!(matches!(read(bad), Err(IdentityError::Unusable { .. })), "{bad}");
        }
    }
}
