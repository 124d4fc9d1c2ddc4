//! A line of a `.netrc` file for the host of the service's API.

use super::rendered::{BY_HEADER, Rendered, unfit};
use crate::cli::error::CliError;
use crate::model::account::Account;
use crate::model::address::Address;
use crate::model::credential::{ApiAuth, Credential};
use crate::secret::{AccessToken, SecretText};

pub(super) fn render(
    account: &Account,
    credential: &Credential,
    token: &AccessToken,
) -> Result<Rendered, CliError> {
    let login = match (&credential.api.auth, &credential.api.username) {
        (ApiAuth::Header(_), _) => {
            return Err(unfit(FORMAT, "the service wants it in a header of its own", BY_HEADER));
        }
        _ if !credential.api.headers.is_empty() => {
            return Err(unfit(FORMAT, "the service wants a header beside the token", BY_HEADER));
        }
        (ApiAuth::Bearer, _) => {
            return Err(unfit(FORMAT, "the service wants a bearer token, no password", BY_HEADER));
        }
        (ApiAuth::Basic, Some(username)) => username.as_str(),
        (ApiAuth::Basic, None) => account.user.as_str(),
    };
    let Some(address) = credential.api_base_url() else {
        let hint = "set `api_base_url` in config.toml, or `--server`, and log in again";
        return Err(unfit(FORMAT, "nobody said where the service's API is", hint));
    };
    let token = token.expose();
    let mut rendered = Rendered::with_room_for(token.len());
    for (keyword, value) in [("machine ", host(address)), (" login ", login), (" password ", token)]
    {
        rendered.text.push_str(keyword);
        rendered.text.push_str(word(keyword, value)?);
    }
    rendered.text.push('\n');
    rendered.add_secret(token);
    Ok(rendered)
}

const FORMAT: &str = "a .netrc file";

/// Returns the host without its port, because readers of these files ignore ports.
fn host(address: &Address) -> &str {
    address.url().host_str().unwrap_or_default().trim_matches(['[', ']'])
}

/// Returns `value` if all readers take it for the same word.
///
/// Some of them know quotes, escapes and comments, and others do not.
fn word<'a>(keyword: &str, value: &'a str) -> Result<&'a str, CliError> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    if !value.is_empty() && !value.starts_with('#') && value.bytes().all(is_plain) {
        return Ok(value);
    }
    let why = format!(
        "its {} holds a blank, a quote, a backslash or what is not ASCII, or begins with `#`",
        keyword.trim()
    );
    Err(unfit(FORMAT, &why, "print it with `--format json`"))
}
