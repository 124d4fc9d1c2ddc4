//! A lock that lets only one process of a login session talk to the keychain at a time.
//!
//! GNOME Keyring (50.0 and before) crashes when a client opens a session while others connect and
//! disconnect, and is locked when it comes back: many scripts at once would lock the user's
//! keychain. The lock is the kernel's lock on the directory of the login session.

use std::fs::File;
use std::path::Path;

/// The lock of the login session, held until it is dropped.
pub(super) struct SessionLock(Option<File>);

impl SessionLock {
    /// Waits for the lock. Without a directory, or if it can't be locked, this returns at once.
    pub(super) fn take(directory: Option<&Path>) -> Self {
        let file = directory.and_then(|directory| File::open(directory).ok());
        Self(file.filter(|file| file.lock().is_ok()))
    }

    /// Releases the lock early, before a prompt that a person may leave open for a long time.
    pub(super) fn release(&mut self) {
        self.0 = None;
    }
}
