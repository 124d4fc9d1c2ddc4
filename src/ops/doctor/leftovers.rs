//! What interrupted commands left behind.

use std::path::Path;

use jiff::Timestamp;

use super::database::age;
use super::report::{Check, Remedy, Told};
use crate::ops::error::Error;
use crate::store::sidecar::{self, Purpose};
use crate::store::{LeftoverIntents, Vault, sidecars};
use crate::untrusted::printable;

/// Looks for keychain entries that an interrupted change of keys wrote down and did not clear up.
/// Needs no key.
pub(crate) fn intents(store: &Vault) -> Result<Vec<Told>, Error> {
    let LeftoverIntents { own, others } = store.leftover_intents()?;
    let mut told = Vec::new();
    if !own.is_empty() {
        let message =
            format!("an interrupted change of keys still has to clear up {}", counted(own.len()));
        told.push(Told::finding(Check::Leftovers, message, Remedy::RotateKey));
    }
    if !others.is_empty() {
        let message = format!(
            "{} are written down that were for a vault which was never finished, and are of no use",
            counted(others.len())
        );
        told.push(Told::fine(Check::Leftovers, message));
    }
    Ok(told)
}

fn counted(entries: usize) -> String {
    match entries {
        1 => "1 keychain entry".to_owned(),
        more => format!("{more} keychain entries"),
    }
}

/// Looks for a bundle whose credentials were handed over and which never reached its place: until it
/// does, nobody can use them. Needs no key.
pub(crate) fn unplaced(store: &Vault, now: Timestamp) -> Result<Option<Told>, Error> {
    let since = store.unplaced_bundle_since()?;
    Ok(since.map(|since| {
        let when = age(since, now);
        let message = format!(
            "credentials were handed over {when}, and their bundle is not known to be in its place"
        );
        Told::finding(Check::Leftovers, message, Remedy::PlaceBundle)
    }))
}

/// Looks at what lies beside the vault's file: answers that were never taken up, and files that
/// were to take another's place. `store` tells which refreshes were interrupted.
pub(crate) fn beside(path: &Path, store: Option<&Vault>) -> Result<Vec<Told>, Error> {
    let found = match sidecars(path)? {
        Ok(found) => found,
        Err(error) => {
            let message = format!("what lies beside the vault: {error}");
            return Ok(vec![Told::unknown(Check::Leftovers, message)]);
        }
    };
    // Journals are read last: whoever left an answer had journaled its refresh before.
    let standing = match store {
        Some(store) => {
            store.look_again()?;
            store.interrupted_refreshes()?
        }
        None => Vec::new(),
    };
    let (mut told, mut locks) = (Vec::new(), 0);
    for one in found {
        let shown = printable(&one.path.to_string_lossy());
        match one.purpose {
            Purpose::Lock => locks += 1,
            Purpose::Audit | Purpose::Spill { filled: false } => {}
            Purpose::Spill { filled: true } => {
                let owner = standing.iter().find(|(who, _)| sidecar::is_spill_of(&one.path, who));
                told.push(match owner {
                    Some((account, _)) => Told::finding(
                        Check::Leftovers,
                        format!("an answer for `{account}` lies sealed beside the vault"),
                        Remedy::TakeUp(account.clone()),
                    ),
                    None => Told::finding(
                        Check::Leftovers,
                        format!("`{shown}` holds a sealed answer that nothing waits for"),
                        Remedy::Remove(one.path),
                    ),
                });
            }
            Purpose::Temporary => told.push(Told::finding(
                Check::Leftovers,
                format!("`{shown}` was never put in its place"),
                Remedy::Remove(one.path),
            )),
            Purpose::Foreign => told.push(Told::hint(
                Check::Leftovers,
                format!("`{shown}` is none of tokctl's"),
                Remedy::LookAt(one.path),
            )),
        }
    }
    if told.is_empty() {
        let message = format!("nothing but {locks} lock files, which are free when nobody runs");
        told.push(Told::fine(Check::Leftovers, message));
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::super::report::Seen;
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
        let [Told { seen: Seen::Fact { remedy, .. }, .. }] = &told[..] else { panic!("{told:?}") };
        assert_eq!(*remedy, Some(Remedy::TakeUp(account)));
    }
}
