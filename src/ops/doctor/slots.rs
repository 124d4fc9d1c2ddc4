//! The key slots: which there are, and which of them open here.

use super::facts::{RecoveryFact, SlotTrial, SlotsFact};
use super::finding::{Check, Fact, Finding, Remedy};
use crate::ops::error::Error;
use crate::ops::key_slots::opens;
use crate::store::{ListedSlot, OpenVault};
use crate::vault::slot::SlotKind;
use crate::vault::slot_secret::SlotSecret;

/// Tries each slot of an open vault with what is `at_hand`.
pub(crate) fn slots(vault: &OpenVault, at_hand: &[SlotSecret]) -> Result<Vec<Finding>, Error> {
    let findings = vault.slots_with_cost()?.into_iter().map(|(slot, cost)| {
        let ListedSlot { id, kind, created_at: made, .. } = slot;
        match tried(vault, slot, at_hand) {
            Ok(trial) => judged(SlotsFact { id, kind, made, cost, trial }),
            Err(error) => Finding::failure(Check::Slots, error),
        }
    });
    Ok(findings.collect())
}

fn judged(slot: SlotsFact) -> Finding {
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

/// What comes of opening `slot` with the secrets `at_hand` that are of its kind.
fn tried(vault: &OpenVault, slot: ListedSlot, at_hand: &[SlotSecret]) -> Result<SlotTrial, Error> {
    let mut tried = false;
    for with in at_hand.iter().filter(|with| with.kind() == slot.kind) {
        match opens(vault, slot.id, with) {
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

/// Whether the vault still opens when one secret is lost.
pub(crate) fn recovery(kinds: &[SlotKind]) -> Finding {
    let fact = Fact::Recovery;
    match kinds {
        [_, _, ..] => Finding::fine(fact(RecoveryFact::Several { slots: kinds.len() })),
        [only] => Finding::hint(fact(RecoveryFact::Only(*only)), Remedy::AddRecovery),
        [] => Finding::damaged(fact(RecoveryFact::None), Remedy::RestoreBackup),
    }
}
