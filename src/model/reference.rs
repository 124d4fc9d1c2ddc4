//! References to credentials: `tokctl://PROVIDER/USER[/FIELD]`, or `PROVIDER/USER[/FIELD]` as
//! tokctl itself prints them.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::account::{self, Account, ProviderName};
use super::address::{self, Address};

/// The beginning of the long form.
pub(crate) const SCHEME: &str = "tokctl://";

/// The characters that are escaped in the long form (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The reason why a text is no [`Reference`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Error {
    /// The text has no user, or goes on after the field.
    #[error("a reference is PROVIDER/USER or tokctl://PROVIDER/USER, with /FIELD where wanted")]
    Shape,
    /// A credential has no field of that name.
    #[error("a field is one of token, username, server_url, api_base_url, expires_at and id_token")]
    Field,
    #[error(transparent)]
    Account(#[from] account::Error),
    /// An address that no secret is sent to.
    #[error(transparent)]
    Address(#[from] address::Error),
}

/// A credential, named by its account, and the field of it that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) account: Account,
    pub(crate) field: Field,
}

/// The field of a credential that a [`Reference`] means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Field {
    #[default]
    Token,
    Username,
    ServerUrl,
    ApiBaseUrl,
    ExpiresAt,
    IdToken,
}

impl Reference {
    /// Returns the long form of a reference to the token of `account`, which any shell and any
    /// terminal keeps as it is.
    pub(crate) fn long_form(account: &Account) -> String {
        let user = utf8_percent_encode(account.user.as_str(), RESERVED);
        format!("{SCHEME}{}/{user}", account.provider)
    }
}

/// The thing that the argument of a command names: a service, one of its credentials, or the address
/// of what the token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    Provider(ProviderName),
    Credential(Reference),
    Address(Address),
}

impl FromStr for Named {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if !text.starts_with(SCHEME) && (is_address(text) || begins_with_host(text)) {
            return Ok(Self::Address(Address::from_typed(text)?));
        }
        // No provider's name holds a slash.
        if text.contains('/') {
            text.parse().map(Self::Credential)
        } else {
            Ok(Self::Provider(text.parse()?))
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(provider) => provider.fmt(f),
            Self::Credential(reference) => reference.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl Field {
    const ALL: [Self; 6] = [
        Self::Token,
        Self::Username,
        Self::ServerUrl,
        Self::ApiBaseUrl,
        Self::ExpiresAt,
        Self::IdToken,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Username => "username",
            Self::ServerUrl => "server_url",
            Self::ApiBaseUrl => "api_base_url",
            Self::ExpiresAt => "expires_at",
            Self::IdToken => "id_token",
        }
    }

    /// Whether the value changes with each token.
    pub(crate) fn changes_with_token(self) -> bool {
        match self {
            Self::Token | Self::ExpiresAt | Self::IdToken => true,
            Self::Username | Self::ServerUrl | Self::ApiBaseUrl => false,
        }
    }

    /// Whether the value is a secret, which has to be masked and whose use is recorded.
    pub(crate) fn is_secret(self) -> bool {
        match self {
            Self::Token | Self::IdToken => true,
            Self::Username | Self::ServerUrl | Self::ApiBaseUrl | Self::ExpiresAt => false,
        }
    }

    fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == text)
    }
}

/// Whether a text begins with the scheme of an address.
fn is_address(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| !scheme.contains('/'))
}

