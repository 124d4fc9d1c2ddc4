//! Whether the keychain keeps and gives back what it is given, and what tokctl has in it.

use super::report::{Check, Remedy, Told};
use crate::ops::error::Error;
use crate::store::{self, KnownEntries, Vault};
use crate::untrusted::printable;
use crate::vault::Key;
use crate::vault::keychain::{self, EntryName, Patience};
use crate::vault::slot::SlotId;

/// What entries that only try the keychain are filed under, where others have a vault's id.
const TRIAL: &str = "doctor";

/// How the keychain did.
pub(crate) struct RoundTrip {
    /// Whether it took anything at all: else there is no use in asking it more.
    pub(crate) answers: bool,
    pub(crate) told: Vec<Told>,
}

/// Writes an entry that nothing depends on, reads it back over a fresh connection and deletes it.
/// `needed` tells whether the vault is opened with the keychain.
pub(crate) fn round_trip(needed: bool, patience: &Patience) -> RoundTrip {
    let nothing = |told| RoundTrip { answers: false, told: vec![told] };
    let (name, secret) = match (SlotId::generate(), Key::generate()) {
        (Ok(id), Ok(secret)) => (EntryName::new(TRIAL, &id.to_string()), secret),
        (Err(error), _) | (_, Err(error)) => {
            return nothing(Told::failure(Check::Keychain, store::Error::from(error)));
        }
    };
    let mut told = Vec::new();
    match keychain::create(&name, &secret, patience) {
        Ok(()) => {}
        Err(source @ keychain::Error::Mismatch) => {
            let slots = Vec::new();
            told.push(Told::failure(Check::Keychain, Error::Keychain { source, slots }));
        }
        Err(source) => return nothing(refused(source, needed)),
    }
    if keychain::delete(&name, patience).is_err()
        || !matches!(keychain::read(&name, patience), Err(keychain::Error::Missing))
    {
        told.push(Told::finding(
            Check::Keychain,
            "the keychain does not delete entries: what rotations replace stays in it",
            Remedy::DeleteEntry(name.to_string()),
        ));
    }
    if told.is_empty() {
        let keeper = keychain::backend(patience).map(|keeper| format!(" ({keeper})"));
        let keeper = keeper.unwrap_or_default();
        told.push(Told::fine(
            Check::Keychain,
            format!("the keychain{keeper} keeps an entry, gives it back and deletes it"),
        ));
    }
    RoundTrip { answers: true, told }
}

/// What it means that no entry could be made.
fn refused(source: keychain::Error, needed: bool) -> Told {
    if needed {
        return Told::failure(Check::Keychain, Error::Keychain { source, slots: Vec::new() });
    }
    let message = format!("nothing needs the keychain here, which could not be tried: {source}");
    Told::fine(Check::Keychain, message)
}

/// Looks for entries of tokctl's that no slot of the vault needs. Those of other vaults, such as
/// one that was restored elsewhere, can't be judged, and are counted.
///
/// The vault is opened with `open` once the keychain has been searched: whatever wrote an entry that
/// was found had written it down in the vault before.
pub(crate) fn entries(
    open: impl FnOnce() -> Option<Vault>,
    patience: &Patience,
) -> Result<Vec<Told>, Error> {
    let names = match keychain::entries(patience) {
        Ok(Some(names)) => names,
        Ok(None) => {
            let why = "this system's keychain can't be searched";
            return Ok(vec![Told::unknown(Check::KeychainEntries, why)]);
        }
        Err(error) => return Ok(vec![Told::unknown(Check::KeychainEntries, error.to_string())]),
    };
    let known = open().as_ref().map(Vault::known_entries).transpose()?.unwrap_or_default();
    Ok(judged(names, &known))
}

/// What the entries of these names are there for.
fn judged(names: Vec<String>, known: &KnownEntries) -> Vec<Told> {
    let is_own =
        |name: &str| known.prefix.as_deref().is_some_and(|prefix| name.starts_with(prefix));
    let mut told = Vec::new();
    let (mut own, mut others) = (0, 0);
    for name in names {
        let shown = printable(&name);
        if known.slots.contains(&name) {
            own += 1;
        } else if known.intents.contains(&name) && is_own(&name) {
            told.push(Told::finding(
                Check::KeychainEntries,
                format!("an interrupted change of keys left the entry `{shown}`"),
                Remedy::RotateKey,
            ));
        } else if is_own(&name) {
            // With no command that deletes it: if this file is a copy, the entry may be the one
            // that opens the vault itself.
            told.push(Told::noted(
                Check::KeychainEntries,
                format!(
                    "the entry `{shown}` belongs to no key slot of this file, but another copy of \
                     this vault may need it"
                ),
            ));
        } else if name.starts_with(&format!("{TRIAL}/")) {
            told.push(Told::hint(
                Check::KeychainEntries,
                format!("the entry `{shown}` was made to try the keychain, and is of no use"),
                Remedy::DeleteEntry(name),
            ));
        } else {
            others += 1;
        }
    }
    if told.is_empty() {
        let message = format!("{own} of this vault, {others} of others, and none without use");
        told.push(Told::fine(Check::KeychainEntries, message));
    }
    told
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::report::{Seen, Verdict};
    use super::*;

    fn judged_alone(name: &str) -> (Verdict, Option<Remedy>) {
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        let prefix = Some("5eed/".to_owned());
        let known = KnownEntries { prefix, slots: set("5eed/01"), intents: set("5eed/02") };
        let mut told = judged(vec![name.to_owned()], &known);
        match told.pop().unwrap().seen {
            Seen::Fact { verdict, remedy, .. } => (verdict, remedy),
            Seen::Failure(error) => panic!("{error}"),
        }
    }

    #[test]
    fn nobody_is_told_to_delete_what_another_copy_of_the_vault_may_need() {
        assert_eq!(judged_alone("5eed/01"), (Verdict::Fine, None));
        assert_eq!(judged_alone("5eed/02"), (Verdict::Finding, Some(Remedy::RotateKey)));
        assert_eq!(judged_alone("5eed/03"), (Verdict::Hint, None));
        assert_eq!(judged_alone("0fff/03"), (Verdict::Fine, None));
        let trial = "doctor/01";
        let delete = Remedy::DeleteEntry(trial.to_owned());
        assert_eq!(judged_alone(trial), (Verdict::Hint, Some(delete)));
    }
}
