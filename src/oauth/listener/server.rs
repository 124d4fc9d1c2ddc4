//! The open port and all connections to it: one loop, in which each connection advances as far as
//! it can without waiting.
//!
//! Decides which request ends the wait. Does not know who waits, and what for.

use std::io;
use std::net::TcpListener;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::answer::Answer;
use super::connection::{Connection, Step};
use super::neighbour::Stranger;
use super::stray::Stray;
use crate::oauth::authorization_response::{
    self, AuthorizationResponse, ExpectedResponse, Rejection,
};
use crate::oauth::redirect_uri::RedirectUri;

/// The most connections that are kept at once. To make room, the one that has been silent for
/// longest is closed. A browser needs two or three.
pub(super) const MAX_CONNECTIONS: usize = 32;

/// The delay of the answer to a response with a wrong state. It slows down a program that guesses
/// states, without a count of guesses that any page could use up.
const GUESS_DELAY: Duration = Duration::from_secs(1);

/// The open port and all connections to it.
pub(super) struct Server {
    redirect_uri: RedirectUri,
    sockets: Vec<TcpListener>,
    connections: Vec<Connection>,
    /// The response that is waited for; `None` once it has come, since a state counts once.
    expected: Option<ExpectedResponse>,
    /// The kinds of what came and was not the answer, each once.
    seen: Vec<Unwanted>,
    /// The number of those of `seen` that were told.
    told: usize,
}

/// A request that was not the answer, though it looks like one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unwanted {
    /// A request of another user's program, which was not looked at.
    Stranger(Stranger),
    /// A request that is not the answer to this login.
    Stray(Stray),
}

/// The request that ends the wait.
pub(super) struct Finish {
    /// The connection that brought the response and has no answer yet.
    pub connection: Connection,
    /// The response, or the reason why the login must not go on.
    pub outcome: Result<AuthorizationResponse, Rejection>,
}

impl Server {
    /// Serves all connections to `sockets`, which must not block.
    pub(super) fn new(
        redirect_uri: RedirectUri,
        sockets: Vec<TcpListener>,
        expected: ExpectedResponse,
    ) -> Self {
        Self {
            redirect_uri,
            sockets,
            connections: Vec::new(),
            expected: Some(expected),
            seen: Vec::new(),
            told: 0,
        }
    }

    /// Sleeps until something happens or `deadline` comes; returns whether `other` became readable.
    pub(super) fn sleep(
        &self,
        deadline: Option<Instant>,
        other: Option<BorrowedFd<'_>>,
    ) -> io::Result<bool> {
        let timeout = self
            .connections
            .iter()
            .map(Connection::advance_at)
            .chain(deadline)
            .min()
            .map(|until| until.saturating_duration_since(Instant::now()))
            .and_then(|left| Timespec::try_from(left).ok());
        let sockets = self.sockets.iter();
        let streams = self.connections.iter().filter_map(Connection::polled_stream);
        let mut polled: Vec<_> = other
            .map(|other| PollFd::from_borrowed_fd(other, PollFlags::IN))
            .into_iter()
            .chain(sockets.map(|socket| PollFd::new(socket, PollFlags::IN)))
            .chain(streams.map(|stream| PollFd::new(stream, PollFlags::IN)))
            .collect();
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) => Ok(other.is_some() && !polled[0].revents().is_empty()),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the next kind of what came and was not told yet.
    pub(super) fn next_untold(&mut self) -> Option<Unwanted> {
        let next = self.seen.get(self.told).copied();
        self.told += usize::from(next.is_some());
        next
    }

    /// Whether anything came that looks like an answer of a browser.
    pub(super) fn has_seen_stray(&self) -> bool {
        self.seen.iter().any(|seen| matches!(seen, Unwanted::Stray(_)))
    }

    /// Notes what came, unless its kind came before or the answer has come.
    fn note(&mut self, unwanted: Unwanted) {
        let is_known = self.seen.iter().any(|seen| match (seen, unwanted) {
            (Unwanted::Stranger(_), Unwanted::Stranger(_)) => true,
            (Unwanted::Stray(seen), Unwanted::Stray(other)) => seen.is_like(other),
            (Unwanted::Stranger(_), Unwanted::Stray(_))
            | (Unwanted::Stray(_), Unwanted::Stranger(_)) => false,
        });
        if !is_known && self.expected.is_some() {
            self.seen.push(unwanted);
        }
    }

    /// Advances every connection as far as possible, and accepts the next new one.
    pub(super) fn serve(&mut self) -> io::Result<Option<Finish>> {
        let now = Instant::now();
        let mut finish = None;
        for connection in std::mem::take(&mut self.connections) {
            finish = self.advance(connection, now).or(finish);
        }
        // Only one connection is accepted at a time, and its request is read at once. So a
        // connection that has just sent something is never the one that has to make room.
        if finish.is_none()
            && let Some(connection) = self.accept(now)?
        {
            self.make_room();
            finish = self.advance(connection, now);
        }
        Ok(finish)
    }

    /// Returns the next connection that waits on any of the sockets, which take turns at being
    /// first.
    fn accept(&mut self, now: Instant) -> io::Result<Option<Connection>> {
        self.sockets.rotate_left(1);
        for socket in &self.sockets {
            match socket.accept() {
                Ok((stream, _)) => return Ok(Connection::new(stream, now).ok()),
                Err(error) => match error.kind() {
                    // The connection is gone again: the next call finds the one after it.
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
        while self.connections.len() >= MAX_CONNECTIONS {
            let silent = (0..self.connections.len())
                .min_by_key(|&index| self.connections[index].last_heard())
                .unwrap_or_default();
            self.connections.remove(silent);
        }
    }

    /// Advances one connection, and keeps it unless it is closed or ends the wait.
    fn advance(&mut self, mut connection: Connection, now: Instant) -> Option<Finish> {
        match connection.advance(now, &self.redirect_uri) {
            Step::Closed => return None,
            Step::Open => {}
            Step::Stray(stray) => self.note(match connection.stranger() {
                Some(stranger) => Unwanted::Stranger(stranger),
                None => Unwanted::Stray(stray),
            }),
            Step::Callback { query } => match (connection.stranger(), self.expected.take()) {
                // Before the state is looked at, so that a stranger learns nothing about it.
                (Some(stranger), expected) => {
                    self.expected = expected;
                    self.note(Unwanted::Stranger(stranger));
                    connection.answer(Answer::NotThisLogin, now);
                }
                (None, None) => connection.answer(Answer::AlreadyAnswered, now),
                (None, Some(expected)) => match authorization_response::parse(&query, &expected) {
                    Err(rejected) if !rejected.is_mix_up() => {
                        self.expected = Some(expected);
                        let stray = Stray::of(&rejected, &query);
                        if let Some(stray) = stray {
                            self.note(Unwanted::Stray(stray));
                        }
                        let answer = match stray {
                            Some(Stray::Nothing) => Answer::NothingSent,
                            Some(_) | None => Answer::NotThisLogin,
                        };
                        connection.answer_at(answer, now + GUESS_DELAY);
                    }
                    outcome => {
                        return Some(Finish { connection, outcome });
                    }
                },
            },
        }
        self.connections.push(connection);
        None
    }
}
