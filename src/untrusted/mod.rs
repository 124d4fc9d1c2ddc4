//! Untrusted text, made safe to show.
//!
//! An error description from a server, a scope or a user name from a file may hold escape
//! sequences that change the terminal, marks that reverse the direction of writing, characters that
//! nobody sees, or the start of a command that a CI platform executes when it reads a log.

mod characters;

use std::borrow::Cow;
use std::fmt::Write;

pub(crate) use self::characters::shows;

/// The greatest length of a text that is shown, in characters.
const LONGEST: usize = 300;

/// Returns `text` as [`line`] does, without blanks around it and at most 300 characters long.
pub(crate) fn printable(text: &str) -> String {
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
    line(&text[..end]).trim().to_owned()
}

/// Returns `text` on one line, with a blank in place of each character that does not show, and with
/// a blank inside everything that a CI platform would take for a command.
pub(crate) fn line(text: &str) -> String {
    let shown: String =
        judged(text).map(|(character, belongs)| if belongs { character } else { ' ' }).collect();
    part_commands(&shown, " ").into_owned()
}

/// Returns the characters of `text`, and of each whether it may be shown where it stands.
fn judged(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut rest = text.chars().peekable();
    let mut before = None;
    std::iter::from_fn(move || {
        let character = rest.next()?;
        let belongs = characters::belongs(before, character, rest.peek().copied());
        before = Some(character);
        Some((character, belongs))
    })
}

/// Returns `text` with `gap` inside all that a CI platform would take for a command: `##`, perhaps a
/// word, and `[`; or `::` at the start of a word.
///
/// Azure Pipelines (`##vso[`, `##[`), TeamCity (`##teamcity[`) and GitHub (`##[`) see these anywhere
/// in a line. GitHub takes a `::` for a command at the start of a line. The text may be printed
/// there, so the start of each word counts, but not the inside of a word such as `[::1]`.
pub(crate) fn part_commands<'a>(text: &'a str, gap: &str) -> Cow<'a, str> {
    let mut parted = String::new();
    let mut rest = text;
    let mut before = None;
    while let Some(at) = command(before, rest) {
        parted.push_str(&rest[..at]);
        parted.push_str(gap);
        before = gap.chars().next_back();
        rest = &rest[at..];
    }
    if parted.is_empty() {
        return Cow::Borrowed(text);
    }
    parted.push_str(rest);
    Cow::Owned(parted)
}

/// Returns where to part the first command in `text`, which stands after the character `before`.
fn command(before: Option<char>, text: &str) -> Option<usize> {
    text.match_indices(['#', ':']).map(|(at, _)| at).find_map(|at| {
        let before = text[..at].chars().next_back().or(before);
        if let Some(rest) = text[at..].strip_prefix("##") {
            let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            return rest.trim_start_matches(is_word).starts_with('[').then_some(at + 2);
        }
        (text[at..].starts_with("::") && before.is_none_or(char::is_whitespace)).then_some(at + 1)
    })
}

/// Returns `json` with escapes for all that does not show or would begin a CI command. The value
/// stays the same, since both can only stand inside of JSON's strings.
pub(crate) fn json(json: &str) -> Cow<'_, str> {
    // Counted to the end, since that takes many bytes at once.
    if json.bytes().filter(|byte| *byte >= 0x7f || *byte == b'#').count() == 0 {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for (character, belongs) in judged(json) {
        if belongs || character == '\n' {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    // Even if no command follows: programs differ in the characters that they skip.
    Cow::Owned(escaped.replace("##", r"#\u0023"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_marks_are_gone() {
        assert_eq!(printable("a\u{1b}[31mred\u{7}\nb\u{202e}c"), "a [31mred  b c");
        assert_eq!(printable("a\u{61c}b\u{200f}c\u{2067}d"), "a b c d");
        assert_eq!(printable("ad\u{e0041}min\u{ad}"), "ad min");
    }

    #[test]
    fn nothing_reads_as_a_ci_command() {
        for (text, shown) in [
            ("::set-env name=PATH::x", ": :set-env name=PATH::x"),
            ("x ::error::y", "x : :error::y"),
            ("##[error]x", "## [error]x"),
            ("a ##vso[task.setvariable]x", "a ## vso[task.setvariable]x"),
            ("##TeamCity[x]", "## TeamCity[x]"),
            (":::x", ": : :x"),
            ("####[[x", "#### [[x"),
            ("##vso##vso[x", "##vso## vso[x"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(command(None, shown), None, "{shown}");
        }
        assert_eq!(printable("http://[::1]:80/"), "http://[::1]:80/");
        assert_eq!(printable("## title"), "## title");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(printable(&"x".repeat(5000)).chars().count(), LONGEST);
    }

    #[test]
    fn json_keeps_its_value() {
        for text in ["##vso[x", "####[", "a\u{ad}b\u{7f}", "\u{e0041}\u{202e}", "\u{e9} ::x #1"] {
            let plain = serde_json::to_string(text).unwrap();
            let escaped = json(&plain);
            assert!(!escaped.contains("##") && escaped.chars().all(shows), "{escaped}");
            assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }
    }
}
