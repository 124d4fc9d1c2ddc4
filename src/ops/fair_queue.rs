//! A queue of work for several threads, in lanes that do not hold each other up.
//!
//! A thread that asks for work gets an item of the lane with the fewest items in progress. So a
//! slow lane uses no more than its share of the threads while other lanes have work. When it is
//! the only lane left, it may use all threads.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A queue of items in lanes. Threads share it by reference.
pub(crate) struct FairQueue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    lanes: Vec<Lane<T>>,
    by_name: HashMap<String, usize>,
    /// The lanes with an item that waits: those first from which the next one is taken.
    ready: BTreeSet<Rank>,
    /// The number of items that were handed out so far.
    served: u64,
    closed: bool,
}

/// A lane's items in progress, its [`Lane::served`], and its number.
type Rank = (usize, u64, usize);

struct Lane<T> {
    waiting: VecDeque<T>,
    in_progress: usize,
    /// The value of [`State::served`] when an item of this lane was last handed out.
    served: u64,
}

/// An item that a thread works on. Its lane counts it as in progress until it is dropped.
pub(crate) struct InProgress<'a, T> {
    pub(crate) item: T,
    lane: usize,
    queue: &'a FairQueue<T>,
}

impl<T> FairQueue<T> {
    /// Makes an empty queue that is open.
    pub(crate) fn new() -> Self {
        let (lanes, by_name, ready) = (Vec::new(), HashMap::new(), BTreeSet::new());
        let state = State { lanes, by_name, ready, served: 0, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Adds an item to the lane called `lane`.
    pub(crate) fn push(&self, lane: &str, item: T) {
        self.state().push(lane, item);
        self.changed.notify_one();
    }

    /// Declares that no more items will be added. From then on [`Self::next`] returns `None` when
    /// the queue is empty.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Waits for an item and returns it. Returns `None` when the queue is closed and empty.
    pub(crate) fn next(&self) -> Option<InProgress<'_, T>> {
        let mut state = self.state();
        loop {
            if let Some((lane, item)) = state.take() {
                return Some(InProgress { item, lane, queue: self });
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn push(&mut self, lane: &str, item: T) {
        let known = self.by_name.get(lane).copied();
        let index = known.unwrap_or_else(|| {
            self.lanes.push(Lane { waiting: VecDeque::new(), in_progress: 0, served: 0 });
            self.by_name.insert(lane.to_owned(), self.lanes.len() - 1);
            self.lanes.len() - 1
        });
        self.change(index, |lane| lane.waiting.push_back(item));
    }

    /// Takes an item from the lane with the fewest items in progress. Of several such lanes, takes
    /// from the one that waited longest.
    fn take(&mut self) -> Option<(usize, T)> {
        let (_, _, index) = *self.ready.first()?;
        self.served += 1;
        let served = self.served;
        let item = self.change(index, |lane| {
            let item = lane.waiting.pop_front()?;
            lane.in_progress += 1;
            lane.served = served;
            Some(item)
        })?;
        Some((index, item))
    }

    /// Changes a lane, and its place among those that are ready.
    fn change<R>(&mut self, index: usize, change: impl FnOnce(&mut Lane<T>) -> R) -> R {
        let lane = &mut self.lanes[index];
        self.ready.remove(&(lane.in_progress, lane.served, index));
        let changed = change(lane);
        if !lane.waiting.is_empty() {
            self.ready.insert((lane.in_progress, lane.served, index));
        }
        changed
    }
}

impl<T> Drop for InProgress<'_, T> {
    fn drop(&mut self) {
        self.queue.state().change(self.lane, |lane| lane.in_progress -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(lanes: &[(&'static str, usize)]) -> FairQueue<&'static str> {
        let queue = FairQueue::new();
        for &(lane, count) in lanes {
            for _ in 0..count {
                queue.push(lane, lane);
            }
        }
        queue.close();
        queue
    }

    #[test]
    fn lanes_have_their_turns_one_after_the_other() {
        let queue = queue(&[("a", 3), ("b", 2), ("c", 1)]);
        let order: String = std::iter::from_fn(|| queue.next().map(|turn| turn.item)).collect();
        assert_eq!(order, "abcaba");
    }

    #[test]
    fn a_lane_that_hangs_keeps_its_share_and_no_more_while_others_wait() {
        let queue = queue(&[("slow", 100), ("fast", 100)]);
        let mut hanging = Vec::new();
        let mut fast = 0;
        // Eight threads, one of which asks whenever it is done with what is fast.
        while fast < 100 {
            let turn = queue.next().unwrap();
            if turn.item == "slow" {
                hanging.push(turn);
                assert!(hanging.len() <= 1 + fast / 50, "{} hang after {fast}", hanging.len());
            } else {
                fast += 1;
            }
        }
        while hanging.len() < 8 {
            hanging.push(queue.next().unwrap());
        }
    }

    #[test]
    fn who_finds_nothing_waits_until_there_is_something_or_the_end() {
        let queue = FairQueue::new();
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let mut found = Vec::new();
                while let Some(turn) = queue.next() {
                    found.push(turn.item);
                }
                found
            });
            queue.push("a", 1);
            queue.push("b", 2);
            queue.close();
            assert_eq!(worker.join().unwrap(), [1, 2]);
        });
    }
}