/// Whether a text begins with a host as people type it, without a scheme: with dots or a port, which no
/// provider's name has.
fn begins_with_host(text: &str) -> bool {
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(is_plain)
        && port.is_none_or(is_port)
        && (port.is_some() || name.trim_end_matches('.').contains('.'))
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let account = |provider: &str, user: &str| -> Result<Account, account::Error> {
            Ok(Account { provider: provider.parse()?, user: user.parse()? })
        };
        let Some(long) = text.strip_prefix(SCHEME) else {
            let (provider, rest) = text.split_once('/').ok_or(Error::Shape)?;
            // A user's name may hold slashes; one that ends like a field needs the long form.
            let named = rest
                .rsplit_once('/')
                .and_then(|(user, field)| Field::from_name(field).map(|field| (user, field)));
            let (user, field) = named.unwrap_or((rest, Field::Token));
            return Ok(Self { account: account(provider, user)?, field });
        };
        let (provider, rest) = long.split_once('/').ok_or(Error::Shape)?;
        let (user, field) = match rest.split_once('/') {
            None => (rest, Field::Token),
            Some((_, more)) if more.contains('/') => return Err(Error::Shape),
            Some((user, field)) => (user, Field::from_name(field).ok_or(Error::Field)?),
        };
        let user = percent_decode_str(user).decode_utf8().map_err(|_| account::Error::User)?;
        Ok(Self { account: account(provider, &user)?, field })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Field::Token => self.account.fmt(f),
            field => write!(f, "{}/{}", self.account, field.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_no_reference() {
        let named = |text: &str| text.parse::<Named>();
        assert!(matches!(named("https://mcp.example/x"), Ok(Named::Address(_))));
        assert!(matches!(named("http://127.0.0.1:8080"), Ok(Named::Address(_))));
        assert!(matches!(named("tokctl://acme/x"), Ok(Named::Credential(_))));
        assert!(matches!(named("acme/x"), Ok(Named::Credential(_))));
        assert!(matches!(named("acme/a://b"), Ok(Named::Credential(_))));
        let address = |text: &str| match named(text) {
            Ok(Named::Address(address)) => address.as_str().to_owned(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(address("mcp.example/x"), "https://mcp.example/x");
        assert_eq!(address("localhost:8080"), "http://localhost:8080");
        for no_host in ["acme", "acme/a.b", "a@b.example", ".", "x:y", "acme./x", "[x].y"] {
            assert!(!matches!(named(no_host), Ok(Named::Address(_))), "{no_host}");
        }
        for refused in [
            "https://a.example/?api_key=x",
            "a.example/?token=x",
            "http://mcp.example",
            "ftp://a",
            "https://u:p@a.example",
        ] {
            assert!(matches!(named(refused), Err(Error::Address(_))), "{refused}");
        }
    }

    #[test]
    fn both_forms_name_an_account() {
        for (text, user) in [
            ("acme/alice@example.com", "alice@example.com"),
            ("tokctl://acme/alice%40example.com", "alice@example.com"),
            ("acme/a/b", "a/b"),
            ("tokctl://acme/a%2Fb", "a/b"),
            ("acme/100%25", "100%25"),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.account.provider.as_str(), "acme", "{text}");
            assert_eq!(reference.account.user.as_str(), user, "{text}");
        }
    }

    #[test]
    fn a_field_may_follow() {
        for (text, user, field) in [
            ("acme/x", "x", Field::Token),
            ("acme/x/token", "x", Field::Token),
            ("acme/x/username", "x", Field::Username),
            ("acme/a/b/server_url", "a/b", Field::ServerUrl),
            ("acme/token", "token", Field::Token),
            ("tokctl://acme/x/api_base_url", "x", Field::ApiBaseUrl),
            ("tokctl://acme/a%2Ftoken/expires_at", "a/token", Field::ExpiresAt),
            ("acme/x/id_token", "x", Field::IdToken),
            ("tokctl://acme/a%2Ftoken", "a/token", Field::Token),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.account.user.as_str(), user, "{text}");
            assert_eq!(reference.field, field, "{text}");
        }
        assert_eq!("tokctl://acme/x/tokne".parse::<Reference>(), Err(Error::Field));
        let shown = |text: &str| text.parse::<Reference>().unwrap().to_string();
        assert_eq!(shown("tokctl://acme/x/username"), "acme/x/username");
        assert_eq!(shown("tokctl://acme/x/token"), "acme/x");
    }

    #[test]
    fn what_names_no_account_is_refused() {
        for text in
            ["acme", "", "tokctl://acme", "tokctl://acme/a/b", "tokctl://acme/a/token/b", "/x"]
        {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
        let user = Err(Error::Account(account::Error::User));
        assert_eq!("acme/".parse::<Reference>(), user);
        assert_eq!("tokctl://acme/%ff".parse::<Reference>(), user);
        assert_eq!("tokctl://acme/%0a".parse::<Reference>(), user);
    }
}
