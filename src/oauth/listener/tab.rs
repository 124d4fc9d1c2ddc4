//! The browser's tab, which goes on loading until the caller knows how the login went.
//!
//! Meanwhile a thread tells everyone else that the login has had its answer.

use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::answer::Answer;
use super::connection::Connection;
use super::reception::Reception;

/// A tab that waits. Dropped, it shows that the login has failed.
///
/// A byte through the pipe says that the login is done; the pipe's end without one says that it
/// isn't.
pub(super) struct Tab {
    verdict: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Tab {
    /// Lets the tab wait that `connection` leads to, and keeps the `reception` open so long.
    pub(super) fn new(mut reception: Reception, connection: Connection) -> io::Result<Self> {
        let (mut verdict, writer) = io::pipe()?;
        let thread = thread::Builder::new().spawn(move || {
            while let Ok(false) = reception.sleep(None, Some(verdict.as_fd())) {
                // Even if nobody else can be served, the tab gets its page.
                if reception.serve().is_err() {
                    break;
                }
            }
            let answer = match verdict.read_exact(&mut [0]) {
                Ok(()) => Answer::LoggedIn,
                Err(_) => Answer::NotLoggedIn,
            };
            drop(reception);
            connection.answer_last(answer, Instant::now());
        })?;
        Ok(Self { verdict: Some(writer), thread: Some(thread) })
    }

    /// Shows that the login is done.
    pub(super) fn show_logged_in(mut self) {
        if let Some(verdict) = &mut self.verdict {
            // The thread reads until it has a verdict, so that writing one can't fail.
            let _ = verdict.write_all(&[1]);
        }
    }
}

impl Drop for Tab {
    /// Waits until the page is out: the process may end right after.
    fn drop(&mut self) {
        drop(self.verdict.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
