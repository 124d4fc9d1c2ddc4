//! The checks for what interrupted commands left behind.

use std::path::Path;

use super::facts::LeftoversFact;
use super::finding::{Fact, Finding, Remedy};
use crate::model::account::AccountFilter;
use crate::model::credential::Status;
use crate::model::summary::Summary;
use crate::ops::error::Error;
use crate::store;
use crate::store::sidecar::{self, Purpose};
use crate::store::{LeftoverIntents, UnansweredRefresh, Vault, sidecars};

/// Looks in the vault for keychain entries that an interrupted change of keys left. Needs no key.
pub(crate) fn keychain_leftovers(vault: &Vault) -> Result<Vec<Finding>, Error> {
    let LeftoverIntents { own, others } = vault.leftover_intents()?;
    let mut findings = Vec::new();
    if !own.is_empty() {
        let fact = Fact::Leftovers(LeftoversFact::Entries { count: own.len() });
        findings.push(Finding::to_mend(fact, Remedy::Repair));
    }
    if !others.is_empty() {
        let fact = LeftoversFact::EntriesOfNoVault { count: others.len() };
        findings.push(Finding::fine(Fact::Leftovers(fact)));
    }
    Ok(findings)
}

/// Looks for the bundle of a move that may not have reached its target. Until it does, no machine can
/// use its credentials. Needs no key.
///
/// How the move goes on is known under the seals alone, so this leads to what was handed over last.
pub(crate) fn waiting_bundle(vault: &Vault) -> Result<Option<Finding>, Error> {
    let Some(since) = vault.unplaced_bundle_since()? else { return Ok(None) };
    let mut last: Option<Summary> = None;
    vault.each_summary(AccountFilter::default(), |summary, _, _| {
        let is_later = last.as_ref().is_none_or(|last| last.updated_at < summary.updated_at);
        if summary.status == Status::HandedOver && is_later {
            last = Some(summary);
        }
        Ok::<_, store::Error>(())
    })?;
    let remedy = last.map_or(Remedy::PlaceBundle, |last| Remedy::Why(last.account));
    let fact = Fact::Leftovers(LeftoversFact::Unplaced { since });
    Ok(Some(Finding::to_mend(fact, remedy)))
}

/// Looks at the files beside the vault's file for spill files and temporary files that were left.
/// `vault` says which refreshes were interrupted; without it no spill file has an owner.
pub(crate) fn sidecar_files(path: &Path, vault: Option<&Vault>) -> Result<Vec<Finding>, Error> {
    let fact = Fact::Leftovers;
    let found = match sidecars(path)? {
        Ok(found) => found,
        Err(error) => return Ok(vec![Finding::unknown(fact(LeftoversFact::NotListed(error)))]),
    };
    // Journals are read after the files: a process commits its journal before it writes a spill
    // file, so the journal of each file is found.
    let journals = match vault {
        Some(vault) => {
            vault.look_again()?;
            vault.unanswered_refreshes()?
        }
        None => Vec::new(),
    };
    let (mut findings, mut locks) = (Vec::new(), 0);
    for file in found {
        let path = file.path.clone();
        match file.purpose {
            Purpose::Lock => locks += 1,
            Purpose::Audit | Purpose::Pause | Purpose::Spill { filled: false } => {}
            Purpose::Spill { filled: true } => {
                let owner =
                    journals.iter().find(|begun| sidecar::is_spill_of(&file.path, &begun.account));
                findings.push(match owner {
                    Some(UnansweredRefresh { account, .. }) => Finding::to_mend(
                        fact(LeftoversFact::Answer(account.clone())),
                        Remedy::TakeUp(account.clone()),
                    ),
                    None => Finding::to_mend(
                        fact(LeftoversFact::SpentAnswer(path)),
                        Remedy::Remove(file.path),
                    ),
                });
            }
            Purpose::Temporary => {
                let fact = fact(LeftoversFact::Temporary(path));
                findings.push(Finding::to_mend(fact, Remedy::Remove(file.path)));
            }
            Purpose::Foreign => {
                let fact = fact(LeftoversFact::NotOurs(path));
                findings.push(Finding::hint(fact, Remedy::LookAt(file.path)));
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
    use crate::store::inside::evidence::{self, Evidence};
    use crate::store::inside::{Access, Database, Journal, Sealing, Spill, credentials};
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
        let sealing = Sealing::create(&change, &key, NOW).unwrap();
        credentials::put(&sealing, &account, &credential, &Evidence::default()).unwrap();
        sealing.finish().unwrap();
        change.commit().unwrap();

        let (looking, _) = Vault::open_as_it_is(&path).unwrap();
        assert!(looking.unanswered_refreshes().unwrap().is_empty());
        let row = credentials::read(&store.read().unwrap(), &key, &account).unwrap().unwrap();
        let (revision, attempt) = (row.stored.revision, [7; 16]);
        let change = store.write().unwrap();
        let begun = Journal {
            revision,
            attempt,
            started_at: NOW,
            started: None,
            lease: None,
            shared: None,
        };
        let sealing = Sealing::begin(&change, &key).unwrap();
        let evidence = Evidence { journal: Some(begun), ..Evidence::default() };
        assert!(evidence::put(&sealing, &account, revision, &evidence).unwrap());
        sealing.finish().unwrap();
        change.commit().unwrap();
        let spill = Spill::open(store.file(), &account, &credential).unwrap();
        spill.write(&key, &account, (revision, &attempt), &credential).unwrap();

        let findings = sidecar_files(&path, Some(&looking)).unwrap();
        let [Finding::Assessed { remedy, .. }] = &findings[..] else { panic!("{findings:?}") };
        assert_eq!(*remedy, Some(Remedy::TakeUp(account)));
    }
}
