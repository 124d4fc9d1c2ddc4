//! Many credentials at once: the threads that work, with a few connections to the vault for all.

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope};

use super::error::Error;
use super::fair_queue::FairQueue;
use super::open_vault::{OpenVault, Opener};
use crate::model::account::{Account, ProviderName, UserName};
use crate::store::credentials;

/// Something to do about one credential.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) account: Account,
    /// The round that it is part of. With each the vault is opened anew: the file may have been
    /// replaced meanwhile, as by a backup.
    pub(crate) round: u64,
}

/// The accounts whose provider and user are these, each with the name of its lane; what is left
/// out matches all.
///
/// A lane is a provider's server: that one of them is slow or gone must not hold up others.
pub(crate) fn lanes(
    vault: &OpenVault,
    provider: Option<&ProviderName>,
    user: Option<&UserName>,
) -> Result<Vec<(String, Account)>, Error> {
    vault.look(|connection| {
        let (summaries, _) = credentials::summaries(connection)?;
        let servers: HashMap<Account, Option<String>> =
            summaries.into_iter().map(|summary| (summary.account, summary.server_url)).collect();
        let accounts = credentials::accounts(connection, provider, user)?;
        let lane = |account: Account| {
            let server = servers.get(&account).and_then(Option::as_deref).unwrap_or_default();
            (format!("{} {server}", account.provider.as_str()), account)
        };
        Ok(accounts.into_iter().map(lane).collect())
    })
}

/// Starts `threads` threads that do `work` about what is in `queue`, until it is closed and empty,
/// and send what came of it to `done`.
///
/// Fails only if not even one can be started.
pub(crate) fn start<'scope, 'env, T, E, W>(
    scope: &'scope Scope<'scope, 'env>,
    threads: NonZeroUsize,
    opener: &'env Opener,
    queue: &'env FairQueue<Job>,
    work: &'env W,
    done: &Sender<(Account, Result<T, E>)>,
) -> io::Result<()>
where
    T: Send + 'scope,
    E: From<Error> + Send + 'scope,
    W: Fn(&mut OpenVault, &Account) -> Result<T, E> + Sync,
{
    let rounds = Arc::new(Rounds { opener, newest: Mutex::new(None) });
    for started in 0..threads.get() {
        let (rounds, done) = (Arc::clone(&rounds), done.clone());
        let spawned =
            Builder::new().spawn_scoped(scope, move || work_through(&rounds, queue, work, &done));
        match spawned {
            Err(error) if started == 0 => return Err(error),
            // The others do it all.
            Err(_) => break,
            Ok(_) => {}
        }
    }
    Ok(())
}

/// The vault as it was opened for the newest round so far.
struct Rounds<'a> {
    opener: &'a Opener,
    newest: Mutex<Option<(u64, OpenVault)>>,
}

impl Rounds<'_> {
    /// A handle on the vault, which was opened in `round` or later.
    fn handle(&self, round: u64) -> Result<OpenVault, Error> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, vault)) = newest.as_ref().filter(|(opened_in, _)| *opened_in >= round) {
            return Ok(vault.share());
        }
        let (_, vault) = newest.insert((round, self.opener.open()?));
        Ok(vault.share())
    }
}

