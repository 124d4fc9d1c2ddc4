//! The two random texts of an authorization request: its `state` (RFC 6749 §10.12) and its `nonce`
//! (OpenID Connect Core 1.0 §3.1.2.1).
//!
//! The state ties the answer that a browser brings to the login that asked for it. Someone who does
//! not know it can neither end that login nor slip another code into it. The nonce ties an ID token
//! to that login: a token that was issued in answer to another one holds another nonce, or none.

use std::fmt;

use data_encoding::HEXLOWER;
use subtle::ConstantTimeEq;

/// A text with 128 bits of entropy, for one login.
#[derive(Clone)]
pub(crate) struct Unguessable(String);

impl Unguessable {
    /// Returns a new random text. It is hexadecimal, since one service (Salla) removes hyphens from
    /// a state on the way back.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut octets = [0; 16];
        getrandom::fill(&mut octets)?;
        Ok(Self(HEXLOWER.encode(&octets)))
    }

    /// Returns the text for the authorization request.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `received` is this text, compared in constant time.
    pub(crate) fn matches(&self, received: &str) -> bool {
        self.0.as_bytes().ct_eq(received.as_bytes()).into()
    }
}

impl fmt::Debug for Unguessable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unguessable([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_32_hexadecimal_digits_and_new_each_time() {
        let state = Unguessable::random().unwrap();
        assert_eq!(state.expose().len(), 32);
        assert!(state.expose().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        assert_ne!(state.expose(), Unguessable::random().unwrap().expose());
    }

    #[test]
    fn only_the_whole_text_is_it() {
        let state = Unguessable::random().unwrap();
        let text = state.expose().to_owned();
        assert!(state.matches(&text));
        for other in ["", &text[1..], &format!("{text}0"), &text.to_uppercase().replace('0', "1")] {
            assert!(!state.matches(other));
        }
    }

    #[test]
    fn it_prints_as_redacted() {
        let printed = format!("{:?}", Unguessable::random().unwrap());
        assert_eq!(printed, "Unguessable([redacted])");
    }
}
