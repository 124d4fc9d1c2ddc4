//! `tokctl help` and `tokctl man`: the manual, on the screen and as files for `man`.
//!
//! Every page is in the program, so it can be read where there is no `man` and no network. The page
//! of a command is its description to the parser, with the sections that `man/sections/` adds to
//! it; the page of a topic is a file in `man/`.

mod written;
mod page;
mod text;
mod pager;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};
use console::Style;

use self::page::Page;
use self::text::Face;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::ui::Ui;

/// The width of a page, in columns, where no terminal sets one.
const USUAL_WIDTH: usize = 80;

/// The greatest width of a page, in columns: longer lines are hard to read.
const WIDEST: usize = 100;

/// The least width of a page, in columns.
const NARROWEST: usize = 30;

/// Show the manual: the page of a command, or of a topic
///
/// A name is that of a command, such as `get` or `key add`, else that of a topic: `config`,
/// `refresh`, `ci`, `shared` or `security`. `refresh` is both: `tokctl help refresh` shows the command, and
/// `tokctl help 7 refresh` the topic, as `man 7 tokctl-refresh` does. At a terminal a page is shown
/// with the program in $PAGER, else with `less`. No network is used.
#[derive(Debug, clap::Args)]
pub(crate) struct HelpArgs {
    /// A command or a topic; a number in front names the section, as with `man`
    #[arg(value_name = "COMMAND|TOPIC", value_parser = Name, hide_possible_values = true)]
    words: Vec<String>,
}

/// The parser of a page's name. It takes any text, and tells completion scripts which names there
/// are.
#[derive(Debug, Clone)]
struct Name;

impl TypedValueParser for Name {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(written::names().into_iter().map(PossibleValue::new)))
    }
}

/// Write the man pages into a directory
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The directory, made if it is not there
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Prints a page of the manual, or the list of commands and topics.
pub(crate) fn help(
    args: &HelpArgs,
    context: &Context,
    mut program: Command,
) -> Result<(), CliError> {
    if args.words.is_empty() {
        return context.ui.data(program.render_long_help().to_string().as_bytes());
    }
    // Another name of a command, such as `rm`, is that command's.
    let words: Vec<String> = match &args.words[..] {
        [word, rest @ ..] => {
            let command = program.find_subcommand(word).map(Command::get_name);
            let first = command.unwrap_or(word).to_owned();
            [first].into_iter().chain(rest.iter().cloned()).collect()
        }
        [] => Vec::new(),
    };
    let wanted = Wanted::read(&words);
    let pages = page::all(program).map_err(|error| unwritten(&error))?;
    let Some(page) = wanted.choose(&pages) else {
        let name = wanted.name.replace('-', " ");
        let message = format!("the manual has no page `{}`", crate::untrusted::printable(&name));
        return Err(CliError::new(Kind::Usage, message).hint("tokctl help"));
    };
    let text = text::render(&page.roff, width(), in_face);
    if pager::show(&text, context) { Ok(()) } else { context.ui.data(text.as_bytes()) }
}

/// Writes all pages into a directory.
pub(crate) fn man(args: &ManArgs, program: Command) -> Result<(), CliError> {
    let failed = |error: io::Error| {
        let message = format!("could not write to `{}`", args.directory.display());
        CliError::new(Kind::Failed, message).caused_by(&error)
    };
    std::fs::create_dir_all(&args.directory).map_err(failed)?;
    for page in page::all(program).map_err(|error| unwritten(&error))? {
        let file = File::create(args.directory.join(page.file_name()));
        file.and_then(|mut file| file.write_all(page.roff.as_bytes())).map_err(failed)?;
    }
    Ok(())
}

fn unwritten(error: &io::Error) -> CliError {
    CliError::new(Kind::Failed, "the manual could not be put together").caused_by(error)
}

/// The page that the user named.
struct Wanted {
    section: Option<char>,
    /// The name without `tokctl-`, its words joined by `-`; empty for the program's own page.
    name: String,
}

impl Wanted {
    /// Reads `get`, `key add`, `7 refresh`, `tokctl-refresh(7)` and `refresh.7`.
    fn read(words: &[String]) -> Self {
        let is_section = |text: &str| matches!(text, "1" | "5" | "7");
        let (mut section, words) = match words {
            [number, rest @ ..] if is_section(number) && !rest.is_empty() => {
                (number.chars().next(), rest)
            }
            words => (None, words),
        };
        let joined = words.join("-");
        let mut name = joined.strip_suffix(')').unwrap_or(&joined);
        if let Some((start, number)) = name.rsplit_once(['(', '.'])
            && is_section(number)
        {
            section = number.chars().next();
            name = start;
        }
        let rest = name.strip_prefix("tokctl").map(|rest| rest.strip_prefix('-').unwrap_or(rest));
        Self { section, name: rest.unwrap_or(name).to_owned() }
    }

    /// Returns the page; of two, that with the lower section.
    fn choose<'a>(&self, pages: &'a [Page]) -> Option<&'a Page> {
        pages
            .iter()
            .filter(|page| page.topic() == self.name)
            .filter(|page| self.section.is_none_or(|section| section == page.section))
            .min_by_key(|page| page.section)
    }
}

/// Returns `text` as the terminal shows it in `face`; without colours, as it is.
fn in_face(face: Face, text: &str) -> String {
    match face {
        Face::Roman => text.to_owned(),
        Face::Bold => Ui::styled(&Style::new().bold(), text),
        Face::Italic => Ui::styled(&Style::new().underlined(), text),
    }
}

/// Returns the number of columns that a page has.
fn width() -> usize {
    if !io::stdout().is_terminal() {
        return USUAL_WIDTH;
    }
    let columns = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.unwrap_or(USUAL_WIDTH).clamp(NARROWEST, WIDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(words: &[&str]) -> (Option<char>, String) {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let Wanted { section, name } = Wanted::read(&words);
        (section, name)
    }

    #[test]
    fn a_page_is_named_as_people_name_it() {
        assert_eq!(wanted(&["get"]), (None, "get".into()));
        assert_eq!(wanted(&["key", "add"]), (None, "key-add".into()));
        assert_eq!(wanted(&["7", "refresh"]), (Some('7'), "refresh".into()));
        assert_eq!(wanted(&["tokctl-refresh(7)"]), (Some('7'), "refresh".into()));
        assert_eq!(wanted(&["config.5"]), (Some('5'), "config".into()));
        assert_eq!(wanted(&["tokctl"]), (None, String::new()));
        assert_eq!(wanted(&["7"]), (None, "7".into()));
    }
}
