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
    match kind {
        SlotKind::Keychain | SlotKind::Key | SlotKind::Recovery => {
            let is_light = (cost.memory, cost.passes, cost.lanes) == (8, 1, 1);
            if is_light { Price::Cheap } else { Price::Refused }
        }
        SlotKind::Passphrase => {
            let is_sane = (65_536..=262_144).contains(&cost.memory)
                && (3..=6).contains(&cost.passes)
                && (1..=16).contains(&cost.lanes);
            if is_sane { Price::Expensive } else { Price::Refused }
        }
    }
}
