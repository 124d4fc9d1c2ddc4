//! The account that a credential belongs to: a provider and a user of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest user name, in bytes.
const MAX_USER_BYTES: usize = 255;

/// The longest provider name, in bytes.
const MAX_PROVIDER_BYTES: usize = 32;

/// The reason why a text can't name an account.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Error {
    /// A provider name that does not match `[a-z][a-z0-9-]{0,31}`.
    #[error("a provider's name is up to 32 of a-z, 0-9 and -, and begins with a letter")]
    Provider,
    /// A user name that can't be kept exactly as given. It is refused, since it is never cut or
    /// changed.
    #[error("a user's name is 1 to 255 bytes without control characters")]
    User,
}

/// The name of a service as tokctl knows it, such as `jira`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ProviderName(String);

impl ProviderName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProviderName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let well_formed = text.len() <= MAX_PROVIDER_BYTES
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        well_formed.then(|| Self(text.to_owned())).ok_or(Error::Provider)
    }
}

impl TryFrom<String> for ProviderName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ProviderName> for String {
    fn from(name: ProviderName) -> Self {
        name.0
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Account {
    /// Returns the filter that matches this account alone.
    pub(crate) fn filter(&self) -> AccountFilter<'_> {
        AccountFilter { provider: Some(&self.provider), user: Some(&self.user) }
    }
}

/// The accounts of one provider or user, or of both; `None` stands for all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AccountFilter<'a> {
    pub(crate) provider: Option<&'a ProviderName>,
    pub(crate) user: Option<&'a UserName>,
}

impl AccountFilter<'_> {
    /// Whether all accounts are meant.
    pub(crate) fn is_all(&self) -> bool {
        self.provider.is_none() && self.user.is_none()
    }
}

/// The caller's own label for a user of a provider, kept exactly as given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct UserName(String);

impl UserName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let well_formed =
            (1..=MAX_USER_BYTES).contains(&text.len()) && !text.contains(char::is_control);
        well_formed.then(|| Self(text.to_owned())).ok_or(Error::User)
    }
}

impl TryFrom<String> for UserName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::untrusted::printable(&self.0))
    }
}

/// One user of one provider: the key under which a [`Credential`](super::credential::Credential) is
/// kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) provider: ProviderName,
    pub(crate) user: UserName,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_names_are_short_and_lower_case() {
        for name in ["jira", "jira-dc", "a", "x2", &"a".repeat(32)] {
            assert!(name.parse::<ProviderName>().is_ok(), "{name}");
        }
        for name in ["", "Jira", "2x", "-x", "jira_dc", "a/b", &"a".repeat(33)] {
            assert_eq!(name.parse::<ProviderName>(), Err(Error::Provider), "{name}");
        }
    }

    #[test]
    fn user_names_are_kept_as_given_or_refused() {
        for name in ["x", "alice@example.com", " spaced ", "\u{e9}l\u{e8}ve", &"u".repeat(255)] {
            assert_eq!(name.parse::<UserName>().unwrap().as_str(), name);
        }
        for name in ["", "a\nb", "a\u{1b}[0m", &"u".repeat(256), &"\u{e9}".repeat(128)] {
            assert_eq!(name.parse::<UserName>(), Err(Error::User), "{name:?}");
        }
    }
}
