//! A pump that passes the command's output on, masked.
//!
//! It behaves as a direct connection would: bytes are passed on at once, and when the reader has
//! gone away, the command's next write fails.

use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::masker::Masker;
use super::secrets::Secrets;

/// The time to wait, after the command has ended, for output of processes that it left running.
const GRACE: Duration = Duration::from_secs(2);

/// The usual capacity of a pipe, in bytes.
const PIECE: usize = 64 * 1024;

/// The largest capacity that a user's pipe can have, in bytes: so much may remain after the wait.
const LARGEST_PIPE: usize = 1024 * 1024;

/// One output stream of the command.
pub(super) struct Pump {
    from: PipeReader,
    to: OwnedFd,
    /// The end of a pipe that closes when the command has ended.
    ended: PipeReader,
}

/// The events of one wait.
struct WaitEvents {
    input: bool,
    /// The reader has gone away.
    reader_gone: bool,
    /// The command has ended.
    ended: bool,
}

impl Pump {
    pub(super) fn new(from: PipeReader, to: impl AsFd, ended: &PipeReader) -> io::Result<Self> {
        Ok(Self { from, to: to.as_fd().try_clone_to_owned()?, ended: ended.try_clone()? })
    }

    /// Passes bytes on until the stream or the command ends. A possible beginning of a secret is
    /// held back for `patience` at most.
    ///
    /// Fails if they can't be written, except that a reader may go away.
    pub(super) fn run(mut self, secrets: &Secrets, patience: Duration) -> io::Result<()> {
        match self.pass_on(&mut Masker::new(secrets, patience)) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    fn pass_on(&mut self, masker: &mut Masker<'_>) -> io::Result<()> {
        let mut piece = Zeroizing::new(vec![0; PIECE]);
        let mut out = Vec::with_capacity(PIECE);
        // After the command's end: the deadline for more output, and the bytes still to take.
        let mut until: Option<Instant> = None;
        let mut left = LARGEST_PIPE;
        loop {
            let next = [masker.deadline(), until].into_iter().flatten().min();
            let seen = self.wait(next, until.is_none())?;
            if seen.reader_gone {
                return Ok(());
            }
            let now = Instant::now();
            if seen.ended && until.is_none() {
                until = Some(now + GRACE);
            }
            let is_over = until.is_some_and(|until| until <= now);
            if masker.deadline().is_some_and(|deadline| deadline <= now) {
                masker.flush(&mut out);
            }
            let count = if seen.input && left > 0 { self.from.read(&mut piece)? } else { 0 };
            masker.push(&piece[..count], now, &mut out);
            let is_last = (seen.input || is_over) && count == 0;
            if is_over {
                left = left.saturating_sub(count);
            }
            if is_last {
                masker.flush(&mut out);
            }
            self.write(&out)?;
            out.clear();
            if is_last {
                return Ok(());
            }
        }
    }

    /// Waits for input until `deadline`, or without limit if there is none. With `for_end`, also
    /// waits for the command's end.
    fn wait(&self, deadline: Option<Instant>, for_end: bool) -> io::Result<WaitEvents> {
        let failing = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        let mut polled =
            vec![PollFd::new(&self.from, PollFlags::IN), PollFd::new(&self.to, PollFlags::empty())];
        if for_end {
            polled.push(PollFd::new(&self.ended, PollFlags::IN));
        }
        let timeout = deadline
            .map(|deadline| Timespec::try_from(deadline.saturating_duration_since(Instant::now())))
            .transpose()
            .map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) => Ok(WaitEvents {
                input: !polled[0].revents().is_empty(),
                reader_gone: polled[1].revents().intersects(PollFlags::ERR),
                ended: polled.get(2).is_some_and(|ended| ended.revents().intersects(failing)),
            }),
            Err(Errno::INTR) => Ok(WaitEvents { input: false, reader_gone: false, ended: false }),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.to, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR) => {}
                // Another process that shares the pipe made it non-blocking.
                Err(Errno::AGAIN) => {
                    let _ = poll(&mut [PollFd::new(&self.to, PollFlags::OUT)], None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The kind of file that a stream leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamTarget {
    /// A pipe or socket, which another program reads.
    Program,
    /// A file that was opened to append, as logs are.
    Log,
    /// Any other file.
    File,
    /// A terminal or the null device.
    Device,
}

/// Returns what `stream` leads to.
pub(super) fn target_of(stream: impl AsFd) -> StreamTarget {
    use rustix::fs::{FileType, OFlags, fcntl_getfl};
    let Ok(stat) = rustix::fs::fstat(&stream) else { return StreamTarget::Device };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Fifo | FileType::Socket => StreamTarget::Program,
        FileType::RegularFile => match fcntl_getfl(&stream) {
            Ok(flags) if flags.contains(OFlags::APPEND) => StreamTarget::Log,
            _ => StreamTarget::File,
        },
        _ => StreamTarget::Device,
    }
}

/// Returns whether two streams lead to the same file.
pub(super) fn are_one(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    match (rustix::fs::fstat(one), rustix::fs::fstat(other)) {
        (Ok(one), Ok(other)) => (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino),
        _ => false,
    }
}
