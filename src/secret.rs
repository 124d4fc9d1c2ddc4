//! Secret values, one type for each kind.
//!
//! A secret wipes its memory when it is dropped and prints as `[redacted]`. The only way to its
//! text is [`SecretText::expose`], so a search for that word finds every place that handles one.
//! A secret is serialised only through [`sealed`], for data that is sealed afterwards.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroize;

/// The reason why a text can't be a token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The text is empty.
    #[error("the token is empty")]
    Empty,
    /// The text holds a character that a token from that source can't have.
    #[error("the token holds a character that no token can have")]
    Character,
}

/// A secret that is text.
pub(crate) trait SecretText {
    /// Returns the secret's text.
    fn expose(&self) -> &str;
    /// Makes a secret of a text that was checked earlier, such as one that was unsealed.
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
    /// A token that a service accepts with a request: an OAuth access token (RFC 6749 §1.4), a
    /// personal access token or an API token.
    AccessToken
    /// A token with which the authorization server issues a new access token (RFC 6749 §1.5).
    RefreshToken
    /// The signed statement about who logged in, for the client alone (OpenID Connect Core 1.0 §2).
    /// It names a person, and some services take it as a proof, so it is a secret.
    IdToken
    /// The client's password at the token endpoint (RFC 6749 §2.3.1).
    ClientSecret
    /// The code that the browser brings back from the authorization server (RFC 6749 §1.3.1).
    AuthorizationCode
    /// The code with which the token endpoint is polled until a person has entered the matching
    /// user code (RFC 8628 §3.2).
    DeviceCode
    /// The proof that an authorization code is redeemed by the client that asked for it (RFC 7636
    /// §4.1).
    CodeVerifier
    /// A key that a service expects beside the access token.
    ApiKey
    /// A key that signs or proves who a client is, as a PEM text or a JSON Web Key.
    PrivateKey
    /// A signed JWT of a service account, which is exchanged for a token (RFC 7523 §2.1), or of a
    /// client, which proves itself with it (RFC 7523 §2.2).
    Assertion
    /// The token with which a platform says what a job or workload is. It is never stored.
    IdentityToken
    /// The key with which another tool encrypted its store.
    StoreKey
    /// A passphrase that a person chose to open the vault.
    Passphrase
    /// The password with which one logs in to the database of a shared vault.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    DatabasePassword
}

impl AccessToken {
    /// Makes a token of a server's text: bytes 0x21 to 0x7E only, so that it can neither break
    /// out of an HTTP header nor send commands to a terminal.
    pub(crate) fn parse_issued(text: String) -> Result<Self, Malformed> {
        check_issued(text).map(Self::from_trusted)
    }

    /// Makes a token of a text that a person supplies: any text without control characters.
    pub(crate) fn parse_supplied(text: String) -> Result<Self, Malformed> {
        match text.as_str() {
            "" => Err(Malformed::Empty),
            shown if shown.chars().any(char::is_control) => Err(reject(text)),
            _ => Ok(Self::from_trusted(text)),
        }
    }
}

impl RefreshToken {
    /// Makes a token of a server's text, by the rule of [`AccessToken::parse_issued`].
    pub(crate) fn parse_issued(text: String) -> Result<Self, Malformed> {
        check_issued(text).map(Self::from_trusted)
    }
}

impl IdToken {
    /// Makes a token of a server's text, by the rule of [`AccessToken::parse_issued`].
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

/// Wipes a text that is no token: it may be one with a typing error, and so still a secret.
fn reject(mut text: String) -> Malformed {
    text.zeroize();
    Malformed::Character
}

/// Moves `text` into memory of exactly its length and wipes the old memory. `String::into_boxed_str`
/// may move the text too, but leaves a copy behind.
fn shrink(mut text: String) -> Box<str> {
    if text.capacity() == text.len() {
        return text.into_boxed_str();
    }
    let exact = Box::from(text.as_str());
    text.zeroize();
    exact
}

/// Serialisation of secrets with `#[serde(with = "secret::sealed")]`, only for data that is sealed
/// afterwards.
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

    /// Serialisation of an `Option`, with an empty text for `None`: every version of tokctl reads
    /// this form.
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

    /// Serialisation of an `Option`, with `null` for `None`, or no field at all with
    /// `skip_serializing_if`.
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
