//! What came to the listener and was not the answer that is waited for.
//!
//! A person who waits has to learn that the browser did come back, and with what. Anybody can send
//! requests here, so each kind is told once, and none of a request's own text.

use crate::oauth::authorization_response::{Content, Rejection, content};

/// A request that looks like an answer to a login and is not the one to this login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stray {
    /// The address of the redirect URI, with nothing in its query.
    Nothing,
    /// The path of the redirect URI with a slash more or less at its end.
    TrailingSlash,
    /// An answer at another path.
    OtherPath,
    /// An answer for another host or port.
    OtherHost,
    /// A body that is no form, or too long for one.
    Unreadable,
    /// An error that names no login, with its code if a standard has it.
    ErrorWithoutState(Option<&'static str>),
    /// An answer that names no login.
    WithoutState,
    /// An answer to another login.
    WrongState,
    /// An answer in a JWT (JARM) that names another login, or nobody knows which.
    Jwt,
    /// An answer to this login that can't be used, such as one with two codes.
    Unusable,
}

impl Stray {
    /// Returns the kind of a query that was rejected. A rejection that ends the login has none.
    pub(super) fn of(rejected: &Rejection, query: &str) -> Option<Self> {
        match rejected {
            Rejection::MissingState => Some(match content(query) {
                Content::Nothing => Self::Nothing,
                Content::Answer => Self::WithoutState,
                Content::Error(code) => Self::ErrorWithoutState(code),
            }),
            Rejection::WrongState => Some(Self::WrongState),
            Rejection::Jwt => Some(Self::Jwt),
            Rejection::Repeated(_) | Rejection::Empty | Rejection::Ambiguous => {
                Some(Self::Unusable)
            }
            Rejection::MissingIssuer { .. }
            | Rejection::WrongIssuer { .. }
            | Rejection::Unproven(_) => None,
        }
    }

    /// Whether both are told in the same words.
    pub(super) fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// Whether a query holds an answer to some login.
pub(super) fn is_answer(query: &str) -> bool {
    content(query) != Content::Nothing
}
