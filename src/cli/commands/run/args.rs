//! Arguments of `tokctl run`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueHint;

use crate::cli::ci_mask::CiMask;
use crate::model::reference::Named;

/// Run a command with tokens in its environment, or in files
///
/// A reference is tokctl://PROVIDER/USER or PROVIDER/USER, with /FIELD at its end for something
/// else than the token: username, server_url, api_base_url, expires_at or id_token. PROVIDER alone
/// means what it means for `get`. Tokens are got as `get` gets them; if one can't be had, nothing is run. What is
/// got is set in no variable by which programs load or find code, such as PATH or LD_PRELOAD; plain values of a
/// `.env` file may be. The command gets none of the variables that open the
/// vault.
///
/// tokctl replaces itself by the command where nothing has to be done afterwards. Else it passes
/// signals on, and ends with the command's exit code, or 128 and the number of the signal that
/// ended it; 127 if there is no such command, 126 if it can't be started.
///
/// Where stdout or stderr is a pipe, a socket or a log, tokens of 8 characters or more that the
/// command prints become `***`, URL-encoded ones and those in base64 too. A file is a log if it was
/// opened to append, if both streams lead to it, or if CI is set. What may be the beginning of a
/// token is held back for two seconds at most, and where a terminal is in use for a tenth of one. A
/// token that the command prints in pieces, encrypted or as a hash is not caught. Two seconds after
/// the command has ended, output of what it left running in the background is no longer waited for.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Set the variable NAME to what REF means
    #[arg(long, value_name = "NAME=REF")]
    pub(super) env: Vec<String>,

    /// Set the variables of this `.env` file, or of stdin for `-`; a value that is a tokctl://
    /// reference is resolved
    ///
    /// Other values are taken as they are, and nothing is expanded. Of several files, the last one
    /// counts; `--env` and `--file` come first.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) env_file: Vec<PathBuf>,

    /// Take no reference from an `--env-file`, or from the environment, but to this service or
    /// credential; repeatable
    #[arg(long, value_name = "REF")]
    pub(super) only: Vec<Named>,

    /// Resolve variables that are in the environment and whose value is a tokctl:// reference
    ///
    /// In CI the environment may hold other people's text: then better name them with `--env`.
    #[arg(long)]
    pub(super) resolve_env: bool,

    /// Write what REF means to a private file, and set NAME to its path
    ///
    /// Nothing follows the value, not even a line's end. A token is renewed before it ends, and the
    /// file replaced, as long as the command runs; when it ends, the file is removed.
    #[arg(long, value_name = "NAME=REF")]
    pub(super) file: Vec<String>,

    /// Let the command's output through as it is
    #[arg(long, conflicts_with = "mask")]
    pub(super) no_masking: bool,

    /// Mask tokens in output that goes to a file that is no log as well
    #[arg(long)]
    pub(super) mask: bool,

    /// Tell the CI platform on stderr to mask the tokens in its log
    #[arg(long, value_name = "PLATFORM")]
    pub(super) ci_mask: Option<CiMask>,

    /// The command, with its arguments
    #[arg(
        last = true,
        required = true,
        value_name = "COMMAND",
        value_hint = ValueHint::CommandWithArguments
    )]
    pub(super) command: Vec<OsString>,
}
