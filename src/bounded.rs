//! A time limit for calls that have none.
//!
//! A system call on the disk of a dead file server never returns, and a keychain that shows a
//! prompt waits until a person answers. A pipe may never bring what it is read for.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

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

/// A pipe or device, each read of which waits for data, until a deadline if there is one.
pub(crate) struct UntilDeadline<F> {
    file: F,
    deadline: Option<Instant>,
}

impl<F: Read + AsFd> UntilDeadline<F> {
    pub(crate) fn new(file: F, deadline: Option<Instant>) -> Self {
        Self { file, deadline }
    }
}

impl<F: Read + AsFd> Read for UntilDeadline<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.deadline.map(|end| end.saturating_duration_since(Instant::now()));
            let left = left.map(Timespec::try_from).transpose();
            let left = left.map_err(|_| io::ErrorKind::InvalidInput)?;
            let mut polled = [PollFd::new(&self.file, PollFlags::IN)];
            if poll(&mut polled, left.as_ref())? == 0 {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "it took too long"));
            }
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
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
    fn a_pipe_is_read_until_its_deadline() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut read = UntilDeadline::new(reader, Some(Instant::now() + Duration::from_millis(50)));
        io::Write::write_all(&mut writer, b"x").unwrap();
        let mut text = [0; 8];
        assert_eq!(read.read(&mut text).unwrap(), 1);
        assert_eq!(read.read(&mut text).unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(writer);
        assert_eq!(read.read(&mut text).unwrap(), 0);
    }

    #[test]
    fn work_that_breaks_off_is_told_from_work_that_takes_long() {
        let broken =
            within(Duration::from_secs(10), || -> u8 { std::panic::resume_unwind(Box::new(())) });
        assert_eq!(broken, Err(Unfinished::BrokeOff));
    }
}
