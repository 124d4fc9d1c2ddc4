//! A time limit for calls that have none.
//!
//! A system call on the disk of a dead file server never returns, and a keychain that shows a
//! prompt waits until a person answers.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// The reason why bounded work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// The limit passed.
    TimedOut,
    /// The work panicked.
    BrokeOff,
}

/// Runs `work` on a thread of its own and returns its result; after `limit` the thread is left
/// behind and this fails.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    let (sender, receiver) = mpsc::channel();
    // Sending fails once the limit has passed, because the receiver is gone.
    thread::spawn(move || drop(sender.send(work())));
    receiver.recv_timeout(limit).map_err(|error| match error {
        RecvTimeoutError::Timeout => Unfinished::TimedOut,
        RecvTimeoutError::Disconnected => Unfinished::BrokeOff,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_takes_too_long_is_given_up() {
        assert_eq!(within(Duration::from_secs(10), || 7), Ok(7));
        let (_kept, never) = mpsc::channel::<()>();
        let waiting = within(Duration::from_millis(10), move || never.recv().is_ok());
        assert_eq!(waiting, Err(Unfinished::TimedOut));
    }

    #[test]
    fn work_that_breaks_off_is_told_from_work_that_takes_long() {
        let broken =
            within(Duration::from_secs(10), || -> u8 { std::panic::resume_unwind(Box::new(())) });
        assert_eq!(broken, Err(Unfinished::BrokeOff));
    }
}
