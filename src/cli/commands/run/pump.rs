//! Passing a command's output on, masked.
//!
//! Behaves as if nothing stood between the command and who reads: what comes is passed on at once,
//! and when nobody reads any more, the command's next write fails.

use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::masker::{Masker, Secrets};

/// How long output is waited for after the command has ended, from what it left running.
const GRACE: Duration = Duration::from_secs(2);

/// As much as a pipe usually holds.
const PIECE: usize = 64 * 1024;

/// What may have been in the pipe when the time was over: no pipe of a user's holds more.
const LARGEST_PIPE: usize = 1024 * 1024;

/// One stream of the command's.
pub(super) struct Pump {
    from: PipeReader,
    to: OwnedFd,
    /// Its other end is closed when the command has ended.
    ended: PipeReader,
}

/// What was seen in a wait.
struct Seen {
    input: bool,
    /// Nobody reads any more.
    deaf: bool,
    /// The command has ended.
    ended: bool,
}

impl Pump {
    pub(super) fn new(from: PipeReader, to: impl AsFd, ended: &PipeReader) -> io::Result<Self> {
        Ok(Self { from, to: to.as_fd().try_clone_to_owned()?, ended: ended.try_clone()? })
    }

    /// Passes on all that comes, until the stream or the command ends. Fails if it can't be written,
    /// but not because nobody reads it.
    pub(super) fn run(mut self, secrets: &Secrets) -> io::Result<()> {
        match self.pass_on(&mut Masker::new(secrets)) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    fn pass_on(&mut self, masker: &mut Masker<'_>) -> io::Result<()> {
        let mut piece = Zeroizing::new(vec![0; PIECE]);
        let mut out = Vec::with_capacity(PIECE);
        // From the command's end on: until when output is waited for, and how much is taken then.
        let mut until: Option<Instant> = None;
        let mut left = LARGEST_PIPE;
        loop {
            let next = [masker.deadline(), until].into_iter().flatten().min();
            let seen = self.wait(next, until.is_none())?;
            if seen.deaf {
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

    /// Waits for input until `deadline`, or for good; and for word that the command has ended, if
    /// that is not known yet.
    fn wait(&self, deadline: Option<Instant>, for_end: bool) -> io::Result<Seen> {
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
            Ok(_) => Ok(Seen {
                input: !polled[0].revents().is_empty(),
                deaf: polled[1].revents().intersects(PollFlags::ERR),
                ended: polled.get(2).is_some_and(|ended| ended.revents().intersects(failing)),
            }),
            Err(Errno::INTR) => Ok(Seen { input: false, deaf: false, ended: false }),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.to, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR) => {}
                // Somebody who shares it made it return at once.
                Err(Errno::AGAIN) => {
                    let _ = poll(&mut [PollFd::new(&self.to, PollFlags::OUT)], None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Where a stream of tokctl's own leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leads {
    /// To another program.
    Elsewhere,
    ToAFile,
    /// To a terminal, or to nobody.
    ToADevice,
}

/// Says where `stream` leads.
pub(super) fn leads(stream: impl AsFd) -> Leads {
    use rustix::fs::FileType;
    let Ok(stat) = rustix::fs::fstat(stream) else { return Leads::ToADevice };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Fifo | FileType::Socket => Leads::Elsewhere,
        FileType::RegularFile => Leads::ToAFile,
        _ => Leads::ToADevice,
    }
}

/// Whether two streams lead to the same place.
pub(super) fn are_one(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    match (rustix::fs::fstat(one), rustix::fs::fstat(other)) {
        (Ok(one), Ok(other)) => (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino),
        _ => false,
    }
}
