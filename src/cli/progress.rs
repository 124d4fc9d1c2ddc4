//! Signs of life on the terminal: a spinner for what is waited for, a bar for work on many things.
//!
//! They appear after half a second and disappear when the work ends. Messages that are printed
//! meanwhile stand above them.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::stderr;
use super::ui::{Ui, Verbosity};
use crate::signals;

/// The time after which a wait shows that the program is alive.
const PATIENCE: Duration = Duration::from_millis(500);

/// The time between two pictures of a spinner.
const TICK: Duration = Duration::from_millis(100);

impl Ui {
    /// Runs `work`. If it takes long and a user is there, shows a spinner with the text `what`, or
    /// one line where no spinner can move.
    pub(crate) fn while_waiting<T>(&self, what: &'static str, work: impl FnOnce() -> T) -> T {
        let shown = stderr::is_terminal() || self.can_ask();
        if self.verbosity < Verbosity::Status || !shown {
            return work();
        }
        let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        spinner.set_style(ProgressStyle::default_spinner());
        let _shown = Shown::soon(spinner.with_message(what), what, ProgressDrawTarget::stderr);
        work()
    }

    /// Runs `work`, which waits for another program. If it takes long and a user is there, prints
    /// one line with the text `what`: the program may ask the user something on the terminal, and
    /// a spinner would write over that.
    pub(crate) fn while_program_runs<T>(&self, what: &'static str, work: impl FnOnce() -> T) -> T {
        let shown = stderr::is_terminal() || self.can_ask();
        if self.verbosity < Verbosity::Status || !shown {
            return work();
        }
        let _shown = Shown::soon(ProgressBar::hidden(), what, ProgressDrawTarget::hidden);
        work()
    }

    /// Runs `work`, which reports its progress as steps done and steps in all.
    ///
    /// If it takes long and stderr is a terminal, shows a bar.
    pub(crate) fn with_progress<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut dyn FnMut(u64, u64)) -> T,
    ) -> T {
        let bar = self.bar(what, "{msg} {wide_bar} {percent}%", 0);
        work(&mut |position, all| {
            bar.0.set_length(all);
            bar.0.set_position(position);
        })
    }

    /// Returns a bar for work on `total` things, which is shown if it takes long and stderr is a
    /// terminal.
    pub(crate) fn progress(&self, what: &'static str, total: usize) -> Progress {
        self.bar(what, "{msg} {wide_bar} {pos}/{len}", total as u64)
    }

    fn bar(&self, what: &'static str, template: &str, total: u64) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        let wanted = self.verbosity >= Verbosity::Status && stderr::is_terminal();
        let shown = wanted.then(|| {
            // A signal that ends the program has to remove the bar.
            let removed = bar.clone();
            let _ = signals::announce(move |_| removed.finish_and_clear());
            Shown::soon(bar.clone(), what, ProgressDrawTarget::stderr)
        });
        Progress(bar, shown)
    }
}

/// A progress bar, which disappears from the terminal when dropped.
pub(crate) struct Progress(
    ProgressBar,
    #[expect(dead_code, reason = "it is dropped")] Option<Shown>,
);

impl Progress {
    /// Counts one more thing as done.
    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }
}

/// A bar or spinner that appears after [`PATIENCE`] and is removed when this is dropped.
struct Shown {
    bar: ProgressBar,
    /// Dropped first, which ends the thread.
    ended: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    has_place: bool,
}

impl Shown {
    /// Shows `bar` soon on `target`, unless another one is there already. `line` is printed in its
    /// place where no bar can move: stderr is no terminal, or `TERM` is not set or `dumb`.
    fn soon(bar: ProgressBar, line: &'static str, target: fn() -> ProgressDrawTarget) -> Self {
        // Claimed at once: what is waited for in the course of the work shows nothing of its own.
        let has_place = stderr::keep_below(&bar);
        let (ended, end) = mpsc::channel::<()>();
        let shown = bar.clone();
        let wait = move || {
            if end.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let target = target();
            if target.is_hidden() {
                stderr::line("tokctl: ", line);
            } else {
                shown.set_draw_target(target);
                shown.enable_steady_tick(TICK);
            }
        };
        // Without a thread, nothing is shown.
        let thread = has_place.then(|| thread::Builder::new().spawn(wait).ok()).flatten();
        Self { bar, ended: Some(ended), thread, has_place }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        drop(self.ended.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if self.has_place {
            stderr::keep_nothing_below();
        }
        self.bar.finish_and_clear();
    }
}
