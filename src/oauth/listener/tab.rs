//! The browser's tab, which goes on loading until the caller knows how the login ended.
//!
//! Meanwhile a thread tells all other connections that the login has had its answer.

use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::answer::Answer;
use super::connection::Connection;
use super::server::Server;

/// A browser tab that waits for its page. When it is dropped, the page says that the login failed.
///
/// The name of who logged in comes through the pipe. The end of the pipe without one means that the
/// login failed.
pub(super) struct Tab {
    verdict: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Tab {
    /// Keeps the tab at the other end of `connection` waiting, and the `server` running as long.
    pub(super) fn new(mut server: Server, connection: Connection) -> io::Result<Self> {
        let (mut verdict, writer) = io::pipe()?;
        let thread = thread::Builder::new().spawn(move || {
            while let Ok(false) = server.sleep(None, Some(verdict.as_fd())) {
                // Even if no other connection can be served, the tab gets its page.
                if server.serve().is_err() {
                    break;
                }
            }
            let mut who = String::new();
            let answer = match verdict.read_to_string(&mut who) {
                Ok(1..) => Answer::logged_in_as(&who),
                Ok(0) | Err(_) => Answer::NotLoggedIn.to_bytes(),
            };
            drop(server);
            connection.answer_last(&answer, Instant::now());
        })?;
        Ok(Self { verdict: Some(writer), thread: Some(thread) })
    }

    /// Shows in the tab that the login is done, and `who` logged in.
    pub(super) fn show_logged_in(mut self, who: &str) {
        if let Some(verdict) = &mut self.verdict {
            // The thread reads until it has a verdict, so that writing one can't fail.
            let _ = verdict.write_all(who.as_bytes());
        }
    }
}

impl Drop for Tab {
    /// Waits until the page is sent: the process may end right after.
    fn drop(&mut self) {
        drop(self.verdict.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