fn work_through<T, E: From<Error>>(
    rounds: &Rounds<'_>,
    queue: &FairQueue<Job>,
    work: impl Fn(&mut OpenVault, &Account) -> Result<T, E>,
    done: &Sender<(Account, Result<T, E>)>,
) {
    while let Some(turn) = queue.next() {
        let Job { account, round } = &turn.item;
        let result = rounds.handle(*round).map_err(E::from).and_then(|mut vault| {
            // A bug met with one credential must not leave others waiting for its outcome.
            catch_unwind(AssertUnwindSafe(|| work(&mut vault, account)))
                .unwrap_or_else(|_| Err(Error::Bug { account: account.clone() }.into()))
        });
        // Nobody listens any more only where everything is over.
        let _ = done.send((account.clone(), result));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::credential::{Credential, Expiry};
    use crate::ops::create::open_or_create;
    use crate::ops::unlock::Unlocking;
    use crate::store::{Store, slots};
    use crate::vault::Key;
    use crate::vault::seal::DataKey;
    use crate::vault::slot::{KeySlot, SlotId, SlotKind, SlotSecret};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn account(user: &str) -> Account {
        Account { provider: "acme".parse().unwrap(), user: user.parse().unwrap() }
    }

    fn vault(home: &tempfile::TempDir, key: &Key) -> OpenVault {
        let path = home.path().join("vault/tokens.db");
        open_or_create(&path, Unlocking::Key(key.clone()), || NOW).unwrap()
    }

    #[test]
    fn after_a_rotation_one_handle_unlocks_for_all() {
        let (home, key) = (tempfile::tempdir().unwrap(), Key::generate().unwrap());
        let vault = vault(&home, &key);
        let opener = vault.opener();
        let (mut first, mut second) = (opener.open().unwrap(), opener.open().unwrap());

        let new = DataKey::generate(vault.key().vault, 2).unwrap();
        let secret = SlotSecret::Random(key);
        let slot =
            KeySlot::wrap(SlotId::generate().unwrap(), SlotKind::Key, &secret, &new).unwrap();
        let mut store = Store::open(vault.file().path()).unwrap();
        let transaction = store.write().unwrap();
        for statement in
            ["UPDATE vault SET generation = 2", "DELETE FROM key_slots", "DELETE FROM audit"]
        {
            transaction.execute(statement, []).unwrap();
        }
        slots::insert(&transaction, &slot, NOW).unwrap();
        credentials::put(
            &transaction,
            &new,
            &account("x"),
            &Credential::made_up_static(Expiry::None),
        )
        .unwrap();
        transaction.commit().unwrap();
        assert!(first.read(&account("x")).unwrap().is_some());
        // Now that no slot is left, nothing can be unlocked any more.
        let transaction = store.write().unwrap();
        transaction.execute("DELETE FROM key_slots", []).unwrap();
        transaction.commit().unwrap();
        assert!(second.read(&account("x")).unwrap().is_some());
        assert!(opener.open().unwrap().read(&account("x")).unwrap().is_some());
    }

    #[test]
    fn many_threads_write_and_none_finds_the_vault_busy() {
        let (home, key) = (tempfile::tempdir().unwrap(), Key::generate().unwrap());
        let vault = vault(&home, &key);
        let (opener, queue) = (vault.opener(), FairQueue::new());
        for number in 0..200 {
            queue.push("lane", Job { account: account(&number.to_string()), round: number % 2 });
        }
        queue.close();
        let work = |vault: &mut OpenVault, account: &Account| {
            vault.write(|transaction, key| {
                credentials::put(
                    transaction,
                    key,
                    account,
                    &Credential::made_up_static(Expiry::None),
                )
            })
        };
        let (done, outcomes) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let threads = NonZeroUsize::new(32).unwrap();
            start(scope, threads, &opener, &queue, &work, &done).unwrap();
            drop(done);
            assert!(outcomes.iter().all(|(_, outcome): (_, Result<(), Error>)| outcome.is_ok()));
        });
        let found = lanes(&vault, Some(&"acme".parse().unwrap()), None).unwrap();
        assert_eq!(found.len(), 200);
        assert_eq!(lanes(&vault, None, Some(&"7".parse().unwrap())).unwrap().len(), 1);
    }

    fn store(vault: &mut OpenVault, account: &Account) {
        let credential = Credential::made_up_static(Expiry::None);
        vault
            .write(|transaction, key| credentials::put(transaction, key, account, &credential))
            .unwrap();
    }

    #[test]
    fn each_round_sees_the_file_that_is_there_by_then() {
        let (home, key) = (tempfile::tempdir().unwrap(), Key::generate().unwrap());
        let opener = vault(&home, &key).opener();
        let rounds = Rounds { opener: &opener, newest: Mutex::new(None) };
        let finds = |round| {
            let mut handle = rounds.handle(round).unwrap();
            handle.read(&account("x")).unwrap().is_some()
        };
        assert!(!finds(1));
        std::fs::rename(home.path().join("vault"), home.path().join("aside")).unwrap();
        store(&mut vault(&home, &key), &account("x"));
        assert!(!finds(1));
        assert!(finds(2));
        // What is left of an earlier round does not go back.
        assert!(finds(1));
    }

    #[test]
    fn a_panic_in_the_middle_of_a_change_costs_nobody_else_anything() {
        let (home, key) = (tempfile::tempdir().unwrap(), Key::generate().unwrap());
        let vault = vault(&home, &key);
        let (opener, queue) = (vault.opener(), FairQueue::new());
        for number in 0..60 {
            queue.push("lane", Job { account: account(&number.to_string()), round: 0 });
        }
        queue.close();
        let work = |vault: &mut OpenVault, account: &Account| {
            if account.user.as_str().ends_with('7') {
                let _: Result<(), Error> =
                    vault.write(|_, _| std::panic::resume_unwind(Box::new(())));
            }
            store(vault, account);
            Ok::<_, Error>(())
        };
        let (done, outcomes) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let threads = NonZeroUsize::new(16).unwrap();
            start(scope, threads, &opener, &queue, &work, &done).unwrap();
            drop(done);
            let failed = outcomes.iter().filter(|(_, outcome)| outcome.is_err()).count();
            assert_eq!(failed, 6);
        });
        assert_eq!(lanes(&vault, None, None).unwrap().len(), 54);
    }
}
