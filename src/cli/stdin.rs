//! Tokens and sealed texts on stdin.

use std::io::{IsTerminal, Read};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::error::{CliError, Kind};
use super::questions::given;
use super::ui::Ui;
use crate::secret::AccessToken;

/// The length limit of a token, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Reads a token from stdin to its end; at a terminal, from a line that does not show.
pub(crate) fn token(ui: &Ui) -> Result<AccessToken, CliError> {
    if std::io::stdin().is_terminal() {
        return given(ui.ask_secret("token", "pipe the token in", parse_typed_token)?);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| {
        CliError::new(Kind::Failed, "could not read the token from stdin").caused_by(&error)
    })?;
    if bytes.len() as u64 > LONGEST {
        return Err(CliError::new(Kind::Usage, "what stdin holds is too long for a token")
            .hint("pipe in the token alone"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => parse_token(text),
        Err(_) => Err(CliError::new(Kind::Usage, "what stdin holds is not text")
            .hint("pipe in the token alone")),
    }
}

/// Reads a text of at most `limit` bytes from stdin to its end.
pub(crate) fn text(limit: u64) -> Result<String, CliError> {
    Ok(String::from_utf8_lossy(&bytes(limit)?).into_owned())
}

/// Reads at most `limit` bytes from stdin to its end.
pub(crate) fn bytes(limit: u64) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::with_capacity(64 * 1024);
    std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes).map_err(|error| {
        CliError::new(Kind::Failed, "could not read stdin to its end").caused_by(&error)
    })?;
    if bytes.len() as u64 > limit {
        return Err(CliError::new(Kind::Usage, "what stdin holds is too long"));
    }
    Ok(bytes)
}

/// Parses a token that a person typed, and returns the reason if it is none.
pub(crate) fn parse_typed_token(text: &str) -> Result<AccessToken, String> {
    parse_token(text).map_err(|error| error.as_reason())
}

/// Parses a token that a user supplied, without a byte order mark and surrounding white space.
fn parse_token(text: &str) -> Result<AccessToken, CliError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Some(taken_by) = document(text) {
        let message = "that is a JSON document, and no token alone";
        return Err(CliError::new(Kind::Usage, message).hint(taken_by));
    }
    AccessToken::parse_supplied(text.to_owned()).map_err(|error| {
        CliError::new(Kind::Usage, "that is no token")
            .caused_by(&error)
            .hint("pipe in the token alone")
    })
}

/// Returns what takes a JSON document with tokens or a client in it; `None` if `text` is none.
fn document(text: &str) -> Option<&'static str> {
    if !text.starts_with('{') {
        return None;
    }
    let fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    let has = |names: &[&str]| names.iter().any(|name| fields.contains_key(*name));
    if has(&["installed", "web"]) {
        Some("save it to a file, then `tokctl login gdrive --client-secrets FILE`")
    } else if has(&["private_key"]) {
        Some("save it to a file, then `tokctl login gdrive --service-account FILE`")
    } else if has(&["expiry_date", "expiry", "token_uri", "universe_domain"])
        || (has(&["client_secret"]) && has(&["refresh_token"]))
    {
        Some("save it to a file, then `tokctl import google FILE --user NAME`")
    } else if has(&["access_token", "accessToken", "refresh_token", "refreshToken"]) {
        Some("save it to a file, then `tokctl import pauth FILE --provider NAME --user NAME`")
    } else if has(&["token", "password", "api_token"]) {
        Some("pipe in the value of the token alone")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_with_tokens_is_no_token() {
        for (text, taken_by) in [
            (r#"{"access_token": "made-up", "expires_in": 3600}"#, "import pauth"),
            (r#"{"refreshToken": "made-up"}"#, "import pauth"),
            (r#"{"access_token":"made-up","expiry_date":1}"#, "import google"),
            (
                "{\n\"client_id\":\"x\",\"client_secret\":\"y\",\"refresh_token\":\"z\"}\n",
                "import google",
            ),
            (r#"{"installed": {}}"#, "--client-secrets"),
            (r#"{"type": "service_account", "private_key": "made-up"}"#, "--service-account"),
            (r#"{"token": "made-up"}"#, "alone"),
        ] {
            let error = parse_token(text).unwrap_err();
            assert!(error.hint.unwrap().to_string().contains(taken_by), "{text}");
            assert!(!error.message.contains("made-up"));
        }
        // Such a text may be what a service calls a token.
        for token in ["{made-up}", r#"{"made":"up"}"#, "made-up"] {
            assert!(parse_token(token).is_ok(), "{token}");
        }
    }
}
