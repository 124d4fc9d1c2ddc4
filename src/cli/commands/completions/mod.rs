//! `tokctl completions` and `tokctl man`: for packagers.
//!
//! The scripts ask the program itself for names, as `tokctl __complete SHELL WORD...`, which is
//! theirs alone: it prints the names that can stand in the place of the last word, one a line, and
//! fails where no name belongs.

mod position;
mod candidates;
mod quoting;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use self::position::Kind;
use self::quoting::{Quoted, at_home, unquoted};
use crate::cli::context::Context;
use crate::cli::environment::Environment;
use crate::cli::error::{self, CliError};
use crate::cli::ui::Ui;

/// The word by which a script asks for names.
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

/// Write the man pages into a directory
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The directory, made if it is not there
    #[arg(value_name = "DIR")]
    directory: PathBuf,
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
        // They complete commands and flags.
        _ => {}
    }
    context.ui.data(script.as_bytes())
}

/// The start of the lines that make bash call a function, with the one to call before them.
const CALLS_BASH: &str = concat!(include_str!("bash.sh"), "if [[ \"${BASH_VERSINFO[0]}\" -eq 4 &&");

/// The start of the function that zsh calls.
const CALLS_ZSH: &str = concat!("_tokctl() {\n", include_str!("zsh.zsh"));

/// For fish, which sees to the value of each option apart.
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

/// Answers a script. Says nothing, whatever goes wrong: somebody is at a prompt.
pub(crate) fn complete(ui: &Ui, arguments: &[OsString], program: &Command) -> ExitCode {
    let words: Option<Vec<&str>> = arguments.iter().map(|word| word.to_str()).collect();
    let Some([shell, before @ .., current]) = words.as_deref() else { return ExitCode::FAILURE };
    let (is_bash, is_fish) = (*shell == "bash", *shell == "fish");
    let current = if is_bash { Quoted::read(current) } else { Quoted::none(current) };
    let home = Environment::read().text("HOME");
    let words: Vec<String> = before
        .iter()
        .map(|word| {
            let plain = if is_bash { unquoted(word) } else { (*word).to_owned() };
            // In quotes it is a tilde.
            if word.starts_with('~') { at_home(&plain, home.as_deref()) } else { plain }
        })
        .chain([current.text.clone()])
        .collect();
    let Some(position) = position::find(program, &words) else { return ExitCode::FAILURE };
    // The other shells know them by their scripts.
    if position.kind == Kind::Word && !is_fish {
        return ExitCode::FAILURE;
    }
    let mut lines = String::new();
    for name in candidates::names(&position) {
        // To fish the value of an option is a word of its own.
        let option = if is_fish { "" } else { &*position.option };
        let start = position.option.len() + position.before.len();
        let Some(shown) =
            (if is_bash { current.escaped(&name, start) } else { Some(name.clone()) })
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

pub(crate) fn man(args: &ManArgs, program: Command) -> Result<(), CliError> {
    let failed = |error: std::io::Error| {
        CliError::new(
            error::Kind::Failed,
            format!("could not write to `{}`", args.directory.display()),
        )
        .caused_by(&error)
    };
    std::fs::create_dir_all(&args.directory).map_err(failed)?;
    clap_mangen::generate_to(program, &args.directory).map_err(failed)
}
