//! Keys as people hold them: a text that is typed, kept in a file, or written down.

use zeroize::Zeroizing;

use super::error::Error;
pub(crate) use crate::vault::Key;
pub(crate) use crate::vault::key_string::Malformed;
use crate::vault::key_string::{self, Form};
use crate::vault::slot_secret::SlotSecret;

/// Why a text is not a key.
#[derive(Debug)]
pub(crate) enum NotAKey {
    Malformed(Malformed),
    /// It is a recovery code, which is for people.
    RecoveryCode,
}

/// Reads a key or a recovery code, each of which opens key slots of its kind.
pub(crate) fn slot_secret(text: &str) -> Result<SlotSecret, Malformed> {
    Ok(match key_string::decode(text)? {
        (Form::Key, key) => SlotSecret::Key(key),
        (Form::Recovery, key) => SlotSecret::Recovery(key),
    })
}

/// Reads a key, and takes no recovery code for one.
pub(crate) fn key(text: &str) -> Result<Key, NotAKey> {
    match key_string::decode(text).map_err(NotAKey::Malformed)? {
        (Form::Key, key) => Ok(key),
        (Form::Recovery, _) => Err(NotAKey::RecoveryCode),
    }
}

/// The text of a new key.
pub(crate) fn generate() -> Result<Zeroizing<String>, Error> {
    Ok(key_string::encode(Form::Key, &Key::generate()?))
}

/// A new recovery code.
pub(crate) struct RecoveryCode(Key);

impl RecoveryCode {
    pub(crate) fn generate() -> Result<Self, Error> {
        Ok(Self(Key::generate()?))
    }

    /// The text to write down.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        key_string::encode(Form::Recovery, &self.0)
    }

    /// Whether `typed` is this code.
    pub(crate) fn is(&self, typed: &str) -> bool {
        key_string::decode(typed)
            .is_ok_and(|(form, found)| form == Form::Recovery && found.expose() == self.0.expose())
    }

    /// The secret of the key slot that the code opens.
    pub(crate) fn into_secret(self) -> SlotSecret {
        SlotSecret::Recovery(self.0)
    }
}
