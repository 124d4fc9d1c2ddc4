//! Group commit: the writes of many threads in one transaction.
//!
//! A commit waits for the disk, and SQLite has one writer at a time. Threads that come while one
//! waits are served together by the next: whoever gets the lead runs the changes of all.

use std::mem;
use std::sync::mpsc::{self, RecvError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Transaction;

use super::audit;
use super::connection::Store;
use super::error::Error;
use super::pool::Pool;
use crate::model::audit::Settings;
use crate::vault::seal::{DataKey, Generation};

/// What one thread wants to write. It may be run twice: only what was committed counts.
pub(crate) type Write =
    Arc<Mutex<dyn FnMut(&Transaction<'_>, &DataKey) -> Result<(), Error> + Send>>;

/// The largest group. In one of all that wait, the first would wait for the last, and all go on at
/// the same moment, to meet here again.
const LARGEST: usize = 8;

/// For how long threads may commit without remembering how far the audit reaches: to know, it is
/// flushed to the disk, while all of them wait. What comes late is remembered by the next commit.
const REMEMBER_EVERY: Duration = Duration::from_millis(100);

/// What a commit remembers of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remember {
    /// Nothing: no credential is written.
    Nothing,
    /// How far it reaches, and how it is to be kept from now on, if that is known.
    Audit(Option<Settings>),
}

/// The writes that wait, and whether one of their threads is at it.
#[derive(Default)]
pub(crate) struct GroupCommit {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_led: bool,
    /// In the order in which they came. The lead goes to the first.
    waiting: Vec<Waiting>,
    remembered_at: Option<Instant>,
}

struct Waiting {
    write: Write,
    remember: Remember,
    generation: Generation,
    word: SyncSender<Word>,
}

/// What a thread hears that waits.
enum Word {
    /// It is its turn to run what waits.
    Lead,
    /// Its write was committed.
    Done,
    /// The commit failed that its write was to share; another one may be what it failed for.
    Alone,
}

/// The lead, which goes on to the next thread whatever becomes of this one. It is passed to that
/// one alone: threads that all woke up to look would cost more than the commit.
struct Lead<'a>(&'a Mutex<State>);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut state = lock(self.0);
        match state.waiting.first() {
            Some(next) => drop(next.word.send(Word::Lead)),
            None => state.is_led = false,
        }
    }
}

impl GroupCommit {
    /// Runs `write` in a transaction, together with others that wait, and commits it.
    pub(crate) fn commit(
        &self,
        stores: &Pool,
        key: &DataKey,
        write: &Write,
        remember: Remember,
    ) -> Result<(), Error> {
        let (word, heard) = mpsc::sync_channel(1);
        let (own, generation) = (Arc::clone(write), key.generation);
        let leads = {
            let mut state = lock(&self.state);
            state.waiting.push(Waiting { write: own, remember, generation, word });
            !mem::replace(&mut state.is_led, true)
        };
        let run_alone = || alone(&mut *stores.lend()?, key, remember, &mut *lock(write));
        match if leads { Ok(Word::Lead) } else { heard.recv() } {
            Ok(Word::Done) => Ok(()),
            Ok(Word::Alone) | Err(RecvError) => run_alone(),
            Ok(Word::Lead) => {
                let lead = Lead(&self.state);
                let group = self.take(generation);
                if let [_] = &group[..] {
                    return run_alone();
                }
                let done = together(stores, key, &group, self.what_to_remember(&group));
                drop(lead);
                let word = || if done.is_ok() { Word::Done } else { Word::Alone };
                group.into_iter().skip(1).for_each(|other| other.hears(word()));
                done.or_else(|_| run_alone())
            }
        }
    }

    /// The first of those that wait, and write under the same data key. Whoever has the lead is
    /// the first of all.
    fn take(&self, generation: Generation) -> Vec<Waiting> {
        let waiting = &mut lock(&self.state).waiting;
        waiting.extract_if(.., |waiting| waiting.generation == generation).take(LARGEST).collect()
    }

