//! A copy of a shared vault in a file, or the way back into one.

use std::io;
use std::path::Path;

use crate::cli::carrying::{self, File};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::explain::untrusted_file;
use crate::cli::shared_vault::Opened;
use crate::cli::slot_choice::SlotChoice;
use crate::cli::vault_place::SharedName;
use crate::cli::{audit_trail, keys, moved, shared_vault, time, vaults};
use crate::counted::counted;
use crate::model::account::Account;
use crate::model::audit::Action;
use crate::model::destination::DestinationPlace;
use crate::ops::carry::{self, Copied, Move};
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
    let own_place = moved::place_of(context, &name);
    let vault = shared_vault::open_at(context, name, place)?;
    vault.check_may_write()?;
    if !wish.moving {
        if carry::waiting(&vault, &carry::secret(&identity)).is_ok_and(|found| found.is_some()) {
            let what = "a move out of this vault was interrupted, and its bundle waits";
            return Err(CliError::new(Kind::Failed, what).hint(Hint::Again(&["--move", "--yes"])));
        }
        let is_empty = |there: &Vault| there.accounts(None, None).is_ok_and(|all| all.is_empty());
        let target = made(context, wish.file, slot, is_empty)?;
        return copy(context, &vault, own_place, target);
    }
    let cargo = carrying::prepare(context, &vault, &identity)?;
    for account in &cargo.stays {
        context.ui.warning(&format!("{account} stays, since the identity of a machine renews it"));
    }
    let file = File::at(context, wish.file)?;
    let claimed = Vault::open_read_only(wish.file).and_then(|vault| vault.claimed_name());
    let claimed = claimed.ok().flatten();
    cargo.check_way(claimed.as_deref(), &file.place())?;
    if cargo.is_empty() {
        return moved_before(context, &cargo, &file, claimed.as_deref());
    }
    if !cargo.is_interrupted() && !wish.yes {
        confirm(context, cargo.len())?;
    }
    let may_go_on = |there: &Vault| {
        let has_part = || there.claimed_name().ok().flatten().is_some_and(|it| cargo.goes_to(&it));
        cargo.is_interrupted() || has_part() || carrying::holds_nothing(there)
    };
    let target = made(context, wish.file, slot, may_go_on)?;
    let (place, shown) = (target.file.place(), target.file.shown());
    let moved = carrying::deliver(context, (&vault, cargo), (&target.vault, place), "backup")?;
    let (number, them) = (counted(moved, "credential"), if moved == 1 { "it" } else { "them" });
    context.ui.status(&format!("moved {number} to {shown}: no member can use {them} any more"));
    Ok(target.vault)
}

/// Says where everything is that was moved before. Returns the vault in the file if that has any of it;
/// fails if not.
fn moved_before(
    context: &Context,
    cargo: &Move<'_>,
    file: &File,
    claimed: Option<&str>,
) -> Result<OpenVault, CliError> {
    if cargo.gone.is_empty() {
        return Err(
            CliError::new(Kind::NotFound, "the vault has nothing to hand over").hint("tokctl list")
        );
    }
    if !claimed.is_some_and(|claimed| cargo.goes_to(claimed)) {
        return Err(carrying::nothing_left(context, "the vault", &cargo.gone));
    }
    // An earlier one came to its end, and was killed before it could say so.
    let copy = file.open()?;
    let whereabouts = carrying::whereabouts(&cargo.gone);
    context.ui.status(&format!("nothing is left to move: {whereabouts}"));
    Ok(copy)
}

fn confirm(context: &Context, count: usize) -> Result<(), CliError> {
    let question = format!(
        "move all that is here ({}) to the file, so that no member can use it any more",
        counted(count, "credential")
    );
    if context.ui.confirm(&question, Hint::Again(&["--yes"]))? {
        return Ok(());
    }
    Err(CliError::new(Kind::Failed, "nothing was moved").hint(Hint::Again(&["--yes"])))
}

fn copy(
    context: &Context,
    vault: &Opened,
    place: DestinationPlace,
    target: Target,
) -> Result<OpenVault, CliError> {
    audit_trail::keep_as_configured(context, vault);
    let rules = |account: &Account| carrying::rules(context, account);
    let copying = || carry::copy((vault, place), &target.vault, rules, time::now());
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
/// that the credentials `may_go_into`.
fn made(
    context: &Context,
    path: &Path,
    slot: Option<SlotChoice>,
    may_go_into: impl Fn(&Vault) -> bool,
) -> Result<Target, CliError> {
    let is_new = path.symlink_metadata().is_err();
    let there = if is_new { There::Nothing } else { what_is_at(path, may_go_into) };
    if there == There::Other {
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
    if there == There::Vault && slot.is_none() {
        let vault = file.open()?;
        return Ok(Target { file, vault });
    }
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

/// What is at the path of the file that is to be made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    /// Nothing, or a file without a key slot, as a run leaves it that was killed early.
    Nothing,
    /// A vault that the credentials may go into.
    Vault,
    Other,
}

fn what_is_at(path: &Path, may_go_into: impl Fn(&Vault) -> bool) -> There {
    match Vault::open_read_only(path).and_then(Vault::finished) {
        Ok(vault) if may_go_into(&vault) => There::Vault,
        Err(StoreError::NoVault { .. }) => There::Nothing,
        Ok(_) | Err(_) => There::Other,
    }
}
