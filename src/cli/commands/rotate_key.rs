//! `tokctl rotate-key`: replaces the vault's keys and seals every credential again.

use super::key::tell_leftovers;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::{audit_trail, key_material, keys, new_secret, time};
use crate::model::audit::{Action, Subject};
use crate::ops::key_slots::SlotId;
use crate::ops::rotation::{self, Fate, Plan, Progress, Rotated};
use crate::ops::{self, ListedSlot, OpenVault, SlotError, SlotKind, SlotSecret, Vault, key_slots};

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

    /// Drop this key slot instead of renewing it; may be repeated
    #[arg(long, value_name = "ID")]
    drop_slot: Vec<SlotId>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let vault = keys::unlock(context, Vault::open(context.vault()?)?)?;
    audit_trail::keep_as_configured(context, &vault);
    let decisions = decide(args, context, &vault)?;
    let shown = decisions.iter().any(|(_, decision)| matches!(decision, Decision::NewRecoveryCode));
    let slots = decisions
        .into_iter()
        .map(|(id, decision)| Ok((id, decision.fate(context)?)))
        .collect::<Result<Vec<_>, CliError>>()?;
    let kept = keeps_a_secret(&vault, &slots)?;
    let plan = Plan { slots, verify: args.verify, patience: keys::patience(context) };
    let rotated = context
        .ui
        .with_progress("sealing anew", |progress| {
            rotation::rotate(&vault, plan, Progress(progress), time::now)
        })
        .map_err(|error| explain(error, shown));
    let all = Subject::Vault;
    audit_trail::note_change(context, &vault, "rotate-key", Action::RotateKey, all, &rotated);
    let rotated = rotated?;
    report(context, &rotated.done, kept);
    tell_leftovers(context, &rotated);
    Ok(())
}

/// The decision about one slot, made before anything is shown or asked.
enum Decision {
    /// The slot gets this secret, which may be the present one.
    Secret(SlotSecret),
    /// The slot gets a new passphrase, which is asked for. The present one, if it was typed, may
    /// stay.
    AskPassphrase(SlotId, Option<SlotSecret>),
    /// The slot gets a new recovery code, which is generated and shown.
    NewRecoveryCode,
    Dropped,
}

impl Decision {
    fn fate(self, context: &Context) -> Result<Fate, CliError> {
        Ok(Fate::Renewed(match self {
            Self::Secret(secret) => secret,
            Self::AskPassphrase(id, current) => ask_passphrase(context, id, current)?,
            Self::NewRecoveryCode => new_secret::recovery(context)?,
            Self::Dropped => return Ok(Fate::Dropped),
        }))
    }
}

fn ask_passphrase(
    context: &Context,
    id: SlotId,
    current: Option<SlotSecret>,
) -> Result<SlotSecret, CliError> {
    let prompt = format!("new passphrase for the key slot {id}");
    match current {
        Some(secret)
            if !context.ui.confirm("change the passphrase", "set TOKCTL_NEW_PASSPHRASE")? =>
        {
            Ok(secret)
        }
        Some(_) | None => new_secret::ask_passphrase(context, &prompt),
    }
}

