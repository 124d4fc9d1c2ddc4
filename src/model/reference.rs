//! References to credentials: `tokctl://PROVIDER/USER`, or `PROVIDER/USER` as tokctl itself shows
//! them.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::account::{self, Account};

/// Why a text is no reference.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Error {
    /// There is no user in it, or something after the user.
    #[error("a reference is PROVIDER/USER or tokctl://PROVIDER/USER")]
    Shape,
    #[error(transparent)]
    Account(#[from] account::Error),
}

/// A credential, by its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) account: Account,
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let account = |provider: &str, user: &str| -> Result<Account, account::Error> {
            Ok(Account { provider: provider.parse()?, user: user.parse()? })
        };
        let Some(long) = text.strip_prefix("tokctl://") else {
            // What follows the first slash is the user as it is, slashes and all.
            let (provider, user) = text.split_once('/').ok_or(Error::Shape)?;
            return Ok(Self { account: account(provider, user)? });
        };
        let (provider, user) = long.split_once('/').ok_or(Error::Shape)?;
        if user.contains('/') {
            return Err(Error::Shape);
        }
        let user = percent_decode_str(user).decode_utf8().map_err(|_| account::Error::User)?;
        Ok(Self { account: account(provider, &user)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_names_no_account_is_refused() {
        for text in ["acme", "", "tokctl://acme", "tokctl://acme/a/b", "/x"] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
        let user = Err(Error::Account(account::Error::User));
        assert_eq!("acme/".parse::<Reference>(), user);
        assert_eq!("tokctl://acme/%ff".parse::<Reference>(), user);
        assert_eq!("tokctl://acme/%0a".parse::<Reference>(), user);
    }
}
