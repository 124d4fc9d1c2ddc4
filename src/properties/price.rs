//! What it costs to try a secret on a key slot that somebody may have edited.

use crate::vault::slot::{Cost, SlotKind};

/// Whether a cost may be paid.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Price {
    /// Never: it is beyond what a slot may ask for, or less than one of its kind does.
    Refused,
    Cheap,
    /// It may, but it would hold up all that is tried here.
    Dear,
}

/// The bounds of a slot's kind, written down once more: memory in KiB, passes, lanes.
pub(super) fn price(kind: SlotKind, cost: Cost) -> Price {
    let (memory, passes) = match kind {
        SlotKind::Passphrase => (65_536, 3),
        SlotKind::Keychain | SlotKind::Key | SlotKind::Recovery => (8, 1),
    };
    let sane = (memory..=1_048_576).contains(&cost.memory)
        && (passes..=16).contains(&cost.passes)
        && (1..=16).contains(&cost.lanes)
        && cost.memory >= 8 * cost.lanes;
    match (sane, cost.memory <= 1024 && cost.passes <= 4) {
        (false, _) => Price::Refused,
        (true, true) => Price::Cheap,
        (true, false) => Price::Dear,
    }
}
