//! The errors with which an authorization server gives no token (RFC 6749 §5.2).
//!
//! Only an OAuth error body is a verdict, whatever the HTTP status: Atlassian refuses a grant with
//! 403, GitHub with 200, and a proxy's page means nothing at all.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::http::{Answer, Fault};

/// The reason why a token endpoint gave no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The grant is spent, revoked or expired: only a new login helps.
    #[error("`{authority}` no longer accepts this login: {reason}")]
    GrantRefused { authority: String, error: String, reason: String },
    /// The client's settings are not those that the server knows; the grant is still valid.
    #[error("`{authority}` does not accept the client's settings: {reason}")]
    ClientRefused { authority: String, error: String, reason: String },
    /// The server asks for a pause; it did nothing.
    #[error("`{authority}` asks for fewer requests")]
    TooManyRequests { authority: String, retry_after: Option<Duration> },
    /// The answer is no verdict, such as a proxy's page: a later try may help.
    #[error("`{authority}` answered with {what}")]
    NoVerdict {
        authority: String,
        status: u16,
        error: Option<String>,
        retry_after: Option<Duration>,
        what: String,
    },
    /// The assertion could not be signed, so nothing was sent.
    #[error("{0}")]
    NotSigned(&'static str),
    /// No answer came: a later try may help.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Error {
    /// Whether the server did not act on the request, so that it may be sent again.
    pub(crate) fn was_not_processed(&self) -> bool {
        match self {
            Self::NoVerdict { error, status, .. } => {
                // The code is from RFC 6749 §4.1.2.1; a request that was redirected or refused was
                // not carried out.
                error.as_deref() == Some("temporarily_unavailable") || (300..=499).contains(status)
            }
            Self::Fault(Fault::NotSent { .. } | Fault::Setup { .. })
            | Self::NotSigned(_)
            | Self::TooManyRequests { .. } => true,
            Self::Fault(Fault::Unanswered { .. } | Fault::Unreadable { .. })
            | Self::GrantRefused { .. }
            | Self::ClientRefused { .. } => false,
        }
    }

    /// Whether the same request may bring a token a moment later: it was never sent, or the server
    /// was too busy.
    pub(crate) fn is_worth_retrying(&self) -> bool {
        match self {
            Self::NoVerdict { error, .. } => error.as_deref() == Some("temporarily_unavailable"),
            Self::Fault(Fault::NotSent { .. }) | Self::TooManyRequests { .. } => true,
            Self::Fault(
                Fault::Unanswered { .. } | Fault::Unreadable { .. } | Fault::Setup { .. },
            )
            | Self::NotSigned(_)
            | Self::GrantRefused { .. }
            | Self::ClientRefused { .. } => false,
        }
    }

    /// Whether the server may have acted on the request without saying so.
    pub(crate) fn is_ambiguous(&self) -> bool {
        match self {
            Self::GrantRefused { .. } | Self::ClientRefused { .. } => false,
            Self::TooManyRequests { .. }
            | Self::NoVerdict { .. }
            | Self::NotSigned(_)
            | Self::Fault(_) => !self.was_not_processed(),
        }
    }

    /// Returns the pause that the server asks for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after, .. } | Self::NoVerdict { retry_after, .. } => {
                *retry_after
            }
            Self::GrantRefused { .. }
            | Self::ClientRefused { .. }
            | Self::NotSigned(_)
            | Self::Fault(_) => None,
        }
    }

    /// Returns the code of the OAuth error, if the answer held one.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::GrantRefused { error, .. } | Self::ClientRefused { error, .. } => Some(error),
            Self::NoVerdict { error, .. } => error.as_deref(),
            Self::TooManyRequests { .. } | Self::NotSigned(_) | Self::Fault(_) => None,
        }
    }

    /// Whether the server refused the client's id or secret, before it looked at the grant.
    pub(crate) fn is_about_the_client(&self) -> bool {
        matches!(self, Self::ClientRefused { error, .. } if is_about_the_client(error))
    }
}

/// Whether an OAuth error's code says that the client's id or secret was refused.
pub(crate) fn is_about_the_client(code: &str) -> bool {
    // `access_denied` is Atlassian's word for it.
    ["invalid_client", "incorrect_client_credentials", "access_denied"].contains(&code)
}

/// The kind of the request that was refused, which decides what some errors mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// A request that redeems a code (RFC 6749 §4.1.3).
    Exchange,
    /// A request that renews a token (RFC 6749 §6).
    Refresh,
}

/// The body of an error response.
#[derive(Deserialize)]
struct Body {
    #[serde(deserialize_with = "code")]
    error: Coded,
    error_description: Option<String>,
    /// Google's finer reason, such as `invalid_rapt`.
    error_subtype: Option<String>,
}

/// The value of `error`: a code (RFC 6749 §5.2), or an object with one, as Facebook sends it.
struct Coded {
    code: String,
    message: Option<String>,
}

fn code<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Coded, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Sent {
        Code(String),
        Object { code: Value, message: Option<String> },
    }
    Ok(match Sent::deserialize(deserializer)? {
        Sent::Code(code) => Coded { code, message: None },
        Sent::Object { code: Value::String(code), message } => Coded { code, message },
        Sent::Object { code, message } => Coded { code: code.to_string(), message },
    })
}

