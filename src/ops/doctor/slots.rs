//! The key slots: which there are, and which of them open here.

use jiff::Timestamp;

use super::database::age;
use super::report::{Check, Remedy, Told};
use crate::ops::error::Error;
use crate::ops::key_slots::opens;
use crate::store::{ListedSlot, OpenVault};
use crate::vault::keychain;
use crate::vault::slot::{Cost, SlotKind};
use crate::vault::slot_secret::SlotSecret;

/// Tries each slot of an open vault with what is `at_hand`.
pub(crate) fn slots(
    vault: &OpenVault,
    at_hand: &[SlotSecret],
    now: Timestamp,
) -> Result<Vec<Told>, Error> {
    let told = vault.slots_with_cost()?.into_iter().map(|(slot, cost)| {
        let made = age(slot.created_at, now);
        let what = format!("the `{}` slot {}, made {made}, {}", slot.kind, slot.id, told(cost));
        one(vault, slot, &what, at_hand)
    });
    Ok(told.collect())
}

fn told(cost: Cost) -> String {
    format!("Argon2id m={} KiB t={} p={}", cost.memory, cost.passes, cost.lanes)
}

fn one(vault: &OpenVault, slot: ListedSlot, what: &str, at_hand: &[SlotSecret]) -> Told {
    let mut tried = false;
    for with in at_hand.iter().filter(|with| with.kind() == slot.kind) {
        match opens(vault, slot.id, with) {
            Ok(true) => return Told::fine(Check::Slots, format!("{what}: opens")),
            Ok(false) => tried = true,
            Err(Error::Keychain { source, .. }) => {
                return Told::unknown(Check::Slots, format!("{what}: not tried, {source}"));
            }
            Err(error) => return Told::failure(Check::Slots, error),
        }
    }
    match slot.kind {
        SlotKind::Keychain if tried => Told::finding(
            Check::Slots,
            format!("{what}: {}", keychain::Error::Missing),
            Remedy::RemoveSlot(slot.id.to_string()),
        ),
        SlotKind::Keychain | SlotKind::Key | SlotKind::Passphrase | SlotKind::Recovery if tried => {
            Told::unknown(Check::Slots, format!("{what}: not the one whose secret is set"))
        }
        SlotKind::Keychain => Told::unknown(Check::Slots, format!("{what}: not tried")),
        SlotKind::Key | SlotKind::Passphrase | SlotKind::Recovery => {
            Told::unknown(Check::Slots, format!("{what}: not tried, its secret is not at hand"))
        }
    }
}

/// Whether the vault still opens when one secret is lost.
pub(crate) fn recovery(kinds: &[SlotKind]) -> Told {
    match kinds {
        [_, _, ..] => Told::fine(
            Check::Recovery,
            format!("{} slots: the vault opens when the secret of one is lost", kinds.len()),
        ),
        [only] => Told::hint(
            Check::Recovery,
            format!("if the secret of the one `{only}` slot is lost, so is what the vault holds"),
            Remedy::AddRecovery,
        ),
        [] => Told::damaged(
            Check::Recovery,
            "the vault has no key slot: nothing opens it",
            Remedy::RestoreBackup,
        ),
    }
}
