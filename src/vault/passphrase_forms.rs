//! The forms in which keyboards and systems write one passphrase.
//!
//! What people type is compared as RFC 8265 (`OpaqueString`) has it: spaces of all scripts are one, and a
//! letter with its accent is one character (NFC). macOS and others type the two apart (NFD).

use unicode_normalization::UnicodeNormalization;

use crate::secret::{Passphrase, SecretText};

/// The most bytes of a passphrase to one of its bytes, in any form (Unicode Standard Annex 15 §9.1,
/// which counts a third of it for NFC).
const EXPANSION: usize = 3;

/// Returns the form with which a new key slot is made.
pub(super) fn prepared(typed: &Passphrase) -> Passphrase {
    written(typed, typed.expose().chars().map(one_space).nfc())
}

/// Returns the forms with which a slot may have been made, the likeliest first: that of new ones; the
/// typed one, which older programs took as it was; and the one with the accents apart.
pub(super) fn all(typed: &Passphrase) -> Vec<Passphrase> {
    let mut forms = vec![prepared(typed)];
    if typed.expose().is_ascii() {
        return forms;
    }
    let apart = written(typed, typed.expose().nfd());
    for form in [typed.clone(), apart] {
        if forms.iter().all(|other| other.expose() != form.expose()) {
            forms.push(form);
        }
    }
    forms
}

/// Returns the space of ASCII for any other (RFC 8265 §4.2.2).
fn one_space(letter: char) -> char {
    match letter {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            ' '
        }
        other => other,
    }
}

/// Writes a form of `typed` into a buffer that never grows: one that does leaves copies behind.
fn written(typed: &Passphrase, letters: impl Iterator<Item = char>) -> Passphrase {
    let mut text = String::with_capacity(EXPANSION * typed.expose().len());
    text.extend(letters);
    Passphrase::from_trusted(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str) -> Vec<String> {
        let typed = Passphrase::from_trusted(text.into());
        all(&typed).iter().map(|form| form.expose().to_owned()).collect()
    }

    #[test]
    fn one_passphrase_has_few_forms() {
        assert_eq!(forms("made up"), ["made up"]);
        assert_eq!(forms("caf\u{e9}"), ["caf\u{e9}", "cafe\u{301}"]);
        assert_eq!(forms("cafe\u{301}"), ["caf\u{e9}", "cafe\u{301}"]);
        assert_eq!(forms("made\u{a0}up"), ["made up", "made\u{a0}up"]);
        // Case and width stay as they are.
        assert_eq!(forms("Å\u{ff21}")[0], "Å\u{ff21}");
    }
}
