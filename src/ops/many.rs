//! Work on many credentials at once, by several threads that share one open vault.

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope};

use super::error::Error;
use super::fair_queue::FairQueue;
use crate::model::account::{Account, AccountFilter, ProviderName, UserName};
use crate::store::{OpenVault, Opener};

/// One credential to work on.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) account: Account,
    /// The round that the job belongs to. The vault is opened again for each round, because its
    /// file may have been replaced meanwhile, for example by a backup.
    pub(crate) round: u64,
}

/// Returns the accounts with this provider and user, each with the name of its lane in a
/// [`FairQueue`]. `None` matches every provider or user.
///
/// There is one lane for each provider's server, so that a slow server does not hold up others.
pub(crate) fn lanes(
    vault: &OpenVault,
    provider: Option<&ProviderName>,
    user: Option<&UserName>,
) -> Result<Vec<(String, Account)>, Error> {
    let summaries = vault.summaries(AccountFilter { provider, user }, |_| true)?;
    let servers: HashMap<Account, Option<String>> =
        summaries.into_iter().map(|summary| (summary.account, summary.server_url)).collect();
    let lane = |account: Account| {
        let server = servers.get(&account).and_then(Option::as_deref).unwrap_or_default();
        (format!("{} {server}", account.provider.as_str()), account)
    };
    Ok(vault.accounts(provider, user)?.into_iter().map(lane).collect())
}

/// Starts threads that do `work` for each [`Job`] in `queue` and send the result to `done`. They end
/// when the queue is closed and empty.
///
/// Starts up to `threads` threads. Fails only if not even one can be started. A panic in `work`
/// becomes [`Error::Bug`] for its account.
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
    W: Fn(&OpenVault, &Account) -> Result<T, E> + Sync,
{
    let rounds = Arc::new(Rounds { opener, newest: Mutex::new(None) });
    for started in 0..threads.get() {
        let (rounds, done) = (Arc::clone(&rounds), done.clone());
        let spawned =
            Builder::new().spawn_scoped(scope, move || work_on(&rounds, queue, work, &done));
        match spawned {
            Err(error) if started == 0 => return Err(error),
            // The threads that were started do all the work.
            Err(_) => break,
            Ok(_) => {}
        }
    }
    Ok(())
}

/// The vault that all threads share, opened for the newest round so far.
struct Rounds<'a> {
    opener: &'a Opener,
    newest: Mutex<Option<(u64, Arc<OpenVault>)>>,
}

impl Rounds<'_> {
    /// Returns a vault that was opened in `round` or later, and opens it if necessary.
    fn vault(&self, round: u64) -> Result<Arc<OpenVault>, Error> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, vault)) = newest.as_ref().filter(|(opened_in, _)| *opened_in >= round) {
            return Ok(Arc::clone(vault));
        }
        let (_, vault) = newest.insert((round, Arc::new(self.opener.open()?)));
        Ok(Arc::clone(vault))
    }
}

fn work_on<T, E: From<Error>>(
    rounds: &Rounds<'_>,
    queue: &FairQueue<Job>,
    work: impl Fn(&OpenVault, &Account) -> Result<T, E>,
    done: &Sender<(Account, Result<T, E>)>,
) {
    while let Some(turn) = queue.next() {
        let Job { account, round } = &turn.item;
        let result = rounds.vault(*round).map_err(E::from).and_then(|vault| {
            // A panic about one credential must not end the work on the others.
            catch_unwind(AssertUnwindSafe(|| work(&vault, account)))
                .unwrap_or_else(|_| Err(Error::Bug { account: account.clone() }.into()))
        });
        // Sending fails only after the receiver was dropped: then nobody needs the result.
        let _ = done.send((account.clone(), result));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::credential::{Credential, Expiry};
    use crate::ops::create::open_or_create;
    use crate::vault::Key;
    use crate::vault::slot_secret::SlotSecret;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn account(user: &str) -> Account {
        Account { provider: "acme".parse().unwrap(), user: user.parse().unwrap() }
    }

    fn vault(home: &tempfile::TempDir, key: &Key) -> OpenVault {
        let path = home.path().join("vault/tokens.db");
        open_or_create(&path, SlotSecret::Key(key.clone()), || NOW).unwrap()
    }

    fn store(vault: &OpenVault, account: &Account) {
        let credential = Credential::made_up_static(Expiry::None);
        assert!(vault.put(account, &credential, None).unwrap());
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
        let work = |vault: &OpenVault, account: &Account| {
            store(vault, account);
            Ok(())
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

    #[test]
    fn each_round_sees_the_file_that_is_there_by_then() {
        let (home, key) = (tempfile::tempdir().unwrap(), Key::generate().unwrap());
        let opener = vault(&home, &key).opener();
        let rounds = Rounds { opener: &opener, newest: Mutex::new(None) };
        let finds = |round| rounds.vault(round).unwrap().read(&account("x")).unwrap().is_some();
        assert!(!finds(1));
        std::fs::rename(home.path().join("vault"), home.path().join("aside")).unwrap();
        store(&vault(&home, &key), &account("x"));
        assert!(!finds(1));
        assert!(finds(2));
        // A job of an earlier round uses the newer vault too.
        assert!(finds(1));
    }

    #[test]
    fn a_panic_about_one_credential_costs_nobody_else_anything() {
        let (home, key) = (tempfile::tempdir().unwrap(), Key::generate().unwrap());
        let vault = vault(&home, &key);
        let (opener, queue) = (vault.opener(), FairQueue::new());
        for number in 0..60 {
            queue.push("lane", Job { account: account(&number.to_string()), round: 0 });
        }
        queue.close();
        let work = |vault: &OpenVault, account: &Account| {
            if account.user.as_str().ends_with('7') {
                std::panic::resume_unwind(Box::new(()));
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
