//! The successful answer of a token endpoint (RFC 6749 §5.1), in the forms in which servers write
//! it.
//!
//! An answer that holds an error is read by [`super::token_error`].

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::http::Answer;
use super::token_error::{self, Error};
use crate::model::credential::Expiry;
use crate::model::dialect::{Dialect, ExpiryShape};
use crate::model::scope::Scopes;
use crate::secret::{AccessToken, RefreshToken};

/// The tokens that a token endpoint issued.
#[derive(Debug)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: AccessToken,
    pub(crate) token_type: String,
    pub(crate) expiry: Expiry,
    /// A new refresh token; without one, the old one stays valid.
    pub(crate) refresh_token: Option<RefreshToken>,
    /// The end of the refresh token, where the server said so.
    pub(crate) refresh_expires_at: Option<Timestamp>,
    /// The scopes that were granted, where the server said so.
    pub(crate) scopes: Option<Scopes>,
}

/// The body of a success response, as servers write it.
#[derive(Deserialize)]
struct Body {
    access_token: String,
    // A field that is not as the RFC has it must not cost a token that was issued, so most are read
    // as any JSON value.
    token_type: Option<Value>,
    expires_in: Option<Value>,
    /// The end of the token, in seconds since 1970, as Salla sends it.
    expires: Option<Value>,
    /// The time at which the token was issued, in seconds since 1970, as Jira Data Center sends it.
    created_at: Option<Value>,
    refresh_token: Option<String>,
    /// The life of the refresh token. No RFC has the field, but Google and Shopify send it.
    refresh_token_expires_in: Option<Value>,
    /// The life of the refresh token under Keycloak's name for it.
    refresh_expires_in: Option<Value>,
    scope: Option<Value>,
}

/// Reads the tokens in a successful answer; fails with [`Error::NoVerdict`] if it holds none.
pub(crate) fn parse(
    answer: &Answer,
    dialect: &Dialect,
    now: Timestamp,
) -> Result<TokenAnswer, Error> {
    if !(200..=299).contains(&answer.status) {
        return Err(token_error::no_verdict(answer));
    }
    let body: Body =
        serde_json::from_slice(&answer.body).map_err(|_| token_error::no_verdict(answer))?;
    let malformed = |_| Error::NoVerdict {
        authority: answer.authority.clone(),
        status: answer.status,
        error: None,
        retry_after: None,
        what: "a token that holds characters which no token can have".into(),
    };
    let refresh_expires_in =
        body.refresh_token_expires_in.as_ref().or(body.refresh_expires_in.as_ref());
    let expiry = parse_expiry(&body, dialect, now);
    Ok(TokenAnswer {
        access_token: AccessToken::parse_issued(body.access_token).map_err(malformed)?,
        token_type: token_type(body.token_type.as_ref().and_then(Value::as_str)),
        expiry,
        // An empty refresh token counts as none.
        refresh_token: body
            .refresh_token
            .filter(|token| !token.is_empty())
            .map(RefreshToken::parse_issued)
            .transpose()
            .map_err(malformed)?,
        // Keycloak sends 0 for a refresh token that does not end.
        refresh_expires_at: expiry_after(refresh_expires_in, now).at().filter(|at| *at > now),
        scopes: body.scope.as_ref().and_then(scopes),
    })
}

/// Reads the granted scopes: one text (RFC 6749 §3.3), or a list as some servers send it.
fn scopes(sent: &Value) -> Option<Scopes> {
    match sent {
        Value::String(text) => Some(Scopes::parse(text)),
        Value::Array(list) => {
            let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            Some(Scopes::parse(&words.join(" ")))
        }
        _ => None,
    }
}

/// Returns the word for an `Authorization` header, `Bearer` if the server sent none that can be
/// used. Case does not count (RFC 6749 §5.1), and only letters and a few signs are allowed (RFC
/// 9110 §11.1).
fn token_type(sent: Option<&str>) -> String {
    let is_scheme = |text: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte))
    };
    match sent {
        Some(text) if text.eq_ignore_ascii_case("bearer") => "Bearer".into(),
        Some(text) if is_scheme(text) => text.into(),
        Some(_) | None => "Bearer".into(),
    }
}

/// Returns the end of the token, from the field that this server uses.
fn parse_expiry(body: &Body, dialect: &Dialect, now: Timestamp) -> Expiry {
    let since_1970 = |value: &Option<Value>| {
        value.as_ref().and_then(seconds).and_then(|at| Timestamp::from_second(at).ok())
    };
    let expires_in_from = |from: Timestamp| expiry_after(body.expires_in.as_ref(), from);
    let stated = match dialect.expiry {
        ExpiryShape::ExpiresIn => expires_in_from(now),
        ExpiryShape::Expires => {
            since_1970(&body.expires).map_or_else(|| expires_in_from(now), Expiry::Known)
        }
        ExpiryShape::CreatedAt => expires_in_from(since_1970(&body.created_at).unwrap_or(now)),
    };
    match stated {
        // A field that is there but can't be read says nothing, not even that there is no end.
        Expiry::Unknown
            if dialect.endless && body.expires_in.is_none() && body.expires.is_none() =>
        {
            Expiry::None
        }
        stated => stated,
    }
}

/// Returns the end that lies `expires_in` after `from`. Servers send the seconds as a number or as
/// a string, or not at all; an impossible life is unknown rather than guessed.
fn expiry_after(expires_in: Option<&Value>, now: Timestamp) -> Expiry {
    expires_in
        .and_then(seconds)
        .and_then(|seconds: i64| now.checked_add(SignedDuration::from_secs(seconds.max(0))).ok())
        .map_or(Expiry::Unknown, Expiry::Known)
}

