//! Places on the web as git names them, and whether one lies within another.

use url::Url;

use crate::model::address::Address;

/// An https host with its port and a path below which everything counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place(Url);

/// How a place lies to a credential's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lies {
    Within,
    /// At its host, but git does not tell the path on which it depends.
    Unknown,
    Elsewhere,
}

impl Place {
    /// The place that a request names: a host, with a port where that is not 443, and a path if
    /// git tells it. `None` if that is no host.
    pub(super) fn asked(host: &str, path: Option<&str>) -> Option<Self> {
        // What else could be read as the end of the host, or as somebody's name before it.
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

    /// The place of an address. `None` if that is not https: a token is never sent in the clear.
    pub(super) fn of(address: &Address) -> Option<Self> {
        (address.url().scheme() == "https").then(|| Self(address.url().clone()))
    }

    /// The same host and port without a path.
    pub(super) fn root(&self) -> Self {
        let mut url = self.0.clone();
        url.set_path("");
        Self(url)
    }

    /// How `asked` lies to this place. Hosts are compared as the URL standard writes them, whole.
    pub(super) fn contains(&self, asked: &Self) -> Lies {
        let (own, asked) = (&self.0, &asked.0);
        if own.host() != asked.host()
            || own.port_or_known_default() != asked.port_or_known_default()
        {
            return Lies::Elsewhere;
        }
        let path = own.path().trim_end_matches('/');
        match asked.path().strip_prefix(path) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Lies::Within,
            _ if asked.path() == "/" => Lies::Unknown,
            Some(_) | None => Lies::Elsewhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lies(own: &str, host: &str, path: Option<&str>) -> Option<Lies> {
        let own = Place::of(&own.parse().unwrap()).unwrap();
        Some(own.contains(&Place::asked(host, path)?))
    }

    #[test]
    fn only_the_very_host_and_port_are_the_same() {
        for host in ["git.example", "GIT.example", "git.example:443"] {
            assert_eq!(lies("https://git.example", host, None), Some(Lies::Within), "{host}");
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
            assert_eq!(lies("https://git.example/", host, None), Some(Lies::Elsewhere), "{host}");
        }
        assert_eq!(lies("https://git.example:8443", "git.example:8443", None), Some(Lies::Within));
        assert_eq!(lies("https://git.example:8443", "git.example", None), Some(Lies::Elsewhere));
        assert_eq!(
            lies("https://b\u{fc}cher.example", "xn--bcher-kva.example", None),
            Some(Lies::Within)
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
            assert_eq!(Place::asked(host, None), None, "{host}");
        }
    }

    #[test]
    fn a_path_counts_in_whole_segments() {
        let own = "https://example.com/git/";
        for (path, expected) in [
            (Some("git/a.git"), Lies::Within),
            (Some("git"), Lies::Within),
            (Some("github/a.git"), Lies::Elsewhere),
            (Some("git/../other"), Lies::Elsewhere),
            (Some("git/%2e%2e/other"), Lies::Elsewhere),
            (Some("git?x"), Lies::Elsewhere),
            (Some(""), Lies::Unknown),
            (None, Lies::Unknown),
        ] {
            assert_eq!(lies(own, "example.com", path), Some(expected), "{path:?}");
        }
        assert_eq!(lies("https://example.com", "example.com", Some("a")), Some(Lies::Within));
    }

    #[test]
    fn what_is_not_encrypted_has_no_place() {
        assert_eq!(Place::of(&"http://127.0.0.1:8080".parse().unwrap()), None);
    }
}
