//! `tokctl doctor --repair`: takes out of the vault what tokctl did not make, or what nothing else clears.

use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::{audit_trail, keys, time, vaults};
use crate::model::audit::{Action, Subject};
use crate::ops::audit::Fault;
use crate::ops::doctor::Differences;
use crate::ops::error::StoreError;
use crate::ops::{OpenVault, Vault, audit, key_slots};
use crate::untrusted::printable;

/// Drops foreign objects from the schema, seals a new header if the old one does not open, begins a new
/// audit if the old one was tampered with, and forgets keychain entries that no keychain here can delete,
/// after the user was told of each.
pub(super) fn run(yes: bool, context: &Context) -> Result<(), CliError> {
    if vaults::shared_name_unopened(context)?.is_some() {
        return begin_audit_anew(yes, context);
    }
    let path = vaults::file(context)?;
    let (vault, _) = Vault::open_as_it_is(path)?;
    let Differences { foreign, unindexed, .. } = vault.schema_differences()?;
    let slots = vault.foreign_slots()?;
    let vault = keys::unlock(context, vault)?;
    let is_headless = vault.has_damaged_header()?;
    // The audit of a vault that was put back is no fault of the audit's.
    if !is_headless && vault.older()?.file {
        return Err(StoreError::Older { account: None }.into());
    }
    let faults = if is_headless { Vec::new() } else { audit::verify(&vault)?.examined.faults };
    let begins_audit = is_headless || !faults.is_empty();
    let left = if is_headless { 0 } else { keychain_leftovers(context, &vault)? };
    let is_as_made = foreign.is_empty() && unindexed.is_empty() && slots.is_empty();
    if is_as_made && !begins_audit && left == 0 {
        context.ui.status("there is nothing to repair in this vault");
        return Ok(());
    }
    if left > 0 {
        context.ui.warning(&format!(
            "no keychain here deletes what an interrupted change of keys left, {left} in all: it will \
             be forgotten, and whatever is there of it stays in its keychain"
        ));
    }
    for object in &foreign {
        let (kind, name) = (printable(&object.kind), printable(&object.name));
        context.ui.warning(&format!("the {kind} `{name}` is not tokctl's: it will be dropped"));
    }
    for id in &slots {
        context.ui.warning(&format!(
            "the key slot {id} names another vault, so that it opens nothing here: it will be removed"
        ));
    }
    for name in &unindexed {
        context
            .ui
            .warning(&format!("the index `{name}` is not as tokctl made it: it is made anew"));
    }
    if is_headless {
        context.ui.warning(
            "the vault's header was tampered with, or is damaged: a new one is sealed, and a bundle \
             that was imported can be imported once more",
        );
    }
    tell_faults(context, &faults);
    if begins_audit {
        context.ui.warning("the audit's file will be set aside, and a new one begins");
    }
    confirm(yes, context)?;
    if !foreign.is_empty() || !unindexed.is_empty() {
        Vault::drop_foreign(path)?;
    }
    if !slots.is_empty() {
        Vault::remove_foreign_slots(path)?;
    }
    if is_headless {
        audit_trail::keep_as_configured(context, &vault);
        vault.renew_header()?;
    }
    if left > 0 {
        key_slots::forget_leftovers(&vault, time::now)?;
    }
    if begins_audit {
        audit::restart(&vault, time::precise())?;
    }
    audit_trail::record_of(context, &vault, "doctor", Action::Repair, Subject::Vault)?;
    context.ui.status("this much is repaired: `tokctl doctor` says whether anything is left");
    Ok(())
}

/// Clears up the keychain entries that an interrupted change of keys left, and returns how many the
/// keychain did not delete.
fn keychain_leftovers(context: &Context, vault: &OpenVault) -> Result<usize, CliError> {
    if vault.leftover_intents()?.own.is_empty() {
        return Ok(0);
    }
    let patience = keys::patience(context);
    let left = context.ui.while_waiting("waiting for the keychain", || {
        key_slots::clear_leftovers(vault, &patience, time::now)
    })?;
    if left == 0 {
        context.ui.status("what an interrupted change of keys left in the keychain is cleared up");
    }
    Ok(left)
}

/// Begins a new audit of a shared vault, if the one on this machine was tampered with. All else of a
/// shared vault is its members' and its database's to mend.
fn begin_audit_anew(yes: bool, context: &Context) -> Result<(), CliError> {
    let vault = keys::unlock(context, vaults::open(context)?)?;
    let faults = audit::verify(&vault)?.examined.faults;
    if faults.is_empty() {
        context.ui.status("there is nothing to repair in what this machine keeps of the vault");
        return Ok(());
    }
    tell_faults(context, &faults);
    context.ui.warning("the audit's file will be set aside, and a new one begins");
    confirm(yes, context)?;
    audit::restart(&vault, time::precise())?;
    audit_trail::record_of(context, &vault, "doctor", Action::Repair, Subject::Vault)?;
    context.ui.status("this much is repaired: `tokctl doctor` says whether anything is left");
    Ok(())
}

fn tell_faults(context: &Context, faults: &[Fault]) {
    for fault in faults {
        let judged = match fault {
            Fault::OtherVault | Fault::OtherCopy | Fault::PutBack => "can't be verified",
            Fault::Foreign { .. }
            | Fault::Changed { .. }
            | Fault::Missing { .. }
            | Fault::Misplaced { .. }
            | Fault::Other { .. }
            | Fault::Cut { .. }
            | Fault::Pruned { .. } => "was tampered with",
        };
        context.ui.warning(&format!("the audit {judged}: {fault}"));
    }
}

fn confirm(yes: bool, context: &Context) -> Result<(), CliError> {
    if yes || context.ui.confirm("repair the vault", Hint::Again(&["--yes"]))? {
        return Ok(());
    }
    Err(CliError::new(Kind::Failed, "nothing was repaired").hint(Hint::Again(&["--yes"])))
}
