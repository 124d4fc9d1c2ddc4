//! A queue of work for several threads, in lanes that do not hold each other up.
//!
//! A thread that asks for work gets an item of the lane with the fewest items in progress. So a
//! slow lane uses no more than its share of the threads while other lanes have work. When it is
//! the only lane left, it may use all threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A queue of items in lanes. Threads share it by reference.
pub(crate) struct FairQueue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    lanes: Vec<Lane<T>>,
    /// The number of items that were handed out so far.
    served: u64,
    closed: bool,
}

struct Lane<T> {
    name: String,
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
    pub(crate) fn new() -> Self {
        let state = State { lanes: Vec::new(), served: 0, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Adds an item to the lane called `lane`.
    pub(crate) fn push(&self, lane: &str, item: T) {
        self.state().lane(lane).waiting.push_back(item);
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
    fn lane(&mut self, name: &str) -> &mut Lane<T> {
        let known = self.lanes.iter().position(|lane| lane.name == name);
        let index = known.unwrap_or_else(|| {
            let (name, waiting) = (name.to_owned(), VecDeque::new());
            self.lanes.push(Lane { name, waiting, in_progress: 0, served: 0 });
            self.lanes.len() - 1
        });
        &mut self.lanes[index]
    }

    /// Takes an item from the lane with the fewest items in progress. Of several such lanes, takes
    /// from the one that waited longest.
    fn take(&mut self) -> Option<(usize, T)> {
        let (index, lane) = self
            .lanes
            .iter_mut()
            .enumerate()
            .filter(|(_, lane)| !lane.waiting.is_empty())
            .min_by_key(|(_, lane)| (lane.in_progress, lane.served))?;
        let item = lane.waiting.pop_front()?;
        self.served += 1;
        lane.in_progress += 1;
        lane.served = self.served;
        Some((index, item))
    }
}

impl<T> Drop for InProgress<'_, T> {
    fn drop(&mut self) {
        self.queue.state().lanes[self.lane].in_progress -= 1;
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
