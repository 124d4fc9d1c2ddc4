//! What interrupted commands left behind.

use std::path::Path;

use super::facts::LeftoversFact;
use super::finding::{Fact, Finding, Remedy};
use crate::ops::error::Error;
use crate::store::sidecar::{self, Purpose};
use crate::store::{LeftoverIntents, Vault, sidecars};

/// Looks for keychain entries that an interrupted change of keys wrote down and did not clear up.
/// Needs no key.
pub(crate) fn intents(store: &Vault) -> Result<Vec<Finding>, Error> {
    let LeftoverIntents { own, others } = store.leftover_intents()?;
    let mut findings = Vec::new();
    if !own.is_empty() {
        let fact = Fact::Leftovers(LeftoversFact::Entries { count: own.len() });
        findings.push(Finding::to_mend(fact, Remedy::RotateKey));
    }
    if !others.is_empty() {
        let fact = LeftoversFact::EntriesOfNoVault { count: others.len() };
        findings.push(Finding::fine(Fact::Leftovers(fact)));
    }
    Ok(findings)
}

/// Looks for a bundle whose credentials were handed over and which never reached its place: until it
/// does, nobody can use them. Needs no key.
pub(crate) fn unplaced(store: &Vault) -> Result<Option<Finding>, Error> {
    let since = store.unplaced_bundle_since()?;
    Ok(since.map(|since| {
        let fact = Fact::Leftovers(LeftoversFact::Unplaced { since });
        Finding::to_mend(fact, Remedy::PlaceBundle)
    }))
}

/// Looks at what lies beside the vault's file: answers that were never taken up, and files that
/// were to take another's place. `store` tells which refreshes were interrupted.
pub(crate) fn beside(path: &Path, store: Option<&Vault>) -> Result<Vec<Finding>, Error> {
    let fact = Fact::Leftovers;
    let found = match sidecars(path)? {
        Ok(found) => found,
        Err(error) => return Ok(vec![Finding::unknown(fact(LeftoversFact::NotListed(error)))]),
    };
    // Journals are read last: whoever left an answer had journaled its refresh before.
    let standing = match store {
        Some(store) => {
            store.look_again()?;
            store.interrupted_refreshes()?
        }
        None => Vec::new(),
    };
    let (mut findings, mut locks) = (Vec::new(), 0);
    for one in found {
        let path = one.path.clone();
        match one.purpose {
            Purpose::Lock => locks += 1,
            Purpose::Audit | Purpose::Spill { filled: false } => {}
            Purpose::Spill { filled: true } => {
                let owner = standing.iter().find(|(who, _)| sidecar::is_spill_of(&one.path, who));
                findings.push(match owner {
                    Some((account, _)) => Finding::to_mend(
                        fact(LeftoversFact::Answer(account.clone())),
                        Remedy::TakeUp(account.clone()),
                    ),
                    None => Finding::to_mend(
                        fact(LeftoversFact::SpentAnswer(path)),
                        Remedy::Remove(one.path),
                    ),
                });
            }
            Purpose::Temporary => {
                let fact = fact(LeftoversFact::Temporary(path));
                findings.push(Finding::to_mend(fact, Remedy::Remove(one.path)));
            }
            Purpose::Foreign => {
                let fact = fact(LeftoversFact::NotOurs(path));
                findings.push(Finding::hint(fact, Remedy::LookAt(one.path)));
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::fine(fact(LeftoversFact::Locks { count: locks })));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::account::Account;
    use crate::model::credential::{Credential, Expiry};
    use crate::store::inside::{Access, Database, Journal, Spill, credentials, header, journal};
    use crate::vault::seal::{DataKey, VaultId};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn an_answer_that_came_since_the_vault_was_opened_is_not_to_be_removed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("v/tokens.db");
        let key = DataKey::generate(VaultId([5; 16]), 1).unwrap();
        let account = Account { provider: "acme".parse().unwrap(), user: "x".parse().unwrap() };
        let credential = Credential::made_up_static(Expiry::None);
        let mut store = Database::open(&path, Access::Create).unwrap();
        let change = store.write().unwrap();
        header::insert(&change, header::Header { vault: key.vault, generation: 1 }, NOW).unwrap();
        credentials::put(&change, &key, &account, &credential).unwrap();
        change.commit().unwrap();

        let (looking, _) = Vault::open_as_it_is(&path).unwrap();
        assert!(looking.interrupted_refreshes().unwrap().is_empty());
        let row = credentials::read(&store.read().unwrap(), &key, &account).unwrap().unwrap();
        let (revision, attempt) = (row.revision, [7; 16]);
        let change = store.write().unwrap();
        let begun = Journal { revision, attempt, started_at: NOW };
        journal::put(&change, &account, &begun).unwrap();
        change.commit().unwrap();
        let spill = Spill::open(store.file(), &account, &credential).unwrap();
        spill.write(&key, &account, (revision, &attempt), &credential).unwrap();

        let told = beside(&path, Some(&looking)).unwrap();
        let [Finding::Seen { remedy, .. }] = &told[..] else { panic!("{told:?}") };
        assert_eq!(*remedy, Some(Remedy::TakeUp(account)));
    }
}
