//! `tokctl key`: lists, adds and removes the vault's key slots, and generates keys.

use std::io::IsTerminal;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
#[cfg(feature = "postgres")]
use crate::cli::member_identity;
use crate::cli::next_command::confirmed;
#[cfg(feature = "postgres")]
use crate::cli::slot_choice::SlotChoice;
use crate::cli::slot_decisions::{self, Decisions, Purpose};
use crate::cli::table::{Fit, Table};
use crate::cli::words::slot_kind_parser;
use crate::cli::{audit_trail, key_material, keys, new_secret, slot_names, time, vaults};
use crate::model::audit::{Action, Subject};
use crate::ops::key_slots::SlotId;
use crate::ops::key_slots::{self, Changed};
use crate::ops::{ListedSlot, OpenVault, SlotKind, SlotSecret, Vault};

/// The vault's key slots: ways to unlock it
///
/// Each slot opens the vault by itself: `keychain`, the desktop's; `key`, for machines, from
/// TOKCTL_KEY; `passphrase`, typed or from TOKCTL_PASSPHRASE; `recovery`, a code on paper.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the key slots; needs no key
    ///
    /// HERE says which of them open here and now: with the keychain, or with the key or passphrase
    /// that the environment gives.
    List,

    /// Add a key slot
    ///
    /// A `key` slot takes the key in the file that TOKCTL_NEW_KEY_FILE names; a `passphrase` slot
    /// the one in TOKCTL_NEW_PASSPHRASE, or one that is asked for. A `recovery` code is printed,
    /// once; it opens the vault where it is typed, or set as TOKCTL_KEY.
    Add {
        /// keychain, key, passphrase or recovery
        #[arg(value_name = "KIND", value_parser = slot_kind_parser(), hide_possible_values = true)]
        kind: SlotKind,
    },

    /// Remove key slots, but not the last one, and replace the data key
    ///
    /// Whoever kept a slot and its secret has the data key, so a new one is made and everything is
    /// sealed anew, all or nothing. Each slot that stays needs its secret for that: the keychain's,
    /// the one that TOKCTL_KEY or TOKCTL_PASSPHRASE gives, or TOKCTL_NEW_KEY_FILE or
    /// TOKCTL_NEW_PASSPHRASE; a new `recovery` code is printed. The slots that stay get new ids.
    Remove {
        /// The slot's id, as `tokctl key list` shows it, the beginning of the id, or its kind; may
        /// be repeated
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,

        /// Keep the data key: whoever kept the slot and its secret goes on opening the vault
        #[arg(long)]
        no_rotate: bool,

        /// Don't ask, also where the slot is the one that opens the vault now, or leaves nothing
        /// but recovery codes
        #[arg(long, short)]
        yes: bool,
    },

    /// Print a new random key, for TOKCTL_KEY or a file named by TOKCTL_KEY_FILE
    ///
    /// A vault that is created while it is set gets a `key` slot, and opens with that key alone.
    Generate {
        /// Print an identity for shared vaults, for machines that keep none in a file: CI jobs and
        /// servers
        #[cfg(feature = "postgres")]
        #[arg(long)]
        identity: bool,
    },

    /// Print your member string, for an admin of a shared vault
    ///
    /// It holds two public keys, and is no secret. The identity behind it comes from TOKCTL_KEY and
    /// its like; else it is made once, and kept in a file of its own, which opens with key slots as a
    /// vault does.
    #[cfg(feature = "postgres")]
    Public {
        /// The key slot that keeps a new identity: keychain, key or passphrase
        #[arg(long, value_name = "SLOT")]
        key_slot: Option<SlotChoice>,
    },
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    match &args.command {
        Command::List => list(context),
        Command::Add { kind } => add(context, *kind),
        Command::Remove { ids, no_rotate, yes } => remove(context, ids, *no_rotate, *yes),
        #[cfg(feature = "postgres")]
        Command::Generate { identity: true } => context.ui.line(&member_identity::generate()?),
        Command::Generate { .. } => {
            let key = keys::generate()?;
            context.ui.line(&key)
        }
        #[cfg(feature = "postgres")]
        Command::Public { key_slot } => {
            let identity = member_identity::of_user_or_new(context, *key_slot)?;
            context.ui.line(&identity.keys().to_string())
        }
    }
}

