//! Failures of the keychain.

use std::time::Duration;

use crate::untrusted::printable;

/// The reason why the keychain failed, one variant for each next step of the user. It never holds
/// a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// This session has no keychain: use another key slot, or a session that has a keychain.
    #[error("there is no keychain here")]
    NoService,
    /// The keychain is locked, and either no prompt was allowed or the user declined it: unlock the
    /// keychain and try again.
    #[error("the keychain is locked")]
    Locked,
    /// The keychain is open, and asks a person before a program reads or deletes an entry, whom
    /// nobody could ask here or who declined: have it give entries without asking.
    #[error("the keychain{} is open, but asks a person first", named(keeper.as_ref()))]
    Confirms { keeper: Option<String> },
    /// No answer came in time, for example because a prompt is still open on the screen: answer it
    /// and try again.
    #[error("the keychain did not answer within {} s", .0.as_secs())]
    NoAnswer(Duration),
    /// The service runs, but has no keychain yet: create one with the desktop's settings. It is not
    /// known whether an entry exists.
    #[error("the keychain service has no default collection")]
    NoCollection,
    /// The keychain is open and has no such entry: look whether another session's has it, or use
    /// another key slot.
    #[error("the keychain{} has no such entry", named(keeper.as_ref()))]
    Missing { keeper: Option<String> },
    /// The keychain knows of the entry and can't give it: it runs since before another session's
    /// keychain wrote the entry.
    #[error("the keychain{} is out of date: another one has written to its files", named(keeper.as_ref()))]
    OutOfDate { keeper: Option<String> },
    /// The entry that was written reads back with other content: nothing may depend on it.
    #[error("the keychain gave back something else than was stored in it")]
    Mismatch,
    /// The entry holds no 256-bit secret: something else wrote it, so use another key slot.
    #[error("the keychain's entry holds no vault secret")]
    Malformed,
    /// An entry of this name existed already and was not changed: choose another name.
    #[error("the keychain has an entry of this name already")]
    Exists,
    /// Another failure, with the keychain's own words.
    #[error("the keychain failed: {0}")]
    Other(String),
}

impl Error {
    /// Returns [`Error::NoService`]. The `reason`, in the words of a bus or a library, says nothing to
    /// most people, and goes to the log.
    pub(super) fn no_service(reason: &impl std::fmt::Display) -> Self {
        log::trace!("there is no keychain here: {}", printable(&reason.to_string()));
        Self::NoService
    }
}

/// Returns the name of the program that keeps the secrets, as it stands in a sentence.
fn named(keeper: Option<&String>) -> String {
    keeper.map(|name| format!(" ({name})")).unwrap_or_default()
}
