//! The checks of the key slots: which of them open, and how many there are.

use super::facts::{RecoveryFact, SlotTrial, SlotsFact};
use super::finding::{Check, Fact, Finding, Remedy};
use crate::ops::error::Error;
use crate::ops::key_slots::opens;
use crate::store::{ListedSlot, OpenVault};
use crate::vault::slot::SlotKind;
use crate::vault::slot_secret::SlotSecret;

/// Tries to open each slot of the vault with `secrets`.
pub(crate) fn slots(vault: &OpenVault, secrets: &[SlotSecret]) -> Result<Vec<Finding>, Error> {
    let findings = vault.slots_with_cost()?.into_iter().map(|(slot, cost)| {
        let ListedSlot { id, kind, created_at: made, .. } = slot;
        match try_slot(vault, slot, secrets) {
            Ok(trial) => judge(SlotsFact { id, kind, made, cost, trial }),
            Err(error) => Finding::failure(Check::Slots, error),
        }
    });
    Ok(findings.collect())
}

/// Judges a slot by the outcome of its trial.
fn judge(slot: SlotsFact) -> Finding {
    match slot.trial {
        SlotTrial::Opens => Finding::fine(Fact::Slots(slot)),
        SlotTrial::Lost => {
            let remedy = Remedy::RemoveSlot(slot.id.to_string());
            Finding::to_mend(Fact::Slots(slot), remedy)
        }
        SlotTrial::NotGiven(_)
        | SlotTrial::OtherSecret
        | SlotTrial::NotTried
        | SlotTrial::NoSecret => Finding::unknown(Fact::Slots(slot)),
    }
}

/// Tries to open `slot` with those of `secrets` that are of its kind.
fn try_slot(
    vault: &OpenVault,
    slot: ListedSlot,
    secrets: &[SlotSecret],
) -> Result<SlotTrial, Error> {
    let mut tried = false;
    for secret in secrets.iter().filter(|secret| secret.kind() == slot.kind) {
        match opens(vault, slot.id, secret) {
            Ok(true) => return Ok(SlotTrial::Opens),
            Ok(false) => tried = true,
            Err(Error::Keychain { source, .. }) => return Ok(SlotTrial::NotGiven(source)),
            Err(error) => return Err(error),
        }
    }
    Ok(match (slot.kind, tried) {
        (SlotKind::Keychain, true) => SlotTrial::Lost,
        (SlotKind::Keychain, false) => SlotTrial::NotTried,
        (SlotKind::Key | SlotKind::Passphrase | SlotKind::Recovery, true) => SlotTrial::OtherSecret,
        (SlotKind::Key | SlotKind::Passphrase | SlotKind::Recovery, false) => SlotTrial::NoSecret,
    })
}

/// Checks whether the vault, with slots of these kinds, still opens if one secret is lost.
pub(crate) fn recovery(kinds: &[SlotKind]) -> Finding {
    let fact = Fact::Recovery;
    match kinds {
        [_, _, ..] => Finding::fine(fact(RecoveryFact::Several { slots: kinds.len() })),
        [only] => Finding::hint(fact(RecoveryFact::Only(*only)), Remedy::AddRecovery),
        [] => Finding::damaged(fact(RecoveryFact::None), Remedy::RestoreBackup),
    }
}
