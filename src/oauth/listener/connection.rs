//! One connection to the listener, from its first byte to its end.
//!
//! It never blocks while other connections wait; the caller advances it whenever something may have
//! happened. What the query of a callback means is not known here.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use socket2::SockRef;
use zeroize::Zeroizing;

use super::answer::Answer;
use super::neighbour::{self, Stranger};
use super::request::{self, RequestKind};
use super::stray::Stray;
use crate::oauth::redirect_uri::RedirectUri;

/// The time in which a connection has to send its request. Browsers open some on speculation and
/// never use them.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The time in which a browser has to close the connection after the answer. The side that closes
/// first keeps the port occupied for a minute (TIME-WAIT), and the next login on a fixed port would
/// find it taken.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);

/// The state of a connection after it was advanced.
pub(super) enum Step {
    /// The connection stays open.
    Open,
    /// The connection is closed.
    Closed,
    /// The connection brought a callback and waits for [`Connection::answer`].
    Callback {
        /// The query of the callback, which may hold a code.
        query: Zeroizing<String>,
    },
    /// The connection stays open, and brought what looks like an answer to a login.
    Stray(Stray),
}

/// A connection from a program on this machine, which may not be a browser.
pub(super) struct Connection {
    stream: TcpStream,
    /// The user at the other end, if that is neither this one nor root.
    stranger: Option<Stranger>,
    /// The time at which it last sent something.
    last_heard: Instant,
    phase: Phase,
}

enum Phase {
    /// The request is arriving; its first `filled` bytes are there.
    Reading { request: Zeroizing<Vec<u8>>, filled: usize, until: Instant },
    /// The answer is held back until a time.
    Delayed { answer: Answer, until: Instant },
    /// The answer is sent; anything that still arrives is thrown away.
    Answered { until: Instant },
}

impl Connection {
    /// Takes over a connection that was accepted at `now`.
    pub(super) fn new(stream: TcpStream, now: Instant) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stranger: neighbour::find(&stream),
            stream,
            last_heard: now,
            phase: Phase::Reading {
                request: Zeroizing::new(vec![0; request::MAX_REQUEST]),
                filled: 0,
                until: now + READ_TIMEOUT,
            },
        })
    }

    /// Returns the user at the other end, if that is neither this one nor root.
    pub(super) fn stranger(&self) -> Option<Stranger> {
        self.stranger
    }

    /// Returns the time at which it last sent something.
    pub(super) fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// Returns the time at which the connection has to be advanced even if nothing arrives.
    pub(super) fn advance_at(&self) -> Instant {
        match self.phase {
            Phase::Reading { until, .. }
            | Phase::Delayed { until, .. }
            | Phase::Answered { until } => until,
        }
    }

    /// Returns the stream to poll, or `None` while nothing that arrives makes a difference.
    pub(super) fn polled_stream(&self) -> Option<&TcpStream> {
        match self.phase {
            Phase::Reading { .. } | Phase::Answered { .. } => Some(&self.stream),
            Phase::Delayed { .. } => None,
        }
    }

    /// Advances the connection as far as possible at `now` without waiting.
    pub(super) fn advance(&mut self, now: Instant, redirect_uri: &RedirectUri) -> Step {
        let late = now >= self.advance_at();
        match &mut self.phase {
            Phase::Delayed { answer, .. } if late => {
                let answer = *answer;
                self.answer(answer, now);
                Step::Open
            }
            Phase::Delayed { .. } => Step::Open,
            Phase::Reading { .. } | Phase::Answered { .. } if late => Step::Closed,
            Phase::Reading { request, filled, .. } => {
                match self.stream.read(&mut request[*filled..]) {
                    Ok(0) => Step::Closed,
                    Ok(read) => {
                        *filled += read;
                        self.last_heard = now;
                        match request::classify(&request[..*filled], redirect_uri) {
                            RequestKind::Incomplete => Step::Open,
                            RequestKind::Callback { query } => {
                                Step::Callback { query: Zeroizing::new(query.to_owned()) }
                            }
                            RequestKind::Stray(answer, stray) => {
                                self.answer(answer, now);
                                stray.map_or(Step::Open, Step::Stray)
                            }
                        }
                    }
                    Err(error) => open_unless_broken(&error),
                }
            }
            Phase::Answered { .. } => match self.stream.read(&mut [0; 16 * 1024]) {
                Ok(0) => Step::Closed,
                Ok(_) => Step::Open,
                Err(error) => open_unless_broken(&error),
            },
        }
    }

    /// Sends the answer.
    pub(super) fn answer(&mut self, answer: Answer, now: Instant) {
        self.send(&answer.to_bytes(), now);
    }

    fn send(&mut self, response: &[u8], now: Instant) {
        // An answer is smaller than the smallest send buffer of a system, so it is sent whole
        // without blocking. If the browser is gone, nothing is lost.
        let _ = self.stream.write_all(response);
        self.phase = Phase::Answered { until: now + CLOSE_TIMEOUT };
    }

    /// Holds the answer back until `until`.
    pub(super) fn answer_at(&mut self, answer: Answer, until: Instant) {
        self.phase = Phase::Delayed { answer, until };
    }

    /// Sends a whole response and waits, for a moment at most, until the browser has read it.
    pub(super) fn answer_last(mut self, response: &[u8], now: Instant) {
        self.send(response, now);
        let until = now + CLOSE_TIMEOUT;
        if self.stream.set_nonblocking(false).is_err() {
            return;
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
                break;
            }
            match self.stream.read(&mut [0; 16 * 1024]) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

impl Drop for Connection {
    /// Resets a connection without an answer instead of closing it, so that nothing keeps the port
    /// occupied.
    fn drop(&mut self) {
        match self.phase {
            Phase::Reading { .. } | Phase::Delayed { .. } => {
                let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
            }
            Phase::Answered { .. } => {}
        }
    }
}

fn open_unless_broken(error: &io::Error) -> Step {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Step::Open,
        _ => Step::Closed,
    }
}
