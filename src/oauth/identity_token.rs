//! The identity token of a job or workload (OpenID Connect Core 1.0 §2), as its platform gives it
//! out: the requests for one, and the checks before it is shown to an authorization server.
//!
//! The server is the judge of the token. What is checked here is what a person has to mend, so that
//! it is told in plain words.

use jiff::Timestamp;
use serde_json::Value;
use zeroize::Zeroizing;

use super::http::{self, Answer, Authentication, Fault};
use crate::model::address::Address;
use crate::model::attempt::TOLERABLE_SKEW;
use crate::model::credential::ApiHeader;
use crate::model::jwt;
use crate::model::workload::SourceHeader;
use crate::secret::{AccessToken, IdentityToken, SecretText};
use crate::untrusted::printable;

/// The length in bytes of the longest identity token.
const LONGEST: usize = 64 * 1024;

/// The reason why there is no identity token to show. No request was sent with one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// The platform gives this job or workload none: it has to be allowed to have one.
    #[error("there is no identity token here: {why}")]
    Missing { why: String },
    /// The token has ended: only the platform can issue another.
    #[error("the identity token of {place} ended at {at}")]
    Expired { place: String, at: Timestamp },
    /// The token is for another audience: the platform's settings and the definition differ.
    #[error("the identity token of {place} is for {named}, not for `{wanted}`")]
    WrongAudience { place: String, named: String, wanted: String },
    /// The place holds something else, or must not be used.
    #[error("{what}")]
    Unusable { what: String },
    /// The place gave none this time: a later try may help.
    #[error("{what}")]
    Unavailable { what: String },
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotSent { .. } | Fault::Unanswered { .. } | Fault::Unreadable { .. } => {
                Self::Unavailable { what: fault.to_string() }
            }
            Fault::CertificateRefused { .. } | Fault::Setup { .. } | Fault::Forbidden { .. } => {
                Self::Unusable { what: fault.to_string() }
            }
        }
    }
}

/// Asks GitHub Actions for a token, at the `address` and with the `token` of the job.
pub(crate) fn from_github(
    address: &str,
    token: &str,
    audience: Option<&str>,
) -> Result<Zeroizing<String>, Error> {
    let unusable = |what: String| Error::Unusable { what };
    let parsed: Address = address.parse().map_err(|error| {
        unusable(format!("ACTIONS_ID_TOKEN_REQUEST_URL can't be used: {error}"))
    })?;
    let mut url = parsed.url().clone();
    if let Some(audience) = audience {
        url.query_pairs_mut().append_pair("audience", audience);
    }
    let asked: Address = url.as_str().parse().map_err(|_| unusable("no address".into()))?;
    let token = AccessToken::parse_issued(token.to_owned()).map_err(|_| {
        unusable("ACTIONS_ID_TOKEN_REQUEST_TOKEN holds something that is no token".into())
    })?;
    let answer = http::fetch(&asked, None, &Authentication::Bearer(&token))?;
    token_in(&answer, Some("value"))
}

/// Asks a local service for a token, which is in the field `field` of its answer or all of it.
pub(crate) fn from_service(
    url: &str,
    headers: &[SourceHeader],
    field: Option<&str>,
) -> Result<Zeroizing<String>, Error> {
    let address = Address::of_local_service(url)
        .map_err(|error| Error::Unusable { what: error.to_string() })?;
    let headers: Vec<ApiHeader> = headers
        .iter()
        .map(|header| ApiHeader { name: header.name.clone(), value: header.value.clone() })
        .collect();
    let answer = http::fetch_with(&address, None, &Authentication::None, &headers)?;
    token_in(&answer, field)
}

/// Returns the token in an answer.
fn token_in(answer: &Answer, field: Option<&str>) -> Result<Zeroizing<String>, Error> {
    let authority = &answer.authority;
    match answer.status {
        200..=299 => {}
        status @ (408 | 429 | 500..) => {
            let what = format!("`{authority}` gave no identity token: HTTP {status}");
            return Err(Error::Unavailable { what });
        }
        status => {
            let what = format!("`{authority}` refused to give an identity token: HTTP {status}");
            return Err(Error::Unusable { what });
        }
    }
    let text = std::str::from_utf8(&answer.body).unwrap_or_default();
    field_of(text, field, &format!("the answer of `{authority}`"))
}