/// Returns whether a slot keeps the secret that opens it now.
fn keeps_a_secret(vault: &OpenVault, slots: &[(SlotId, Fate)]) -> Result<bool, CliError> {
    for (id, fate) in slots {
        if let Fate::Renewed(secret) = fate
            && key_slots::has(vault, *id, secret)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Decides about every slot. Fails if one decision is unclear.
fn decide(
    args: &Args,
    context: &Context,
    vault: &OpenVault,
) -> Result<Vec<(SlotId, Decision)>, CliError> {
    let slots = vault.slots()?;
    if let Some(&id) = args.drop_slot.iter().find(|id| slots.iter().all(|slot| slot.id != **id)) {
        return Err(ops::Error::from(SlotError::Unknown { id }).into());
    }
    let (dropped, renewed): (Vec<&ListedSlot>, Vec<&ListedSlot>) =
        slots.iter().partition(|slot| args.drop_slot.contains(&slot.id));
    if renewed.is_empty() {
        return Err(ops::Error::from(SlotError::Last { id: slots[0].id }).into());
    }
    let (mut decided, mut undecided) = (Vec::new(), Vec::new());
    for slot in &renewed {
        let alone = renewed.iter().filter(|other| other.kind == slot.kind).count() == 1;
        match decide_one(context, vault, slot, alone)? {
            Ok(decision) => decided.push((slot.id, decision)),
            Err(how) => undecided.push(format!("the `{}` key slot {}: {how}", slot.kind, slot.id)),
        }
    }
    if undecided.is_empty() {
        decided.extend(dropped.iter().map(|slot| (slot.id, Decision::Dropped)));
        return Ok(decided);
    }
    let message = "it is not decided what becomes of every key slot, so nothing was rotated";
    let mut error = CliError::new(Kind::Usage, message)
        .hint("do as said, or drop a slot with `--drop-slot ID`");
    error.causes = undecided;
    Err(error)
}

/// Decides about one slot, or returns how the user can decide.
///
/// `alone` says that no other slot has the same kind, so a new secret can only be meant for this
/// one.
fn decide_one(
    context: &Context,
    vault: &OpenVault,
    slot: &ListedSlot,
    alone: bool,
) -> Result<Result<Decision, String>, CliError> {
    match slot.kind {
        SlotKind::Keychain => in_keychain(context, vault, slot.id),
        SlotKind::Key => key(context, vault, slot.id, alone),
        SlotKind::Passphrase => passphrase(context, vault, slot.id, alone),
        SlotKind::Recovery => Ok(Ok(Decision::NewRecoveryCode)),
    }
}

fn in_keychain(
    context: &Context,
    vault: &OpenVault,
    id: SlotId,
) -> Result<Result<Decision, String>, CliError> {
    let patience = keys::patience(context);
    let read = || key_slots::opens(vault, id, &SlotSecret::Keychain(patience.clone()));
    Ok(match context.ui.while_waiting("waiting for the keychain", read) {
        Ok(true) => Ok(Decision::Secret(SlotSecret::Keychain(patience))),
        Ok(false) => Err("this keychain does not have its secret".into()),
        Err(ops::Error::Keychain { source, .. }) => Err(source.to_string()),
        Err(error) => return Err(error.into()),
    })
}

fn key(
    context: &Context,
    vault: &OpenVault,
    id: SlotId,
    alone: bool,
) -> Result<Result<Decision, String>, CliError> {
    let current = current_secret(vault, id, vault.slot_secret())?;
    Ok(match (new_secret::key_from_environment(context)?, current) {
        (Some(secret), None) if alone => Ok(Decision::Secret(secret)),
        (Some(secret), Some(_)) | (None, Some(secret)) => Ok(Decision::Secret(secret)),
        (_, None) => Err("set TOKCTL_KEY to its key, or TOKCTL_NEW_KEY_FILE to a new one".into()),
    })
}

fn passphrase(
    context: &Context,
    vault: &OpenVault,
    id: SlotId,
    alone: bool,
) -> Result<Result<Decision, String>, CliError> {
    let set = key_material::passphrase(context)?;
    let current = current_secret(vault, id, set.as_ref().unwrap_or(vault.slot_secret()))?;
    Ok(match (new_secret::passphrase_from_environment(context)?, current) {
        (Some(new), current) if alone || current.is_some() => Ok(Decision::Secret(new)),
        (None, Some(current)) if set.is_some() => Ok(Decision::Secret(current)),
        (None, current) if context.ui.can_ask() => Ok(Decision::AskPassphrase(id, current)),
        _ => Err("set TOKCTL_PASSPHRASE to it, or TOKCTL_NEW_PASSPHRASE to a new one".into()),
    })
}

/// Returns `with` if it is the secret that opens the slot `id` now.
fn current_secret(
    vault: &OpenVault,
    id: SlotId,
    with: &SlotSecret,
) -> Result<Option<SlotSecret>, CliError> {
    if !key_slots::opens(vault, id, with)? {
        return Ok(None);
    }
    Ok(match with {
        SlotSecret::Keychain(_) => None,
        SlotSecret::Key(_) | SlotSecret::Passphrase(_) | SlotSecret::Recovery(_) => {
            Some(with.clone())
        }
    })
}

/// Adds to `error` that a recovery code which was shown is void if the rotation failed.
fn explain(error: ops::Error, shown: bool) -> CliError {
    let mut error = CliError::from(error);
    if shown {
        error.causes.push("the recovery code that was shown opens nothing".into());
    }
    error
}

fn report(context: &Context, rotated: &Rotated, kept: bool) {
    let what = match rotated.credentials {
        1 => "1 credential is".to_owned(),
        many => format!("{many} credentials are"),
    };
    let generation = rotated.generation;
    context.ui.status(&format!("rotated: {what} sealed under a new key, generation {generation}"));
    let backups = if kept {
        "a copy of the vault from before still opens with the key or passphrase that did not change"
    } else if rotated.slots.iter().any(|(_, kind)| *kind == SlotKind::Keychain) {
        "a copy of the vault from before opens with its own secrets, of which the keychain's is gone"
    } else {
        "a copy of the vault from before opens with the secrets that it had then"
    };
    context.ui.status(backups);
}
