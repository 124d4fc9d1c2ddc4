//! A JSON object with the token and its metadata.

use jiff::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use super::rendered::Rendered;
use crate::cli::error::{CliError, Kind};
use crate::cli::time;
use crate::model::account::Account;
use crate::model::address::Address;
use crate::model::credential::{Credential, Expiry};
use crate::ops::token::LiveToken;
use crate::secret::{AccessToken, SecretText};

pub(super) fn render(
    account: &Account,
    live_token: &LiveToken,
    token: &AccessToken,
    now: Timestamp,
) -> Result<Rendered, CliError> {
    let token = token.expose();
    let id_token = live_token.credential.id_token().map(SecretText::expose);
    let mut rendered = Rendered::with_room_for(token.len() + id_token.map_or(0, str::len));
    write(&mut rendered, &TokenObject::new(account, live_token, token, now))?;
    rendered.add_secret(token);
    rendered.add_secret(&quote(token)?);
    if let Some(id_token) = id_token {
        rendered.add_secret(id_token);
        rendered.add_secret(&quote(id_token)?);
    }
    Ok(rendered)
}

/// Serializes `value` as the content of `rendered`.
pub(super) fn write(rendered: &mut Rendered, value: &impl Serialize) -> Result<(), CliError> {
    let mut text = std::mem::take(&mut *rendered.text).into_bytes();
    serde_json::to_writer_pretty(&mut text, value).map_err(|error| write_error(&error))?;
    text.push(b'\n');
    *rendered.text = String::from_utf8(text).expect("JSON is UTF-8");
    Ok(())
}

/// Escapes a text for the inside of a JSON string.
pub(super) fn quote(text: &str) -> Result<Zeroizing<String>, CliError> {
    let mut quoted = serde_json::to_string(text).map_err(|error| write_error(&error))?;
    quoted.pop();
    quoted.remove(0);
    Ok(Zeroizing::new(quoted))
}

fn write_error(error: &serde_json::Error) -> CliError {
    CliError::new(Kind::Failed, "could not write JSON").caused_by(error)
}
/// The output of `--format json`.
#[derive(Serialize)]
struct TokenObject<'a> {
    v: u8,
    provider: &'a str,
    user: &'a str,
    access_token: &'a str,
    token_type: &'a str,
    expires_at: Option<String>,
    expires_in: Option<i64>,
    expiry: &'static str,
    scopes: Vec<&'a str>,
    server_url: Option<&'a str>,
    username: Option<&'a str>,
    api_base_url: Option<&'a str>,
    id_token: Option<&'a str>,
    id_token_expires_at: Option<String>,
    /// Whether the token works only for who shows the client's certificate (RFC 8705 §3), as far as
    /// the token itself or its client tells.
    certificate_bound: bool,
    certificate_thumbprint: Option<String>,
    refreshed: bool,
}

impl<'a> TokenObject<'a> {
    fn new(
        account: &'a Account,
        live_token: &'a LiveToken,
        token: &'a str,
        now: Timestamp,
    ) -> Self {
        let credential: &Credential = &live_token.credential;
        let expiry = credential.expiry();
        Self {
            v: 1,
            provider: account.provider.as_str(),
            user: account.user.as_str(),
            access_token: token,
            token_type: credential.token_type(),
            expires_at: expiry.at().map(time::rfc3339),
            expires_in: expiry.at().map(|at| at.duration_since(now).as_secs()),
            expiry: match expiry {
                Expiry::Known(_) => "known",
                Expiry::None => "none",
                Expiry::Unknown => "unknown",
            },
            scopes: credential.scopes().map(|scopes| scopes.iter().collect()).unwrap_or_default(),
            server_url: credential.api.server_url.as_ref().map(Address::as_str),
            username: credential.api.username.as_deref(),
            api_base_url: credential.api_base_url().map(Address::as_str),
            id_token: credential.id_token().map(SecretText::expose),
            id_token_expires_at: credential.id_token_expiry().map(time::rfc3339),
            certificate_bound: credential.is_certificate_bound(),
            certificate_thumbprint: credential.certificate_thumbprint(),
            refreshed: live_token.refreshed,
        }
    }
}
