//! Leases: how another process tells whether a refresh request may still be on its way.
//!
//! The lock of a credential is free at once when its holder dies. But somebody may delete the files
//! of the locks, such as a tool that cleans or synchronises directories. A new file then says
//! nothing about the holder of the old one. So each journal names the lock under which its request
//! was sent, and the time by which that request is over, whatever became of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::boot_clock::Moment;

/// The length of the random name in the file of a lock, in bytes.
const NAME: usize = 16;

/// The time in which an answer is stored once it came: what a busy vault is waited for, and more.
const TIME_TO_STORE: Duration = Duration::from_secs(12);

/// The time within which a request is sent after its lease began. A machine that slept in between
/// may find another process at the same work.
const TIME_TO_SEND: Duration = Duration::from_secs(5);

/// The identity of a lock's file. A file that was made anew has another name, even if it got the
/// number of the old one; a copy has another number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockIdentity {
    name: String,
    device: u64,
    inode: u64,
}

impl LockIdentity {
    /// Reads the identity of an open `file`; `None` if it has no name yet.
    pub(super) fn read(file: &File) -> io::Result<Option<Self>> {
        let mut name = [0; NAME];
        match file.read_exact_at(&mut name, 0) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let metadata = file.metadata()?;
        let name = data_encoding::HEXLOWER.encode(&name);
        Ok(Some(Self { name, device: metadata.dev(), inode: metadata.ino() }))
    }

    /// Gives a name to `file`, whose lock this process holds and which has none yet.
    pub(super) fn give(file: &File) -> Result<Self, Error> {
        let io = |source| Error::io("lock", source);
        let mut name = [0; NAME];
        getrandom::fill(&mut name)?;
        file.write_all_at(&name, 0).map_err(io)?;
        Self::read(file).map_err(io)?.ok_or(Error::Inconsistent("a lock that keeps no name"))
    }
}

/// The right to send one request, and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    lock: LockIdentity,
    began: Moment,
    /// The time for the request and for storing its answer, in milliseconds.
    milliseconds: u64,
}

impl Lease {
    /// Begins a lease under `lock`, for a request with the time limit `bound`.
    pub(super) fn begin(lock: &LockIdentity, bound: Duration) -> Self {
        let length = bound.saturating_add(TIME_TO_STORE).as_millis();
        Self {
            lock: lock.clone(),
            began: Moment::now(),
            milliseconds: u64::try_from(length).unwrap_or(u64::MAX),
        }
    }

    /// Whether the request may still be sent at `now`.
    pub(super) fn may_send(&self, now: &Moment) -> bool {
        self.began.elapsed(now).is_some_and(|elapsed| elapsed < TIME_TO_SEND)
    }

    /// Whether the request may still be on its way at `now`, although the lock `free` of its
    /// credential is held by nobody else. `None` stands for a file that does not exist.
    pub(super) fn may_run_beside(&self, free: Option<&LockIdentity>, now: &Moment) -> bool {
        // With the same lock free, the process that sent the request has ended.
        let holder_died = free == Some(&self.lock);
        !holder_died && self.is_running(now)
    }

    /// Whether the time for the request and its answer has not passed at `now`. After another start
    /// of the system, or if it seems to begin later, it is over.
    pub(super) fn is_running(&self, now: &Moment) -> bool {
        let length = Duration::from_millis(self.milliseconds);
        self.began.elapsed(now).is_some_and(|elapsed| elapsed < length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private_file;

    fn lock(name: &str, inode: u64) -> LockIdentity {
        LockIdentity { name: name.to_owned(), device: 1, inode }
    }

    fn lease() -> Lease {
        let began = Moment::made_up("a", 100_000);
        Lease { lock: lock("x", 7), began, milliseconds: 30_000 }
    }

    #[test]
    fn where_the_lock_is_the_same_and_free_its_holder_has_ended() {
        let now = Moment::made_up("a", 100_001);
        assert!(!lease().may_run_beside(Some(&lock("x", 7)), &now));
        assert!(lease().may_run_beside(Some(&lock("y", 7)), &now), "the number was used again");
        assert!(lease().may_run_beside(Some(&lock("x", 8)), &now), "the file was copied");
        assert!(lease().may_run_beside(None, &now));
    }

    #[test]
    fn where_nobody_can_tell_the_request_runs_for_its_time() {
        for (boot, milliseconds, expected) in [
            ("a", 100_000, true),
            ("a", 129_999, true),
            ("a", 130_000, false),
            // It would begin in the future.
            ("a", 99_999, false),
            ("b", 100_001, false),
        ] {
            let now = Moment::made_up(boot, milliseconds);
            assert_eq!(lease().may_run_beside(None, &now), expected, "{now:?}");
        }
    }

    #[test]
    fn a_machine_that_slept_since_does_not_send() {
        assert!(lease().may_send(&Moment::made_up("a", 100_500)));
        assert!(!lease().may_send(&Moment::made_up("a", 106_000)));
        assert!(!lease().may_send(&Moment::made_up("a", 99_000)));
    }

    #[test]
    fn a_lock_keeps_its_name_and_a_new_file_gets_another() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x.lock");
        let file = private_file::open_or_create(&path).unwrap();
        assert_eq!(LockIdentity::read(&file).unwrap(), None);
        let first = LockIdentity::give(&file).unwrap();
        assert_eq!(LockIdentity::read(&file).unwrap().as_ref(), Some(&first));
        std::fs::remove_file(&path).unwrap();
        drop(file);
        let file = private_file::open_or_create(&path).unwrap();
        assert_ne!(LockIdentity::give(&file).unwrap().name, first.name);
    }
}
