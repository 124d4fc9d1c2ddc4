//! The text forms of a 256-bit secret: what `tokctl key generate` prints, and a recovery code.
//!
//! The form is a prefix and 58 characters of base32 (RFC 4648 §6, lower case), for example
//! `tokctl-key-mfrgg…`. They encode the key and a checksum: the first four bytes of the SHA-256 of
//! prefix and key. Prefix and checksum keep a password from being taken for a key. A recovery code
//! is typed from paper, so it is printed in groups of four characters, and hyphens, spaces and
//! capitals in it are ignored.

use data_encoding::BASE32_NOPAD_NOCASE;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::cipher::Key;

const KEY: usize = 32;
const CHECKSUM: usize = 4;

/// The number of characters in one group of a recovery code.
const GROUP: usize = 4;

/// The text forms. An identity's is one of its own, so that it never opens a file, nor a slot's key a
/// shared vault: one leak is not two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The form of a `key` slot's key.
    Key,
    /// The form of a `recovery` slot's code.
    Recovery,
    /// The form of a member's identity, which opens shared vaults.
    Identity,
}

/// The reason why a text is no key. It never repeats the text, which may be a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The prefix is missing: the text is most likely a password, or another tool's key.
    #[error("it begins with none of `tokctl-key-`, `tokctl-recovery-` and `tokctl-identity-`")]
    Prefix,
    /// The checksum does not match: the text was cut off or mistyped.
    #[error("it was cut off or mistyped: its checksum does not match")]
    Checksum,
}

impl Form {
    fn prefix(self) -> &'static str {
        match self {
            Self::Key => "tokctl-key-",
            Self::Recovery => "tokctl-recovery-",
            Self::Identity => "tokctl-identity-1-",
        }
    }
}

/// Returns the text form of `key`.
pub(crate) fn encode(form: Form, key: &Key) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; KEY + CHECKSUM]);
    bytes[..KEY].copy_from_slice(key.expose());
    bytes[KEY..].copy_from_slice(&checksum(form, key.expose()));
    let mut encoded = Zeroizing::new(BASE32_NOPAD_NOCASE.encode(bytes.as_slice()));
    encoded.make_ascii_lowercase();
    let group = match form {
        Form::Key | Form::Identity => encoded.len(),
        Form::Recovery => GROUP,
    };
    // A text that grows leaves copies of its content behind, so it has its size from the start.
    let mut text = Zeroizing::new(String::with_capacity(128));
    text.push_str(form.prefix());
    for (position, character) in encoded.chars().enumerate() {
        if position > 0 && position % group == 0 {
            text.push('-');
        }
        text.push(character);
    }
    text
}

/// Parses a text form and returns the key.
///
/// White space, quotes and a byte order mark around it are ignored, and so are lines that are empty
/// or begin with `#`: files and the secrets of CI platforms come with them.
pub(crate) fn decode(text: &str) -> Result<(Form, Key), Malformed> {
    let text = alone(text);
    for form in [Form::Key, Form::Identity] {
        if let Some(encoded) = text.strip_prefix(form.prefix()) {
            return key_in(form, encoded).map(|key| (form, key));
        }
    }
    let prefix = Form::Recovery.prefix();
    let (start, encoded) = text.split_at_checked(prefix.len()).ok_or(Malformed::Prefix)?;
    if !start.eq_ignore_ascii_case(prefix) {
        return Err(Malformed::Prefix);
    }
    let mut joined = Zeroizing::new(String::with_capacity(encoded.len()));
    joined.extend(encoded.chars().filter(|character| !matches!(character, '-' | ' ')));
    key_in(Form::Recovery, &joined).map(|key| (Form::Recovery, key))
}

/// Returns the one line of `text` that is no comment, without quotes; the whole text if there is
/// not one such line.
fn alone(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let line = match (lines.next(), lines.next()) {
        (Some(line), None) => line,
        (_, _) => text,
    };
    ['"', '\'']
        .into_iter()
        .find_map(|quote| line.strip_prefix(quote)?.strip_suffix(quote))
        .map_or(line, str::trim)
}

fn key_in(form: Form, encoded: &str) -> Result<Key, Malformed> {
    let bytes = BASE32_NOPAD_NOCASE
        .decode(encoded.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| Malformed::Checksum)?;
    let (key, found) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Malformed::Checksum)?;
    if checksum(form, key) != *found {
        return Err(Malformed::Checksum);
    }
    Key::from_bytes(key).ok_or(Malformed::Checksum)
}

fn checksum(form: Form, key: &[u8]) -> [u8; CHECKSUM] {
    let digest = Sha256::new().chain_update(form.prefix()).chain_update(key).finalize();
    *digest.first_chunk().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_form() {
        let key = Key::generate().unwrap();
        for (form, length) in [(Form::Key, 11 + 58), (Form::Recovery, 16 + 58 + 14)] {
            let text = encode(form, &key);
            assert_eq!(text.len(), length);
            let (found, decoded) = decode(&format!(" {}\n", *text)).unwrap();
            assert_eq!((found, decoded.expose()), (form, key.expose()));
        }
    }

    #[test]
    fn the_text_form_stays_what_it_is() {
        let key = Key::from_bytes(&[7; 32]).unwrap();
        assert_eq!(
            *encode(Form::Key, &key),
            "tokctl-key-a4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4d7xzcq4a"
        );
        assert_eq!(
            *encode(Form::Recovery, &key),
            "tokctl-recovery-a4dq-obyh-a4dq-obyh-a4dq-obyh-a4dq-obyh-a4dq-obyh-a4dq-obyh-a4dq-v7ke-6q"
        );
    }

    #[test]
    fn a_recovery_code_is_read_as_people_type_it() {
        let key = Key::generate().unwrap();
        let typed = encode(Form::Recovery, &key).to_uppercase();
        assert_eq!(decode(&typed).unwrap().1.expose(), key.expose());
        let (prefix, rest) = typed.split_at(16);
        let spaced = format!("{prefix}{}", rest.replace('-', " "));
        assert_eq!(decode(&spaced).unwrap().1.expose(), key.expose());
        let relabelled = typed.to_lowercase().replace("recovery", "key").replace('-', "");
        assert!(decode(&relabelled.replace("tokctlkey", "tokctl-key-")).is_err());
    }

    #[test]
    fn passwords_and_slips_are_refused() {
        assert_eq!(decode("correct horse").unwrap_err(), Malformed::Prefix);
        assert_eq!(decode("correct horse battery staple \u{e9}").unwrap_err(), Malformed::Prefix);
        assert_eq!(decode("").unwrap_err(), Malformed::Prefix);
        assert_eq!(decode("tokctl-key-").unwrap_err(), Malformed::Checksum);
        for (form, start) in [(Form::Key, 11), (Form::Recovery, 16)] {
            let text = encode(form, &Key::generate().unwrap());
            for position in start..text.len() {
                let mut slip = text.to_string().into_bytes();
                slip[position] = if slip[position] == b'a' { b'b' } else { b'a' };
                let slip = String::from_utf8(slip).unwrap();
                assert_eq!(decode(&slip).unwrap_err(), Malformed::Checksum, "{slip}");
                assert!(decode(&text[..position]).is_err());
            }
        }
    }
}