fn list(context: &Context) -> Result<(), CliError> {
    let vault = Vault::open_read_only(vaults::file(context)?)?;
    let mut slots = vault.slots()?;
    // The vault has them by their random ids.
    slots.sort_by_key(|slot| (slot.created_at, slot.kind.as_str(), slot.id.to_string()));
    let here = opened_here(context, &vault, &slots);
    if context.ui.json {
        let slots = slots.iter().map(|slot| One::new(slot, &here)).collect();
        return context.ui.json(&KeySlots { v: 1, slots });
    }
    let (terminal, now) = (std::io::stdout().is_terminal(), time::now());
    let titles =
        [("ID", Fit::Whole), ("KIND", Fit::Whole), ("CREATED", Fit::Whole), ("HERE", Fit::Spare)];
    let mut table = Table::new(titles);
    for ListedSlot { id, kind, created_at } in slots {
        let created = time::in_table(Some(created_at), now, terminal);
        let opens = if here.contains(&id) { "opens" } else { "-" };
        table.add(vec![
            id.to_string().into(),
            kind.to_string().into(),
            created.into(),
            opens.into(),
        ]);
    }
    context.ui.line(&table.render())
}

/// Returns those of `slots` that open with what is at hand here, without a question, a prompt or a
/// program: the keychain, and the key and the passphrase that the environment gives.
fn opened_here(context: &Context, vault: &Vault, slots: &[ListedSlot]) -> Vec<SlotId> {
    let has = |kind: SlotKind| slots.iter().any(|slot| slot.kind == kind);
    let keychain = SlotSecret::Keychain(keys::patience_without_prompt(context));
    let secrets = [
        has(SlotKind::Keychain).then_some(keychain),
        key_material::key_without_program(context),
        key_material::passphrase(context).ok().flatten(),
    ];
    let opened = |secret: &SlotSecret| vault.opened_by(secret).unwrap_or_default();
    secrets.iter().flatten().flat_map(opened).collect()
}

fn add(context: &Context, kind: SlotKind) -> Result<(), CliError> {
    let vault = keys::unlock(context, Vault::open(vaults::file(context)?)?)?;
    let secret = new_secret::for_slot(context, kind)?;
    let patience = keys::patience(context);
    let added = context
        .ui
        .while_waiting("adding the key slot", || {
            key_slots::add(&vault, &secret, &patience, time::now)
        })
        .map_err(CliError::from);
    let id = added.as_ref().ok().map(|added| added.done.to_string());
    let slot = Subject::Slot(id.as_deref());
    audit_trail::note_change(context, &vault, "key", Action::AddSlot, slot, &added);
    let added = added?;
    context.ui.status(&format!("added the `{kind}` key slot {}", added.done));
    tell_leftovers(context, &added);
    Ok(())
}

fn remove(context: &Context, names: &[String], no_rotate: bool, yes: bool) -> Result<(), CliError> {
    let vault = Vault::open(vaults::file(context)?)?;
    let slots = vault.slots()?;
    let ids = slot_names::resolve(&slots, names)?;
    let vault = keys::unlock(context, vault)?;
    if no_rotate {
        if !yes {
            confirm_removal(context, &vault, &slots, &ids)?;
        }
        remove_alone(context, &vault, &ids)?;
    } else {
        remove_and_rotate(context, &vault, &slots, &ids, yes)?;
    }
    let left = vault.slots()?;
    let left: Vec<_> = left.iter().map(|slot| format!("`{}` {}", slot.kind, slot.id)).collect();
    context.ui.status(&format!("the vault opens with these key slots: {}", left.join(", ")));
    Ok(())
}

/// Asks whether the slots `ids` may go, if the user could be locked out: one of them opens the vault
/// now, or nothing but recovery codes would be left.
fn confirm_removal(
    context: &Context,
    vault: &OpenVault,
    slots: &[ListedSlot],
    ids: &[SlotId],
) -> Result<(), CliError> {
    let left: Vec<_> = slots.iter().filter(|slot| !ids.contains(&slot.id)).collect();
    if left.is_empty() {
        // It is refused anyway.
        return Ok(());
    }
    let mut in_use = false;
    for id in ids {
        in_use |= key_slots::has_now(vault, *id)?;
    }
    let question = if left.iter().all(|slot| slot.kind == SlotKind::Recovery) {
        "remove it, so that nothing but a recovery code opens the vault"
    } else if in_use {
        "remove the key slot that opens the vault now"
    } else {
        return Ok(());
    };
    if context.ui.confirm(question, Hint::Again(&["--yes"]))? {
        return Ok(());
    }
    Err(CliError::new(Kind::Failed, "the key slots stay as they were")
        .hint(Hint::Again(&["--yes"])))
}

