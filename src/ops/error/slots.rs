//! The errors of a change of key slots or of the data key.

use crate::counted::counted;
use crate::store::{Damage, MOST_SLOTS};
use crate::vault::keychain;
use crate::vault::slot::SlotId;

/// The number of passphrase slots that a vault may be given.
pub(crate) const MOST_PASSPHRASES: usize = 4;

/// The reason why the key slots and the data key were not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SlotError {
    /// The vault has no slot with this id: `tokctl key list` shows those it has.
    #[error("this vault has no key slot {id}")]
    Unknown { id: SlotId },
    /// The slot is the last one: without it nothing would open the vault.
    #[error("without the key slot {id} nothing would open this vault")]
    Last { id: SlotId },
    /// The vault has as many passphrase slots as it may have: each makes a wrong passphrase slower.
    #[error("this vault has {MOST_PASSPHRASES} passphrase slots, and takes no more")]
    TooMany,
    /// The vault has as many key slots as it may have: each makes a wrong secret slower.
    #[error("this vault has {MOST_SLOTS} key slots, and takes no more")]
    Full,
    /// The new secret is that of a slot which is there: only another one makes one way more.
    #[error("the new secret opens the key slot {id} already")]
    Opens { id: SlotId },
    /// Another process changed the slots after they were read: trying again helps.
    #[error("the key slots were changed meanwhile")]
    Changed,
    /// Some credentials do not open, and a rotation would lose them. The user has to restore or
    /// delete each of them first.
    #[error("{} that the vault's key does not open, so nothing was rotated", damaged(.0))]
    Damaged(Damage),
    /// The keychain did not keep a new secret. No slot uses that secret yet.
    #[error("the keychain did not take a new secret, so nothing was changed")]
    NotKept(#[source] keychain::Error),
}

fn damaged(damage: &Damage) -> String {
    let count = damage.accounts.len() + damage.nameless;
    let is = if count == 1 { "is" } else { "are" };
    format!("there {is} {}", counted(count, "credential"))
}
