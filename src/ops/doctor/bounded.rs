//! A deadline for looks that have none of their own: a dead server's disk answers no call.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Looks on a thread of its own, which is left behind when `limit` has passed: then there is
/// nothing to tell. A look that broke off has told nothing either.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    look: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || drop(sender.send(look())));
    receiver.recv_timeout(limit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_takes_too_long_is_given_up() {
        assert_eq!(within(Duration::from_secs(10), || 7), Some(7));
        let (_kept, never) = mpsc::channel::<()>();
        assert_eq!(within(Duration::from_millis(10), move || never.recv().is_ok()), None);
    }
}
