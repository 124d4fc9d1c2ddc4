//! `tokctl env`: prints credentials as variables, for a shell, a file or a CI platform.

use zeroize::Zeroizing;

use super::run;
use crate::cli::ci_mask::CiMask;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};

/// The characters that an unquoted value of a `.env` file may have, beside letters and digits.
const PLAIN: &[u8] = b"_-./:@%+,=";

/// Print credentials as variables, for a shell, a `.env` file or GitHub Actions
///
/// REF is a reference as `tokctl run` takes it, with /FIELD at its end for something else than the
/// token, or a service alone as for `tokctl get`. Tokens are got as `get` gets them. All that is named is printed, or nothing. `tokctl run`
/// gives the same variables to one command alone, and keeps them out of its output.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eval \"$(tokctl env JIRA=jira/alice GH_TOKEN=github/bot)\"
  tokctl env --format fish JIRA=jira/alice | source
  tokctl env --format dotenv JIRA=jira/alice SITE=jira/alice/server_url > .env
  tokctl env --format github --ci-mask github GH_TOKEN=github/bot >> \"$GITHUB_ENV\"")]
pub(crate) struct Args {
    /// Each variable, with what it is set to
    #[arg(value_name = "NAME=REF", required = true)]
    variables: Vec<String>,

    /// For whom to quote
    #[arg(long, value_name = "FORMAT", default_value = "shell")]
    format: Format,

    /// First have the CI platform mask the tokens, by its command on stderr
    #[arg(long, value_name = "PLATFORM")]
    ci_mask: Option<CiMask>,
}

/// The reader of the variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// sh, dash, bash, zsh and ksh
    Shell,
    /// fish
    Fish,
    /// A `.env` file
    Dotenv,
    /// $GITHUB_ENV
    Github,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let values = run::named_values(context, &args.variables, "env", args.ci_mask)?;
    // Full capacity from the start, because a text that grows leaves copies behind. No character
    // becomes more than four.
    let length: usize = values.iter().map(|(name, value)| 4 * value.len() + name.len() + 128).sum();
    let mut text = Zeroizing::new(String::with_capacity(length));
    for (name, value) in &values {
        match args.format {
            Format::Shell => add(&mut text, &["export ", name, "=", &for_shell(value), "\n"]),
            Format::Fish => add(&mut text, &["set -gx ", name, " ", &for_fish(value), "\n"]),
            Format::Dotenv => {
                let value = for_dotenv(value).ok_or_else(|| unwritable(name, args))?;
                add(&mut text, &[name, "=", &value, "\n"]);
            }
            Format::Github => {
                let end = delimiter(value)?;
                add(&mut text, &[name, "<<", &end, "\n", value, "\n", &end, "\n"]);
            }
        }
    }
    context.ui.data(text.as_bytes())
}

fn add(text: &mut String, parts: &[&str]) {
    for part in parts {
        text.push_str(part);
    }
}

/// Replaces characters of `value`, between two `quote`s.
fn quoted(
    quote: char,
    value: &str,
    escape: impl Fn(char) -> Option<&'static str>,
) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(4 * value.len() + 2));
    text.push(quote);
    for character in value.chars() {
        match escape(character) {
            Some(escaped) => text.push_str(escaped),
            None => text.push(character),
        }
    }
    text.push(quote);
    text
}

fn for_shell(value: &str) -> Zeroizing<String> {
    quoted('\'', value, |character| (character == '\'').then_some(r"'\''"))
}

fn for_fish(value: &str) -> Zeroizing<String> {
    quoted('\'', value, |character| match character {
        '\'' => Some(r"\'"),
        '\\' => Some(r"\\"),
        _ => None,
    })
}

/// Quotes a value so that `.env` readers agree on it: bare, in single quotes, or, where there is a
/// single quote or a line's end in it, in double quotes with escapes. Returns `None` for one that
/// needs these and has a backtick: a shell would run what is behind it, and other readers would keep
/// the backslash that is to prevent that.
fn for_dotenv(value: &str) -> Option<Zeroizing<String>> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || PLAIN.contains(&byte);
    if !value.is_empty() && value.bytes().all(is_plain) {
        return Some(Zeroizing::new(value.to_owned()));
    }
    if !value.contains(['\'', '\n', '\r', '\\']) {
        return Some(quoted('\'', value, |_| None));
    }
    let escape = |character| match character {
        '"' => Some("\\\""),
        '\\' => Some(r"\\"),
        '$' => Some(r"\$"),
        '\n' => Some(r"\n"),
        '\r' => Some(r"\r"),
        _ => None,
    };
    (!value.contains('`')).then(|| quoted('"', value, escape))
}

/// The error for a value that not all readers of a `.env` file would understand.
fn unwritable(name: &str, args: &Args) -> CliError {
    let what = format!("what `{name}` is set to can't be written into a `.env` file safely");
    CliError::new(Kind::Usage, what)
        .hint(format!("tokctl env {}", shell_words::join(&args.variables)))
}

/// Returns a line that ends a value in `$GITHUB_ENV`, and which nobody who chose the value could
/// guess.
fn delimiter(value: &str) -> Result<String, CliError> {
    loop {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            CliError::new(Kind::Failed, "the system gave no random bytes").caused_by(&error)
        })?;
        let end = format!("tokctl_{}", data_encoding::HEXLOWER.encode(&random));
        if !value.contains(&end) {
            return Ok(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_for_a_file_is_quoted_as_little_as_may_be() {
        for (value, text) in [
            ("made-up_1.2=", "made-up_1.2="),
            ("", "''"),
            ("a $b #c", "'a $b #c'"),
            ("it's $1", r#""it's \$1""#),
            ("a\nb\\", r#""a\nb\\""#),
        ] {
            assert_eq!(*for_dotenv(value).unwrap(), text);
        }
        for value in ["it's `x`", "a\n`x`", r"\`x`"] {
            assert!(for_dotenv(value).is_none(), "{value}");
        }
        assert_eq!(*for_dotenv("`x` $(x)").unwrap(), "'`x` $(x)'");
    }
}
