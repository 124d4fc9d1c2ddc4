//! One connection, from its first byte to its end.
//!
//! Never blocks while others wait: it is asked to go on whenever something may have happened.
//! What a callback's query means is not known here.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use socket2::SockRef;
use zeroize::Zeroizing;

use super::answer::Answer;
use super::request::{self, Judgement};
use crate::oauth::redirect_uri::RedirectUri;

/// How long a connection may take to say what it wants. Browsers open some on speculation and
/// never use them.
const LONGEST_READING: Duration = Duration::from_secs(10);

/// How long a browser gets to close a connection after the answer. Whoever closes first keeps
/// the port occupied for a minute (TIME-WAIT), and since the port is not taken over by force,
/// the next login on a fixed port would find it taken.
const LONGEST_PARTING: Duration = Duration::from_millis(300);

/// What became of a connection.
pub(super) enum Step {
    /// It goes on.
    Open,
    /// It is over.
    Over,
    /// It brought a callback and waits for [`Connection::answer`].
    Callback {
        /// The callback's query, in which there may be a code.
        query: Zeroizing<String>,
    },
}

/// A connection from something on this machine, which needn't be a browser.
pub(super) struct Connection {
    stream: TcpStream,
    /// When it last had something to say.
    heard: Instant,
    phase: Phase,
}

enum Phase {
    /// The head is arriving: its first `filled` bytes are there.
    Reading { head: Zeroizing<Vec<u8>>, filled: usize, until: Instant },
    /// The answer is held back.
    Delayed { answer: Answer, until: Instant },
    /// The answer is out; what still arrives is thrown away.
    Answered { until: Instant },
}

impl Connection {
    /// Takes over a connection that was accepted at `now`.
    pub(super) fn new(stream: TcpStream, now: Instant) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            heard: now,
            phase: Phase::Reading {
                head: Zeroizing::new(vec![0; request::LONGEST_HEAD]),
                filled: 0,
                until: now + LONGEST_READING,
            },
        })
    }

    /// When it last had something to say.
    pub(super) fn heard(&self) -> Instant {
        self.heard
    }

    /// When it has to go on even though nothing arrives.
    pub(super) fn until(&self) -> Instant {
        match self.phase {
            Phase::Reading { until, .. }
            | Phase::Delayed { until, .. }
            | Phase::Answered { until } => until,
        }
    }

    /// The stream, if something that arrives on it makes a difference.
    pub(super) fn awaited(&self) -> Option<&TcpStream> {
        match self.phase {
            Phase::Reading { .. } | Phase::Answered { .. } => Some(&self.stream),
            Phase::Delayed { .. } => None,
        }
    }

    /// Goes on as far as it can at `now`.
    pub(super) fn go_on(&mut self, now: Instant, redirect_uri: &RedirectUri) -> Step {
        let late = now >= self.until();
        match &mut self.phase {
            Phase::Delayed { answer, .. } if late => {
                let answer = *answer;
                self.answer(answer, now);
                Step::Open
            }
            Phase::Delayed { .. } => Step::Open,
            Phase::Reading { .. } | Phase::Answered { .. } if late => Step::Over,
            Phase::Reading { head, filled, .. } => match self.stream.read(&mut head[*filled..]) {
                Ok(0) => Step::Over,
                Ok(read) => {
                    *filled += read;
                    self.heard = now;
                    match request::judge(&head[..*filled], redirect_uri) {
                        Judgement::Incomplete => Step::Open,
                        Judgement::Callback { query } => {
                            Step::Callback { query: Zeroizing::new(query.to_owned()) }
                        }
                        Judgement::Stray(answer) => {
                            self.answer(answer, now);
                            Step::Open
                        }
                    }
                }
                Err(error) => open_unless_broken(&error),
            },
            Phase::Answered { .. } => match self.stream.read(&mut [0; 16 * 1024]) {
                Ok(0) => Step::Over,
                Ok(_) => Step::Open,
                Err(error) => open_unless_broken(&error),
            },
        }
    }

    /// Sends the answer.
    pub(super) fn answer(&mut self, answer: Answer, now: Instant) {
        // An answer is smaller than the smallest buffer that the system sends from, so it goes
        // out whole without blocking; and if nobody is there to read it, nothing is lost.
        let _ = self.stream.write_all(&answer.to_bytes());
        self.phase = Phase::Answered { until: now + LONGEST_PARTING };
    }

    /// Sends the answer at `until`.
    pub(super) fn answer_at(&mut self, answer: Answer, until: Instant) {
        self.phase = Phase::Delayed { answer, until };
    }

    /// Sends the answer and waits, for a moment at most, until the browser has taken it.
    pub(super) fn answer_last(mut self, answer: Answer, now: Instant) {
        self.answer(answer, now);
        let until = now + LONGEST_PARTING;
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
    /// A connection that gets no answer is reset rather than closed, which leaves nothing behind
    /// that would occupy the port.
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
        _ => Step::Over,
    }
}
