//! The claims of a token that happens to be a JSON Web Token (RFC 7519).
//!
//! An access token belongs to the API, and tokctl does not check it: its claims are a hint. What an
//! ID token claims is checked by [`id_token`](crate::oauth::id_token).

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde_json::Value;
use zeroize::Zeroizing;

/// The length in bytes of the longest token that is looked into.
const LONGEST: usize = 64 * 1024;

/// Returns the end (`exp`) that `token` itself names, or `None` if it is no JWT or names none.
pub(crate) fn expiry(token: &str) -> Option<Timestamp> {
    moment(claims(token)?.get("exp")?)
}

/// Returns the claims of `token`, or `None` if it is no JWT that is signed and not encrypted.
pub(crate) fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || token.len() > LONGEST {
        return None;
    }
    let claims = BASE64URL_NOPAD.decode(claims.trim_end_matches('=').as_bytes()).ok()?;
    serde_json::from_slice(&Zeroizing::new(claims)).ok().filter(Value::is_object)
}

/// Reads a `NumericDate` (RFC 7519 §2).
pub(crate) fn moment(claim: &Value) -> Option<Timestamp> {
    let seconds = claim.as_i64().or_else(|| claim.as_f64().map(whole))?;
    Timestamp::from_second(seconds).ok()
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and too long is none")]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_jwt_names_its_end() {
        let jwt = |claims: &str| format!("e30.{}.c2ln", BASE64URL_NOPAD.encode(claims.as_bytes()));
        let end = expiry(&jwt(r#"{"exp":1700000000}"#));
        assert_eq!(end, Timestamp::from_second(1_700_000_000).ok());
        for other in [jwt("{}"), jwt(r#"{"exp":"soon"}"#), "a.b".into(), "a.b.c".into()] {
            assert_eq!(expiry(&other), None, "{other}");
        }
    }
}
