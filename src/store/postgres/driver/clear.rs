//! A connection without TLS, over which no password goes as it is.
//!
//! On loopback, whoever listens at the port may be another user of this machine. With SCRAM (RFC
//! 5802) it learns nothing of the password. So this looks at the first messages of the server, and
//! breaks the connection before a request for the password itself, or for its MD5, is answered.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The type of a message by which the server asks for a proof.
const AUTHENTICATION: u8 = b'R';

/// The requests that are not answered: for the password (3), for a hash of it that can be reused
/// (5), and for others that tokctl does not know.
const CLEAR: u32 = 3;
const MD5: u32 = 5;

/// The longest beginning of a message that is looked at: its type, its length, and the request.
const HEAD: usize = 9;

/// The text of the error by which the connection breaks.
pub(super) const IN_CLEAR: &str = "the password was asked for in clear";

/// A stream whose server may not ask for a password in clear.
pub(super) struct ScramOnly<S> {
    stream: S,
    watched: Watched,
}

/// The state of a reader that looks at the server's messages as they pass.
#[derive(Default)]
struct Watched {
    head: Vec<u8>,
    /// The number of bytes of the present message that are still to come.
    skip: usize,
    /// Whether the login is over, and nothing is looked at any more.
    is_over: bool,
}

impl<S> ScramOnly<S> {
    pub(super) fn over(stream: S) -> Self {
        Self { stream, watched: Watched::default() }
    }
}

impl Watched {
    /// Looks at the next bytes. Fails if they ask for a password in clear.
    fn see(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !self.is_over && !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            let number = |at: usize| {
                let bytes = self.head.get(at..at + 4)?;
                bytes.try_into().ok().map(u32::from_be_bytes)
            };
            if self.head.len() == 5 && self.head[0] != AUTHENTICATION {
                // The login is over, or there will be none.
                self.is_over = true;
            } else if self.head.len() == HEAD {
                match number(5) {
                    Some(CLEAR | MD5) => return Err(io::Error::other(IN_CLEAR)),
                    Some(0) => self.is_over = true,
                    Some(_) | None => {}
                }
                let length = number(1).unwrap_or_default() as usize;
                self.skip = (length + 1).saturating_sub(HEAD);
                self.head.clear();
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ScramOnly<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if matches!(read, Poll::Ready(Ok(()))) {
            self.watched.see(&buffer.filled()[before..])?;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ScramOnly<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len() + 4).unwrap().to_be_bytes();
        [&[kind], length.as_slice(), content].concat()
    }

    fn request(code: u32, rest: &[u8]) -> Vec<u8> {
        message(AUTHENTICATION, &[code.to_be_bytes().as_slice(), rest].concat())
    }

    /// Whether `bytes` are let through, in whatever pieces they come.
    fn pass(bytes: &[u8]) -> bool {
        let outcomes: Vec<bool> = [1, 2, 7, bytes.len()]
            .into_iter()
            .map(|piece| {
                let mut watched = Watched::default();
                bytes.chunks(piece).all(|piece| watched.see(piece).is_ok())
            })
            .collect();
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
        outcomes[0]
    }

    #[test]
    fn only_proofs_that_tell_nothing_are_given() {
        let scram = [request(10, b"SCRAM-SHA-256\0\0"), request(11, b"r=x"), request(12, b"v=y")];
        assert!(pass(&[scram.concat(), request(0, b"")].concat()));
        assert!(pass(&request(0, b"")));
        assert!(!pass(&request(3, b"")));
        assert!(!pass(&request(5, b"salt")));
        assert!(!pass(&[request(10, b"SCRAM-SHA-256\0\0"), request(3, b"")].concat()));
        // What a row holds after the login is no request.
        let row = message(b'D', &request(3, b""));
        assert!(pass(&[request(0, b""), row.clone(), request(3, b"")].concat()));
        assert!(pass(&[message(b'E', b"SFATAL\0\0"), row].concat()));
    }
}
