//! Work on many credentials at once, by several threads that share one open vault.

use std::collections::BTreeSet;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope};

use jiff::Timestamp;

use super::error::Error;
use super::fair_queue::FairQueue;
use crate::model::account::Account;
use crate::model::address::Address;
use crate::model::credential::Credential;
use crate::store::{OpenVault, Opener};

/// One credential to work on.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) account: Account,
    /// The round that the job belongs to. The vault is opened again for each round, because its
    /// file may have been replaced meanwhile, for example by a backup.
    pub(crate) round: u64,
}

/// The credentials that wait for work, those first that have waited longest. Only so many are kept
/// that they take little memory; the others come with a later look.
#[derive(Default)]
pub(crate) struct Waiting {
    kept: BTreeSet<(Timestamp, Account, String)>,
    /// The last one of an earlier look: what comes before it was worked on.
    after: Option<(Timestamp, Account)>,
    is_cut: bool,
}

impl Waiting {
    /// The most that are kept.
    const MOST: usize = 20_000;

    /// Begins a look behind the `last` of an earlier one.
    pub(crate) fn behind(last: Option<(Timestamp, Account)>) -> Self {
        Self { after: last, ..Self::default() }
    }

    /// Adds `account`, which has waited since `since`, with its lane in a [`FairQueue`].
    pub(crate) fn add(&mut self, since: Timestamp, account: Account, lane: String) {
        let is_behind = |(last, of): &(Timestamp, Account)| (since, &account) > (*last, of);
        if !self.after.as_ref().is_none_or(is_behind) {
            return;
        }
        self.kept.insert((since, account, lane));
        if self.kept.len() > Self::MOST {
            self.kept.pop_last();
            self.is_cut = true;
        }
    }

    /// Returns the number of accounts that were kept.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Returns the last one if others wait behind it.
    pub(crate) fn cut_behind(&self) -> Option<(Timestamp, Account)> {
        let last = self.kept.last().filter(|_| self.is_cut)?;
        Some((last.0, last.1.clone()))
    }

    /// Returns the accounts with their lanes, those first that have waited longest.
    pub(crate) fn into_lanes(self) -> impl Iterator<Item = (String, Account)> {
        self.kept.into_iter().map(|(_, account, lane)| (lane, account))
    }
}

/// Returns the lane of a credential in a [`FairQueue`]: there is one for each provider's server, so
/// that a slow server does not hold up others.
pub(crate) fn lane(account: &Account, credential: &Credential) -> String {
    let server = credential.api.server_url.as_ref().map(Address::as_str).unwrap_or_default();
    format!("{} {server}", account.provider.as_str())
}

/// The most results that wait for whoever tells them. Threads that come with more wait, so that results
/// take little memory however slowly they are told.
const MOST_RESULTS: usize = 256;

/// Returns the two ends of a channel for the results of [`start`].
pub(crate) fn results<T>() -> (SyncSender<T>, Receiver<T>) {
    mpsc::sync_channel(MOST_RESULTS)
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
    done: &SyncSender<(Account, Result<T, E>)>,
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
    done: &SyncSender<(Account, Result<T, E>)>,
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
    use super::*;
    use crate::model::credential::Expiry;
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
        let (done, outcomes) = results();
        std::thread::scope(|scope| {
            let threads = NonZeroUsize::new(32).unwrap();
            start(scope, threads, &opener, &queue, &work, &done).unwrap();
            drop(done);
            assert!(outcomes.iter().all(|(_, outcome): (_, Result<(), Error>)| outcome.is_ok()));
        });
        assert_eq!(vault.accounts(None, None).unwrap().len(), 200);
    }

    #[test]
    fn those_that_waited_longest_come_first_and_the_others_with_the_next_look() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let count = i64::try_from(Waiting::MOST).unwrap() + 5;
        let look = |last| {
            let mut waiting = Waiting::behind(last);
            for second in (0..count).rev() {
                waiting.add(at(second), account(&second.to_string()), String::new());
            }
            waiting
        };
        let first = look(None);
        let last = first.cut_behind();
        assert_eq!(last.as_ref().unwrap().0, at(count - 6));
        assert_eq!(first.into_lanes().next().unwrap().1, account("0"));
        let second = look(last);
        assert_eq!((second.len(), second.cut_behind()), (5, None));
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
        let (done, outcomes) = results();
        std::thread::scope(|scope| {
            let threads = NonZeroUsize::new(16).unwrap();
            start(scope, threads, &opener, &queue, &work, &done).unwrap();
            drop(done);
            let failed = outcomes.iter().filter(|(_, outcome)| outcome.is_err()).count();
            assert_eq!(failed, 6);
        });
        assert_eq!(vault.accounts(None, None).unwrap().len(), 54);
    }
}
