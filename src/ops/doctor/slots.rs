//! The checks of the key slots: which of them open, and how many there are.

use super::facts::{RecoveryFact, SlotTrial, SlotsFact};
use super::finding::{Check, Fact, Finding, Remedy};
use crate::ops::error::Error;
use crate::ops::key_slots::opens;
use crate::store::{ListedSlot, OpenVault};
use crate::vault::slot::{SlotId, SlotKind};
use crate::vault::slot_secret::SlotSecret;

/// Tries to open each slot of the vault with `secrets`, and judges what would be left if one of their
/// secrets were lost.
pub(crate) fn slots(vault: &OpenVault, secrets: &[SlotSecret]) -> Result<Vec<Finding>, Error> {
    let (mut findings, mut tried) = (Vec::new(), Vec::new());
    for (slot, cost) in vault.slots_with_cost()? {
        let ListedSlot { id, kind, created_at: made, .. } = slot;
        findings.push(match try_slot(vault, slot, secrets) {
            Ok((trial, with)) => {
                tried.push(Tried { id, kind, with, lost: matches!(trial, SlotTrial::Lost) });
                judge(SlotsFact { id, kind, made, cost, trial })
            }
            Err(error) => Finding::failure(Check::Slots, error),
        });
    }
    findings.extend(together(&tried));
    Ok(findings)
}

/// A slot that was tried.
struct Tried {
    id: SlotId,
    kind: SlotKind,
    /// The secret that opens it, by its place among those that were tried.
    with: Option<usize>,
    /// Whether its secret is known to be lost.
    lost: bool,
}

/// Judges which of the slots are lost together.
fn together(tried: &[Tried]) -> Option<Finding> {
    let hint = |fact, remedy| Some(Finding::hint(Fact::Recovery(fact), remedy));
    let left: Vec<&Tried> = tried.iter().filter(|slot| !slot.lost).collect();
    let shared = left.iter().enumerate().find_map(|(place, first)| {
        let shares = |second: &&&Tried| first.with.is_some() && first.with == second.with;
        let in_keychain = first.kind == SlotKind::Keychain;
        let second = left[place + 1..].iter().find(shares).filter(|_| !in_keychain)?;
        Some((first.id, second.id))
    });
    match left[..] {
        _ if shared.is_some() => {
            let (first, second) = shared?;
            hint(RecoveryFact::OneSecret { first, second }, Remedy::RemoveSlot(second.to_string()))
        }
        [only] if tried.len() > 1 => hint(RecoveryFact::OneLeft(only.kind), Remedy::AddRecovery),
        [_, _, ..]
            if left.iter().all(|slot| slot.kind == SlotKind::Keychain && slot.with.is_some()) =>
        {
            hint(RecoveryFact::OneKeychain, Remedy::AddRecovery)
        }
        _ => None,
    }
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

/// Tries to open `slot` with those of `secrets` that are of its kind. Returns the place of the one
/// that does among `secrets`.
fn try_slot(
    vault: &OpenVault,
    slot: ListedSlot,
    secrets: &[SlotSecret],
) -> Result<(SlotTrial, Option<usize>), Error> {
    let mut tried = false;
    let of_its_kind = |(_, secret): &(usize, &SlotSecret)| secret.kind() == slot.kind;
    for (place, secret) in secrets.iter().enumerate().filter(of_its_kind) {
        match opens(vault, slot.id, secret) {
            Ok(true) => return Ok((SlotTrial::Opens, Some(place))),
            Ok(false) => tried = true,
            Err(Error::Keychain { source, .. }) => return Ok((SlotTrial::NotGiven(source), None)),
            Err(error) => return Err(error),
        }
    }
    let trial = match (slot.kind, tried) {
        (SlotKind::Keychain, true) => SlotTrial::Lost,
        (SlotKind::Keychain, false) => SlotTrial::NotTried,
        (SlotKind::Key | SlotKind::Passphrase | SlotKind::Recovery, true) => SlotTrial::OtherSecret,
        (SlotKind::Key | SlotKind::Passphrase | SlotKind::Recovery, false) => SlotTrial::NoSecret,
    };
    Ok((trial, None))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(tried: &[(SlotKind, Option<usize>, bool)]) -> Option<RecoveryFact> {
        let tried: Vec<Tried> = tried
            .iter()
            .zip(1..)
            .map(|((kind, with, lost), id)| {
                let id = SlotId([id; 8]);
                Tried { id, kind: *kind, with: *with, lost: *lost }
            })
            .collect();
        match together(&tried)? {
            Finding::Assessed { fact: Fact::Recovery(fact), .. } => Some(fact),
            Finding::Assessed { .. } | Finding::Failure { .. } => panic!("another check"),
        }
    }

    #[test]
    fn what_is_lost_together_counts_once() {
        use SlotKind::{Key, Keychain, Recovery};
        for fine in [
            &[(Key, Some(0), false), (Key, None, false)][..],
            &[(Key, Some(0), false), (Recovery, None, false)],
            &[(Keychain, Some(0), false), (Keychain, None, false)],
            &[(Keychain, Some(0), false), (Keychain, Some(0), false), (Key, None, false)],
            &[(Key, None, false), (Key, None, false)],
            &[(Key, Some(0), false)],
        ] {
            assert!(fact(fine).is_none(), "{fine:?}");
        }
        let one_secret = [(Key, None, false), (Key, Some(0), false), (Key, Some(0), false)];
        assert!(matches!(
            fact(&one_secret),
            Some(RecoveryFact::OneSecret { first: SlotId([2, ..]), second: SlotId([3, ..]) })
        ));
        let one_left = [(Keychain, None, true), (Key, Some(1), false)];
        assert!(matches!(fact(&one_left), Some(RecoveryFact::OneLeft(Key))));
        let one_keychain = [(Keychain, Some(0), false), (Keychain, Some(0), false)];
        assert!(matches!(fact(&one_keychain), Some(RecoveryFact::OneKeychain)));
    }
}
