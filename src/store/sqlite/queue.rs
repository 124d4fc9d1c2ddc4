//! The queue of changes that wait to be committed, and who commits them.
//!
//! A commit waits for the disk, and SQLite has one writer at a time. Changes that come while one is
//! being committed are committed together by the next: the thread that leads carries out its own
//! and those of others, and passes the lead on.

use std::collections::VecDeque;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::model::audit::Settings;
use crate::store::change::{Change, Outcome};
use crate::store::error::Error;
use crate::vault::seal::Generation;

/// The number of changes in the largest group. In a group of all that wait, the first would wait for
/// the last, and all would go on at the same moment, to meet here again.
const LARGEST: usize = 8;

/// The time for which threads may commit without remembering how far the audit reaches: to know that,
/// its file is flushed to the disk while all of them wait. The next commit remembers what came late.
const REMEMBER_EVERY: Duration = Duration::from_millis(100);

/// The part of the audit that a commit remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Remember {
    /// Nothing: no credential is written.
    Nothing,
    /// The last entry, and how the audit is to be kept from now on, if that is known.
    Audit(Option<Settings>),
}

/// The changes that wait, and whether a thread leads.
#[derive(Default)]
pub(super) struct CommitQueue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_led: bool,
    /// The changes that wait, in the order in which they came. The lead goes to the first.
    waiting: VecDeque<Waiting>,
    remembered_at: Option<Instant>,
}

struct Waiting {
    change: Arc<Change>,
    remember: Remember,
    generation: Generation,
    word: SyncSender<Word>,
}

/// A word to a thread that waits.
enum Word {
    /// The thread leads from now on.
    Lead,
    /// The thread's change was committed.
    Done(Outcome),
    /// The commit failed that its change was to share; another one may be what it failed for.
    Alone,
}

/// The lead, which is passed on to the next thread whatever becomes of this one, and to that thread
/// alone: if all woke up to look, they would cost more than the commit.
struct Lead<'a>(&'a CommitQueue);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        while let Some(next) = state.waiting.pop_front() {
            if next.word.send(Word::Lead).is_ok() {
                return;
            }
        }
        state.is_led = false;
    }
}

impl CommitQueue {
    /// Carries out `change` by `run`, on this thread or another, alone or with others that are written
    /// under the same `generation` of the data key.
    pub(super) fn commit(
        &self,
        change: Change,
        remember: Remember,
        generation: Generation,
        run: impl Fn(&[&Change], Remember) -> Result<Vec<Outcome>, Error>,
    ) -> Result<Outcome, Error> {
        const NO_OUTCOME: Error = Error::Inconsistent("a change without an outcome");
        let change = Arc::new(change);
        let alone = || run(&[&change], remember)?.pop().ok_or(NO_OUTCOME);
        match self.wait(&change, remember, generation) {
            Word::Done(outcome) => return Ok(outcome),
            Word::Alone => return alone(),
            Word::Lead => {}
        }
        let lead = Lead(self);
        let others = self.take(generation);
        if others.is_empty() {
            return alone();
        }
        let changes: Vec<&Change> = std::iter::once(&change)
            .chain(others.iter().map(|other| &other.change))
            .map(|it| &**it)
            .collect();
        let done = run(&changes, self.what_to_remember(remember, &others));
        drop(lead);
        let Ok(outcomes) = done else {
            // That is rare, so no change pays for a savepoint that would spare the others.
            for other in others {
                other.hears(Word::Alone);
            }
            return alone();
        };
        let mut outcomes = outcomes.into_iter();
        let own = outcomes.next();
        others
            .into_iter()
            .zip(outcomes)
            .for_each(|(other, outcome)| other.hears(Word::Done(outcome)));
        own.ok_or(NO_OUTCOME)
    }

    /// Waits, where another thread leads, for what becomes of `change`.
    fn wait(&self, change: &Arc<Change>, remember: Remember, generation: Generation) -> Word {
        let mut state = self.lock();
        if !state.is_led {
            state.is_led = true;
            return Word::Lead;
        }
        let (word, heard) = mpsc::sync_channel(1);
        let change = Arc::clone(change);
        state.waiting.push_back(Waiting { change, remember, generation, word });
        drop(state);
        heard.recv().unwrap_or(Word::Alone)
    }

    /// The first of those that wait and write under the same data key.
    fn take(&self, generation: Generation) -> Vec<Waiting> {
        let waiting = &mut self.lock().waiting;
        let mut taken = Vec::new();
        while taken.len() + 1 < LARGEST {
            if waiting.front().is_none_or(|next| next.generation != generation) {
                break;
            }
            taken.extend(waiting.pop_front());
        }
        taken
    }

    /// The part of the audit to be remembered with the changes of a group.
    fn what_to_remember(&self, own: Remember, others: &[Waiting]) -> Remember {
        let all = std::iter::once(own).chain(others.iter().map(|other| other.remember));
        let settings = all.filter_map(|remember| match remember {
            Remember::Nothing => None,
            Remember::Audit(settings) => Some(settings),
        });
        let Some(settings) = settings.reduce(Option::or) else { return Remember::Nothing };
        let at = &mut self.lock().remembered_at;
        if at.is_some_and(|at| at.elapsed() < REMEMBER_EVERY) {
            return Remember::Nothing;
        }
        *at = Some(Instant::now());
        Remember::Audit(settings)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Sends `word` to the thread, unless it is gone.
    fn hears(self, word: Word) {
        let _ = self.word.send(word);
    }
}
