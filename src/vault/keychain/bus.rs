//! A connection to the session bus, on one blocking socket (D-Bus specification, "Authentication
//! Protocol" and "Message Bus").
//!
//! Sends calls and waits for what answers them, all under one deadline that the kernel keeps: no
//! thread, no runtime. What is sent waits until an answer is needed, so that calls that don't
//! build on one another share a round trip. What the calls mean is the caller's business.
//!
//! This is done by hand because the read of one entry is most of what `tokctl get` costs: the
//! asynchronous D-Bus libraries take twice as long for it.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};
use zeroize::Zeroizing;

use super::address;
use super::error::Error;
use super::message::{Call, FIXED_HEADER, Kind, Message, message_length};
use super::wire::{Decoder, Encoder};
use crate::untrusted::printable;

const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// The longest line that the bus may say before messages begin.
const LONGEST_LINE: usize = 512;

/// Tells the answer to one call from the answers to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Serial(u32);

/// A connection, from the greeting on.
pub(super) struct Bus {
    socket: Socket,
    deadline: Deadline,
    sent: u32,
    unsent: Zeroizing<Vec<u8>>,
    accepted: bool,
    waiting: Vec<Message>,
}

impl Bus {
    /// Connects to the session bus. Everything that is ever asked over this connection must be
    /// answered within `limit` from now.
    pub(super) fn connect(limit: Duration) -> Result<Self, Error> {
        let deadline = Deadline {
            limit,
            end: Instant::now() + limit,
        };
        let mut reason = Error::NoService("no address of a session bus is known".into());
        for path in address::session_bus() {
            match open(&path, &deadline) {
                Ok(socket) => return Ok(Self::greet(socket, deadline)),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    fn greet(socket: Socket, deadline: Deadline) -> Self {
        // The kernel tells the bus who connects; the user id in hex only names whom we mean to be.
        let user = rustix::process::geteuid().as_raw().to_string();
        let user = data_encoding::HEXLOWER.encode(user.as_bytes());
        let mut unsent = Zeroizing::new(Vec::with_capacity(4096));
        unsent.extend(format!("\0AUTH EXTERNAL {user}\r\nBEGIN\r\n").into_bytes());
        let mut bus = Self {
            socket,
            deadline,
            sent: 0,
            unsent,
            accepted: false,
            waiting: Vec::new(),
        };
        bus.send(&to_the_bus("Hello", "", Encoder::new()));
        bus
    }

    /// Queues a call; it leaves when an answer is waited for.
    pub(super) fn send(&mut self, call: &Call) -> Serial {
        self.sent += 1;
        self.unsent.extend_from_slice(&call.encode(self.sent));
        Serial(self.sent)
    }

    /// Waits for the answer to a call.
    pub(super) fn answer(&mut self, call: Serial) -> Result<Message, Error> {
        let message = self.receive(|kind| match kind {
            Kind::Return(serial) | Kind::Error(serial, _) => Serial(*serial) == call,
            Kind::Signal(..) | Kind::Other => false,
        })?;
        match &message.kind {
            Kind::Error(_, name) => Err(refusal(name, &message)),
            Kind::Return(_) | Kind::Signal(..) | Kind::Other => Ok(message),
        }
    }

    /// Makes a call and waits for its answer.
    pub(super) fn call(&mut self, call: &Call) -> Result<Message, Error> {
        let serial = self.send(call);
        self.answer(serial)
    }

    /// Asks the bus for the signals that `rule` describes; needed before what causes them.
    pub(super) fn subscribe(&mut self, rule: &str) {
        let mut arguments = Encoder::new();
        arguments.string(rule);
        self.send(&to_the_bus("AddMatch", "s", arguments));
    }

    /// Waits for the signal `name` of the object `path`.
    pub(super) fn signal(&mut self, path: &str, name: &str) -> Result<Message, Error> {
        self.receive(
            |kind| matches!(kind, Kind::Signal(from, what) if from == path && what == name),
        )
    }

    fn receive(&mut self, wanted: impl Fn(&Kind) -> bool) -> Result<Message, Error> {
        if let Some(found) = self
            .waiting
            .iter()
            .position(|message| wanted(&message.kind))
        {
            return Ok(self.waiting.swap_remove(found));
        }
        self.flush()?;
        if !self.accepted {
            self.wait_until_accepted()?;
            self.accepted = true;
        }
        loop {
            let message = self.next_message()?;
            if wanted(&message.kind) {
                return Ok(message);
            }
            self.waiting.push(message);
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let mut rest = self.unsent.as_slice();
        while !rest.is_empty() {
            self.deadline.apply_to(&self.socket)?;
            match self.socket.write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.deadline.failure(&error)),
            }
        }
        self.unsent = Zeroizing::new(Vec::with_capacity(4096));
        Ok(())
    }

    fn wait_until_accepted(&mut self) -> Result<(), Error> {
        let mut line = Vec::with_capacity(64);
        while !line.ends_with(b"\r\n") && line.len() < LONGEST_LINE {
            let mut byte = [0];
            self.fill(&mut byte)?;
            line.extend(byte);
        }
        if line.starts_with(b"OK ") {
            return Ok(());
        }
        Err(Error::NoService(
            "the session bus does not let this user in".into(),
        ))
    }

    fn next_message(&mut self) -> Result<Message, Error> {
        let mut header = [0; FIXED_HEADER];
        self.fill(&mut header)?;
        let length = message_length(&header).ok_or_else(unreadable)?;
        let mut bytes = Zeroizing::new(vec![0; length]);
        let (start, rest) = bytes.split_at_mut(FIXED_HEADER);
        start.copy_from_slice(&header);
        self.fill(rest)?;
        Message::decode(bytes).ok_or_else(unreadable)
    }

    fn fill(&mut self, mut buffer: &mut [u8]) -> Result<(), Error> {
        while !buffer.is_empty() {
            self.deadline.apply_to(&self.socket)?;
            match self.socket.read(buffer) {
                Ok(0) => return Err(Error::Other("the session bus closed the connection".into())),
                Ok(count) => buffer = &mut buffer[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.deadline.failure(&error)),
            }
        }
        Ok(())
    }
}

/// What is said of an answer that does not keep to the protocol.
pub(super) fn unreadable() -> Error {
    Error::Other("its answer can't be read".into())
}

fn to_the_bus<'a>(method: &'a str, signature: &'a str, arguments: Encoder) -> Call<'a> {
    Call {
        destination: BUS,
        path: BUS_PATH,
        interface: BUS,
        method,
        signature,
        arguments,
    }
}

fn open(path: &Path, deadline: &Deadline) -> Result<Socket, Error> {
    let refused = |error: io::Error| Error::NoService(format!("no session bus answers: {error}"));
    let address = SockAddr::unix(path).map_err(refused)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(refused)?;
    deadline.apply_to(&socket)?;
    match socket.connect(&address) {
        Ok(()) => Ok(socket),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(deadline.failure(&error)),
        Err(error) => Err(refused(error)),
    }
}

/// A call that was refused, told by the name of the refusal.
fn refusal(name: &str, message: &Message) -> Error {
    let words = message
        .arguments("s")
        .as_mut()
        .and_then(Decoder::string)
        .unwrap_or(name);
    let words = printable(words);
    match name {
        "org.freedesktop.DBus.Error.ServiceUnknown"
        | "org.freedesktop.DBus.Error.NameHasNoOwner" => Error::NoService(words),
        name if name.starts_with("org.freedesktop.DBus.Error.Spawn.") => Error::NoService(words),
        "org.freedesktop.Secret.Error.IsLocked" => Error::Locked,
        "org.freedesktop.Secret.Error.NoSuchObject" => Error::Missing,
        _ => Error::Other(words),
    }
}

/// When patience ends.
struct Deadline {
    limit: Duration,
    end: Instant,
}

impl Deadline {
    /// Lets the next operation on `socket` take the time that is left.
    fn apply_to(&self, socket: &Socket) -> Result<(), Error> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::NoAnswer(self.limit));
        }
        socket
            .set_read_timeout(Some(left))
            .and_then(|()| socket.set_write_timeout(Some(left)))
            .map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &io::Error) -> Error {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::NoAnswer(self.limit),
            _ => Error::Other(error.to_string()),
        }
    }
}
