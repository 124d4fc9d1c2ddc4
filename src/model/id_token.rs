//! The claims of an ID token (OpenID Connect Core 1.0 §2).
//!
//! Reads them and decides nothing: whether they are believed is for
//! [`id_token`](crate::oauth::id_token) to say.

use jiff::Timestamp;
use serde_json::Value;

use super::jwt;
use crate::secret::{IdToken, SecretText};
use crate::untrusted::printable;

/// The claims of an ID token that tokctl looks at, as the server wrote them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The server that issued the token (`iss`).
    pub(crate) issuer: Option<String>,
    /// The person at that server (`sub`).
    pub(crate) subject: Option<String>,
    /// The clients that the token is for (`aud`): one text, or a list.
    pub(crate) audience: Vec<String>,
    /// The client that asked for the token (`azp`).
    pub(crate) authorized_party: Option<String>,
    /// The nonce of the authorization request.
    pub(crate) nonce: Option<String>,
    /// The end of the token (`exp`).
    pub(crate) expires_at: Option<Timestamp>,
    /// The tenant of Microsoft's that the person belongs to (`tid`).
    pub(crate) tenant: Option<String>,
    /// The person's address or login name, made safe to print.
    pub(crate) user: Option<String>,
    /// The name by which people know the person, made safe to print.
    pub(crate) name: Option<String>,
}

impl Claims {
    /// Reads the claims of `token`, or returns `None` if it is no JWT that is signed and not
    /// encrypted.
    pub(crate) fn of(token: &IdToken) -> Option<Self> {
        jwt::claims(token.expose()).map(|claims| Self::in_object(&claims))
    }

    /// Reads the claims in an object, such as the answer of a userinfo endpoint (OpenID Connect Core
    /// 1.0 §5.3.2).
    pub(crate) fn in_object(claims: &Value) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let shown = |name: &str| {
            let text = claims.get(name).and_then(Value::as_str)?.trim();
            (!text.is_empty()).then(|| printable(text))
        };
        let audience = match claims.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => {
                several.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
            }
            Some(_) | None => Vec::new(),
        };
        Self {
            issuer: text("iss"),
            subject: text("sub"),
            audience,
            authorized_party: text("azp"),
            nonce: text("nonce"),
            expires_at: claims.get("exp").and_then(jwt::moment),
            tenant: text("tid"),
            user: ["email", "preferred_username"].into_iter().find_map(shown),
            name: shown("name"),
        }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;

    use super::*;

    fn claims(json: &str) -> Option<Claims> {
        let token = format!("e30.{}.c2ln", BASE64URL_NOPAD.encode(json.as_bytes()));
        Claims::of(&IdToken::from_trusted(token))
    }

    #[test]
    fn an_audience_is_a_text_or_a_list() {
        assert_eq!(claims(r#"{"aud":"a"}"#).unwrap().audience, ["a"]);
        assert_eq!(claims(r#"{"aud":["a","b",1]}"#).unwrap().audience, ["a", "b"]);
        assert!(claims(r#"{"aud":1}"#).unwrap().audience.is_empty());
    }

    #[test]
    fn a_person_is_named_by_address_before_login_name_and_never_in_control_characters() {
        let named = claims(r#"{"preferred_username":"al","email":"a@b","name":"A\u001b[1m"}"#);
        let named = named.unwrap();
        assert_eq!(named.user.as_deref(), Some("a@b"));
        assert!(!named.name.unwrap().contains('\u{1b}'));
        assert_eq!(claims(r#"{"email":" "}"#).unwrap().user, None);
    }

    #[test]
    fn only_a_signed_token_in_plain_text_has_claims() {
        assert_eq!(claims("[]"), None);
        assert_eq!(Claims::of(&IdToken::from_trusted("a.b.c.d.e".into())), None);
    }
}
