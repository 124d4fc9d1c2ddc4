//! A rendered credential, with the secrets that it holds.

use zeroize::Zeroizing;

use crate::cli::error::{CliError, Hint, Kind};

/// A credential in one of the formats.
pub(super) struct Rendered {
    pub(super) text: Zeroizing<String>,
    /// The secrets that must not show in a log: each as it is, and as it is escaped in the text if
    /// that differs.
    pub(super) secrets: Vec<Zeroizing<String>>,
}

impl Rendered {
    /// Returns an empty text with room for secrets of `length` bytes.
    ///
    /// A buffer that grows leaves copies behind.
    pub(super) fn with_room_for(length: usize) -> Self {
        Self { text: Zeroizing::new(String::with_capacity(6 * length + 4096)), secrets: Vec::new() }
    }

    /// Records that `secret` must not show in a log.
    pub(super) fn add_secret(&mut self, secret: &str) {
        if !self.secrets.iter().any(|known| known.as_str() == secret) {
            self.secrets.push(Zeroizing::new(secret.to_owned()));
        }
    }
}

/// Returns the error for a credential that `format` can't express. `why` is a sentence about it.
/// The command that prints the token as a header, which any credential fits.
pub(super) const BY_HEADER: Hint = Hint::Again(&["--format", "header"]);

/// Returns the error for a credential that `format` has no place for.
pub(super) fn unfit(format: &str, why: &str, hint: impl Into<Hint>) -> CliError {
    let mut error = CliError::new(Kind::Failed, format!("this credential does not fit {format}"));
    error.causes.push(why.to_owned());
    error.hint(hint)
}
