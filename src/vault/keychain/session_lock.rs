//! One process after the other.
//!
//! GNOME Keyring (50.0 and before) ends itself when a client opens its session while others come
//! and go, and comes back locked: a crowd of scripts would lock a person's keychain. So those of
//! one login session take turns, by the kernel's lock on the directory that is theirs.

use std::fs::File;
use std::path::Path;

/// The right to talk to the keychain, until it is dropped.
pub(super) struct SessionLock(Option<File>);

impl SessionLock {
    /// Waits for it. Where the directory can't be locked, nobody waits.
    pub(super) fn take(directory: Option<&Path>) -> Self {
        let file = directory.and_then(|directory| File::open(directory).ok());
        Self(file.filter(|file| file.lock().is_ok()))
    }

    /// Lets others go on while a person is asked, which may take as long as it likes.
    pub(super) fn release(&mut self) {
        self.0 = None;
    }
}
