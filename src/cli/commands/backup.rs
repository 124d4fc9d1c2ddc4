//! `tokctl backup`: copies the vault to a new file.

use std::path::PathBuf;

use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::ops::{SlotKind, Vault};

/// Copy the vault to a new file, which opens with the same key slots
///
/// A copy of a vault that has no slot but the keychain's opens on no other machine: `tokctl key add
/// recovery` makes another one first. Needs no key, and may be done while others write. The copy is private, and as well sealed as the
/// vault. After a restore, `tokctl doctor --accept-older` has to accept it where tokens were renewed
/// since, and a service may want a new login.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to make; one that is there is left alone
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    if args.file.as_os_str() == "-" {
        return Err(CliError::new(Kind::Usage, "a copy of the vault goes to a file alone")
            .hint("tokctl backup vault.db"));
    }
    let vault = Vault::open_read_only(context.vault()?)?.finished()?;
    context.ui.while_waiting("copying the vault", || vault.back_up(&args.file))?;
    let file = args.file.display();
    context.ui.status(&format!("copied to `{file}`, which opens with the same key slots"));
    if vault.slots()?.iter().all(|slot| slot.kind == SlotKind::Keychain) {
        context.ui.warning(
            "the keychain of this machine alone opens it: `tokctl key add recovery`, then copy it \
             again",
        );
    }
    Ok(())
}
