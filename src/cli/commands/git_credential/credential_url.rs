//! Web addresses as git names them, and whether one contains another.

use std::fmt;

use url::Url;

use crate::model::address::Address;
use crate::untrusted::printable;

/// An https host with its port, and a path below which the address applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CredentialUrl(Url);

/// The relation between a request's address and a credential's, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Relation {
    Within,
    /// The host matches, but git does not send the path that decides.
    Unknown,
    Elsewhere,
}

impl CredentialUrl {
    /// Parses the address of a request: a host, a port unless it is 443, and a path if git sends
    /// one.
    ///
    /// `None` means that `host` is no host.
    pub(super) fn from_request(host: &str, path: Option<&str>) -> Option<Self> {
        // These characters could end the host, or turn the part before them into a user name.
        let is_odd = |character: char| {
            r"/\?#@%".contains(character) || character.is_whitespace() || character.is_control()
        };
        if host.is_empty() || host.contains(is_odd) {
            return None;
        }
        let mut url = Url::parse(&format!("https://{host}/")).ok()?;
        url.set_path(path.unwrap_or_default());
        Some(Self(url))
    }

    /// Returns the URL of an address; `None` if it is not https, because a token is never sent in
    /// the clear.
    pub(super) fn from_address(address: &Address) -> Option<Self> {
        (address.url().scheme() == "https").then(|| Self(address.url().clone()))
    }

    pub(super) fn as_url(&self) -> &Url {
        &self.0
    }

    /// Returns the host and port of this URL, without its path.
    pub(super) fn root(&self) -> Self {
        let mut url = self.0.clone();
        url.set_path("");
        Self(url)
    }

    /// Whether `other` has the same host, with another port or path.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.0.host() == other.0.host()
    }

    /// Returns how `asked` relates to this URL. Hosts are normalized by the URL standard and
    /// compared whole.
    pub(super) fn relation_to(&self, asked: &Self) -> Relation {
        let (own, asked) = (&self.0, &asked.0);
        if own.host() != asked.host()
            || own.port_or_known_default() != asked.port_or_known_default()
        {
            return Relation::Elsewhere;
        }
        let path = own.path().trim_end_matches('/');
        match asked.path().strip_prefix(path) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Relation::Within,
            _ if asked.path() == "/" => Relation::Unknown,
            Some(_) | None => Relation::Elsewhere,
        }
    }
}

impl fmt::Display for CredentialUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.0.as_str().trim_end_matches('/')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(own: &str, host: &str, path: Option<&str>) -> Option<Relation> {
        let own = CredentialUrl::from_address(&own.parse().unwrap()).unwrap();
        Some(own.relation_to(&CredentialUrl::from_request(host, path)?))
    }

    #[test]
    fn only_the_very_host_and_port_are_the_same() {
        for host in ["git.example", "GIT.example", "git.example:443"] {
            assert_eq!(
                relation("https://git.example", host, None),
                Some(Relation::Within),
                "{host}"
            );
        }
        for host in [
            "example",
            "x.git.example",
            "git.example.evil",
            "git.example:8443",
            "git.example.",
            "xgit.example",
            "git-example",
        ] {
            assert_eq!(
                relation("https://git.example/", host, None),
                Some(Relation::Elsewhere),
                "{host}"
            );
        }
        assert_eq!(
            relation("https://git.example:8443", "git.example:8443", None),
            Some(Relation::Within)
        );
        assert_eq!(
            relation("https://git.example:8443", "git.example", None),
            Some(Relation::Elsewhere)
        );
        assert_eq!(
            relation("https://b\u{fc}cher.example", "xn--bcher-kva.example", None),
            Some(Relation::Within)
        );
    }

    #[test]
    fn what_is_no_host_is_no_place() {
        for host in [
            "",
            "git.example/x",
            "git.example?x",
            "git.example#x",
            "git.example@evil.example",
            "a:b@git.example",
            r"git.example\x",
            "git.example ",
            "git.example%2f",
            "git.example\t",
            "git.example:x",
        ] {
            assert_eq!(CredentialUrl::from_request(host, None), None, "{host}");
        }
    }

    #[test]
    fn a_path_counts_in_whole_segments() {
        let own = "https://example.com/git/";
        for (path, expected) in [
            (Some("git/a.git"), Relation::Within),
            (Some("git"), Relation::Within),
            (Some("github/a.git"), Relation::Elsewhere),
            (Some("git/../other"), Relation::Elsewhere),
            (Some("git/%2e%2e/other"), Relation::Elsewhere),
            (Some("git?x"), Relation::Elsewhere),
            (Some(""), Relation::Unknown),
            (None, Relation::Unknown),
        ] {
            assert_eq!(relation(own, "example.com", path), Some(expected), "{path:?}");
        }
        assert_eq!(
            relation("https://example.com", "example.com", Some("a")),
            Some(Relation::Within)
        );
    }

    #[test]
    fn what_is_not_encrypted_has_no_place() {
        assert_eq!(CredentialUrl::from_address(&"http://127.0.0.1:8080".parse().unwrap()), None);
    }
}