fn seconds(sent: &Value) -> Option<i64> {
    match sent {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(saturate)),
        Value::String(text) => Zeroizing::new(text.clone()).trim().parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and too long is unknown")]
fn saturate(seconds: f64) -> i64 {
    seconds as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::sent_secrets::SentSecrets;
    use crate::secret::SecretText;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            authority: "id.example".into(),
            status,
            retry_after: None,
            date: None,
            body: Zeroizing::new(body.as_bytes().to_vec()),
            sent: SentSecrets::default(),
        }
    }

    #[test]
    fn a_life_is_read_as_servers_write_it_and_never_guessed() {
        let after =
            |seconds: i64| Expiry::Known(Timestamp::from_second(1_700_000_000 + seconds).unwrap());
        for (sent, expected) in [
            (json!(3600), after(3600)),
            (json!("3600"), after(3600)),
            (json!(3600.5), after(3600)),
            (json!(0), after(0)),
            (json!(-5), after(0)),
            (json!(u64::MAX), Expiry::Unknown),
            (json!(1e300), Expiry::Unknown),
            (json!("soon"), Expiry::Unknown),
            (json!(null), Expiry::Unknown),
            (json!([1]), Expiry::Unknown),
        ] {
            assert_eq!(expiry_after(Some(&sent), NOW), expected, "{sent}");
        }
        assert_eq!(expiry_after(None, NOW), Expiry::Unknown);
    }

    #[test]
    fn each_server_says_in_its_own_way_when_a_token_ends() {
        let at = |second: i64| Expiry::Known(Timestamp::from_second(second).unwrap());
        let read = |dialect: &str, body: &str| {
            let dialect: Dialect = toml::from_str(dialect).unwrap();
            let body = format!(r#"{{"access_token":"made-up-1"{body}}}"#);
            parse(&answer(200, &body), &dialect, NOW).unwrap().expiry
        };
        let absolute = "expiry = 'expires'";
        assert_eq!(read(absolute, r#","expires":1700000900"#), at(1_700_000_900));
        assert_eq!(read(absolute, r#","expires":"1700000900","expires_in":5"#), at(1_700_000_900));
        assert_eq!(read(absolute, r#","expires_in":60"#), at(1_700_000_060));
        assert_eq!(read("", r#","expires":1700000900"#), Expiry::Unknown);
        let made = "expiry = 'created_at'";
        assert_eq!(read(made, r#","created_at":1699999000,"expires_in":7200"#), at(1_700_006_200));
        assert_eq!(read(made, r#","expires_in":60"#), at(1_700_000_060));
        assert_eq!(read("endless = true", ""), Expiry::None);
        assert_eq!(read("endless = true", r#","expires_in":60"#), at(1_700_000_060));
        assert_eq!(read("endless = true", r#","expires_in":"soon""#), Expiry::Unknown);
    }

    #[test]
    fn an_answer_without_a_usable_token_is_no_verdict() {
        for (status, body) in [
            (200, "{}"),
            (200, "<html>"),
            (200, r#"{"access_token":""}"#),
            (200, r#"{"access_token":"made up"}"#),
            (200, r#"{"access_token":"made-up","refresh_token":"a\nb"}"#),
            (500, r#"{"access_token":"made-up"}"#),
            (302, ""),
        ] {
            assert!(
                matches!(
                    parse(&answer(status, body), &Dialect::default(), NOW),
                    Err(Error::NoVerdict { .. })
                ),
                "{body}"
            );
        }
    }

    #[test]
    fn the_end_of_a_refresh_token_is_read_where_a_server_tells_it() {
        let after = |seconds: i64| Some(Timestamp::from_second(1_700_000_000 + seconds).unwrap());
        for (field, expected) in [
            (r#","refresh_token_expires_in":604799"#, after(604_799)),
            (r#","refresh_expires_in":"1800""#, after(1800)),
            (r#","refresh_expires_in":0"#, None),
            ("", None),
        ] {
            let body = format!(r#"{{"access_token":"made-up-1"{field}}}"#);
            let read = parse(&answer(200, &body), &Dialect::default(), NOW).unwrap();
            assert_eq!(read.refresh_expires_at, expected, "{body}");
        }
    }

    #[test]
    fn a_plain_answer_is_read() {
        let body = r#"{"access_token":"made-up-1","token_type":"bearer","scope":"a,b c","new":1}"#;
        let read = parse(&answer(200, body), &Dialect::default(), NOW).unwrap();
        assert_eq!(read.access_token.expose(), "made-up-1");
        assert_eq!(read.token_type, "Bearer");
        assert!(read.refresh_token.is_none());
        assert_eq!(read.scopes.unwrap().to_string(), "a b c");
        let odd = r#"{"access_token":"made-up-1","token_type":7,"scope":["a","b"],"error":""}"#;
        let read = parse(&answer(200, odd), &Dialect::default(), NOW).unwrap();
        assert_eq!((&*read.token_type, read.scopes.unwrap().to_string()), ("Bearer", "a b".into()));
        assert_eq!(token_type(Some("x\r\nSet-Cookie: y")), "Bearer");
        assert_eq!(token_type(Some("DPoP")), "DPoP");
    }

    #[test]
    fn bytes_that_are_no_text_cost_no_token_where_nobody_reads_them() {
        let mut odd = answer(200, r#"{"access_token":"made-up-1","motto":"?"}"#);
        let at = odd.body.iter().position(|byte| *byte == b'?').unwrap();
        odd.body[at] = 0xFF;
        let read = parse(&odd, &Dialect::default(), NOW).unwrap();
        assert_eq!(read.access_token.expose(), "made-up-1");
    }
}