/// Returns the token in the field `field` of a JSON object, or all of `text`. A `place` is what
/// holds it.
pub(crate) fn field_of(
    text: &str,
    field: Option<&str>,
    place: &str,
) -> Result<Zeroizing<String>, Error> {
    let Some(field) = field else { return Ok(Zeroizing::new(text.to_owned())) };
    let object: Option<Value> = serde_json::from_str(text).ok();
    object
        .and_then(|object| object.get(field)?.as_str().map(str::to_owned))
        .map(Zeroizing::new)
        .ok_or_else(|| Error::Unusable {
            what: format!("{place} has no identity token in `{}`", printable(field)),
        })
}

/// Returns the token that `text` of `place` holds, if it may be shown for `audience` at `now`.
pub(crate) fn accept(
    text: &str,
    place: &str,
    audience: Option<&str>,
    now: Timestamp,
) -> Result<IdentityToken, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::Missing { why: format!("{place} is empty") });
    }
    if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let what = format!("what {place} holds is no identity token");
        return Err(Error::Unusable { what });
    }
    // Any other token, such as one of SAML, is for the server alone to read.
    if let Some(claims) = jwt::claims(text) {
        let place = || place.to_owned();
        if let Some(at) = claims.get("exp").and_then(jwt::moment)
            && at.checked_add(TOLERABLE_SKEW).is_ok_and(|end| end <= now)
        {
            return Err(Error::Expired { place: place(), at });
        }
        if let Some(wanted) = audience {
            let named = audiences(&claims);
            if !named.contains(&wanted) {
                let shown: Vec<String> =
                    named.iter().map(|name| format!("`{}`", printable(name))).collect();
                let named = if shown.is_empty() { "nobody".into() } else { shown.join(", ") };
                let wanted = wanted.to_owned();
                return Err(Error::WrongAudience { place: place(), named, wanted });
            }
        }
    }
    Ok(IdentityToken::from_trusted(text.to_owned()))
}

/// Returns the audiences of a JWT: a text or a list of texts (RFC 7519 §4.1.3).
fn audiences(claims: &Value) -> Vec<&str> {
    match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;

    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64URL_NOPAD.encode(claims.as_bytes()))
    }

    fn judge(text: &str) -> Result<IdentityToken, Error> {
        accept(text, "the variable `X`", Some("me"), Timestamp::from_second(1000).unwrap())
    }

    #[test]
    fn what_a_person_has_to_mend_is_told_before_a_server_sees_it() {
        for good in
            [r#"{"aud":"me","exp":1001}"#, r#"{"aud":["you","me"]}"#, r#"{"aud":"me","exp":999}"#]
        {
            assert!(judge(&format!(" {}\n", jwt(good))).is_ok(), "{good}");
        }
        assert!(judge("opaque-or-saml").is_ok());
        assert!(matches!(judge(" \n"), Err(Error::Missing { .. })));
        assert!(matches!(judge("a b"), Err(Error::Unusable { .. })));
        let expired = judge(&jwt(r#"{"aud":"me","exp":940}"#));
        assert!(matches!(expired, Err(Error::Expired { .. })));
        for (claims, named) in [(r#"{"aud":["you"]}"#, "`you`"), ("{}", "nobody")] {
            let why = judge(&jwt(claims)).unwrap_err().to_string();
            assert_eq!(
                why,
                format!("the identity token of the variable `X` is for {named}, not for `me`")
            );
        }
    }

    #[test]
    fn an_answer_is_text_or_an_object() {
        assert_eq!(*field_of("made-up", None, "x").unwrap(), "made-up");
        assert_eq!(*field_of(r#"{"value":"made-up"}"#, Some("value"), "x").unwrap(), "made-up");
        for text in ["made-up", "{}", r#"{"value":7}"#] {
            assert!(field_of(text, Some("value"), "x").is_err(), "{text}");
        }
    }

    #[test]
    fn a_service_in_trouble_is_one_to_ask_again() {
        let read = |status| token_in(&Answer::made_up(status, "made-up"), None);
        assert!(read(200).is_ok());
        assert!(matches!(read(503), Err(Error::Unavailable { .. })));
        assert!(matches!(read(401), Err(Error::Unusable { .. })));
    }
}
