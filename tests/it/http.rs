//! HTTP/1.1 on bare sockets, as far as a fake server and a scripted browser need it.
//!
//! One exchange for each connection, bodies with a length or up to the end: nothing here guesses,
//! so that a malformed request is seen as what it is.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;

/// The most header lines that either side may send.
const MOST_HEADERS: usize = 64;

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, as sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads one request. `None` where the other side left without sending one.
    pub(crate) fn read(stream: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut received = Vec::new();
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut head = httparse::Request::new(&mut headers);
            match head.parse(&received).map_err(io::Error::other)? {
                httparse::Status::Complete(length) => {
                    let mut request = Self {
                        method: head.method.unwrap_or_default().to_owned(),
                        target: head.path.unwrap_or_default().to_owned(),
                        headers: owned(head.headers),
                        body: received.split_off(length),
                    };
                    request.read_body(stream)?;
                    return Ok(Some(request));
                }
                httparse::Status::Partial => {
                    if read_some(stream, &mut received)? == 0 {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// The path, without the query.
    pub(crate) fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query, as sent.
    pub(crate) fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The value of a header; of several, the first.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    fn read_body(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let length: usize = match self.header("content-length") {
            Some(length) => length.parse().map_err(io::Error::other)?,
            None => 0,
        };
        while self.body.len() < length {
            if read_some(stream, &mut self.body)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

/// A response, to be sent or as it came.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// A response of one content type.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }

    /// A JSON response, not to be cached, as RFC 6749 §5.1 has it for tokens.
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string()).with("Cache-Control", "no-store")
    }

    /// A redirection.
    pub(crate) fn redirect(location: &str) -> Self {
        Self::new(302, "text/plain", "").with("Location", location)
    }

    /// The same with one header more.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a header; of several, the first.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Sends the response and ends the connection's sending half.
    pub(crate) fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} -\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "Content-Length: {}\r\n\r\n", self.body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(&self.body)?;
        stream.flush()
    }

    /// Reads a response: as much as it says that it is long, else to the end of the connection.
    pub(crate) fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let mut received = Vec::new();
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut head = httparse::Response::new(&mut headers);
            if let httparse::Status::Complete(length) =
                head.parse(&received).map_err(io::Error::other)?
            {
                let mut response = Self {
                    status: head.code.unwrap_or_default(),
                    headers: owned(head.headers),
                    body: received.split_off(length),
                };
                response.read_body(stream)?;
                return Ok(response);
            }
            if read_some(stream, &mut received)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn read_body(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let length = match self.header("content-length") {
            Some(length) => length.parse().map_err(io::Error::other)?,
            None => usize::MAX,
        };
        while self.body.len() < length && read_some(stream, &mut self.body)? > 0 {}
        Ok(())
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_owned(), value)
        })
        .collect()
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// Reads what is there, at most 4 KiB; 0 at the end.
fn read_some(stream: &mut TcpStream, into: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0; 4096];
    let count = loop {
        match stream.read(&mut chunk) {
            // A read with a timeout ends so when the machine was paused meanwhile.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    into.extend_from_slice(&chunk[..count]);
    Ok(count)
}
