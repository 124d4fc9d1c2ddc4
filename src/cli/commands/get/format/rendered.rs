//! What is printed, and what of it is secret.

use zeroize::Zeroizing;

use crate::cli::error::{CliError, Kind};

/// A credential in one of the formats.
pub(super) struct Rendered {
    pub(super) text: Zeroizing<String>,
    /// What must not show in a log: each secret as it is and, where that differs, as it stands in
    /// the text.
    pub(super) secrets: Vec<Zeroizing<String>>,
}

impl Rendered {
    /// An empty text with room for what is made of `length` bytes of secrets: a buffer that grows
    /// leaves copies behind.
    pub(super) fn with_room_for(length: usize) -> Self {
        Self { text: Zeroizing::new(String::with_capacity(6 * length + 4096)), secrets: Vec::new() }
    }

    /// Notes that `secret` must not show in a log.
    pub(super) fn holds(&mut self, secret: &str) {
        if !self.secrets.iter().any(|known| known.as_str() == secret) {
            self.secrets.push(Zeroizing::new(secret.to_owned()));
        }
    }
}

/// The error for a credential that `format` has no way to say. `why` is a sentence about it.
pub(super) fn unfit(format: &str, why: &str, hint: &str) -> CliError {
    let mut error = CliError::new(Kind::Failed, format!("this credential does not fit {format}"));
    error.causes.push(why.to_owned());
    error.hint(hint)
}
