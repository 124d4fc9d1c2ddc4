//! The `state` of an authorization request (RFC 6749 §10.12).
//!
//! Ties the answer that a browser brings to the login that asked for it. Someone who does not know
//! the state can neither end that login nor slip another code into it.

use std::fmt;

use data_encoding::HEXLOWER;
use subtle::ConstantTimeEq;

/// A `state` with 128 bits of entropy, for one login.
#[derive(Clone)]
pub(crate) struct State(String);

impl State {
    /// Returns a new random state. It is hexadecimal, since one service (Salla) removes hyphens on
    /// the way back.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut octets = [0; 16];
        getrandom::fill(&mut octets)?;
        Ok(Self(HEXLOWER.encode(&octets)))
    }

    /// Returns the text for the authorization request.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `received` is this state, compared in constant time.
    pub(crate) fn matches(&self, received: &str) -> bool {
        self.0.as_bytes().ct_eq(received.as_bytes()).into()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_32_hexadecimal_digits_and_new_each_time() {
        let state = State::random().unwrap();
        assert_eq!(state.expose().len(), 32);
        assert!(state.expose().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        assert_ne!(state.expose(), State::random().unwrap().expose());
    }

    #[test]
    fn only_the_whole_state_is_it() {
        let state = State::random().unwrap();
        let text = state.expose().to_owned();
        assert!(state.matches(&text));
        for other in ["", &text[1..], &format!("{text}0"), &text.to_uppercase().replace('0', "1")] {
            assert!(!state.matches(other));
        }
    }

    #[test]
    fn a_state_prints_as_redacted() {
        assert_eq!(format!("{:?}", State::random().unwrap()), "State([redacted])");
    }
}
