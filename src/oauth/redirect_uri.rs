//! The redirect URI of a login through the browser (RFC 6749 §3.1.2, RFC 8252 §7.3).
//!
//! Defines the redirect URIs that tokctl can listen on, and writes each exactly as it was
//! registered: authorization servers compare it as text. Knows nothing of sockets.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The reason why tokctl can't listen on a redirect URI.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// The scheme isn't plain http. No certificate could vouch for a loopback address.
    #[error("it doesn't begin with `http://`")]
    Scheme,
    /// The URI names a user, which no browser sends on.
    #[error("it holds a user name")]
    UserInfo,
    /// The host is not this machine.
    #[error("its host is none of `127.0.0.1`, `localhost` and `[::1]`")]
    Host,
    /// The URI has no port, or none that exists.
    #[error("it has no port from 0 to 65535 (0 stands for any free one)")]
    Port,
    /// The URI has a path that a browser would rewrite before sending it.
    #[error("it has a path that a browser would rewrite")]
    Path,
    /// The URI has a query, which the authorization response would replace.
    #[error("it has a query")]
    Query,
    /// The URI has a fragment, which RFC 6749 §3.1.2 forbids.
    #[error("it has a fragment")]
    Fragment,
}

/// A name of this machine in a redirect URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    /// `127.0.0.1`, which RFC 8252 §7.3 recommends.
    Ipv4,
    /// `localhost`, which some services demand. A browser may resolve it to IPv4 or IPv6.
    Localhost,
    /// `[::1]`.
    Ipv6,
}

impl Host {
    const ALL: [Self; 3] = [Self::Ipv4, Self::Localhost, Self::Ipv6];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "127.0.0.1",
            Self::Localhost => "localhost",
            Self::Ipv6 => "[::1]",
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A redirect URI on the loopback interface, such as `http://127.0.0.1:0/callback/acme`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RedirectUri {
    host: Host,
    port: u16,
    /// The path as it is written, which may be empty.
    path: String,
}

impl RedirectUri {
    /// Returns this URI with another port.
    pub(crate) fn with_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Returns the host, as it is written in the URI.
    pub(crate) fn host(&self) -> Host {
        self.host
    }

    /// Returns the port; 0 stands for any free one.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the path that a browser asks for, from its first slash on. A URI without a path has
    /// the path `/` (RFC 9110 §4.2.3).
    pub(crate) fn path(&self) -> &str {
        if self.path.is_empty() { "/" } else { &self.path }
    }

    /// Whether a request with this `Host` header (RFC 9110 §7.2) is meant for this URI. Another
    /// name that resolves to this machine is a sign of DNS rebinding.
    pub(crate) fn is_addressed_by(&self, host_header: &str) -> bool {
        let port_80_unsaid =
            self.port == 80 && host_header.eq_ignore_ascii_case(self.host.as_str());
        port_80_unsaid || host_header.eq_ignore_ascii_case(&format!("{}:{}", self.host, self.port))
    }
}

impl FromStr for RedirectUri {
    type Err = Invalid;

    // The text is taken apart by hand because `Url` reads `127.1` and `0x7f.0.0.1` as 127.0.0.1
    // and forgets a port 80, while the authorization server compares what is written.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rest = text.strip_prefix("http://").ok_or(Invalid::Scheme)?;
        if rest.contains('#') {
            return Err(Invalid::Fragment);
        }
        if rest.contains('?') {
            return Err(Invalid::Query);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(Invalid::UserInfo);
        }
        let (host, port) = Host::ALL
            .into_iter()
            .find_map(|host| Some((host, authority.strip_prefix(host.as_str())?)))
            .ok_or(Invalid::Host)?;
        let port = match port.strip_prefix(':') {
            Some(port) => parse_port(port).ok_or(Invalid::Port)?,
            None if port.is_empty() => return Err(Invalid::Port),
            None => return Err(Invalid::Host),
        };
        if !is_sent_unchanged(path) {
            return Err(Invalid::Path);
        }
        Ok(Self { host, port, path: path.to_owned() })
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}{}", self.host, self.port, self.path)
    }
}

/// Reads a port in its one usual form: no sign, no leading zeros.
fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port: &u16| port.to_string() == text)
}

/// Whether a browser sends `path` as it is, without resolving dots or escaping characters.
fn is_sent_unchanged(path: &str) -> bool {
    path.is_empty()
        || Url::parse(&format!("http://localhost{path}")).is_ok_and(|url| url.path() == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_is_written_as_it_was_read() {
        for text in [
            "http://127.0.0.1:0/callback/acme",
            "http://localhost:8080/",
            "http://localhost:8000",
            "http://[::1]:80/cb",
            "http://127.0.0.1:65535/a%20b",
        ] {
            assert_eq!(text.parse::<RedirectUri>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_real_port_takes_the_place_of_0() {
        let uri: RedirectUri = "http://127.0.0.1:0/callback/acme".parse().unwrap();
        let uri = uri.with_port(4321);
        assert_eq!((uri.host(), uri.port(), uri.path()), (Host::Ipv4, 4321, "/callback/acme"));
        assert_eq!(uri.to_string(), "http://127.0.0.1:4321/callback/acme");
    }

    #[test]
    fn without_a_path_the_root_is_asked_for() {
        let uri: RedirectUri = "http://localhost:8000".parse().unwrap();
        assert_eq!((uri.to_string().as_str(), uri.path()), ("http://localhost:8000", "/"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, wrong) in [
            ("", Invalid::Scheme),
            ("https://127.0.0.1:1/cb", Invalid::Scheme),
            ("HTTP://127.0.0.1:1/cb", Invalid::Scheme),
            ("acme:/cb", Invalid::Scheme),
            ("http://x@127.0.0.1:1/cb", Invalid::UserInfo),
            ("http://127.0.0.1:1@evil.example:1/cb", Invalid::UserInfo),
            ("http://0.0.0.0:1/cb", Invalid::Host),
            ("http://127.1:1/cb", Invalid::Host),
            ("http://127.0.0.10:1/cb", Invalid::Host),
            ("http://localhost.evil.example:1/cb", Invalid::Host),
            ("http://::1:1/cb", Invalid::Host),
            ("http://127.0.0.1/cb", Invalid::Port),
            ("http://127.0.0.1:/cb", Invalid::Port),
            ("http://127.0.0.1:+80/cb", Invalid::Port),
            ("http://127.0.0.1:080/cb", Invalid::Port),
            ("http://127.0.0.1:65536/cb", Invalid::Port),
            ("http://127.0.0.1:1\\a", Invalid::Port),
            ("http://127.0.0.1:1/a/../b", Invalid::Path),
            ("http://127.0.0.1:1/a b", Invalid::Path),
            ("http://127.0.0.1:1/a\\b", Invalid::Path),
            ("http://127.0.0.1:1/cb?x=1", Invalid::Query),
            ("http://127.0.0.1:1/cb#x", Invalid::Fragment),
        ] {
            assert_eq!(text.parse::<RedirectUri>(), Err(wrong), "{text}");
        }
    }

    #[test]
    fn only_its_own_host_and_port_address_it() {
        let uri: RedirectUri = "http://localhost:4321/cb".parse().unwrap();
        assert!(uri.is_addressed_by("localhost:4321"));
        assert!(uri.is_addressed_by("LOCALHOST:4321"));
        for header in ["localhost", "localhost:80", "127.0.0.1:4321", "evil.example:4321", ""] {
            assert!(!uri.is_addressed_by(header), "{header}");
        }
        assert!(uri.with_port(80).is_addressed_by("localhost"));
    }
}
