//! Addresses that secrets may be sent to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The reason why tokctl does not use a text as an [`Address`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Error {
    /// The text is no URL with a host.
    #[error("`{0}` is not a web address")]
    Malformed(String),
    /// The scheme is http and the host is not loopback: a secret would cross the network in the
    /// clear.
    #[error("`{0}` is neither https nor http on loopback")]
    NotEncrypted(String),
    /// The URL holds a user name or a password, which would end up in logs.
    #[error("an address must not hold a user name or password")]
    UserInfo,
}

/// An https URL, or http on a loopback host, without user name and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Address {
    url: Url,
    /// The text as it was written: an issuer is compared character by character (RFC 8414 §3.3).
    text: String,
}

impl Address {
    /// Parses an address as people type it: a host alone means https, or http on this machine.
    pub(crate) fn from_typed(text: &str) -> Result<Self, Error> {
        if text.contains("://") || text.is_empty() {
            return text.parse();
        }
        let plain = Url::parse(&format!("http://{text}"));
        let scheme = if plain.is_ok_and(|url| is_loopback(&url)) { "http" } else { "https" };
        format!("{scheme}://{text}").parse()
    }

    /// Parses the address of a service that a cloud has for its machines alone: a link-local one,
    /// from which nothing leaves the machine's host, may be http, too.
    pub(crate) fn of_local_service(text: &str) -> Result<Self, Error> {
        let parsed = Url::parse(text).ok().filter(|url| {
            url.scheme() == "http" && is_link_local(url) && url.username().is_empty()
        });
        match parsed {
            Some(url) if url.password().is_none() => Ok(Self { url, text: text.to_owned() }),
            Some(_) | None => text.parse(),
        }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host, with the port where it is not the scheme's own.
    pub(crate) fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether the host is this machine, where neither TLS nor a proxy is used.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Whether no proxy leads to the host: it is this machine, or has a link-local address.
    pub(crate) fn is_near(&self) -> bool {
        self.is_loopback() || is_link_local(&self.url)
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for Address {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        let malformed = || Error::Malformed(crate::untrusted::printable(&text));
        if text.contains(|character: char| character.is_control() || character.is_whitespace()) {
            return Err(malformed());
        }
        let url = Url::parse(&text).map_err(|_| malformed())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::UserInfo);
        }
        match url.scheme() {
            "https" if url.has_host() => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(Error::NotEncrypted(crate::untrusted::printable(&text))),
            _ => return Err(malformed()),
        }
        Ok(Self { url, text })
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.text
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether the host has the link-local address at which clouds keep such services (RFC 3927), or
/// Amazon's for IPv6.
fn is_link_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(address)) => address.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
        Some(Host::Domain(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_alone_means_https_and_http_on_this_machine() {
        for (typed, meant) in [
            ("jira.example.com", "https://jira.example.com"),
            ("jira.example.com:8443/context", "https://jira.example.com:8443/context"),
            ("localhost:8080", "http://localhost:8080"),
            ("127.0.0.1", "http://127.0.0.1"),
            ("https://a.example/", "https://a.example/"),
        ] {
            assert_eq!(Address::from_typed(typed).unwrap().as_str(), meant);
        }
        for typed in ["", "http://a.example", "a b", "ftp://a.example", "mailto:a", "me@a.example"]
        {
            assert!(Address::from_typed(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for text in
            ["https://a.example", "http://127.0.0.1:8080/x", "http://localhost", "http://[::1]:1/"]
        {
            assert!(text.parse::<Address>().is_ok(), "{text}");
        }
        for text in ["http://a.example", "http://127.0.0.1.example", "http://localhost.example/"] {
            assert!(matches!(text.parse::<Address>(), Err(Error::NotEncrypted(_))), "{text}");
        }
        for text in
            ["", "a.example", "ftp://a.example", "file:///etc/passwd", "https://a.example/ x"]
        {
            assert!(matches!(text.parse::<Address>(), Err(Error::Malformed(_))), "{text}");
        }
        assert_eq!("https://u:p@a.example".parse::<Address>(), Err(Error::UserInfo));
    }

    #[test]
    fn a_service_for_the_machine_alone_may_be_plain_http() {
        let local = Address::of_local_service;
        for text in
            ["http://169.254.169.254/metadata?x=y", "http://127.0.0.1/x", "https://a.example"]
        {
            assert!(local(text).is_ok_and(|address| address.as_str() == text), "{text}");
        }
        assert!(local("http://a.example").is_err() && local("http://u:p@169.254.169.254").is_err());
        assert!("http://169.254.169.254".parse::<Address>().is_err());
    }

    #[test]
    fn an_address_is_kept_as_written() {
        assert_eq!(
            "https://id.acme.example".parse::<Address>().unwrap().as_str(),
            "https://id.acme.example"
        );
    }
}
