//! Untrusted text, made safe to show.
//!
//! An error description from a server, a scope or a user name from a file may hold escape
//! sequences that change the terminal, marks that reverse the direction of writing, or the start
//! of a command that a CI platform executes when it reads a log.

/// The greatest length of a text that is shown, in characters.
const LONGEST: usize = 300;

/// The beginnings of log lines that GitHub Actions and Azure Pipelines take for commands.
const CI_COMMANDS: [&str; 3] = ["::", "##[", "##vso["];

/// Returns `text` on one line, without control and direction characters, at most 300 characters
/// long, and with a space inside everything that a CI platform would take for a command.
pub(crate) fn printable(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .map(|character| if is_harmless(character) { character } else { ' ' })
        .take(LONGEST)
        .collect();
    for command in CI_COMMANDS {
        let (head, tail) = command.split_at(1);
        // In ":::" a second "::" appears when the first one is parted, so this repeats.
        while let Some(at) = find_command(&shown, command) {
            shown.replace_range(at..at + command.len(), &format!("{head} {tail}"));
        }
    }
    shown.trim().to_owned()
}

/// Returns the position at which a CI platform would see `command`. Azure sees it anywhere. GitHub
/// sees it at the start of a line; the text may be printed there, so the start of each word counts,
/// but not the inside of a word such as `[::1]`.
fn find_command(text: &str, command: &str) -> Option<usize> {
    text.match_indices(command).map(|(at, _)| at).find(|&at| {
        command.starts_with('#') || text[..at].chars().next_back().is_none_or(char::is_whitespace)
    })
}

/// Returns whether `character` is shown as it is. Among them are the joiners U+200C and U+200D, without
/// which Persian words and many emoji are others, and could not be copied from what is shown.
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_marks_are_gone() {
        assert_eq!(printable("a\u{1b}[31mred\u{7}\nb\u{202e}c"), "a [31mred  b c");
        assert_eq!(printable("a\u{61c}b\u{200f}c\u{2067}d"), "a b c d");
    }

    #[test]
    fn joined_characters_stay_joined() {
        for text in ["می\u{200c}خواهم", "👩\u{200d}👩\u{200d}👧", "क्\u{200d}ष"]
        {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn nothing_reads_as_a_ci_command() {
        for text in
            ["::set-env name=PATH::x", "##[error]x", "##vso[task.setvariable]x", ":::x", "####[[x"]
        {
            let shown = printable(text);
            for command in CI_COMMANDS {
                assert_eq!(find_command(&shown, command), None, "{text} is shown as {shown}");
            }
        }
        assert_eq!(printable("http://[::1]:80/"), "http://[::1]:80/");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(printable(&"x".repeat(5000)).chars().count(), LONGEST);
    }
}
