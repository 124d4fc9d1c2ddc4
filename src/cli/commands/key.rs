//! `tokctl key`: the vault's key slots.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::keys;

/// The vault's key slots
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print a new random key, for TOKCTL_KEY or a file named by TOKCTL_KEY_FILE
    ///
    /// A vault that is created while it is set gets a `key` slot, and opens with that key alone.
    Generate,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    match args.command {
        Command::Generate => {
            let key = keys::generate()?;
            context.ui.line(&key)
        }
    }
}
