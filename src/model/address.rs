//! Addresses that secrets may be sent to.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::address_secret::{secret_parameter, without_secrets};
use super::reach::Reach;
use crate::untrusted::printable;

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
    /// The URL that a person named holds a secret, in the parameter with this name: it would be kept and
    /// shown in the clear.
    #[error("an address must not hold a secret (`{0}`), since it is kept and shown in the clear")]
    Secret(String),
}

/// An https URL, or http on a loopback host, without user name and password.
///
/// Two are equal if they are written alike.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub(crate) struct Address {
    url: Url,
    /// The text as it was written: an issuer is compared character by character (RFC 8414 §3.3).
    text: String,
    /// The nearest network in which the host may lie. The one who named the address decides that: a
    /// person may name any.
    reach: Reach,
}

/// The sealed form of an [`Address`]: its text alone, unless a server named it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Anywhere(String),
    Within { address: String, reach: Reach },
}

impl Address {
    /// Parses an address as people type it: a host alone means https, or http on this machine. Fails with
    /// [`Error::Secret`] for one that holds a secret.
    pub(crate) fn from_typed(text: &str) -> Result<Self, Error> {
        let address = Self::of_host(text)?.with_plain_origin();
        match secret_parameter(&address.url) {
            Some(name) => Err(Error::Secret(printable(&name))),
            None => Ok(address),
        }
    }

    /// Returns this address with its scheme, host and port as all spellings of them have it: `127.0.0.1`
    /// for `0x7f.1`, and no capital letters. By that text a credential is found again.
    fn with_plain_origin(self) -> Self {
        let origin = self.url.origin().ascii_serialization();
        let rest = self.text.strip_prefix(&origin);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#'])) {
            return self;
        }
        let whole = self.url.as_str();
        let is_bare = whole.strip_prefix(&origin) == Some("/");
        let text = if is_bare { origin } else { whole.to_owned() };
        Self { text, ..self }
    }

    fn of_host(text: &str) -> Result<Self, Error> {
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
            Some(url) if url.password().is_none() => {
                Ok(Self { url, text: text.to_owned(), reach: Reach::default() })
            }
            Some(_) | None => text.parse(),
        }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns this address as one that a server of the network `reach` named: its host may lie
    /// there or farther away, and no request is sent to it if it turns out to lie nearer.
    pub(crate) fn within(self, reach: Reach) -> Self {
        Self { reach: reach.min(self.reach), ..self }
    }

    /// Returns the nearest network in which the host may lie.
    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    /// Returns the network of the host, if the address tells it without a look-up: by a number, or as
    /// `localhost`.
    pub(crate) fn written_reach(&self) -> Option<Reach> {
        match self.url.host()? {
            Host::Ipv4(address) => Some(Reach::of(IpAddr::V4(address))),
            Host::Ipv6(address) => Some(Reach::of(IpAddr::V6(address))),
            Host::Domain("localhost") => Some(Reach::Loopback),
            Host::Domain(_) => None,
        }
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
        let shown = || printable(&without_secrets(&text));
        let malformed = || Error::Malformed(shown());
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
            "http" => return Err(Error::NotEncrypted(shown())),
            _ => return Err(malformed()),
        }
        Ok(Self { url, text, reach: Reach::default() })
    }
}

impl TryFrom<Written> for Address {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self, Error> {
        match written {
            Written::Anywhere(text) => text.try_into(),
            Written::Within { address, reach } => {
                Self::try_from(address).map(|it| it.within(reach))
            }
        }
    }
}

impl From<Address> for Written {
    fn from(Address { text, reach, .. }: Address) -> Self {
        match reach {
            Reach::Loopback => Self::Anywhere(text),
            Reach::Public | Reach::Private => Self::Within { address: text, reach },
        }
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Address {}

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
    fn an_address_is_sealed_with_the_networks_in_which_it_may_lie() {
        let own: Address = "https://id.example/token".parse().unwrap();
        assert_eq!(serde_json::to_string(&own).unwrap(), "\"https://id.example/token\"");
        let named = own.within(Reach::Public).within(Reach::Loopback);
        let sealed = serde_json::to_string(&named).unwrap();
        let opened: Address = serde_json::from_str(&sealed).unwrap();
        assert_eq!((opened.as_str(), opened.reach()), (named.as_str(), Reach::Public));
        assert!(
            serde_json::from_str::<Address>(r#"{"address":"ftp://x","reach":"public"}"#).is_err()
        );
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
