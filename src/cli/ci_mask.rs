//! Masking commands, which tell a CI platform to hide a value in its log.
//!
//! The platform reads them on stderr as well as on stdout and keeps them out of the log itself. It
//! masks the value only in later lines, so the command has to come before the value. GitLab and
//! Jenkins have no such command.

use zeroize::Zeroizing;

use super::error::{CliError, Kind};
use super::ui::Ui;

/// A platform that masks on command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CiMask {
    /// GitHub Actions, and what speaks its workflow commands.
    Github,
    /// Azure Pipelines.
    Azure,
}

/// The reason why a value can't be masked. Such a value must not be printed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unmaskable {
    /// The value is empty, blank or punctuation only. Platforms ignore such masks.
    #[error("there is nothing in it that could be told from other text")]
    Blank,
    /// The value holds a control character, and how a log shows that is not known.
    #[error("it holds a control character")]
    ControlCharacter,
}

/// Writes the commands with which `platform` masks each of `values`.
///
/// Fails when a value can't be masked or stderr can't be written. Then the values must not be
/// printed.
pub(crate) fn mask<'a>(
    ui: &Ui,
    platform: CiMask,
    values: impl IntoIterator<Item = &'a str>,
) -> Result<(), CliError> {
    for value in values {
        let commands = commands(platform, value).map_err(|error| {
            CliError::new(Kind::Failed, "a value can't be masked in this platform's log")
                .caused_by(&error)
                .hint("tokctl run --help")
        })?;
        ui.masking(commands.as_bytes())?;
    }
    Ok(())
}

/// Returns the commands that mask `value`, one command per line.
///
/// Platforms mask a log line by line, so a value of several lines takes several commands. Lines
/// without a letter or digit are left out: a bracket is no secret, and masking it would hide it
/// everywhere.
///
/// The value `"one\ntwo"` gives, for Azure:
///
/// ```text
/// ##vso[task.setsecret]one
/// ##vso[task.setsecret]two
/// ```
pub(crate) fn commands(platform: CiMask, value: &str) -> Result<Zeroizing<String>, Unmaskable> {
    let is_odd = |character: char| character.is_control() && !matches!(character, '\r' | '\n');
    if value.contains(is_odd) {
        return Err(Unmaskable::ControlCharacter);
    }
    // Full capacity from the start, because a buffer that grows leaves copies behind. The longest
    // escape is six bytes, the longest command thirty.
    let lines = 1 + value.matches(['\r', '\n']).count();
    let mut commands = Zeroizing::new(String::with_capacity(6 * value.len() + 30 * lines));
    // A mask without surrounding blanks also matches a line that has them.
    for line in value.split(['\r', '\n']).map(str::trim) {
        if line.contains(char::is_alphanumeric) {
            write_command(&mut commands, platform, line);
        }
    }
    if commands.is_empty() { Err(Unmaskable::Blank) } else { Ok(commands) }
}

fn write_command(commands: &mut String, platform: CiMask, line: &str) {
    commands.push_str(match platform {
        CiMask::Github => "::add-mask::",
        // `task.setvariable` would also define a variable.
        CiMask::Azure => "##vso[task.setsecret]",
    });
    for (at, character) in line.char_indices() {
        commands.push(character);
        if character == '%' {
            commands.push_str(match platform {
                CiMask::Github => "25",
                // Agents can be configured not to decode percent signs. Where no escape is needed,
                // such agents and all others read the same value.
                CiMask::Azure if reads_as_escape(&line[at..]) => "AZP25",
                CiMask::Azure => "",
            });
        }
    }
    commands.push('\n');
}

/// Returns whether Azure's agent would decode the start of `text` as an escaped character.
fn reads_as_escape(text: &str) -> bool {
    ["%0D", "%0A", "%3B", "%5D", "%AZP25"].iter().any(|escape| {
        text.get(..escape.len()).is_some_and(|start| start.eq_ignore_ascii_case(escape))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(platform: CiMask, value: &str) -> String {
        commands(platform, value).unwrap().to_string()
    }

    /// Returns what the platform masks, by its own rules for reading commands.
    fn read(platform: CiMask, commands: &str) -> Vec<String> {
        let value = |line: &str| match platform {
            CiMask::Github => {
                let data = line.strip_prefix("::add-mask::").unwrap();
                data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
            }
            CiMask::Azure => {
                let data = line.strip_prefix("##vso[task.setsecret]").unwrap();
                data.replace("%0D", "\r").replace("%0A", "\n").replace("%AZP25", "%")
            }
        };
        commands.lines().map(value).collect()
    }

    #[test]
    fn a_value_is_masked_by_the_platforms_own_command() {
        assert_eq!(written(CiMask::Github, "made-up"), "::add-mask::made-up\n");
        assert_eq!(written(CiMask::Azure, "made-up"), "##vso[task.setsecret]made-up\n");
    }

    #[test]
    fn percent_signs_reach_the_platform_as_they_are() {
        assert_eq!(written(CiMask::Github, "a%0Ab%"), "::add-mask::a%250Ab%25\n");
        assert_eq!(written(CiMask::Azure, "a%0Ab%"), "##vso[task.setsecret]a%AZP250Ab%\n");
        assert_eq!(written(CiMask::Azure, "%AZP25"), "##vso[task.setsecret]%AZP25AZP25\n");
    }

    #[test]
    fn each_line_that_holds_something_is_masked() {
        let value = "{\r\n \"one\": 1,\n\n}\n";
        assert_eq!(written(CiMask::Github, value), "::add-mask::\"one\": 1,\n");
        assert_eq!(
            written(CiMask::Azure, "one\ntwo"),
            "##vso[task.setsecret]one\n##vso[task.setsecret]two\n"
        );
    }

    #[test]
    fn what_no_platform_masks_is_refused() {
        for platform in [CiMask::Github, CiMask::Azure] {
            for blank in ["", " ", "\n", "--"] {
                assert_eq!(commands(platform, blank).unwrap_err(), Unmaskable::Blank);
            }
            for odd in ["a\u{1b}[0m", "a\tb", "a\0", "a\u{85}b"] {
                assert_eq!(commands(platform, odd).unwrap_err(), Unmaskable::ControlCharacter);
            }
        }
    }

    proptest! {
        #[test]
        fn a_platform_masks_exactly_the_lines_of_the_value(
            value in "([a-z0-9A-D%:\\[\\]# ;é]|%0A|%0D|%AZP25|%25|\n){1,40}"
        ) {
            let lines: Vec<&str> = value
                .split('\n')
                .map(str::trim)
                .filter(|line| line.contains(char::is_alphanumeric))
                .collect();
            for platform in [CiMask::Github, CiMask::Azure] {
                match commands(platform, &value) {
                    Ok(commands) => prop_assert_eq!(&read(platform, &commands), &lines),
                    Err(_) => prop_assert!(lines.is_empty()),
                }
            }
        }
    }
}
