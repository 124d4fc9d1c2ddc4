//! A deadline for calls that have none of their own.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use super::entry::Patience;
use super::error::Error;

/// Does `work` on a thread of its own, which is left behind when patience ends: a keychain that
/// shows an unlock prompt waits for an answer as long as it takes.
pub(super) fn within<T: Send + 'static>(
    patience: &Patience,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = mpsc::channel();
    // Nobody listens any more once patience has ended.
    thread::spawn(move || drop(sender.send(work())));
    match receiver.recv_timeout(patience.limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(Error::NoAnswer(patience.limit)),
        Err(RecvTimeoutError::Disconnected) => Err(Error::Other("the call to it broke off".into())),
    }
}
