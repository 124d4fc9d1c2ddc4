//! The price of trying a secret on a key slot that an attacker may have edited.

use crate::vault::slot::{Cost, SlotKind};

/// The price of one derivation, by the slot's cost.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Price {
    /// The cost is not allowed: it is higher than a slot may have, or lower than its kind demands.
    Refused,
    Cheap,
    /// The cost is allowed, but would slow down the tests.
    Expensive,
}

/// Returns the price of `cost` for a slot of `kind`. The bounds are written down here a second
/// time: memory in KiB, passes, lanes.
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
        (true, false) => Price::Expensive,
    }
}
