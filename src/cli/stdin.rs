//! Tokens and sealed texts on stdin.

use std::io::{IsTerminal, Read};

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
    parse_token(text).map_err(|error| error.in_one())
}

/// Parses a token that a user supplied, without a byte order mark and surrounding white space.
pub(crate) fn parse_token(text: &str) -> Result<AccessToken, CliError> {
    AccessToken::parse_supplied(text.trim_start_matches('\u{feff}').trim().to_owned()).map_err(
        |error| {
            CliError::new(Kind::Usage, "that is no token")
                .caused_by(&error)
                .hint("pipe in the token alone")
        },
    )
}
