//! The value of `--key-slot`: a kind of key slot, or one slot of this vault.

use std::str::FromStr;

use crate::ops::SlotKind;
use crate::ops::key_slots::SlotId;

/// The key slot that opens the vault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SlotChoice {
    /// Any slot of this kind; a new vault gets one.
    Kind(SlotKind),
    /// This slot alone. So whoever added passphrase slots to the file does not slow an unlock down.
    Id(SlotId),
}

/// The failure to parse a [`SlotChoice`].
#[derive(Debug, thiserror::Error)]
#[error("is one of keychain, key, passphrase and recovery, or the id of a slot")]
pub(crate) struct NoSlotChoice;

impl FromStr for SlotChoice {
    type Err = NoSlotChoice;

    fn from_str(text: &str) -> Result<Self, NoSlotChoice> {
        let id = || text.parse().map(Self::Id).map_err(|_| NoSlotChoice);
        text.parse().map(Self::Kind).or_else(|_| id())
    }
}