/// Reads the error in `answer`; returns `None` if its body holds none. `grant_errors` are the
/// server's own codes for a grant that is over.
pub(crate) fn read(answer: &Answer, request: Request, grant_errors: &[String]) -> Option<Error> {
    let authority = answer.authority.clone();
    if answer.status == 429 {
        return Some(Error::TooManyRequests { authority, retry_after: answer.retry_after });
    }
    let body: Body = serde_json::from_slice(&answer.body).ok()?;
    let Coded { code, message } = body.error;
    if code.is_empty() {
        return None;
    }
    let description = body.error_description.or(message);
    let reason = [Some(&code), body.error_subtype.as_ref(), description.as_ref()]
        .into_iter()
        .flatten()
        .map(|text| answer.sent.redact(text))
        .collect::<Vec<_>>()
        .join(", ");
    let error = answer.sent.redact(&code);
    if grant_errors.contains(&code) {
        return Some(Error::GrantRefused { authority, error, reason });
    }
    Some(match (code.as_str(), request) {
        (
            "invalid_grant"
            | "bad_refresh_token"
            | "bad_verification_code"
            | "incorrect_device_code",
            _,
        )
        | ("unauthorized_client", Request::Refresh) => {
            Error::GrantRefused { authority, error, reason }
        }
        (
            "invalid_client"
            | "incorrect_client_credentials"
            | "access_denied"
            | "device_flow_disabled"
            | "invalid_scope"
            | "redirect_uri_mismatch"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "invalid_request",
            _,
        ) => Error::ClientRefused { authority, error, reason },
        _ => Error::NoVerdict {
            authority,
            status: answer.status,
            error: Some(error),
            retry_after: answer.retry_after,
            what: reason,
        },
    })
}

/// Returns the error for an answer whose body says nothing that an OAuth client can use.
pub(super) fn no_verdict(answer: &Answer) -> Error {
    let what = match answer.status {
        200..=299 => "something that is no token".to_owned(),
        300..=399 => format!("a redirect (HTTP {}), which is not followed", answer.status),
        status => format!("HTTP {status} and no OAuth error"),
    };
    Error::NoVerdict {
        authority: answer.authority.clone(),
        status: answer.status,
        error: None,
        retry_after: answer.retry_after,
        what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::sent_secrets::SentSecrets;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            authority: "id.example".into(),
            status,
            retry_after: None,
            date: None,
            body: zeroize::Zeroizing::new(body.as_bytes().to_vec()),
            sent: SentSecrets::default(),
        }
    }

    fn refresh(status: u16, body: &str) -> Option<Error> {
        read(&answer(status, body), Request::Refresh, &["190".into()])
    }

    #[test]
    fn the_body_decides_and_not_the_status() {
        for status in [200, 400, 401, 403] {
            let found = refresh(status, r#"{"error":"invalid_grant"}"#);
            assert!(matches!(found, Some(Error::GrantRefused { .. })), "{status}");
        }
        let found = refresh(401, r#"{"error":"access_denied","error_description":"Unauthorized"}"#);
        assert!(matches!(found, Some(Error::ClientRefused { .. })));
        assert!(matches!(
            refresh(500, r#"{"error":"server_error"}"#),
            Some(Error::NoVerdict { .. })
        ));
        assert!(matches!(refresh(429, "slow down"), Some(Error::TooManyRequests { .. })));
    }

    #[test]
    fn a_page_is_no_verdict() {
        for status in [200, 302, 400, 401, 403, 502] {
            assert!(refresh(status, "<html>invalid_grant</html>").is_none());
            assert!(matches!(no_verdict(&answer(status, "")), Error::NoVerdict { .. }));
        }
        assert!(refresh(400, r#"{"error":{"message":"x"}}"#).is_none());
    }

    #[test]
    fn an_object_in_place_of_a_code_has_its_code_within() {
        let body = r#"{"error":{"message":"Session has expired","code":190,"error_subcode":463}}"#;
        match refresh(400, body) {
            Some(Error::GrantRefused { error, reason, .. }) => {
                assert_eq!((&*error, &*reason), ("190", "190, Session has expired"));
            }
            other => panic!("{other:?}"),
        }
        let busy = r#"{"error":{"message":"An unexpected error","code":2}}"#;
        assert!(matches!(refresh(500, busy), Some(Error::NoVerdict { .. })));
        let elsewhere = read(&answer(400, body), Request::Refresh, &[]);
        assert!(matches!(elsewhere, Some(Error::NoVerdict { .. })), "only where it is defined");
    }

    #[test]
    fn only_an_answer_that_is_no_answer_leaves_in_doubt_what_was_done() {
        for (status, body, done_nothing) in [
            (503, r#"{"error":"temporarily_unavailable"}"#, true),
            (400, r#"{"error":"something_new"}"#, true),
            (429, "", true),
            (500, r#"{"error":"server_error"}"#, false),
        ] {
            assert_eq!(refresh(status, body).unwrap().was_not_processed(), done_nothing, "{body}");
        }
        for (status, done_nothing) in [(302, true), (403, true), (200, false), (502, false)] {
            let error = no_verdict(&answer(status, "<html>"));
            assert_eq!(error.was_not_processed(), done_nothing, "{status}");
        }
    }

    #[test]
    fn unauthorized_client_ends_a_grant_but_not_a_login() {
        let body =
            r#"{"error":"unauthorized_client","error_description":"refresh_token is invalid"}"#;
        assert!(matches!(refresh(403, body), Some(Error::GrantRefused { .. })));
        let found = read(&answer(403, body), Request::Exchange, &[]);
        assert!(matches!(found, Some(Error::ClientRefused { .. })));
    }

    #[test]
    fn descriptions_can_neither_paint_nor_command() {
        let body = r#"{"error":"invalid_grant","error_description":"\u001b[31m\n::error::x ##[x"}"#;
        let shown = refresh(400, body).unwrap().to_string();
        assert!(
            !shown.contains('\u{1b}') && !shown.contains(" ::") && !shown.contains("##["),
            "{shown}"
        );
    }
}
