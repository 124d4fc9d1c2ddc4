//! `tokctl backup`: copies the vault to a new file.

#[cfg(feature = "postgres")]
mod of_shared;

use std::path::PathBuf;

use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::slot_choice::SlotChoice;
use crate::cli::vaults;
use crate::ops::error::StoreError;
use crate::ops::{SlotKind, Vault};

/// Copy the vault to a new file, which opens with the same key slots
///
/// A copy of a vault that has no slot but the keychain's opens on no other machine: `tokctl key add
/// recovery` makes another one first. Needs no key, and may be done while others write. The copy is private, and as well sealed as the
/// vault. After a restore, `tokctl doctor --accept-older` has to accept it where tokens were renewed
/// since, and a service may want a new login.
///
/// A shared vault becomes a vault in a file. It gets the key slot of a new vault, since a shared one
/// has none: the keychain's, unless the environment holds a key or --key-slot names another kind. Where
/// each renewal replaces the refresh token, two holders would end each other's login: so the copy has
/// such a login without its tokens, as one that was handed over. With --move, all credentials move into
/// the file with all that they have, and no member can use them any more: the way back from a shared
/// vault. Should that be interrupted, run it again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to make; one that is there is left alone
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Move the credentials of a shared vault into the file: they work in the shared one no more
    #[arg(long = "move")]
    moving: bool,

    /// Don't ask before --move; needed where nobody can be asked
    #[arg(long, short, requires = "moving")]
    yes: bool,

    /// The key slot of the file that a shared vault is copied to: keychain, key, passphrase
    #[arg(long, value_name = "SLOT")]
    key_slot: Option<SlotChoice>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    if args.file.as_os_str() == "-" {
        return Err(CliError::new(Kind::Usage, "a copy of the vault goes to a file alone")
            .hint("tokctl backup vault.db"));
    }
    #[cfg(feature = "postgres")]
    if let Some(name) = vaults::shared_name(context)? {
        let wish = of_shared::Wish { file: &args.file, moving: args.moving, yes: args.yes };
        let copy = of_shared::run(context, name, &wish, args.key_slot)?;
        return Ok(warn_of_keychain(context, &copy)?);
    }
    if args.moving || args.key_slot.is_some() {
        let flag = if args.moving { "--move" } else { "--key-slot" };
        let what = format!("`{flag}` is for a shared vault, and this one is in a file");
        return Err(CliError::new(Kind::Usage, what)
            .hint("leave it out: the copy has all of it, and opens with the same key slots"));
    }
    let vault = Vault::open_read_only(vaults::file(context)?)?.finished()?;
    context.ui.while_waiting("copying the vault", || vault.back_up(&args.file))?;
    let file = args.file.display();
    context.ui.status(&format!("copied to `{file}`, which opens with the same key slots"));
    Ok(warn_of_keychain(context, &vault)?)
}

/// Warns if the slots of the copy, which are those of `vault`, open with the keychain of this machine
/// alone.
fn warn_of_keychain(context: &Context, vault: &Vault) -> Result<(), StoreError> {
    if vault.slots()?.iter().all(|slot| slot.kind == SlotKind::Keychain) {
        context.ui.warning(
            "the keychain of this machine alone opens it: `tokctl key add recovery`, then copy it \
             again",
        );
    }
    Ok(())
}
