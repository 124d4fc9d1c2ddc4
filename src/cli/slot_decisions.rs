//! The decision about every key slot before the vault's data key is replaced, and the replacement.
//!
//! `rotate-key` replaces it to have new secrets, `key remove` to lock out who kept a slot. Each slot
//! that stays needs its secret, since the new data key is wrapped under it.

use super::context::Context;
use super::error::{CliError, Kind};
use super::given_secrets::{Given, Meant};
use super::typed::quoted;
use super::{audit_trail, keys, new_secret, time};
use crate::counted::counted;
use crate::model::audit::{Action, Subject};
use crate::ops::key_slots::{Changed, SlotId};
use crate::ops::rotation::{self, Fate, Plan, Progress, Rotated};
use crate::ops::{self, ListedSlot, OpenVault, SlotError, SlotKind, SlotSecret, key_slots};
use crate::secret::Passphrase;

/// The number of times that a person may type the passphrase of a slot that stays.
const TRIES: usize = 3;

/// The reason for a new data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A rotation, in which all secrets become new where that is possible.
    Rotation,
    /// A slot goes, and the secrets of the others stay.
    Removal,
}

/// The decision about one slot, made before anything is shown or asked.
pub(crate) enum Decision {
    /// The slot keeps this secret, or the keychain makes it a new one.
    Secret(SlotSecret),
    /// The slot gets this new secret, which the environment gives.
    New(SlotSecret),
    /// The slot gets a new passphrase, which is asked for. The present one, if it was typed, may
    /// stay.
    AskNewPassphrase(SlotId, Option<SlotSecret>),
    /// The slot keeps its passphrase, which is asked for.
    AskPassphrase(SlotId),
    /// The slot gets a new recovery code, which is generated and shown.
    NewRecoveryCode,
    Dropped,
}

/// The decisions about all slots of a vault.
pub(crate) struct Decisions {
    pub(crate) decided: Vec<(SlotId, Decision)>,
    /// The slots that stay and can't be renewed, each with what the user can do.
    pub(crate) undecided: Vec<(SlotId, String)>,
}

/// A data key that was replaced.
pub(crate) struct Replaced {
    pub(crate) rotated: Changed<Rotated>,
    /// Whether a slot keeps the secret that opened it before.
    kept: bool,
    /// Whether a recovery code was replaced by one that was shown.
    new_code: bool,
    /// The kinds of the slots that got a new secret from the environment.
    from_environment: Vec<SlotKind>,
}

impl From<Meant> for Decision {
    fn from(meant: Meant) -> Self {
        match meant {
            Meant::Kept(secret) => Self::Secret(secret),
            Meant::New(secret) => Self::New(secret),
        }
    }
}

impl Decision {
    /// Returns the kind of the new secret that the environment gives, if it gives one.
    fn given(&self) -> Option<SlotKind> {
        match self {
            Self::New(secret) => Some(secret.kind()),
            Self::Secret(_)
            | Self::AskNewPassphrase(..)
            | Self::AskPassphrase(_)
            | Self::NewRecoveryCode
            | Self::Dropped => None,
        }
    }

    fn fate(self, context: &Context, vault: &OpenVault) -> Result<Fate, CliError> {
        Ok(Fate::Renewed(match self {
            Self::Secret(secret) | Self::New(secret) => secret,
            Self::AskNewPassphrase(id, current) => ask_new_passphrase(context, id, current)?,
            Self::AskPassphrase(id) => ask_passphrase(context, vault, id)?,
            Self::NewRecoveryCode => new_secret::recovery(context)?,
            Self::Dropped => return Ok(Fate::Dropped),
        }))
    }
}

/// Decides about every slot: those of `dropped` go.
///
/// Fails if the vault has no slot of `dropped`, or no other ones.
pub(crate) fn decide(
    context: &Context,
    vault: &OpenVault,
    dropped: &[SlotId],
    purpose: Purpose,
) -> Result<Decisions, CliError> {
    let slots = vault.slots()?;
    if let Some(&id) = dropped.iter().find(|id| slots.iter().all(|slot| slot.id != **id)) {
        return Err(ops::Error::from(SlotError::Unknown { id }).into());
    }
    let (going, staying): (Vec<&ListedSlot>, Vec<&ListedSlot>) =
        slots.iter().partition(|slot| dropped.contains(&slot.id));
    if staying.is_empty() {
        return Err(ops::Error::from(SlotError::Last { id: slots[0].id }).into());
    }
    let given = Given::read(context, vault, &slots, &staying)?;
    let (mut decided, mut undecided) = (Vec::new(), Vec::new());
    for slot in &staying {
        let alone = staying.iter().filter(|other| other.kind == slot.kind).count() == 1;
        let decision: Result<Decision, String> = match slot.kind {
            SlotKind::Keychain => in_keychain(context, vault, slot.id)?,
            SlotKind::Key => key(&given, slot.id, alone),
            SlotKind::Passphrase => passphrase(context, &given, slot.id, alone, purpose),
            SlotKind::Recovery => Ok(recovery(&given, slot.id, purpose)),
        };
        match decision {
            Ok(decision) => decided.push((slot.id, decision)),
            Err(how) => {
                undecided
                    .push((slot.id, format!("the `{}` key slot {}: {how}", slot.kind, slot.id)));
            }
        }
    }
    decided.extend(going.iter().map(|slot| (slot.id, Decision::Dropped)));
    Ok(Decisions { decided, undecided })
}

