//! The open port and everyone who comes to it: one loop, in which each connection goes as far as
//! it can without waiting.
//!
//! Decides which request ends the wait. Who waits, and what for, is not known here.

use std::io;
use std::net::TcpListener;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::answer::Answer;
use super::connection::{Connection, Step};
use crate::oauth::authorization_response::{self, AuthorizationResponse, Expected, Rejected};
use crate::oauth::redirect_uri::RedirectUri;

/// How many connections are kept at once; to make room, the one that has been silent for
/// longest goes. A browser needs two or three.
pub(super) const MOST_CONNECTIONS: usize = 32;

/// How long the answer to a response that isn't this login's is held back. It slows down whoever
/// guesses states, without a count of guesses that any page could use up.
const GUESS_DELAY: Duration = Duration::from_secs(1);

/// The open port and everyone who has come to it.
pub(super) struct Reception {
    redirect_uri: RedirectUri,
    sockets: Vec<TcpListener>,
    connections: Vec<Connection>,
    /// What is waited for; nothing any more once it has come, since a state counts once.
    expected: Option<Expected>,
}

/// The end of the wait.
pub(super) struct Ended {
    /// The connection that brought it and has no answer yet.
    pub connection: Connection,
    /// The response, or why the login must not go on with it.
    pub outcome: Result<AuthorizationResponse, Rejected>,
}

impl Reception {
    /// Receives everyone who comes to `sockets`, of which none may block.
    pub(super) fn new(
        redirect_uri: RedirectUri,
        sockets: Vec<TcpListener>,
        expected: Expected,
    ) -> Self {
        Self { redirect_uri, sockets, connections: Vec::new(), expected: Some(expected) }
    }

    /// Sleeps until something happens or `deadline` comes; tells whether `beside` was it.
    pub(super) fn sleep(
        &self,
        deadline: Option<Instant>,
        beside: Option<BorrowedFd<'_>>,
    ) -> io::Result<bool> {
        let timeout = self
            .connections
            .iter()
            .map(Connection::until)
            .chain(deadline)
            .min()
            .map(|until| until.saturating_duration_since(Instant::now()))
            .and_then(|left| Timespec::try_from(left).ok());
        let sockets = self.sockets.iter();
        let streams = self.connections.iter().filter_map(Connection::awaited);
        let mut awaited: Vec<_> = beside
            .map(|beside| PollFd::from_borrowed_fd(beside, PollFlags::IN))
            .into_iter()
            .chain(sockets.map(|socket| PollFd::new(socket, PollFlags::IN)))
            .chain(streams.map(|stream| PollFd::new(stream, PollFlags::IN)))
            .collect();
        match poll(&mut awaited, timeout.as_ref()) {
            Ok(_) => Ok(beside.is_some() && !awaited[0].revents().is_empty()),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets every connection go on as far as it can, and the next new one come in.
    pub(super) fn serve(&mut self) -> io::Result<Option<Ended>> {
        let now = Instant::now();
        let mut ended = None;
        for connection in std::mem::take(&mut self.connections) {
            ended = self.advance(connection, now).or(ended);
        }
        // One at a time, so that nobody has to make room who has just said something. What the
        // new one has already said is heard at once, for the same reason.
        if ended.is_none()
            && let Some(connection) = self.accept(now)?
        {
            self.make_room();
            ended = self.advance(connection, now);
        }
        Ok(ended)
    }

    /// The next connection that waits on any of the sockets, each of which is asked first in its
    /// turn.
    fn accept(&mut self, now: Instant) -> io::Result<Option<Connection>> {
        self.sockets.rotate_left(1);
        for socket in &self.sockets {
            match socket.accept() {
                Ok((stream, _)) => return Ok(Connection::new(stream, now).ok()),
                Err(error) => match error.kind() {
                    // Whoever came has gone again: the next turn sees who is next.
                    io::ErrorKind::WouldBlock
                    | io::ErrorKind::Interrupted
                    | io::ErrorKind::ConnectionAborted => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(None)
    }

    fn make_room(&mut self) {
        while self.connections.len() >= MOST_CONNECTIONS {
            let silent = (0..self.connections.len())
                .min_by_key(|&index| self.connections[index].heard())
                .unwrap_or_default();
            self.connections.remove(silent);
        }
    }

    /// Lets one connection go on, and keeps it unless it is over or ends the wait.
    fn advance(&mut self, mut connection: Connection, now: Instant) -> Option<Ended> {
        match connection.go_on(now, &self.redirect_uri) {
            Step::Over => return None,
            Step::Open => {}
            Step::Callback { query } => match self.expected.take() {
                None => connection.answer(Answer::AlreadyAnswered, now),
                Some(expected) => match authorization_response::parse(&query, &expected) {
                    Err(rejected) if !rejected.is_mix_up() => {
                        self.expected = Some(expected);
                        connection.answer_at(Answer::NotThisLogin, now + GUESS_DELAY);
                    }
                    outcome => {
                        return Some(Ended { connection, outcome });
                    }
                },
            },
        }
        self.connections.push(connection);
        None
    }
}
