//! The request that asks a service whether it accepts a token (RFC 6750 §3).
//!
//! Only the service's own word refuses a token: a 401, a configured error code, or an answer that a
//! stranger would get too. Any other failure may be about something else: a missing scope, a closed
//! shop, a service that is down, a proxy's page.

use std::time::Duration;

use serde_json::Value;

use super::challenge;
use super::http::{self, Answer, Authentication, Fault};
use super::mcp;
use super::resource_metadata::{self, Challenged};
use super::token::ResponseMeta;
use crate::model::address::Address;
use crate::model::client_certificate::TlsSettings;
use crate::model::credential::{Api, ApiAuth, Check, Credential};
use crate::model::scope::Scopes;
use crate::secret::AccessToken;

/// The error code of a challenge that asks for a scope more (RFC 6750 §3.1).
const SCOPE_MISSING: &str = "insufficient_scope";

/// The service's word on a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The token works.
    Accepted,
    /// The token does not work.
    Refused,
}

/// An answer that says nothing of the token: a later try may help, and the token may still work.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum NoVerdict {
    /// The token works, but lacks a scope for this request (RFC 6750 §3.1).
    /// The scopes are those of the token and those that the service asks for; none, if it does not say
    /// which.
    #[error("`{authority}` knows the token, which lacks a scope for this request (HTTP 403)")]
    ScopeMissing { authority: String, scopes: Scopes },
    /// The service forbids the request and does not say why: the person may lack a permission, or
    /// the token may be dead, which some services say in this way.
    #[error(
        "`{authority}` forbids the request (HTTP 403) and does not say whether that is about \
         permissions and scopes or about the token"
    )]
    Forbidden { authority: String },
    /// The authorization server, which was asked about the token, refused the client.
    #[error("`{authority}` does not accept the client's settings: {reason}")]
    ClientRefused { authority: String, reason: String },
    #[error("`{authority}` asks for fewer requests")]
    TooManyRequests { authority: String, retry_after: Option<Duration> },
    #[error("`{authority}` answered with {what}")]
    Other { authority: String, what: String },
}

impl NoVerdict {
    /// Whether a later try of the same request may fare better.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::ScopeMissing { .. } | Self::Forbidden { .. } | Self::ClientRefused { .. } => {
                false
            }
            Self::TooManyRequests { .. } | Self::Other { .. } => true,
        }
    }
}

/// The reason why a service said nothing of a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The answer says nothing of the token.
    #[error(transparent)]
    NoVerdict(#[from] NoVerdict),
    /// No answer came.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The answer of a service to a check, with what it says of the token.
#[derive(Debug)]
pub(crate) struct CheckAnswer {
    pub(crate) meta: ResponseMeta,
    pub(crate) verdict: Result<Verdict, NoVerdict>,
}

/// Asks the service of `check` about `token`, which is carried as the `credential` says.
pub(crate) fn ask(
    credential: &Credential,
    token: &AccessToken,
    check: &Check,
) -> Result<CheckAnswer, Fault> {
    let facts = credential.by_address().filter(|facts| facts.asked == check.url);
    let api = &credential.api;
    let begin =
        || mcp::begin(&check.url, credential.tls(), &authentication(api, token), &api.headers);
    let is_post = facts.is_some_and(|facts| facts.challenges_post);
    let mut answer =
        if is_post { begin()? } else { fetch(&check.url, credential.tls(), api, token)? };
    let mut refuses_strangers = facts.is_some_and(|facts| facts.refuses_strangers);
    if refuses_strangers && !is_post && says_nothing_but_no_401(answer.status) {
        // The resource may challenge another request by now than at the login.
        match resource_metadata::challenged(&check.url, credential.trusted_certificates())? {
            Challenged::Get => {}
            Challenged::Post => answer = begin()?,
            Challenged::Nothing => refuses_strangers = false,
        }
    }
    let meta = ResponseMeta { status: answer.status, date: answer.date };
    let verdict = if refuses_strangers && says_nothing_but_no_401(answer.status) {
        Ok(Verdict::Accepted)
    } else {
        verdict(&answer, &check.fields, &check.refusals, credential.scopes())
    };
    Ok(CheckAnswer { meta, verdict })
}

/// Fetches a JSON document from the service of `api`, with `token` carried as that service wants
/// it.
pub(crate) fn fetch<'tls>(
    address: &Address,
    tls: impl Into<TlsSettings<'tls>>,
    api: &Api,
    token: &AccessToken,
) -> Result<Answer, Fault> {
    http::fetch_with(address, tls, &authentication(api, token), &api.headers)
}

/// Returns `token` as the service of `api` wants it carried.
fn authentication<'a>(api: &'a Api, token: &'a AccessToken) -> Authentication<'a> {
    let username = api.username.as_deref().unwrap_or_default();
    match &api.auth {
        ApiAuth::Bearer => Authentication::Bearer(token),
        ApiAuth::Basic => Authentication::Basic { username, token },
        ApiAuth::Header(name) => Authentication::Header { name, token },
    }
}