/// Removes slots and replaces the data key, in one transaction.
fn remove_and_rotate(
    context: &Context,
    vault: &OpenVault,
    slots: &[ListedSlot],
    ids: &[SlotId],
    yes: bool,
) -> Result<(), CliError> {
    audit_trail::keep_as_configured(context, vault);
    let replaced = slot_decisions::decide(context, vault, ids, Purpose::Removal)
        .and_then(|Decisions { decided, undecided }| {
            if undecided.is_empty() {
                Ok(decided)
            } else {
                Err(no_secret(context, slots, ids, undecided))
            }
        })
        .and_then(|decided| {
            if !yes {
                confirm_removal(context, vault, slots, ids)?;
            }
            slot_decisions::replace(context, vault, "key", decided, false)
        });
    note_removal(context, vault, ids, &replaced);
    let replaced = replaced?;
    for slot in slots.iter().filter(|slot| ids.contains(&slot.id)) {
        context.ui.status(&format!("removed the `{}` key slot {}", slot.kind, slot.id));
    }
    slot_decisions::report(context, &replaced);
    tell_leftovers(context, &replaced.rotated);
    Ok(())
}

/// Returns the error about the `undecided` slots that stay and whose secret is not at hand, with the
/// ways on. A way that would leave nothing of `all` slots is none.
fn no_secret(
    context: &Context,
    all: &[ListedSlot],
    ids: &[SlotId],
    undecided: Vec<(SlotId, String)>,
) -> CliError {
    let message = "a slot that stays needs its secret for a new data key, so nothing was changed";
    let alone = format!("tokctl key remove {} --no-rotate", typed(ids));
    let mut error = CliError::new(Kind::Usage, message)
        .hint(Hint::within("do as said, or {}", Hint::Confirmed(alone)));
    let going: Vec<SlotId> =
        ids.iter().copied().chain(undecided.iter().map(|(id, _)| *id)).collect();
    error.causes = undecided.into_iter().map(|(_, how)| how).collect();
    if !all.iter().all(|slot| going.contains(&slot.id)) {
        let command = confirmed(context, format!("tokctl key remove {}", typed(&going)));
        error.causes.push(format!("or remove that too: `{command}`"));
    }
    error
}

fn typed(ids: &[SlotId]) -> String {
    ids.iter().map(SlotId::to_string).collect::<Vec<_>>().join(" ")
}

/// Removes slots and keeps the data key.
fn remove_alone(context: &Context, vault: &OpenVault, ids: &[SlotId]) -> Result<(), CliError> {
    let patience = keys::patience(context);
    let removed = context
        .ui
        .while_waiting("removing the key slot", || {
            key_slots::remove(vault, ids, &patience, time::now)
        })
        .map_err(CliError::from);
    note_removal(context, vault, ids, &removed);
    let removed = removed?;
    for (id, kind) in &removed.done {
        context.ui.status(&format!("removed the `{kind}` key slot {id}"));
    }
    context.ui.warning(
        "the data key is still the one from before: whoever kept a removed slot and its secret \
         opens the vault until `tokctl rotate-key`",
    );
    tell_leftovers(context, &removed);
    Ok(())
}

/// Writes an audit entry for each slot that was to be removed.
fn note_removal<T>(
    context: &Context,
    vault: &OpenVault,
    ids: &[SlotId],
    removed: &Result<T, CliError>,
) {
    for id in ids {
        let id = id.to_string();
        let slot = Subject::Slot(Some(&id));
        audit_trail::note_change(context, vault, "key", Action::RemoveSlot, slot, removed);
    }
}

/// Warns about parts of a change that could not be cleaned up.
pub(super) fn tell_leftovers<T>(context: &Context, changed: &Changed<T>) {
    if changed.entries_left > 0 {
        context.ui.warning(
            "the keychain did not delete an entry that nothing needs: the next change of key \
             slots tries again",
        );
    }
    if changed.doubles_deleted > 0 {
        context.ui.warning(
            "the keychain had more than one entry of the name that went: all of them are deleted",
        );
    }
    if changed.in_recycle_bin {
        context.ui.warning(
            "the keychain moved the old secret to its recycle bin: empty that, or an old copy of \
             the vault can still be opened",
        );
    }
    if !changed.log_emptied {
        context.ui.warning(
            "what was overwritten stays in the write-ahead log until nobody reads the vault",
        );
    }
}

#[derive(Serialize)]
struct KeySlots {
    v: u8,
    slots: Vec<One>,
}

#[derive(Serialize)]
struct One {
    id: String,
    kind: &'static str,
    created_at: String,
    /// Whether what is at hand here opens it.
    opens_here: bool,
}

impl One {
    fn new(slot: &ListedSlot, here: &[SlotId]) -> Self {
        Self {
            id: slot.id.to_string(),
            kind: slot.kind.as_str(),
            created_at: time::rfc3339(slot.created_at),
            opens_here: here.contains(&slot.id),
        }
    }
}
