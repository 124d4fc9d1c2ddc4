//! The `nonce` of an authorization request (OpenID Connect Core 1.0 §3.1.2.1).
//!
//! Ties an ID token to the login that asked for it: one that was issued in answer to another login
//! holds another nonce, or none.

use std::fmt;

use data_encoding::HEXLOWER;
use subtle::ConstantTimeEq;

/// A nonce with 128 bits of entropy, for one login.
#[derive(Clone)]
pub(crate) struct Nonce(String);

impl Nonce {
    /// Returns a new random nonce.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut octets = [0; 16];
        getrandom::fill(&mut octets)?;
        Ok(Self(HEXLOWER.encode(&octets)))
    }

    /// Returns the text for the authorization request.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `received` is this nonce, compared in constant time.
    pub(crate) fn matches(&self, received: &str) -> bool {
        self.0.as_bytes().ct_eq(received.as_bytes()).into()
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce([redacted])")
    }
}
