//! The pages of the manual, in the language of `man` (roff).

use std::fmt::Write;
use std::io;

use clap::{Args, Command};
use clap_mangen::Man;

use super::written;
use crate::cli::context::Global;

/// The options that the page of a command leaves to tokctl(1).
const GLOBAL: &str = ".PP\nThe options of every command, such as \\fB\\-\\-vault\\fR and \
                      \\fB\\-\\-json\\fR, are described in \\fBtokctl\\fR(1).\n";

/// A page of the manual.
pub(super) struct Page {
    /// The name, such as `tokctl-get`.
    name: String,
    /// The section of the manual: 1 for commands, 5 for files, 7 for everything else.
    pub(super) section: char,
    pub(super) roff: String,
}

impl Page {
    /// Returns the name of the page's file, such as `tokctl-get.1`.
    pub(super) fn file_name(&self) -> String {
        format!("{}.{}", self.name, self.section)
    }

    /// Returns the name without `tokctl-`; empty for the program's own page.
    pub(super) fn topic(&self) -> &str {
        self.name.strip_prefix("tokctl").map_or("", |rest| rest.trim_start_matches('-'))
    }
}

/// Returns all pages: those of `program` and its commands, and those of the topics.
pub(super) fn all(program: Command) -> io::Result<Vec<Page>> {
    let version = program.get_version().unwrap_or_default().to_owned();
    let mut pages = Vec::new();
    add_command(&mut pages, program, "tokctl", &version)?;
    for (name, section, source) in written::TOPICS {
        let name = format!("tokctl-{name}");
        let roff = format!("{}{source}", title(&name, section, &version));
        pages.push(Page { name, section, roff });
    }
    Ok(pages)
}

/// Adds the page of the command that is called by `path`, and those of its subcommands.
fn add_command(
    pages: &mut Vec<Page>,
    command: Command,
    path: &str,
    version: &str,
) -> io::Result<()> {
    let subcommands: Vec<Command> =
        command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()).cloned().collect();
    let name = path.replace(' ', "-");
    let is_program = path == "tokctl";
    let mut command =
        command.bin_name(path).display_name(name.clone()).disable_help_subcommand(true);
    command = if is_program {
        command.mut_args(|option| option.hide_short_help(false))
    } else {
        with_hidden_global_options(command)
    };
    command.build();
    let mut roff = title(&name, '1', version);
    roff.push_str(&head(&mut command, &name, path));
    let man = Man::new(command);
    let mut described = Vec::new();
    man.render_description_section(&mut described)?;
    man.render_options_section(&mut described)?;
    roff.push_str(&plain(&described));
    if !is_program {
        roff.push_str(GLOBAL);
    }
    if !subcommands.is_empty() {
        roff.push_str(".SH COMMANDS\n");
        for subcommand in &subcommands {
            let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
            let page = escape(&format!("{name}-{}", subcommand.get_name()));
            let _ = writeln!(roff, ".TP\n\\fB{page}\\fR(1)\n{}", bold_code(&escape(&about)));
        }
    }
    roff.push_str(written::sections(&name));
    pages.push(Page { name, section: '1', roff });
    for subcommand in subcommands {
        let path = format!("{path} {}", subcommand.get_name());
        add_command(pages, subcommand, &path, version)?;
    }
    Ok(())
}

/// Returns `command` with the options of every command, which others may exclude, but unseen.
fn with_hidden_global_options(command: Command) -> Command {
    let global = Global::augment_args(Command::new("global"));
    command.args(global.get_arguments().map(|option| option.clone().hide(true)))
}

/// Returns the first lines of a page. It has no date: the version says how old the page is. Words
/// are not hyphenated, and lines not stretched, since both spoil what is to be typed.
fn title(name: &str, section: char, version: &str) -> String {
    let name = escape(&name.to_uppercase());
    format!(
        ".TH {name} {section} \"\" \"tokctl {version}\" \"tokctl manual\"\n.nr HY 0\n.nh\n.ad l\n"
    )
}

/// Returns the sections NAME and SYNOPSIS.
fn head(command: &mut Command, name: &str, path: &str) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string().replace("[OPTIONS]", "[options]");
    let mut roff =
        format!(".SH NAME\n{} \\- {}\n.SH SYNOPSIS\n", escape(name), bold_code(&escape(&about)));
    let usage = usage.trim_start_matches("Usage:");
    for (index, line) in usage.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        let rest = line.strip_prefix(path).unwrap_or(line);
        let between = if index == 0 { "" } else { ".br\n" };
        let _ = writeln!(roff, "{between}\\fB{}\\fR{}", escape(path), escape(rest));
    }
    roff
}

/// Returns what `clap_mangen` made, without its definitions and with our own taste in lists.
fn plain(described: &[u8]) -> String {
    let mut roff = String::new();
    let mut after_gap = false;
    for line in String::from_utf8_lossy(described).lines() {
        let ends_paragraph = std::mem::replace(&mut after_gap, line.is_empty());
        match line {
            line if line.starts_with(".ie ") || line.starts_with(".el ") => {}
            "" => {}
            ".RS 14" => roff.push_str(".RS 10\n"),
            // Two breaks follow each other around an empty line.
            ".br" if roff.ends_with(".br\n") => {}
            line if line.starts_with('.') => _ = writeln!(roff, "{line}"),
            // The first sentence of a help text has no full stop.
            line if ends_paragraph && ends_in_text(&roff) => {
                let _ = writeln!(roff, ".br\n{}", bold_code(line));
            }
            line => _ = writeln!(roff, "{}", bold_code(line)),
        }
    }
    roff.replace("\\*(Aq", "\\(aq").replace(" (see a summary with \\(aq\\-h\\(aq)", "")
}

/// Returns whether the last line of `roff` is text, and not a request.
fn ends_in_text(roff: &str) -> bool {
    roff.lines().last().is_some_and(|line| !line.starts_with('.'))
}

/// Returns `text` with what roff would read as its own escaped.
fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq")
}

/// Returns `text` with what stands between backticks in bold.
fn bold_code(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return text.to_owned();
    }
    let mut roff = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        match index % 2 {
            0 => roff.push_str(part),
            _ => _ = write!(roff, "\\fB{part}\\fR"),
        }
    }
    roff
}
