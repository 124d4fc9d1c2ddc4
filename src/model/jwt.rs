//! The claims of a token that happens to be a JSON Web Token (RFC 7519).
//!
//! An access token belongs to the API, and tokctl does not check it. Its claims are a hint.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde_json::Value;
use zeroize::Zeroizing;

/// The length in bytes of the longest token that is looked into.
const LONGEST: usize = 64 * 1024;

/// Returns the end (`exp`) that `token` itself names, or `None` if it is no JWT or names none.
pub(crate) fn expiry(token: &str) -> Option<Timestamp> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || token.len() > LONGEST {
        return None;
    }
    let claims = BASE64URL_NOPAD.decode(claims.trim_end_matches('=').as_bytes()).ok()?;
    let claims: Value = serde_json::from_slice(&Zeroizing::new(claims)).ok()?;
    let exp = claims.get("exp")?;
    let seconds = exp.as_i64().or_else(|| exp.as_f64().map(whole))?;
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
