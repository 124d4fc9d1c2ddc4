//! HTTP header lines that carry the token, in the form that its service wants.

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::rendered::{Rendered, unfit};
use crate::cli::error::CliError;
use crate::model::credential::{ApiAuth, Credential};
use crate::secret::{AccessToken, SecretText};

/// A header's name and value.
pub(super) struct Header<'a> {
    pub(super) name: &'a str,
    pub(super) value: Zeroizing<String>,
    /// The secret part of the value.
    pub(super) secret: Zeroizing<String>,
}

pub(super) fn render(credential: &Credential, token: &AccessToken) -> Result<Rendered, CliError> {
    let headers = headers(credential, token)?;
    let length = headers.iter().map(|header| header.value.len()).sum();
    let mut rendered = Rendered::with_room_for(length);
    rendered.add_secret(token.expose());
    for header in &headers {
        for part in [header.name, ": ", &header.value, "\n"] {
            rendered.text.push_str(part);
        }
        rendered.add_secret(&header.secret);
    }
    Ok(rendered)
}

/// Returns the headers for a request to the service.
pub(super) fn headers<'a>(
    credential: &'a Credential,
    token: &AccessToken,
) -> Result<Vec<Header<'a>>, CliError> {
    let token = token.expose();
    let mut headers = vec![match &credential.api.auth {
        ApiAuth::Bearer => authorization("Bearer", token),
        ApiAuth::Basic => authorization("Basic", &basic(credential, token)?),
        ApiAuth::Header(name) => plain(name, token),
    }];
    headers.extend(credential.api.headers.iter().map(|own| plain(&own.name, own.value.expose())));
    match headers.iter().find(|header| !is_field_value(&header.value)) {
        None => Ok(headers),
        Some(header) => Err(unfit(
            "an HTTP header",
            &format!("the value of `{}` is not visible ASCII on one line", header.name),
            "print it with `--format json`",
        )),
    }
}

fn authorization<'a>(scheme: &str, secret: &str) -> Header<'a> {
    Header {
        name: "Authorization",
        value: Zeroizing::new(format!("{scheme} {secret}")),
        secret: Zeroizing::new(secret.to_owned()),
    }
}

fn plain<'a>(name: &'a str, value: &str) -> Header<'a> {
    Header { name, value: Zeroizing::new(value.to_owned()), secret: Zeroizing::new(value.into()) }
}

/// Joins user and password in UTF-8 and encodes them (RFC 7617 §2).
fn basic(credential: &Credential, token: &str) -> Result<Zeroizing<String>, CliError> {
    let username = credential.api.username.as_deref().unwrap_or_default();
    if username.contains(':') {
        let hint = "log in again with another `--username`";
        return Err(unfit("an HTTP header", "its username holds a colon", hint));
    }
    let pair = Zeroizing::new(format!("{username}:{token}"));
    Ok(Zeroizing::new(BASE64.encode(pair.as_bytes())))
}

/// Returns whether a text is a valid header value (RFC 9110 §5.5) that every reader understands
/// alike: no blanks at its ends, ASCII only.
fn is_field_value(value: &str) -> bool {
    let is_field_character = |byte: u8| (0x20..=0x7e).contains(&byte);
    !value.is_empty() && value.trim() == value && value.bytes().all(is_field_character)
}
