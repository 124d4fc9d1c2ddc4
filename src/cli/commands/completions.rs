//! `tokctl completions` and `tokctl man`: for packagers.

use std::path::PathBuf;

use clap::Command;

use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};

/// Print a completion script
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: clap_complete::Shell,
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
    context.ui.data(&script)
}

pub(crate) fn man(args: &ManArgs, program: Command) -> Result<(), CliError> {
    let failed = |error: std::io::Error| {
        CliError::new(Kind::Failed, format!("could not write to `{}`", args.directory.display()))
            .caused_by(&error)
    };
    std::fs::create_dir_all(&args.directory).map_err(failed)?;
    clap_mangen::generate_to(program, &args.directory).map_err(failed)
}