/// Whether a service that answers strangers with 401 takes a token if it answers with `status`: it does
/// not like the request, but got as far as to read it.
fn says_nothing_but_no_401(status: u16) -> bool {
    matches!(status, 200..=299 | 400 | 405 | 406 | 415 | 422)
}

/// Whether `body` is an error object with one of the codes in `refusals`.
fn has_refusal_code(body: &[u8], refusals: &[String]) -> bool {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    match body.as_ref().and_then(|body| body.pointer("/error/code")) {
        Some(Value::String(code)) => refusals.contains(code),
        Some(Value::Number(code)) => refusals.contains(&code.to_string()),
        Some(_) | None => false,
    }
}

fn verdict(
    answer: &Answer,
    fields: &[String],
    refusals: &[String],
    granted: Option<&Scopes>,
) -> Result<Verdict, NoVerdict> {
    let authority = answer.authority.clone();
    let other = |what: String| NoVerdict::Other { authority: authority.clone(), what };
    match answer.status {
        200..=299 => verdict_of_success(&answer.body, fields)
            .ok_or_else(|| other("something that is not the service's own answer".into())),
        300..=399 => {
            Err(other(format!("a redirect (HTTP {}), which is not followed", answer.status)))
        }
        401 => Ok(Verdict::Refused),
        400..=499 if has_refusal_code(&answer.body, refusals) => Ok(Verdict::Refused),
        403 if answer.challenge.as_deref().is_some_and(|text| text.contains(SCOPE_MISSING)) => {
            Err(NoVerdict::ScopeMissing { authority, scopes: wanted(answer, granted) })
        }
        403 => Err(NoVerdict::Forbidden { authority }),
        404 => Err(other("HTTP 404: there is nothing at the address that is asked".into())),
        429 => Err(NoVerdict::TooManyRequests { authority, retry_after: answer.retry_after }),
        status => Err(other(format!("HTTP {status}"))),
    }
}

/// Returns the scopes that a challenge asks for, and those that the token has. None, if the challenge
/// names none, or if the token was made at the service: no login asks for its scopes.
fn wanted(answer: &Answer, granted: Option<&Scopes>) -> Scopes {
    let challenge = answer.challenge.as_deref().and_then(challenge::bearer);
    match (challenge.and_then(|challenge| challenge.scope), granted) {
        (Some(asked), Some(granted)) => Scopes::parse(&format!("{granted} {asked}")),
        (Some(_) | None, None) | (None, Some(_)) => Scopes::default(),
    }
}

/// Returns what the body of a successful answer says; `None` if it is not the service's own, such
/// as the page of a network that wants a login first.
fn verdict_of_success(body: &[u8], fields: &[String]) -> Option<Verdict> {
    if fields.is_empty() && body.is_empty() {
        return Some(Verdict::Accepted);
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    if fields.is_empty() {
        return Some(Verdict::Accepted);
    }
    let leads_somewhere =
        |field: &String| body.pointer(field).is_some_and(|found| !found.is_null());
    if fields.iter().any(leads_somewhere) {
        return Some(Verdict::Accepted);
    }
    body.is_object().then_some(Verdict::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str, fields: &[&str]) -> Option<Verdict> {
        let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
        verdict(&Answer::made_up(status, body), &fields, &["190".into()], None).ok()
    }

    #[test]
    fn only_a_401_and_an_answer_to_nobody_refuse_a_token() {
        let person = r#"{"accountId":"5b1"}"#;
        assert_eq!(said(200, person, &["/accountId"]), Some(Verdict::Accepted));
        assert_eq!(said(200, person, &["/name", "/accountId"]), Some(Verdict::Accepted));
        assert_eq!(said(200, r#"{"accountId":null}"#, &["/accountId"]), Some(Verdict::Refused));
        assert_eq!(said(200, "{}", &["/accountId"]), Some(Verdict::Refused));
        for body in ["", "<html>", person] {
            assert_eq!(said(401, body, &["/accountId"]), Some(Verdict::Refused), "{body}");
        }
        for status in [301, 302, 400, 402, 403, 404, 423, 429, 500, 503] {
            assert_eq!(said(status, person, &["/accountId"]), None, "{status}");
            assert_eq!(said(status, person, &[]), None, "{status}");
        }
    }

    #[test]
    fn an_error_object_refuses_a_token_where_its_code_is_said_to() {
        let dead = r#"{"error":{"message":"Session has expired","code":190}}"#;
        assert_eq!(said(400, dead, &[]), Some(Verdict::Refused));
        assert_eq!(said(500, dead, &[]), None);
        assert_eq!(said(400, r#"{"error":{"code":4}}"#, &[]), None);
    }

    #[test]
    fn a_page_is_no_verdict() {
        for body in ["<html>log in to the network</html>", "OK", "[]", "\"x\""] {
            assert_eq!(said(200, body, &["/accountId"]), None, "{body}");
        }
        assert_eq!(said(200, "<html>", &[]), None);
        assert_eq!(said(204, "", &[]), Some(Verdict::Accepted));
        assert_eq!(said(200, "[]", &[]), Some(Verdict::Accepted));
    }
}
