//! Values that must not be seen.
//!
//! Each kind of secret has its own type, wipes itself when dropped, prints as redacted, and is
//! shown only through `expose`, so that every place that handles one can be found by that word.
//! Serialising works only through the [`sealed`] modules, for what goes under a seal.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroize;

/// Why a text can't be a token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// There is nothing in it.
    #[error("the token is empty")]
    Empty,
    /// It holds a character that a token of its origin can't have.
    #[error("the token holds a character that no token can have")]
    Character,
}

/// A secret that is text.
pub(crate) trait SecretText {
    /// The text itself.
    fn expose(&self) -> &str;
    /// Takes a text that was checked before, such as one from under the seal.
    fn from_trusted(text: String) -> Self;
}

macro_rules! secret_text {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub(crate) struct $name(SecretString);

        impl SecretText for $name {
            fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            fn from_trusted(text: String) -> Self {
                Self(SecretString::from(shrink(text)))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    )*};
}

secret_text! {
    /// What a service is shown to let a request in: an OAuth access token, a PAT or an API token.
    AccessToken
    /// What an authorization server is shown to get a new access token (RFC 6749 §1.5).
    RefreshToken
    /// The client's own password at the token endpoint (RFC 6749 §2.3.1).
    ClientSecret
    /// What the browser brings back from the authorization server (RFC 6749 §1.3.1).
    AuthorizationCode
    /// What the token endpoint is asked with until a person has entered the code that goes with it
    /// (RFC 8628 §3.2).
    DeviceCode
    /// The proof that the one who redeems the code is the one who asked for it (RFC 7636 §4.1).
    CodeVerifier
    /// What a service is shown beside the access token, such as a key of the client's.
    ApiKey
    /// The key with which a service account signs, in PKCS #8 and PEM.
    PrivateKey
    /// What a service account signed, to be exchanged for a token (RFC 7523 §2.1).
    Assertion
    /// What another tool encrypted its store with.
    StoreKey
    /// A passphrase that a person chose to open the vault.
    Passphrase
}

impl AccessToken {
    /// Takes a token from a server: 0x21 to 0x7E, so that it can neither break out of a header
    /// nor paint a terminal.
    pub(crate) fn parse_issued(text: String) -> Result<Self, Malformed> {
        check_issued(text).map(Self::from_trusted)
    }

    /// Takes a token that a person supplies: any text without control characters.
    pub(crate) fn parse_supplied(text: String) -> Result<Self, Malformed> {
        match text.as_str() {
            "" => Err(Malformed::Empty),
            shown if shown.chars().any(char::is_control) => Err(reject(text)),
            _ => Ok(Self::from_trusted(text)),
        }
    }
}

impl RefreshToken {
    /// Takes a token from a server, under the same rule as [`AccessToken::issued`].
    pub(crate) fn parse_issued(text: String) -> Result<Self, Malformed> {
        check_issued(text).map(Self::from_trusted)
    }
}

fn check_issued(text: String) -> Result<String, Malformed> {
    match text.as_bytes() {
        [] => Err(Malformed::Empty),
        bytes if bytes.iter().all(|byte| (0x21..=0x7E).contains(byte)) => Ok(text),
        _ => Err(reject(text)),
    }
}

/// Nearly a token, and so nobody's to find in memory.
fn reject(mut text: String) -> Malformed {
    text.zeroize();
    Malformed::Character
}

/// The text in memory of just its length. To shrink a buffer may be to move it, and leaves a copy.
fn shrink(mut text: String) -> Box<str> {
    if text.capacity() == text.len() {
        return text.into_boxed_str();
    }
    let exact = Box::from(text.as_str());
    text.zeroize();
    exact
}

/// For `#[serde(with = "secret::sealed")]`, in what is written under a seal and nowhere else.
pub(crate) mod sealed {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::SecretText;

    pub(crate) fn serialize<T: SecretText, S: Serializer>(
        secret: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(crate) fn deserialize<'de, T: SecretText, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer).map(T::from_trusted)
    }

    /// For a secret that may be absent, as an empty text in its place: the form that every version
    /// of tokctl reads.
    pub(crate) mod or_empty {
        use serde::{Deserialize, Deserializer, Serializer};

        use super::super::SecretText;

        #[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
        pub(crate) fn serialize<T: SecretText, S: Serializer>(
            secret: &Option<T>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(secret.as_ref().map_or("", SecretText::expose))
        }

        pub(crate) fn deserialize<'de, T: SecretText, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<T>, D::Error> {
            let text = String::deserialize(deserializer)?;
            Ok((!text.is_empty()).then(|| T::from_trusted(text)))
        }
    }

    /// For a secret that may be absent, and is left out then.
    pub(crate) mod option {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use super::super::SecretText;

        #[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
        pub(crate) fn serialize<T: SecretText, S: Serializer>(
            secret: &Option<T>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            secret.as_ref().map(SecretText::expose).serialize(serializer)
        }

        pub(crate) fn deserialize<'de, T: SecretText, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<T>, D::Error> {
            Ok(Option::<String>::deserialize(deserializer)?.map(T::from_trusted))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_redacted() {
        let token = AccessToken::parse_issued("made-up-token".into()).unwrap();
        assert_eq!(format!("{token:?}"), "AccessToken([redacted])");
    }

    #[test]
    fn a_secret_is_kept_whole_however_much_room_its_text_had() {
        for room in [0, 100] {
            let mut text = String::with_capacity("made-up".len() + room);
            text.push_str("made-up");
            assert_eq!(ClientSecret::from_trusted(text).expose(), "made-up");
        }
    }

    #[test]
    fn a_token_from_a_server_is_visible_ascii() {
        for text in ["", "a b", "a\nb", "caf\u{e9}", "\u{7f}"] {
            assert!(AccessToken::parse_issued(text.into()).is_err(), "{text:?}");
            assert!(RefreshToken::parse_issued(text.into()).is_err(), "{text:?}");
        }
        assert!(AccessToken::parse_issued("!~".into()).is_ok());
    }

    #[test]
    fn a_supplied_token_may_be_any_text_without_control_characters() {
        assert!(AccessToken::parse_supplied("pass word \u{e9}".into()).is_ok());
        assert_eq!(
            AccessToken::parse_supplied("a\u{1b}[31m".into()).unwrap_err(),
            Malformed::Character
        );
        assert_eq!(AccessToken::parse_supplied(String::new()).unwrap_err(), Malformed::Empty);
    }
}
