//! Sentences about the vault's key slots and the keychain.

use jiff::Timestamp;

use super::age::age;
use crate::ops::doctor::{EntriesFact, KeychainFact, RecoveryFact, SlotTrial, SlotsFact};
use crate::ops::error::KeychainError;
use crate::untrusted::printable;

pub(super) fn slot(fact: &SlotsFact, now: Timestamp) -> String {
    let SlotsFact { id, kind, made, cost, trial } = fact;
    let made = age(*made, now);
    let cost = format!("Argon2id m={} KiB t={} p={}", cost.memory, cost.passes, cost.lanes);
    let trial = match trial {
        SlotTrial::Opens => "opens".to_owned(),
        SlotTrial::NotGiven(why) => format!("not tried, {why}"),
        SlotTrial::Lost => KeychainError::Missing { keeper: None }.to_string(),
        SlotTrial::OtherSecret => "not the one whose secret is set".to_owned(),
        SlotTrial::NotTried => "not tried".to_owned(),
        SlotTrial::NoSecret => "not tried, its secret is not at hand".to_owned(),
    };
    format!("the `{kind}` slot {id}, made {made}, {cost}: {trial}")
}

pub(super) fn recovery(fact: &RecoveryFact) -> String {
    match fact {
        RecoveryFact::Several { slots } => {
            format!("{slots} slots: the secret of one of them is enough to open the vault")
        }
        RecoveryFact::OneSecret { first, second } => {
            format!("the key slots {first} and {second} have one secret, and are lost together")
        }
        RecoveryFact::OneLeft(kind) => format!(
            "of the slots above, a `{kind}` slot alone is left: if its secret is lost, so is what \
             the vault holds"
        ),
        RecoveryFact::OneKeychain => {
            "all slots are this keychain's: if it is lost, so is what the vault holds".into()
        }
        RecoveryFact::Only(kind) => {
            format!("if the secret of the one `{kind}` slot is lost, so is what the vault holds")
        }
        RecoveryFact::None => "the vault has no key slot: nothing opens it".into(),
    }
}

pub(super) fn keychain(fact: &KeychainFact) -> String {
    match fact {
        KeychainFact::Works { keeper } => {
            format!(
                "the keychain{} keeps an entry, gives it back and deletes it",
                named(keeper.as_ref())
            )
        }
        KeychainFact::Open { keeper } => format!(
            "the keychain{} is open; no trial entry was made, which would stay in its recycle bin",
            named(keeper.as_ref())
        ),
        KeychainFact::NotNeeded(why) => {
            format!("nothing needs the keychain here, which could not be tried: {why}")
        }
        KeychainFact::KeepsDeleted => {
            "the keychain does not delete entries: what rotations replace stays in it".into()
        }
    }
}

pub(super) fn entries(fact: &EntriesFact) -> String {
    match fact {
        EntriesFact::InUse { own, others } => {
            format!("{own} of this vault, {others} of others, and none without use")
        }
        EntriesFact::Several { name, count } => format!(
            "there are {count} entries named `{}`, of which one opens this vault: each is tried",
            printable(name)
        ),
        EntriesFact::NotSearched(why) => why.to_string(),
        EntriesFact::Interrupted { name } => {
            format!("an interrupted change of keys left the entry `{}`", printable(name))
        }
        EntriesFact::NoSlot { name } => format!(
            "the entry `{}` belongs to no key slot of this file, but another copy of this vault \
             may need it",
            printable(name)
        ),
        EntriesFact::Trial { name } => format!(
            "the entry `{}` was made to try the keychain, and is of no use",
            printable(name)
        ),
    }
}

fn named(keeper: Option<&String>) -> String {
    keeper.map(|keeper| format!(" ({keeper})")).unwrap_or_default()
}
