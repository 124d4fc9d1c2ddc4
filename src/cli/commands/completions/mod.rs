//! `tokctl completions`: completion scripts, for people and for packagers.
//!
//! The scripts ask the program itself for names: `tokctl __complete SHELL WORD...` prints the names
//! that can complete the last word, one per line, and fails where no name belongs. Only the scripts
//! use it.

mod position;
mod candidates;
mod quoting;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use self::position::Kind;
use self::quoting::{Quoted, expand_tilde, unquote};
use crate::cli::context::Context;
use crate::cli::environment::Environment;
use crate::cli::error::{self, CliError};
use crate::cli::ui::Ui;

/// The first argument with which a completion script asks for names.
pub(crate) const COMPLETE: &str = "__complete";

/// Print a completion script
///
/// Those for bash, zsh and fish complete the names of providers, users and credentials in the vault
/// too. That needs no key: what is shown is the copy in the clear, which is not verified.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(args: &Args, context: &Context, mut program: Command) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "tokctl", &mut script);
    let mut script = String::from_utf8(script).map_err(|error| {
        CliError::new(error::Kind::Failed, "the script is no text").caused_by(&error)
    })?;
    match args.shell {
        Shell::Bash => {
            script = script.replacen("if [[ \"${BASH_VERSINFO[0]}\" -eq 4 &&", CALLS_BASH, 1);
            script = script.replace("complete -F _tokctl ", "complete -F _tokctl_names ");
        }
        Shell::Zsh => script = script.replacen("_tokctl() {\n", CALLS_ZSH, 1),
        Shell::Fish => {
            script.push_str(include_str!("fish.fish"));
            for option in named_options(&program) {
                script.push_str(&option);
            }
        }
        // Scripts for other shells complete commands and flags only.
        _ => {}
    }
    context.ui.data(script.as_bytes())
}

/// The line in bash's script before which `bash.sh` is inserted, with that file.
const CALLS_BASH: &str = concat!(include_str!("bash.sh"), "if [[ \"${BASH_VERSINFO[0]}\" -eq 4 &&");

/// The start of zsh's completion function, with the lines of `zsh.zsh` inserted.
const CALLS_ZSH: &str = concat!("_tokctl() {\n", include_str!("zsh.zsh"));

/// Returns fish's lines for options that take a name: fish completes the value of each option
/// separately.
fn named_options(program: &Command) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for command in program.get_subcommands() {
        for option in command.get_opts().filter(|arg| position::kind(command, arg).is_some()) {
            let short = option.get_short().map(|short| format!(" -s {short}")).unwrap_or_default();
            let long = option.get_long().map(|long| format!(" -l {long}")).unwrap_or_default();
            lines.insert(format!(
                "complete -c tokctl -n __tokctl_takes_a_name{short}{long} -x -a '(__tokctl_names)'\n"
            ));
        }
        lines.extend(named_options(command));
    }
    lines
}

/// Prints the names that a completion script asks for, and no message on any error.
pub(crate) fn complete(ui: &Ui, arguments: &[OsString], program: &Command) -> ExitCode {
    let words: Option<Vec<&str>> = arguments.iter().map(|word| word.to_str()).collect();
    let Some([shell, before @ .., current]) = words.as_deref() else { return ExitCode::FAILURE };
    let (is_bash, is_fish) = (*shell == "bash", *shell == "fish");
    let current = if is_bash { Quoted::read(current) } else { Quoted::none(current) };
    let home = Environment::read().text("HOME");
    let words: Vec<String> = before
        .iter()
        .map(|word| {
            let plain = if is_bash { unquote(word) } else { (*word).to_owned() };
            // A tilde in quotes is not expanded.
            if word.starts_with('~') { expand_tilde(&plain, home.as_deref()) } else { plain }
        })
        .chain([current.text.clone()])
        .collect();
    let Some(position) = position::find(program, &words) else { return ExitCode::FAILURE };
    // Scripts for the other shells list fixed words themselves.
    if position.kind == Kind::Word && !is_fish {
        return ExitCode::FAILURE;
    }
    let mut lines = String::new();
    for name in candidates::names(&position) {
        // fish treats the value of an option as a separate word.
        let option = if is_fish { "" } else { &*position.option };
        let start = position.option.len() + position.before.len();
        let Some(shown) = (if is_bash { current.escape(&name, start) } else { Some(name.clone()) })
        else {
            continue;
        };
        let meaning = position.words.iter().find(|(word, _)| *word == name);
        let meaning = meaning.map(|(_, meaning)| format!("\t{meaning}")).unwrap_or_default();
        for part in [option, &position.before, &shown, &meaning, "\n"] {
            lines.push_str(part);
        }
    }
    let _ = ui.data(lines.as_bytes());
    ExitCode::SUCCESS
}
