//! `tokctl rotate-key`: replaces the vault's keys and seals every credential again.

use std::fmt::Write as _;

use super::key::tell_leftovers;
use crate::cli::context::Context;
#[cfg(feature = "postgres")]
use crate::cli::error::Hint;
use crate::cli::error::{CliError, Kind};
#[cfg(feature = "postgres")]
use crate::cli::shared_vault;
use crate::cli::slot_decisions::{self, Decision, Decisions, Purpose};
use crate::cli::{audit_trail, keys, slot_names, vaults};
use crate::ops::Vault;
use crate::ops::key_slots::SlotId;
#[cfg(feature = "postgres")]
use crate::ops::shared::Change;

/// Replace the vault's keys, and seal every credential again; all or nothing
///
/// Every key slot gets a new secret or is dropped. The keychain's is made anew; a `key` slot takes
/// the key in the file that TOKCTL_NEW_KEY_FILE names, a `passphrase` slot the one in
/// TOKCTL_NEW_PASSPHRASE or one that is asked for, else each keeps the one that opens it now; a new
/// `recovery` code is printed. Others may use the vault meanwhile.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Open every credential with the new key, as the keychain has it, before the old one goes
    #[arg(long)]
    verify: bool,

    /// Drop this key slot instead of renewing it: its id, as `tokctl key list` shows it, the
    /// beginning of the id, or its kind; may be repeated
    #[arg(long, value_name = "ID")]
    drop_slot: Vec<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    #[cfg(feature = "postgres")]
    if vaults::shared_name(context)?.is_some() {
        return rotate_shared(args, context);
    }
    let vault = Vault::open(vaults::file(context)?)?;
    let dropped = slot_names::resolve(&vault.slots()?, &args.drop_slot)?;
    let vault = keys::unlock(context, vault)?;
    audit_trail::keep_as_configured(context, &vault);
    let Decisions { decided, undecided } =
        slot_decisions::decide(context, &vault, &dropped, Purpose::Rotation)?;
    if !undecided.is_empty() {
        return Err(not_decided(&decided, &dropped, undecided));
    }
    let replaced = slot_decisions::replace(context, &vault, "rotate-key", decided, args.verify)?;
    slot_decisions::report(context, &replaced);
    tell_leftovers(context, &replaced.rotated);
    Ok(())
}

/// Replaces the data key of a shared vault, whose members stay.
#[cfg(feature = "postgres")]
fn rotate_shared(args: &Args, context: &Context) -> Result<(), CliError> {
    if args.verify || !args.drop_slot.is_empty() {
        return Err(CliError::new(Kind::Usage, "a shared vault has members, and no key slots")
            .hint(Hint::Text("tokctl member list".into())));
    }
    let vault = shared_vault::open(context)?;
    let changed = vault.change_members(context, &Change::Rotate, false)?;
    let generation = changed.roster.generation();
    context.ui.status(&format!("sealed everything anew, in generation {generation}"));
    Ok(())
}

/// Returns the error about the `undecided` slots, with the command that drops them beside those of
/// `dropped`, unless nothing would be left.
fn not_decided(
    decided: &[(SlotId, Decision)],
    dropped: &[SlotId],
    undecided: Vec<(SlotId, String)>,
) -> CliError {
    let message = "it is not decided what becomes of every key slot, so nothing was rotated";
    let mut command = "tokctl rotate-key".to_owned();
    for id in dropped.iter().chain(undecided.iter().map(|(id, _)| id)) {
        let _ = write!(command, " --drop-slot {id}");
    }
    let hint = if decided.len() > dropped.len() {
        let drop = match undecided.len() {
            1 => "drop the slot and add it again later",
            _ => "drop the slots and add them again later",
        };
        format!("do as said, or {drop}: {command}")
    } else {
        "do as said".to_owned()
    };
    let mut error = CliError::new(Kind::Usage, message).hint(hint);
    error.causes = undecided.into_iter().map(|(_, how)| how).collect();
    error
}
