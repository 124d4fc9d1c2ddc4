//! Why the keychain did not do what was asked.

use std::time::Duration;

/// One variant for each thing that a person does next. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nothing here keeps secrets, for the reason given: the vault needs another key slot, or the
    /// command a session that has a keychain.
    #[error("there is no keychain here: {0}")]
    NoService(String),
    /// It is locked, and nobody was asked to unlock it or the one who was declined: unlock it,
    /// then try again.
    #[error("the keychain is locked")]
    Locked,
    /// Nothing came back in time, such as when an unlock prompt stands unanswered on a screen:
    /// answer it, then try again.
    #[error("the keychain did not answer within {} s", .0.as_secs())]
    NoAnswer(Duration),
    /// The service runs but keeps nothing yet: create a keychain with the desktop's own means.
    /// Whether an entry exists can't be said.
    #[error("the keychain service has no default collection")]
    NoCollection,
    /// The keychain is open and has no such entry: use another key slot.
    #[error("the keychain has no such entry")]
    Missing,
    /// The entry that was written does not read back the same: nothing may depend on it.
    #[error("the keychain gave back something else than was stored in it")]
    Mismatch,
    /// The entry holds no 256-bit secret: something else wrote it, so use another key slot.
    #[error("the keychain's entry holds no vault secret")]
    Malformed,
    /// An entry of this name stands there already and was left alone: choose another name.
    #[error("the keychain has an entry of this name already")]
    Exists,
    /// The keychain said something that has no remedy of its own; its words are in the text.
    #[error("the keychain failed: {0}")]
    Other(String),
}
