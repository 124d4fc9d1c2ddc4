//! The short help (`-h`): the options that every command has are named in it, and described in the
//! long one (`--help`) alone.

use clap::Command;

/// The line about the options of every command.
const GLOBAL: &str =
    "Global options, described by `--help`: --vault, --config, --no-input, --json, --color, -q, -v";

/// Adds the line about the global options to the short help of `command` and its subcommands.
pub(crate) fn name_global_options(command: Command) -> Command {
    let below = command.get_after_help().cloned();
    let below_long = command.get_after_long_help().cloned().or_else(|| below.clone());
    let short = match &below {
        Some(below) => format!("{GLOBAL}\n\n{}", below.ansi()),
        None => GLOBAL.to_owned(),
    };
    command
        .after_help(short)
        // An empty text, so that the short one is not taken.
        .after_long_help(below_long.unwrap_or_default())
        .mut_subcommands(name_global_options)
}
