//! Where a vault is, by the text of `--vault` or TOKCTL_VAULT.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::vaults::is_name;

/// The name of a vault that is in memory.
pub(crate) const IN_MEMORY: &str = "memory:";

/// The place of the vault that a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VaultPlace {
    /// A vault in memory, for this command alone.
    Memory,
    /// A vault in a file on this machine.
    File(PathBuf),
    /// A vault in a database, which many machines use.
    Shared(SharedName),
}

/// A shared vault as it was named.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SharedName {
    /// The address of the database, as it was typed, without a pin.
    pub(crate) address: String,
    /// The text of the pin, if the address came with one.
    pub(crate) pin: Option<String>,
}

/// The meaning of a text that names a vault.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meant<'a> {
    Memory,
    /// The address of a database.
    Address(&'a str),
    /// A name that the user gave a vault, or else a file of that name in this directory.
    Name(&'a str),
    File,
}

/// Returns what `text` means.
pub(crate) fn meant(text: &OsStr) -> Meant<'_> {
    match text.to_str() {
        Some(IN_MEMORY) => Meant::Memory,
        Some(text) if is_address(text) => Meant::Address(text),
        Some(text) if is_name(text) => Meant::Name(text),
        Some(_) | None => Meant::File,
    }
}

/// Whether `text` has the form of a database's address: with a scheme, or of keywords such as
/// `service=team`.
pub(crate) fn is_address(text: &str) -> bool {
    let is_keyword = |(word, _): (&str, &str)| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    text.contains("://") || text.split_once('=').is_some_and(is_keyword)
}

impl fmt::Debug for SharedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedName({})", self.address_without_password())
    }
}

impl SharedName {
    /// Returns the address without the password that it may hold: it is kept, and given to others.
    pub(crate) fn address_without_password(&self) -> String {
        let (place, query) = match self.address.split_once('?') {
            Some((place, query)) => (place, Some(query)),
            None => (self.address.as_str(), None),
        };
        let Some((scheme, rest)) = place.split_once("://") else {
            return without(&self.address, ' ');
        };
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, format!("/{path}")),
            None => (rest, String::new()),
        };
        let authority = match authority.rsplit_once('@') {
            Some((login, hosts)) => {
                let user = login.split_once(':').map_or(login, |(user, _)| user);
                format!("{user}@{hosts}")
            }
            None => authority.to_owned(),
        };
        let query = query.map(|query| without(query, '&')).filter(|query| !query.is_empty());
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{scheme}://{authority}{path}{query}")
    }

    /// Returns the address without its password, with the pin if it has one.
    pub(crate) fn text_without_password(&self) -> String {
        let pin = self.pin.as_ref().map(|pin| format!("#{pin}")).unwrap_or_default();
        format!("{}{pin}", self.address_without_password())
    }

    /// Returns the name that the vault gets if the user chooses none: that of its service or database.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    pub(crate) fn usual_name(&self) -> String {
        let keyword = |name: &str| {
            let mut pairs = self.address.split([' ', '?', '&']);
            pairs.find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
        };
        let of_keyword = keyword("service").or_else(|| keyword("dbname")).map(|(_, value)| value);
        let of_path = || {
            let place = self.address.split('?').next()?;
            place.split_once("://")?.1.split_once('/').map(|(_, database)| database)
        };
        let found = of_keyword.or_else(of_path).filter(|name| !name.is_empty());
        found.unwrap_or("shared").to_ascii_lowercase()
    }

    /// Reads an address, which may end with `#` and a pin.
    pub(crate) fn of(text: &str) -> Self {
        let (address, pin) = crate::config::vaults::split_pin(text);
        Self { address: address.to_owned(), pin: pin.map(str::to_owned) }
    }
}

/// Returns a word of a command line without the password that it holds, if it is a database's address,
/// alone or behind `--vault=`.
pub(crate) fn without_password(word: &OsString) -> OsString {
    let Some(text) = word.to_str().filter(|text| text.contains("://")) else { return word.clone() };
    let (flag, address) = match text.strip_prefix("--vault=") {
        Some(address) => ("--vault=", address),
        None => ("", text),
    };
    if !address.starts_with("postgres") {
        return word.clone();
    }
    format!("{flag}{}", SharedName::of(address).text_without_password()).into()
}

/// Returns `pairs` of the form `name=value` without the password among them.
fn without(pairs: &str, between: char) -> String {
    let is_kept = |pair: &&str| !pair.trim_start().starts_with("password=");
    pairs.split(between).filter(is_kept).collect::<Vec<_>>().join(&between.to_string())
}

impl VaultPlace {
    /// Returns the place that a path or address in the configuration names.
    pub(crate) fn of_configured(text: &str) -> Self {
        if is_address(text) {
            Self::Shared(SharedName::of(text))
        } else {
            Self::File(Path::new(text).to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_kept_or_given_on() {
        for (typed, kept, name) in [
            (
                "postgres://tok:made-up@db.example/Team?x=1",
                "postgres://tok@db.example/Team?x=1",
                "team",
            ),
            ("postgres://db/a?password=made-up&x=1", "postgres://db/a?x=1", "a"),
            ("postgres://db/a?password=made-up", "postgres://db/a", "a"),
            ("postgres://a:b@c@[::1]:5432,d/e", "postgres://a@[::1]:5432,d/e", "e"),
            ("host=db password=made-up dbname=x", "host=db dbname=x", "x"),
            ("service=ops", "service=ops", "ops"),
            ("postgres://db", "postgres://db", "shared"),
        ] {
            let named = SharedName::of(typed);
            assert_eq!(named.address_without_password(), kept);
            assert_eq!(named.usual_name(), name);
        }
        for (typed, told) in [
            ("--vault=postgres://a:b@c/d#7.x", "--vault=postgres://a@c/d#7.x"),
            ("postgresql://a:b@c/d", "postgresql://a@c/d"),
            ("https://a:b@c/d", "https://a:b@c/d"),
            ("get", "get"),
        ] {
            assert_eq!(without_password(&typed.into()), OsString::from(told));
        }
    }

    #[test]
    fn a_path_stays_one_and_what_is_meant_otherwise_is_told() {
        for path in ["/x/tokens.db", "./team", "a.db", "../x=y", "", "/a=b", "Team"] {
            assert_eq!(meant(OsStr::new(path)), Meant::File, "{path}");
        }
        for address in ["postgres://a/b#7.x", "mysql://a", "service=team", "host=a dbname=b"] {
            assert_eq!(meant(OsStr::new(address)), Meant::Address(address));
        }
        assert_eq!(meant(OsStr::new("team")), Meant::Name("team"));
        assert_eq!(meant(OsStr::new("memory:")), Meant::Memory);
        let named = SharedName { address: "service=team".into(), pin: Some("7.x".into()) };
        assert_eq!(SharedName::of("service=team#7.x"), named);
    }
}
