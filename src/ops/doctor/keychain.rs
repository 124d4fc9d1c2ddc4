//! The checks of the keychain: a trial entry, and the entries that tokctl has in it.

use super::facts::{EntriesFact, KeychainFact};
use super::finding::{Check, Fact, Finding, Remedy};
use crate::ops::error::Error;
use crate::store::{self, KnownEntries, Vault};
use crate::vault::keychain::{self, EntryName, Patience, Trial};
use crate::vault::slot::SlotId;

/// The result of [`round_trip`].
pub(crate) struct RoundTrip {
    /// Whether the keychain accepted the entry. If not, asking it for more is useless.
    pub(crate) answers: bool,
    pub(crate) findings: Vec<Finding>,
}

/// Writes a trial entry to the keychain, reads it back and deletes it. `needed` says whether the
/// vault has a keychain slot: if not, a keychain that does not work is fine.
pub(crate) fn round_trip(needed: bool, patience: &Patience) -> RoundTrip {
    let nothing = |finding| RoundTrip { answers: false, findings: vec![finding] };
    let name = match SlotId::generate() {
        Ok(id) => EntryName::trial(&id.to_string()),
        Err(error) => return nothing(Finding::failure(Check::Keychain, store::Error::from(error))),
    };
    let finding = match keychain::try_out(&name, patience) {
        Ok(Trial::Works) => {
            let keeper = keychain::keeper(patience);
            Finding::fine(Fact::Keychain(KeychainFact::Works { keeper }))
        }
        Ok(Trial::Open) => {
            let keeper = keychain::keeper(patience);
            Finding::fine(Fact::Keychain(KeychainFact::Open { keeper }))
        }
        Ok(Trial::KeepsDeleted) => {
            let remedy = Remedy::DeleteEntry(name.to_string());
            Finding::to_mend(Fact::Keychain(KeychainFact::KeepsDeleted), remedy)
        }
        Err(source @ keychain::Error::Mismatch) => failure(source),
        Err(source) if needed => return nothing(failure(source)),
        Err(source) => {
            return nothing(Finding::fine(Fact::Keychain(KeychainFact::NotNeeded(source))));
        }
    };
    RoundTrip { answers: true, findings: vec![finding] }
}

fn failure(source: keychain::Error) -> Finding {
    Finding::failure(Check::Keychain, Error::Keychain { source, slots: Vec::new() })
}

/// Looks for tokctl's entries that no slot of the vault needs. Entries of other vaults are only
/// counted, because nothing here says whether they are needed.
///
/// Calls `open` for the vault after it has searched the keychain. A process that creates an entry
/// writes its name to the vault first, so the vault that is opened then knows every entry found.
pub(crate) fn entries(
    open: impl FnOnce() -> Option<Vault>,
    patience: &Patience,
) -> Result<Vec<Finding>, Error> {
    let names = match keychain::entries(patience) {
        Ok(names) => names,
        Err(error) => {
            let fact = Fact::KeychainEntries(EntriesFact::NotSearched(error));
            return Ok(vec![Finding::unknown(fact)]);
        }
    };
    let known = open().as_ref().map(Vault::known_entries).transpose()?.unwrap_or_default();
    Ok(judge(names, &known))
}

/// Judges the entries with these names.
fn judge(names: Vec<String>, known: &KnownEntries) -> Vec<Finding> {
    let is_own =
        |name: &str| known.prefix.as_deref().is_some_and(|prefix| name.starts_with(prefix));
    let fact = Fact::KeychainEntries;
    let mut findings = Vec::new();
    let (mut own, mut others) = (0, 0);
    for name in &known.slots {
        let count = names.iter().filter(|other| *other == name).count();
        if count > 1 {
            // A rotation makes a new entry, and deletes all of the old name.
            let fact = fact(EntriesFact::Several { name: name.clone(), count });
            findings.push(Finding::to_mend(fact, Remedy::RotateKey));
        }
    }
    for name in names {
        if known.slots.contains(&name) {
            own += 1;
        } else if known.intents.contains(&name) && is_own(&name) {
            let fact = fact(EntriesFact::Interrupted { name });
            findings.push(Finding::to_mend(fact, Remedy::RotateKey));
        } else if is_own(&name) {
            // The finding names no command that deletes the entry: if this file is a copy, the
            // entry may open the original vault.
            findings.push(Finding::noted(fact(EntriesFact::NoSlot { name })));
        } else if EntryName::is_trial(&name) {
            let remedy = Remedy::DeleteEntry(name.clone());
            findings.push(Finding::hint(fact(EntriesFact::Trial { name }), remedy));
        } else {
            others += 1;
        }
    }
    if findings.is_empty() {
        findings.push(Finding::fine(fact(EntriesFact::InUse { own, others })));
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::finding::Verdict;
    use super::*;

    fn judge_one(name: &str) -> (Verdict, Option<Remedy>) {
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        let prefix = Some("5eed/".to_owned());
        let known = KnownEntries { prefix, slots: set("5eed/01"), intents: set("5eed/02") };
        match judge(vec![name.to_owned()], &known).pop().unwrap() {
            Finding::Assessed { verdict, remedy, .. } => (verdict, remedy),
            Finding::Failure { error, .. } => panic!("{error}"),
        }
    }

    #[test]
    fn two_entries_of_one_name_are_told() {
        let slots = BTreeSet::from(["5eed/01".to_owned()]);
        let known = KnownEntries { prefix: Some("5eed/".into()), slots, ..Default::default() };
        let names = |count| vec!["5eed/01".to_owned(); count];
        let told = |count| match judge(names(count), &known).pop().unwrap() {
            Finding::Assessed { verdict, .. } => verdict,
            Finding::Failure { error, .. } => panic!("{error}"),
        };
        assert_eq!((told(1), told(2)), (Verdict::Fine, Verdict::ToMend));
    }

    #[test]
    fn nobody_is_told_to_delete_what_another_copy_of_the_vault_may_need() {
        assert_eq!(judge_one("5eed/01"), (Verdict::Fine, None));
        assert_eq!(judge_one("5eed/02"), (Verdict::ToMend, Some(Remedy::RotateKey)));
        assert_eq!(judge_one("5eed/03"), (Verdict::Hint, None));
        assert_eq!(judge_one("0fff/03"), (Verdict::Fine, None));
        let trial = "doctor/01";
        let delete = Remedy::DeleteEntry(trial.to_owned());
        assert_eq!(judge_one(trial), (Verdict::Hint, Some(delete)));
    }
}
