//! Commands and words as a user would type them into a shell.

use std::ffi::OsString;

use crate::model::account::Account;
use crate::model::reference::{Field, Reference};
use crate::untrusted::{self, part_commands};

/// Returns the command `verb` for an account, ready to be pasted into a shell.
pub(crate) fn command(verb: &str, account: &Account) -> String {
    format!("tokctl {verb} {}", reference(account))
}

/// Returns the login command for an account, ready to be pasted into a shell.
pub(crate) fn login_command(account: &Account) -> String {
    command("login", account)
}

/// The beginnings of commands that are about no vault, or name theirs, or are for another machine.
const ABOUT_NO_VAULT: [&str; 8] = [
    "--vault",
    "help",
    "providers",
    "vault init",
    "vault join",
    "completions",
    "key generate",
    "import bundle",
];

/// Returns `text` with `--vault` and `vault` in its commands, which stand between marks, behind a colon
/// at the end, or are the whole text. Where it stands already, nothing is added.
pub(crate) fn about_vault(vault: &str, text: &str) -> String {
    let named = format!("tokctl --vault {} ", quoted(vault));
    let mut said = String::new();
    for (number, part) in text.split('`').enumerate() {
        if number > 0 {
            said.push('`');
        }
        let behind_colon = part.rfind(": tokctl ").map(|at| at + 2).filter(|_| number % 2 == 0);
        let (before, command) = part.split_at(behind_colon.unwrap_or_default());
        said.push_str(before);
        match command.strip_prefix("tokctl ") {
            Some(rest) if !ABOUT_NO_VAULT.iter().any(|start| rest.starts_with(start)) => {
                said.push_str(&named);
                said.push_str(rest);
            }
            Some(_) | None => said.push_str(command),
        }
    }
    said
}

/// Returns a reference to `account`, quoted for a shell: short, unless the user's name needs the
/// long form.
pub(crate) fn reference(account: &Account) -> String {
    let (provider, user) = (account.provider.as_str(), account.user.as_str());
    let short = format!("{provider}/{user}");
    let means_it = short
        .parse()
        .is_ok_and(|read: Reference| read.account == *account && read.field == Field::Token);
    if means_it && user.chars().all(|character| character == ' ' || shows(character)) {
        quoted(&short)
    } else {
        Reference::long_form(account)
    }
}

/// Returns the command line `args`, the first of which is the program's name, as one would type it.
pub(crate) fn command_line(args: &[OsString]) -> String {
    let words = args.iter().skip(1).map(|word| quoted(&word.to_string_lossy()));
    std::iter::once("tokctl".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
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

/// The length from which a word may be a secret, in bytes.
const SHORTEST_SECRET: usize = 16;

/// Returns whether a word that stands where none is taken may be a secret, which a log would keep:
/// a long one with digits that is neither a flag nor a path, a reference or an address.
pub(crate) fn may_be_secret(word: &str) -> bool {
    word.len() >= SHORTEST_SECRET
        && word.contains(|letter: char| letter.is_ascii_digit())
        && !word.starts_with('-')
        && !word.contains(['/', '@'])
}

fn shows(character: char) -> bool {
    !character.is_whitespace() && untrusted::shows(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_means_its_account_in_every_shell() {
        for (user, word) in [
            ("alice@example.com", "acme/alice@example.com"),
            ("-x", "acme/-x"),
            ("a b", "'acme/a b'"),
            ("a/token", "tokctl://acme/a%2Ftoken"),
            ("a\u{202e}b", "tokctl://acme/a%E2%80%AEb"),
        ] {
            let provider = "acme".parse().unwrap();
            let account = Account { provider, user: user.parse().unwrap() };
            assert_eq!(reference(&account), word);
            let read: Reference = word.trim_matches('\'').parse().unwrap();
            assert_eq!(read.account, account);
        }
    }

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
