//! Keys as text: typed by people, kept in a file, or written down on paper.

use zeroize::Zeroizing;

use super::error::Error;
pub(crate) use crate::vault::Key;
pub(crate) use crate::vault::key_string::Malformed;
use crate::vault::key_string::{self, Form};
use crate::vault::slot_secret::SlotSecret;

/// The reason why a text is not a key.
#[derive(Debug)]
pub(crate) enum NotAKey {
    Malformed(Malformed),
    /// The text is a recovery code, which is for people and not for programs.
    RecoveryCode,
    /// The text is an identity, which opens shared vaults and nothing else.
    Identity,
}

/// The secret that a text holds.
#[derive(Debug)]
pub(crate) enum Given {
    /// The key or recovery code of a key slot.
    Slot(SlotSecret),
    /// The identity of a member of shared vaults.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    Identity(Key),
}

/// Reads a key, a recovery code or an identity.
pub(crate) fn given(text: &str) -> Result<Given, Malformed> {
    Ok(match key_string::decode(text)? {
        (Form::Key, key) => Given::Slot(SlotSecret::Key(key)),
        (Form::Recovery, key) => Given::Slot(SlotSecret::Recovery(key)),
        (Form::Identity, key) => Given::Identity(key),
    })
}

/// Reads a key. Fails with [`NotAKey::RecoveryCode`] for a recovery code.
pub(crate) fn key(text: &str) -> Result<Key, NotAKey> {
    match key_string::decode(text).map_err(NotAKey::Malformed)? {
        (Form::Key, key) => Ok(key),
        (Form::Recovery, _) => Err(NotAKey::RecoveryCode),
        (Form::Identity, _) => Err(NotAKey::Identity),
    }
}

/// Generates a key and returns its text.
pub(crate) fn generate() -> Result<Zeroizing<String>, Error> {
    Ok(key_string::encode(Form::Key, &Key::generate()?))
}

/// A new recovery code: a key slot's secret, in a form that a person can write down.
pub(crate) struct RecoveryCode(Key);

impl RecoveryCode {
    pub(crate) fn generate() -> Result<Self, Error> {
        Ok(Self(Key::generate()?))
    }

    /// Returns the text to write down.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        key_string::encode(Form::Recovery, &self.0)
    }

    /// Returns whether `typed` shows that the code was written down: it is the whole code, or its
    /// last three groups. Hyphens, spaces and capitals do not count.
    pub(crate) fn is_confirmed_by(&self, typed: &str) -> bool {
        let plain = |text: &str| {
            let mut plain = Zeroizing::new(String::with_capacity(128));
            plain.extend(text.chars().filter(|one| !matches!(one, '-' | ' ')));
            plain.make_ascii_lowercase();
            plain
        };
        let text = self.text();
        let groups: Vec<&str> = text.rsplitn(4, '-').take(3).collect();
        let end: usize = groups.iter().map(|group| group.len()).sum();
        let (code, typed) = (plain(&text), plain(typed));
        *typed == *code || typed.len() == end && code.ends_with(typed.as_str())
    }

    /// Returns the secret of the key slot that the code opens.
    pub(crate) fn into_secret(self) -> SlotSecret {
        SlotSecret::Recovery(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_confirmed_by_all_of_it_or_by_its_end() {
        let code = RecoveryCode::generate().unwrap();
        let text = code.text().to_string();
        let end: Vec<&str> = text.rsplitn(4, '-').take(3).collect();
        let end = format!("{}-{} {}", end[2], end[1].to_uppercase(), end[0]);
        assert!(code.is_confirmed_by(&text) && code.is_confirmed_by(&end));
        for typed in ["", "-", &text[..text.len() - 1], &end[1..], &end[5..]] {
            assert!(!code.is_confirmed_by(typed), "{typed}");
        }
    }
}