/// Replaces the data key as was decided, and writes an audit entry about it.
pub(crate) fn replace(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    decisions: Vec<(SlotId, Decision)>,
    verify: bool,
) -> Result<Replaced, CliError> {
    let shown = decisions.iter().any(|(_, decision)| matches!(decision, Decision::NewRecoveryCode));
    let from_environment = decisions.iter().filter_map(|(_, decision)| decision.given()).collect();
    let slots = decisions
        .into_iter()
        .map(|(id, decision)| Ok((id, decision.fate(context, vault)?)))
        .collect::<Result<Vec<_>, CliError>>()?;
    let kept = keeps_a_secret(vault, &slots)?;
    let plan = Plan { slots, verify, patience: keys::patience(context) };
    let rotated = context
        .ui
        .with_progress("sealing anew", |progress| {
            rotation::rotate(vault, plan, Progress(progress), time::now)
        })
        .map_err(|error| explain(error, shown));
    let all = Subject::Vault;
    audit_trail::note_change(context, vault, command, Action::RotateKey, all, &rotated);
    Ok(Replaced { rotated: rotated?, kept, new_code: shown, from_environment })
}

/// Prints what was sealed anew, what opens a copy of the vault from before, and what is to be set from
/// now on.
pub(crate) fn report(context: &Context, replaced: &Replaced) {
    let Replaced { rotated: all, kept, new_code, .. } = replaced;
    let rotated = &all.done;
    let is = if rotated.credentials == 1 { "is" } else { "are" };
    let what = format!("{} {is}", counted(rotated.credentials, "credential"));
    let generation = rotated.generation;
    context.ui.status(&format!("rotated: {what} sealed under a new key, generation {generation}"));
    if *new_code {
        context.ui.warning(
            "the recovery code from before opens this vault no more: put the new one in its place, \
             wherever it is written down",
        );
    }
    let backups = if *kept {
        "a copy of the vault from before still opens with the key or passphrase that did not change"
    } else if all.in_recycle_bin {
        "a copy of the vault from before opens with its own secrets"
    } else if rotated.slots.iter().any(|(_, kind)| *kind == SlotKind::Keychain) {
        "a copy of the vault from before opens with its own secrets, of which the keychain's is gone"
    } else {
        "a copy of the vault from before opens with the secrets that it had then"
    };
    context.ui.status(backups);
    tell_new_secrets(context, &replaced.from_environment);
}

/// Says what has to be set from now on, where the environment gave new secrets for slots of these
/// `kinds`: the next command would be opened with the old one.
fn tell_new_secrets(context: &Context, kinds: &[SlotKind]) {
    let environment = &context.environment;
    let file = environment.get("TOKCTL_NEW_KEY_FILE");
    if let Some(file) = file.filter(|_| kinds.contains(&SlotKind::Key)) {
        let file = quoted(&file.to_string_lossy());
        let command = format!("from now on: unset TOKCTL_KEY; export TOKCTL_KEY_FILE={file}");
        context.ui.status(&command);
    }
    if kinds.contains(&SlotKind::Passphrase) {
        context.ui.status("from now on, TOKCTL_PASSPHRASE is what TOKCTL_NEW_PASSPHRASE was");
    }
}

fn key(given: &Given, id: SlotId, alone: bool) -> Result<Decision, String> {
    if let Some(new) = given.new_for(SlotKind::Key, id, alone) {
        return Ok(new.into());
    }
    match given.present(SlotKind::Key, id) {
        Some(current) => Ok(Decision::Secret(current)),
        None => Err(given.way_for_key(alone).into()),
    }
}

fn passphrase(
    context: &Context,
    given: &Given,
    id: SlotId,
    alone: bool,
    purpose: Purpose,
) -> Result<Decision, String> {
    if let Some(new) = given.new_for(SlotKind::Passphrase, id, alone) {
        return Ok(new.into());
    }
    match (given.present(SlotKind::Passphrase, id), purpose) {
        (Some(current), Purpose::Removal) => Ok(Decision::Secret(current)),
        (Some(current), Purpose::Rotation) if given.has_passphrase() => {
            Ok(Decision::Secret(current))
        }
        (current, Purpose::Rotation) if context.ui.can_ask() => {
            Ok(Decision::AskNewPassphrase(id, current))
        }
        (None, Purpose::Removal) if context.ui.can_ask() => Ok(Decision::AskPassphrase(id)),
        (None, Purpose::Removal) | (_, Purpose::Rotation) => {
            Err(given.way_for_passphrase(alone).into())
        }
    }
}

/// Returns a new code, or the present one where nothing but another slot is to go.
fn recovery(given: &Given, id: SlotId, purpose: Purpose) -> Decision {
    match (purpose, given.present(SlotKind::Recovery, id)) {
        (Purpose::Removal, Some(current)) => Decision::Secret(current),
        (Purpose::Removal, None) | (Purpose::Rotation, _) => Decision::NewRecoveryCode,
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

fn ask_new_passphrase(
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

/// Asks for the passphrase that opens the slot `id` now.
fn ask_passphrase(
    context: &Context,
    vault: &OpenVault,
    id: SlotId,
) -> Result<SlotSecret, CliError> {
    let prompt = format!("passphrase of the key slot {id}, which stays");
    for _ in 0..TRIES {
        let typed: Passphrase = context.ui.ask_for_secret(&prompt, "set TOKCTL_PASSPHRASE")?;
        let secret = SlotSecret::Passphrase(typed);
        if key_slots::opens(vault, id, &secret)? {
            return Ok(secret);
        }
        context.ui.warning("that does not open the slot: look for a slip, and type it again");
    }
    let message = format!("nothing that was typed opens the key slot {id}, so nothing was changed");
    Err(CliError::new(Kind::KeyUnavailable, message).hint("tokctl key list"))
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

/// Adds to `error` that a recovery code which was shown is void if the rotation failed.
fn explain(error: ops::Error, shown: bool) -> CliError {
    let mut error = CliError::from(error);
    if shown {
        error.causes.push("the recovery code that was shown opens nothing".into());
    }
    error
}
