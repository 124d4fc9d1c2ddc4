//! A copy of a shared vault in a file, or the way back into one.

use std::io;
use std::path::Path;

use crate::cli::carrying::{self, Cargo, File};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::explain::untrusted_file;
use crate::cli::shared_vault::Opened;
use crate::cli::slot_choice::SlotChoice;
use crate::cli::vault_place::SharedName;
use crate::cli::{audit_trail, keys, shared_vault, time, vaults};
use crate::model::account::Account;
use crate::model::audit::Action;
use crate::ops::carry::{self, Copied};
use crate::ops::error::StoreError;
use crate::ops::{OpenVault, Vault};
use crate::private_file;

/// The part of the command line that says what becomes of the copy.
pub(super) struct Wish<'a> {
    pub(super) file: &'a Path,
    pub(super) moving: bool,
    pub(super) yes: bool,
}

/// Copies the shared vault `name` to a file, or moves its credentials there. Returns the vault in the
/// file.
pub(super) fn run(
    context: &Context,
    name: SharedName,
    wish: &Wish<'_>,
    slot: Option<SlotChoice>,
) -> Result<OpenVault, CliError> {
    let place = vaults::place(context, &name)?;
    let identity = place.identity.clone();
    let vault = shared_vault::open_at(context, name, place)?;
    vault.check_may_write()?;
    if !wish.moving {
        if carry::is_interrupted(&vault, &carry::secret(&identity)).is_ok_and(|is| is) {
            let what = "a move out of this vault was interrupted, and its bundle waits";
            return Err(CliError::new(Kind::Failed, what).hint(Hint::Again(&["--move", "--yes"])));
        }
        return copy(context, &vault, made(context, wish.file, slot, false)?);
    }
    let cargo = Cargo::load(context, &vault, &identity)?;
    for account in &cargo.stays {
        context.ui.warning(&format!("{account} stays, since the identity of a machine renews it"));
    }
    if cargo.is_empty() && wish.file.exists() {
        // An earlier one came to its end, and was killed before it could say so.
        let file = File::at(context, wish.file)?;
        let copy = file.open()?;
        context.ui.status(&format!("all was moved before: see what is in {}", file.shown()));
        return Ok(copy);
    }
    if cargo.is_empty() {
        return Err(
            CliError::new(Kind::NotFound, "the vault has nothing to hand over").hint("tokctl list")
        );
    }
    if !cargo.is_interrupted && !wish.yes {
        confirm(context, cargo.len())?;
    }
    let target = made(context, wish.file, slot, cargo.is_interrupted)?;
    let moved = cargo.deliver(context, &target.vault, "backup")?;
    let (them, file) = (carrying::counted(moved), target.file.shown());
    context.ui.status(&format!("moved {them} to {file}: no member can use them any more"));
    Ok(target.vault)
}

fn confirm(context: &Context, count: usize) -> Result<(), CliError> {
    let question = format!(
        "move all that is here ({}) to the file, so that no member can use it any more",
        carrying::counted(count)
    );
    if context.ui.confirm(&question, Hint::Again(&["--yes"]))? {
        return Ok(());
    }
    Err(CliError::new(Kind::Failed, "nothing was moved").hint(Hint::Again(&["--yes"])))
}

fn copy(context: &Context, vault: &Opened, target: Target) -> Result<OpenVault, CliError> {
    audit_trail::keep_as_configured(context, vault);
    let rules = |account: &Account| carrying::rules(context, account);
    let copying = || carry::copy(vault, &target.vault, rules, time::now());
    let Copied { accounts, inert } = context.ui.while_waiting("copying the vault", copying)?;
    audit_trail::note_all(context, vault, "backup", Action::Export, accounts.iter());
    for account in &inert {
        context.ui.warning(&format!(
            "{account} is in the copy without its tokens, since one vault alone can renew it: \
             `--move` moves it"
        ));
    }
    context.ui.status(&format!("copied to {}", target.file.shown()));
    Ok(target.vault)
}

/// The vault in the file.
struct Target {
    file: File,
    vault: OpenVault,
}

/// Makes the file with its first key slot. One that is there already is left alone, unless it is a vault
/// without any credential, as an interrupted backup leaves it; with `resuming`, unless it is a vault.
fn made(
    context: &Context,
    path: &Path,
    slot: Option<SlotChoice>,
    resuming: bool,
) -> Result<Target, CliError> {
    let is_new = path.symlink_metadata().is_err();
    if !is_new && !is_left_over(path, resuming) {
        let source = io::ErrorKind::AlreadyExists.into();
        let taken = private_file::Error::Io { path: path.to_owned(), source };
        return Err(untrusted_file(Kind::Failed, &taken));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.exists()) {
        let source = io::ErrorKind::NotFound.into();
        let nowhere = private_file::Error::Io { path: path.to_owned(), source };
        return Err(untrusted_file(Kind::Failed, &nowhere));
    }
    let file = File::at(context, path)?;
    match keys::open_or_create(&file.context, slot) {
        Ok(vault) => Ok(Target { file, vault }),
        Err(error) => {
            if is_new {
                // It has no key slot, and so counts as no vault.
                let _ = std::fs::remove_file(path);
            }
            Err(file.explained_slot(error))
        }
    }
}

/// Whether an interrupted backup left the file at `path`.
fn is_left_over(path: &Path, resuming: bool) -> bool {
    match Vault::open_read_only(path) {
        Ok(vault) => {
            resuming || vault.accounts(None, None).is_ok_and(|accounts| accounts.is_empty())
        }
        // A file without a key slot counts as none.
        Err(error) => matches!(error, StoreError::NoVault { .. }),
    }
}