    /// What is to be remembered with the writes of `group`.
    fn what_to_remember(&self, group: &[Waiting]) -> Remember {
        let settings = group.iter().filter_map(|waiting| match waiting.remember {
            Remember::Nothing => None,
            Remember::Audit(settings) => Some(settings),
        });
        let Some(settings) = settings.reduce(Option::or) else { return Remember::Nothing };
        let at = &mut lock(&self.state).remembered_at;
        if at.is_some_and(|at| at.elapsed() < REMEMBER_EVERY) {
            return Remember::Nothing;
        }
        *at = Some(Instant::now());
        Remember::Audit(settings)
    }
}

impl Waiting {
    /// One whose thread is gone hears nothing.
    fn hears(&self, word: Word) {
        let _ = self.word.send(word);
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `change` in a transaction of its own and commits it.
pub(crate) fn alone<T>(
    store: &mut Store,
    key: &DataKey,
    remember: Remember,
    mut change: impl FnMut(&Transaction<'_>, &DataKey) -> Result<T, Error>,
) -> Result<T, Error> {
    let end = end(store, key, remember)?;
    let transaction = store.write()?;
    let done = change(&transaction, key)?;
    end.seal(&transaction, key)?;
    transaction.commit()?;
    Ok(done)
}

/// Runs the writes of a group; if one fails, nothing of any is committed. That is rare, so no write
/// pays for a savepoint that would spare the others being run again.
fn together(
    stores: &Pool,
    key: &DataKey,
    group: &[Waiting],
    remember: Remember,
) -> Result<(), Error> {
    alone(&mut *stores.lend()?, key, remember, |transaction, key| {
        group.iter().try_for_each(|waiting| (lock(&waiting.write))(transaction, key))
    })
}

/// The audit's end, found before a transaction keeps others waiting.
pub(crate) struct End {
    remember: Remember,
    mark: Option<audit::Mark>,
}

pub(crate) fn end(store: &Store, key: &DataKey, remember: Remember) -> Result<End, Error> {
    let mark = match remember {
        Remember::Nothing => None,
        Remember::Audit(_) => {
            audit::read(&*store.read()?, key)?.and_then(|sealed| audit::end(store.file(), &sealed))
        }
    };
    Ok(End { remember, mark })
}

impl End {
    pub(crate) fn seal(&self, transaction: &Transaction<'_>, key: &DataKey) -> Result<(), Error> {
        match self.remember {
            Remember::Nothing => Ok(()),
            Remember::Audit(settings) => audit::seal(transaction, key, self.mark, settings),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::header::{self, Header};
    use crate::store::intents;
    use crate::vault::seal::VaultId;

    fn entry(name: String) -> Write {
        Arc::new(Mutex::new(move |transaction: &Transaction<'_>, _: &DataKey| {
            intents::insert(transaction, &name, jiff::Timestamp::UNIX_EPOCH)
        }))
    }

    #[test]
    fn every_thread_gets_its_own_outcome() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("v/tokens.db");
        let mut store = Store::open_or_create(&path).unwrap();
        let key = DataKey::generate(VaultId([5; 16]), 1).unwrap();
        let transaction = store.write().unwrap();
        let header = Header { vault: key.vault, generation: 1 };
        header::insert(&transaction, header, jiff::Timestamp::UNIX_EPOCH).unwrap();
        transaction.commit().unwrap();

        let group = GroupCommit::default();
        let stores = Pool::of_several(Store::open(&path).unwrap());
        let failed = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..60)
                .map(|number| {
                    let (group, key, stores) = (&group, &key, &stores);
                    scope.spawn(move || {
                        // Each name twice: the second of them breaks the table's rule.
                        let write = entry(format!("entry-{}", number / 2));
                        group.commit(stores, key, &write, Remember::Nothing).is_err()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(failed.iter().filter(|failed| **failed).count(), 30);
        let count: i64 = store
            .read()
            .unwrap()
            .query_row("SELECT count(*) FROM intents", [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 30);
    }
}
