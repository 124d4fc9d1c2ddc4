//! Whether the keychain keeps and gives back what it is given, and what tokctl has in it.

use super::facts::{EntriesFact, KeychainFact};
use super::finding::{Check, Fact, Finding, Remedy};
use crate::ops::error::Error;
use crate::store::{self, KnownEntries, Vault};
use crate::vault::Key;
use crate::vault::keychain::{self, EntryName, Patience};
use crate::vault::slot::SlotId;

/// What entries that only try the keychain are filed under, where others have a vault's id.
const TRIAL: &str = "doctor";

/// How the keychain did.
pub(crate) struct RoundTrip {
    /// Whether it took anything at all: else there is no use in asking it more.
    pub(crate) answers: bool,
    pub(crate) findings: Vec<Finding>,
}

/// Writes an entry that nothing depends on, reads it back over a fresh connection and deletes it.
/// `needed` tells whether the vault is opened with the keychain.
pub(crate) fn round_trip(needed: bool, patience: &Patience) -> RoundTrip {
    let nothing = |finding| RoundTrip { answers: false, findings: vec![finding] };
    let (name, secret) = match (SlotId::generate(), Key::generate()) {
        (Ok(id), Ok(secret)) => (EntryName::new(TRIAL, &id.to_string()), secret),
        (Err(error), _) | (_, Err(error)) => {
            return nothing(Finding::failure(Check::Keychain, store::Error::from(error)));
        }
    };
    let mut findings = Vec::new();
    match keychain::create(&name, &secret, patience) {
        Ok(()) => {}
        Err(source @ keychain::Error::Mismatch) => findings.push(failure(source)),
        Err(source) if needed => return nothing(failure(source)),
        Err(source) => {
            return nothing(Finding::fine(Fact::Keychain(KeychainFact::NotNeeded(source))));
        }
    }
    if keychain::delete(&name, patience).is_err()
        || !matches!(keychain::read(&name, patience), Err(keychain::Error::Missing))
    {
        let remedy = Remedy::DeleteEntry(name.to_string());
        findings.push(Finding::to_mend(Fact::Keychain(KeychainFact::KeepsDeleted), remedy));
    }
    if findings.is_empty() {
        let keeper = keychain::backend(patience);
        findings.push(Finding::fine(Fact::Keychain(KeychainFact::Works { keeper })));
    }
    RoundTrip { answers: true, findings }
}

fn failure(source: keychain::Error) -> Finding {
    Finding::failure(Check::Keychain, Error::Keychain { source, slots: Vec::new() })
}

/// Looks for entries of tokctl's that no slot of the vault needs. Those of other vaults, such as
/// one that was restored elsewhere, can't be judged, and are counted.
///
/// The vault is opened with `open` once the keychain has been searched: whatever wrote an entry that
/// was found had written it down in the vault before.
pub(crate) fn entries(
    open: impl FnOnce() -> Option<Vault>,
    patience: &Patience,
) -> Result<Vec<Finding>, Error> {
    let unknown = |fact| Ok(vec![Finding::unknown(Fact::KeychainEntries(fact))]);
    let names = match keychain::entries(patience) {
        Ok(Some(names)) => names,
        Ok(None) => return unknown(EntriesFact::NotSearchable),
        Err(error) => return unknown(EntriesFact::NotSearched(error)),
    };
    let known = open().as_ref().map(Vault::known_entries).transpose()?.unwrap_or_default();
    Ok(judged(names, &known))
}

/// What the entries of these names are there for.
fn judged(names: Vec<String>, known: &KnownEntries) -> Vec<Finding> {
    let is_own =
        |name: &str| known.prefix.as_deref().is_some_and(|prefix| name.starts_with(prefix));
    let fact = Fact::KeychainEntries;
    let mut findings = Vec::new();
    let (mut own, mut others) = (0, 0);
    for name in names {
        if known.slots.contains(&name) {
            own += 1;
        } else if known.intents.contains(&name) && is_own(&name) {
            let fact = fact(EntriesFact::Interrupted { name });
            findings.push(Finding::to_mend(fact, Remedy::RotateKey));
        } else if is_own(&name) {
            // With no command that deletes it: if this file is a copy, the entry may be the one
            // that opens the vault itself.
            findings.push(Finding::noted(fact(EntriesFact::NoSlot { name })));
        } else if name.starts_with(&format!("{TRIAL}/")) {
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

    fn judged_alone(name: &str) -> (Verdict, Option<Remedy>) {
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        let prefix = Some("5eed/".to_owned());
        let known = KnownEntries { prefix, slots: set("5eed/01"), intents: set("5eed/02") };
        match judged(vec![name.to_owned()], &known).pop().unwrap() {
            Finding::Seen { verdict, remedy, .. } => (verdict, remedy),
            Finding::Failure { error, .. } => panic!("{error}"),
        }
    }

    #[test]
    fn nobody_is_told_to_delete_what_another_copy_of_the_vault_may_need() {
        assert_eq!(judged_alone("5eed/01"), (Verdict::Fine, None));
        assert_eq!(judged_alone("5eed/02"), (Verdict::ToMend, Some(Remedy::RotateKey)));
        assert_eq!(judged_alone("5eed/03"), (Verdict::Hint, None));
        assert_eq!(judged_alone("0fff/03"), (Verdict::Fine, None));
        let trial = "doctor/01";
        let delete = Remedy::DeleteEntry(trial.to_owned());
        assert_eq!(judged_alone(trial), (Verdict::Hint, Some(delete)));
    }
}
