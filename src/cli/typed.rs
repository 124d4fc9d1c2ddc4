//! Commands and words as a user would type them into a shell.

use crate::model::account::Account;
use crate::untrusted::{self, part_commands};

/// Returns the login command for an account, ready to be pasted into a shell.
pub(crate) fn login_command(account: &Account) -> String {
    format!("tokctl login {} {}", account.provider, user_flag(account.user.as_str()))
}

/// Returns `--user` and the user's name, quoted for a shell.
pub(crate) fn user_flag(user: &str) -> String {
    let joint = if user.starts_with('-') { '=' } else { ' ' };
    format!("--user{joint}{}", quoted(user))
}

/// Quotes a text as one word of a shell's command line, safe to be pasted.
///
/// A text without special characters stays as it is. Characters that are invisible or change the
/// direction of the line become escapes. A word that a CI platform would take for a command is made
/// of two quoted pieces.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) && !text.starts_with("::") {
        return text.to_owned();
    }
    if text.chars().all(|character| character == ' ' || shows(character)) {
        let word = format!("'{}'", text.replace('\'', r"'\''"));
        return part_commands(&word, "''").into_owned();
    }
    let escaped: String = text
        .chars()
        .map(|character| match character {
            '\'' | '\\' => format!("\\{character}"),
            other if other == ' ' || shows(other) => other.to_string(),
            other if u32::from(other) > 0xffff => format!("\\U{:08x}", u32::from(other)),
            other => format!("\\u{:04x}", u32::from(other)),
        })
        .collect();
    part_commands(&format!("$'{escaped}'"), "'$'").into_owned()
}

fn shows(character: char) -> bool {
    !character.is_whitespace() && untrusted::shows(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_safe_to_be_pasted() {
        for (text, word) in [
            ("alice@example.com", "alice@example.com"),
            ("{a,b}", "'{a,b}'"),
            ("wow!!", "'wow!!'"),
            ("it's $(me)", r"'it'\''s $(me)'"),
            ("\u{e9}l\u{e8}ve", "'\u{e9}l\u{e8}ve'"),
            ("a\u{202e}b", r"$'a\u202eb'"),
            ("a\u{a0}'b", r"$'a\u00a0\'b'"),
            ("##vso[x]y", "'##''vso[x]y'"),
            ("::error::x", "'::error::x'"),
            ("a ::error::x", "'a :'':error::x'"),
            ("##[\u{ad}x", r"$'##'$'[\u00adx'"),
            ("a\u{e0041}1", r"$'a\U000e00411'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }
}
