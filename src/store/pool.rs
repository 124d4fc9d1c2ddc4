//! A few connections to the vault that all threads of a process share.
//!
//! With one for each of many threads, each thread pays for opening it, and each connection forgets
//! the pages that it has read whenever another one writes. Of a few, the one that was used last
//! serves next: it still knows what it read and wrote.
//!
//! Whoever borrows one gives it back at once. It is not held across the network, nor while its
//! borrower waits for another one, so those who wait for one wait only for SQLite; but for the
//! moment in which a rotated key is unlocked again, for which all wait.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::connection::Store;
use super::error::Error;
use super::file::VaultFile;

/// The most connections: one that waits for the disk, and others that read meanwhile. More bring
/// nothing.
const MOST: usize = 3;

/// A vault's connections.
pub(crate) struct Pool {
    file: VaultFile,
    most: usize,
    state: Mutex<State>,
    returned: Condvar,
}

struct State {
    /// The last was used last.
    idle: Vec<Store>,
    /// How many there are, lent or idle.
    open: usize,
    /// How many threads wait for one. To wake nobody costs a system call as well.
    waiting: usize,
}

/// A connection that was lent, until it is dropped.
pub(crate) struct Lent<'a> {
    pool: &'a Pool,
    /// `None` only while it is given back.
    store: Option<Store>,
}

impl Pool {
    /// Just `store`, for a command that does one thing at a time.
    pub(crate) fn of_one(store: Store) -> Self {
        Self::new(store, 1)
    }

    /// `store`, which has to be one for writing, and as many others as are needed at the same time,
    /// up to a bound.
    pub(crate) fn of_several(store: Store) -> Self {
        Self::new(store, MOST)
    }

    fn new(store: Store, most: usize) -> Self {
        let file = store.file().clone();
        let state = State { idle: vec![store], open: 1, waiting: 0 };
        Self { file, most, state: Mutex::new(state), returned: Condvar::new() }
    }

    /// Lends a connection; waits for one if all are lent. Fails if another one can't be opened.
    pub(crate) fn lend(&self) -> Result<Lent<'_>, Error> {
        let mut state = self.lock();
        loop {
            if let Some(store) = state.idle.pop() {
                return Ok(Lent { pool: self, store: Some(store) });
            }
            if state.open < self.most {
                break;
            }
            state.waiting += 1;
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.open += 1;
        drop(state);
        // Gives the place back if there is nothing to put there.
        let mut lent = Lent { pool: self, store: None };
        lent.store = Some(Store::open(self.file.path())?);
        Ok(lent)
    }

    pub(crate) fn file(&self) -> &VaultFile {
        &self.file
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That a connection is missing only where it is opened or given back, out of the borrower's sight.
const LENT: &str = "what was lent has a connection";

impl Deref for Lent<'_> {
    type Target = Store;

    fn deref(&self) -> &Store {
        self.store.as_ref().expect(LENT)
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Store {
        self.store.as_mut().expect(LENT)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // One with a transaction that somebody left open is closed, which rolls it back.
        let store = self.store.take().filter(Store::is_at_rest);
        let mut state = self.pool.lock();
        match store {
            Some(store) => state.idle.push(store),
            None => state.open -= 1,
        }
        let is_waited_for = state.waiting > 0;
        drop(state);
        if is_waited_for {
            self.pool.returned.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;
    use crate::store::intents;

    fn pool(home: &tempfile::TempDir) -> Pool {
        Pool::of_several(Store::open_or_create(&home.path().join("v/tokens.db")).unwrap())
    }

    fn write(pool: &Pool, name: &str) {
        let mut store = pool.lend().unwrap();
        let change = store.write().unwrap();
        intents::insert(&change, name, jiff::Timestamp::UNIX_EPOCH).unwrap();
        change.commit().unwrap();
    }

    fn count(pool: &Pool) -> i64 {
        let store = pool.lend().unwrap();
        let view = store.read().unwrap();
        view.query_row("SELECT count(*) FROM intents", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn many_threads_are_all_served_by_a_few_connections() {
        let home = tempfile::tempdir().unwrap();
        let (pool, lent) = (pool(&home), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for number in 0..40 {
                let (pool, lent) = (&pool, &lent);
                scope.spawn(move || {
                    write(pool, &number.to_string());
                    let store = pool.lend().unwrap();
                    assert!(lent.fetch_add(1, SeqCst) < MOST);
                    drop(store.read().unwrap());
                    lent.fetch_sub(1, SeqCst);
                });
            }
        });
        assert_eq!(count(&pool), 40);
        let state = pool.lock();
        assert_eq!(state.idle.len(), state.open);
        assert!(state.open <= MOST);
    }

    #[test]
    fn what_was_used_last_serves_next() {
        let home = tempfile::tempdir().unwrap();
        let pool = pool(&home);
        let (first, second) = (pool.lend().unwrap(), pool.lend().unwrap());
        first.read().unwrap().execute_batch("COMMIT; CREATE TEMP TABLE mark (x); BEGIN").unwrap();
        drop(second);
        drop(first);
        for _ in 0..3 {
            let marked = "SELECT count(*) FROM temp.sqlite_schema";
            let store = pool.lend().unwrap();
            let found: i64 = store.read().unwrap().query_row(marked, [], |row| row.get(0)).unwrap();
            assert_eq!(found, 1);
        }
    }

    #[test]
    fn a_borrower_that_panics_leaves_no_change_and_no_place_taken() {
        let home = tempfile::tempdir().unwrap();
        let pool = pool(&home);
        for _ in 0..2 * MOST {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                let mut store = pool.lend().unwrap();
                let change = store.write().unwrap();
                intents::insert(&change, "x", jiff::Timestamp::UNIX_EPOCH).unwrap();
                std::panic::resume_unwind(Box::new(()));
            }));
            assert!(panicked.is_err());
        }
        assert_eq!(count(&pool), 0);
        write(&pool, "x");
    }

    #[test]
    fn a_transaction_that_was_left_open_ends() {
        let home = tempfile::tempdir().unwrap();
        let pool = pool(&home);
        for _ in 0..2 * MOST {
            let store = pool.lend().unwrap();
            let view = store.read().unwrap();
            view.execute_batch("DELETE FROM vault").unwrap();
            // As if ending it had failed.
            std::mem::forget(view);
        }
        write(&pool, "x");
        assert_eq!(count(&pool), 1);
    }

    #[test]
    fn one_that_cannot_be_opened_takes_no_place() {
        let home = tempfile::tempdir().unwrap();
        let pool = pool(&home);
        let first = pool.lend().unwrap();
        let (path, aside) = (home.path().join("v/tokens.db"), home.path().join("v/aside.db"));
        std::fs::rename(&path, &aside).unwrap();
        for _ in 0..2 * MOST {
            assert!(matches!(pool.lend(), Err(Error::NoVault { .. })));
        }
        std::fs::rename(&aside, &path).unwrap();
        drop(pool.lend().unwrap());
        drop(first);
    }
}
