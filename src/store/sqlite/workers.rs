//! Threads that work on batches which one thread reads and whose results it takes in order.
//!
//! Refuses to know what is in a batch.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::store::error::Error;

/// The number of batches that each thread has before it.
const AHEAD: usize = 2;

/// The largest number of threads: more would wait for the one that reads.
const MOST_THREADS: usize = 4;

/// Runs `work` on all batches, on as many threads as there are processors. This thread gets them by
/// `next_batch`, until that returns `None`, and hands the results to `take` in the same order.
///
/// This thread works as well when it would have to wait. One more than there are processors would
/// take them away from it, and it is the one for which the others wait.
///
/// Fails with the first error of `next_batch` or `take`, or if `work` panics.
pub(super) fn work_through<B: Send, T: Send>(
    mut next_batch: impl FnMut() -> Result<Option<B>, Error>,
    work: &(impl Fn(B) -> T + Sync),
    mut take: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    let (to_do, waiting) = mpsc::channel::<(usize, B)>();
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        // Dropped before the threads are waited for, which end with it.
        let to_do = to_do;
        let (done, results) = mpsc::channel();
        for _ in 1..threads {
            let (waiting, done) = (&waiting, done.clone());
            scope.spawn(move || {
                while let Some((number, batch)) = next(waiting) {
                    let result = catch_unwind(AssertUnwindSafe(|| work(batch)));
                    if done.send((number, result.ok())).is_err() {
                        break;
                    }
                }
            });
        }
        let (mut sent, mut taken, mut more) = (0, 0, true);
        let mut early = BTreeMap::new();
        loop {
            while more && sent - taken < threads * AHEAD {
                match next_batch()? {
                    Some(batch) => {
                        to_do.send((sent, batch)).map_err(|_| STOPPED)?;
                        sent += 1;
                    }
                    None => more = false,
                }
            }
            if taken == sent {
                return Ok(());
            }
            early.extend(results.try_iter());
            if let Some(result) = early.remove(&taken) {
                take(result.ok_or(STOPPED)?)?;
                taken += 1;
            } else if let Some((number, batch)) = left_over(&waiting) {
                early.insert(number, Some(work(batch)));
            } else {
                early.extend([results.recv().map_err(|_| STOPPED)?]);
            }
        }
    })
}

/// The next batch, waited for with the lock in hand; `None` when no more will come.
fn next<T>(waiting: &Mutex<Receiver<T>>) -> Option<T> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// A batch that no thread has begun; `None` where a thread waits for the next one.
fn left_over<T>(waiting: &Mutex<Receiver<T>>) -> Option<T> {
    waiting.try_lock().ok()?.try_recv().ok()
}

/// The error for a thread that ended before its work did: none is to panic.
const STOPPED: Error = Error::Inconsistent("a thread ended too early");

#[cfg(test)]
mod tests {
    use super::*;

    /// Has `work` done on the numbers below `count`, and returns the results that were taken.
    fn squares(count: u64, work: &(impl Fn(u64) -> u64 + Sync)) -> Result<Vec<u64>, Error> {
        let (mut numbers, mut taken) = (0..count, Vec::new());
        work_through(
            || Ok(numbers.next()),
            work,
            |square| {
                taken.push(square);
                Ok(())
            },
        )?;
        Ok(taken)
    }

    #[test]
    fn results_come_in_the_order_of_the_batches() {
        for count in [0, 1, 1000] {
            let wanted: Vec<u64> = (0..count).map(|number| number * number).collect();
            assert_eq!(squares(count, &|number| number * number).unwrap(), wanted);
        }
    }

    #[test]
    fn an_error_ends_the_work_and_no_thread_hangs() {
        let refused = || Error::Inconsistent("made up");
        let mut numbers = 0..;
        let read = work_through(
            || if numbers.next() == Some(500) { Err(refused()) } else { Ok(Some(())) },
            &|()| (),
            |()| Ok(()),
        );
        assert!(read.is_err());
        let mut taken = 0;
        let took = work_through(
            || Ok(Some(())),
            &|()| (),
            |()| {
                taken += 1;
                if taken == 500 { Err(refused()) } else { Ok(()) }
            },
        );
        assert!(took.is_err());
    }
}
