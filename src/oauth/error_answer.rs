//! The reading of an answer with which an authorization server gives no token (RFC 6749 §5.2).
//!
//! Only an OAuth error body is a verdict, whatever the HTTP status: Atlassian refuses a grant with
//! 403, GitHub with 200, and a proxy's page means nothing at all.

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::answer_fields::{self, AnswerText, Fields};
use super::demands::Demand;
use super::http::Answer;
use super::refusal::{Request, Verdict, normalised, verdict};
use super::token_error::Error;
use crate::model::attempt::TOLERABLE_SKEW;
use crate::model::dialect::Dialect;
use crate::untrusted::printable;

/// The error in an answer, as the server wrote it.
struct Sent {
    /// The codes, the first of which is shown where nobody knows any of them.
    codes: Vec<String>,
    /// Google's finer reason, such as `invalid_rapt`.
    subtype: Option<String>,
    description: Option<String>,
}

impl Sent {
    /// Reads the error in `fields`. Fails if there is none. `is_success` says that the HTTP status
    /// tells of no error, so that only a field with that name is one.
    fn of(fields: &Fields<'_>, is_success: bool) -> Option<Self> {
        let plain = |text: Option<Zeroizing<String>>| {
            text.map(answer_fields::trimmed).filter(|text| !text.is_empty())
        };
        let listed = fields.first_of("errors");
        let mut codes = Vec::new();
        let mut description = None;
        for raw in [fields.value("error"), listed].into_iter().flatten() {
            codes.extend(plain(answer_fields::text(raw)));
            if let Some(object) = answer_fields::object(raw) {
                let inner = ["code", "error", "error_code", "type", "status"];
                codes.extend(inner.into_iter().filter_map(|name| plain(object.text(name))));
                let texts = ["message", "description", "error_description"];
                let found = texts.into_iter().find_map(|name| plain(object.text(name)));
                description = description.or(found);
            }
        }
        codes.extend(plain(fields.text("error_code")));
        if !is_success {
            // A number is the HTTP status once more.
            let words = plain(fields.text("code")).filter(|code| code.parse::<f64>().is_err());
            codes.extend(words);
        }
        if codes.is_empty() {
            return None;
        }
        let texts = ["error_description", "message", "msg", "description"];
        let outer = texts.into_iter().find_map(|name| plain(fields.text(name)));
        Some(Self {
            codes,
            subtype: plain(fields.text("error_subtype")),
            description: outer.or(description),
        })
    }
}

/// Returns the code of the error in `answer`, in lower case with `_` between words.
pub(super) fn code_of(answer: &Answer, dialect: &Dialect) -> Option<String> {
    let text = AnswerText::of(answer);
    let fields = text.fields()?.with_named(&dialect.answer_fields);
    let sent = Sent::of(&fields, (200..=299).contains(&answer.status))?;
    sent.codes.first().map(|code| normalised(code))
}

/// Reads the error in `answer`; returns `None` if its body holds none. The `dialect` has the
/// server's own codes for a grant that is over, and the place of the code in the answer.
pub(crate) fn read(answer: &Answer, request: Request, dialect: &Dialect) -> Option<Error> {
    let authority = answer.authority.clone();
    if answer.status == 429 {
        return Some(Error::TooManyRequests { authority, retry_after: answer.retry_after });
    }
    let text = AnswerText::of(answer);
    let fields = text.fields()?.with_named(&dialect.answer_fields);
    let Sent { codes, subtype, description } =
        Sent::of(&fields, (200..=299).contains(&answer.status))?;
    let judged = |code: &String| {
        let plain = normalised(code);
        let is_own = |own: &String| own == code || normalised(own) == plain;
        if dialect.grant_errors.iter().any(is_own) {
            return Some((code.clone(), Verdict::Grant));
        }
        verdict(&plain, request, answer.status).map(|verdict| (plain, verdict))
    };
    let (code, verdict) =
        codes.iter().find_map(judged).unwrap_or_else(|| (codes[0].clone(), Verdict::Passing));
    let mut reason = [Some(&code), subtype.as_ref(), description.as_ref()]
        .into_iter()
        .flatten()
        .map(|text| answer.sent.redact(text))
        .collect::<Vec<_>>()
        .join(", ");
    let demand = Demand::of_error(&code, description.as_deref());
    // What the client can't do is no fault of the grant, and no later try changes it.
    let verdict = if demand.is_some() { Verdict::Client } else { verdict };
    if let Some(demand) = demand {
        reason = format!("{reason}; {}", demand.words());
    }
    let error = answer.sent.redact(&code);
    Some(match verdict {
        Verdict::Grant => Error::GrantRefused { authority, error, reason },
        Verdict::Client => Error::ClientRefused { authority, error, reason },
        Verdict::Passing => Error::NoVerdict {
            authority,
            status: answer.status,
            error: Some(error),
            retry_after: answer.retry_after,
            what: reason,
        },
    })
}

/// Returns the refusal `error` of a request that no person has a part in as a passing one, if this
/// machine's clock differs from the server's `date` by more than is harmless: the proof was too
/// old, or not valid yet.
pub(super) fn blame_clock(error: Error, date: Option<Timestamp>, now: Timestamp) -> Error {
    let Some(ahead) = date.map(|date| date.duration_since(now)) else { return error };
    if ahead.abs() <= TOLERABLE_SKEW {
        return error;
    }
    match error {
        Error::GrantRefused { authority, reason, error }
        | Error::ClientRefused { authority, reason, error } => {
            Error::ClockRefused { authority, error, reason, ahead }
        }
        error @ (Error::ClockRefused { .. }
        | Error::UnusableToken { .. }
        | Error::IdentityRefused { .. }
        | Error::TooManyRequests { .. }
        | Error::NoVerdict { .. }
        | Error::NotSigned(_)
        | Error::NoIdentity(_)
        | Error::Fault(_)) => error,
    }
}

/// Returns the error for an answer whose body says nothing that an OAuth client can use.
pub(super) fn no_verdict(answer: &Answer) -> Error {
    let what = match answer.status {
        200..=299 => unreadable(answer, "no token"),
        300..=399 => format!("a redirect (HTTP {}), which is not followed", answer.status),
        status => foreign(answer, status),
    };
    unexpected(answer, what)
}

/// Returns the error for an answer that is `what`.
pub(super) fn unexpected(answer: &Answer, what: String) -> Error {
    Error::NoVerdict {
        authority: answer.authority.clone(),
        status: answer.status,
        error: None,
        retry_after: answer.retry_after,
        what,
    }
}

/// Returns the description of an answer that reports an error in no form of OAuth: what it is, and what
/// may have sent it.
fn foreign(answer: &Answer, status: u16) -> String {
    let kind = answer.content_type.as_deref().and_then(|kind| kind.split(';').next());
    let kind = kind.map(|kind| printable(kind.trim().get(..64).unwrap_or(kind.trim())));
    let is_page = kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
    let what = match (&kind, answer.body.is_empty()) {
        (_, true) => "no text".to_owned(),
        (None, false) => "a text of no kind".to_owned(),
        (Some(_), false) if is_page => "a web page".to_owned(),
        (Some(kind), false) => format!("`{kind}`"),
    };
    let from = match status {
        404 | 405 | 410 => ": the address may be wrong",
        407 | 511 => ": a proxy or the network wants a login first",
        500.. => "",
        _ if is_page => ": a proxy or a firewall may have sent it",
        _ => "",
    };
    format!("HTTP {status}, {what} and no OAuth error{from}")
}

/// Returns the description of an answer of success that lacks what was asked for. `no_such` names what
/// it lacks, such as "no token".
pub(super) fn unreadable(answer: &Answer, no_such: &str) -> String {
    let kind = answer.content_type.as_deref().map_or_else(
        || "no content type".to_owned(),
        |kind| format!("`{}`", printable(&kind.chars().take(64).collect::<String>())),
    );
    let text = AnswerText::of(answer);
    let names = text.fields().map(|fields| answer.sent.redact(&fields.names()));
    match names.as_deref() {
        Some("") => format!("something that is {no_such} ({kind}, no field)"),
        Some(names) => format!("something that is {no_such} ({kind}, fields {names})"),
        None => format!("something that is {no_such} ({kind})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facebook() -> Dialect {
        Dialect { grant_errors: vec!["190".into()], ..Dialect::default() }
    }

    fn refresh(status: u16, body: &str) -> Option<Error> {
        read(&Answer::made_up(status, body), Request::Refresh, &facebook())
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
            assert!(matches!(no_verdict(&Answer::made_up(status, "")), Error::NoVerdict { .. }));
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
        let elsewhere = read(&Answer::made_up(400, body), Request::Refresh, &Dialect::default());
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
            let error = no_verdict(&Answer::made_up(status, "<html>"));
            assert_eq!(error.was_not_processed(), done_nothing, "{status}");
        }
    }

    #[test]
    fn unauthorized_client_ends_a_grant_but_not_a_login() {
        let body =
            r#"{"error":"unauthorized_client","error_description":"refresh_token is invalid"}"#;
        assert!(matches!(refresh(403, body), Some(Error::GrantRefused { .. })));
        let found = read(&Answer::made_up(403, body), Request::Exchange, &Dialect::default());
        assert!(matches!(found, Some(Error::ClientRefused { .. })));
    }

    #[test]
    fn a_refusal_of_a_refresh_comes_in_many_words() {
        for body in [
            r#"{"error":"interaction_required"}"#,
            r#"{"error":"INVALID_GRANT"}"#,
            r#"{"error":"InvalidGrant"}"#,
            r#"{"error":"invalid_token"}"#,
            r#"{"error":"RefreshTokenExpired"}"#,
            r#"{"error":"token_revoked"}"#,
            r#"{"error":{"type":"invalid_grant"}}"#,
            r#"{"error":{"code":"refresh_token_already_used"}}"#,
            r#"{"code":400,"error_code":"refresh_token_not_found","msg":"x"}"#,
            r#"{"errors":[{"code":"invalid_grant"}]}"#,
            r#"{"error":"invalid_grant","error_description":{"a":1},"error_subtype":[7]}"#,
            "error=invalid_grant&error_description=It+is+over",
            "\u{feff}{\"error\":\"invalid_grant\"}",
        ] {
            let found = refresh(400, body);
            assert!(matches!(found, Some(Error::GrantRefused { .. })), "{body}: {found:?}");
        }
    }

    #[test]
    fn words_about_something_else_end_no_grant() {
        for code in [
            "access_token_expired",
            "id_token_invalid",
            "invalid_assertion_token",
            "registration_token_expired",
            "invalid_token_request",
            "invalid_refresh_token_request",
            "token_unavailable",
            "expired",
        ] {
            let body = format!(r#"{{"error":"{code}"}}"#);
            let found = refresh(400, &body);
            assert!(matches!(found, Some(Error::NoVerdict { .. })), "{code}: {found:?}");
        }
        for (status, code) in [(503, "refresh_token_not_found"), (500, "login_required")] {
            let found = refresh(status, &format!(r#"{{"error":"{code}"}}"#));
            assert!(matches!(found, Some(Error::NoVerdict { .. })), "{code}: {found:?}");
        }
        let body = Answer::made_up(400, r#"{"error":"refresh_token_expired"}"#);
        let login = read(&body, Request::Exchange, &Dialect::default());
        assert!(matches!(login, Some(Error::NoVerdict { .. })), "only in answer to a refresh");
    }

    #[test]
    fn a_definition_names_the_field_and_the_words() {
        let dialect = Dialect {
            grant_errors: vec!["gone".into()],
            answer_fields: [("error".to_owned(), "/meta/reason".to_owned())].into(),
            ..Dialect::default()
        };
        let answer = Answer::made_up(400, r#"{"error":false,"meta":{"reason":"GONE"}}"#);
        let found = read(&answer, Request::Refresh, &dialect);
        assert!(matches!(found, Some(Error::GrantRefused { .. })), "{found:?}");
    }

    #[test]
    fn a_refusal_while_the_clock_is_wrong_passes() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let refused = || refresh(400, r#"{"error":"invalid_grant"}"#).unwrap();
        let server_time = |seconds: i64| Timestamp::from_second(1_700_000_000 + seconds).ok();
        let shown = blame_clock(refused(), server_time(90), now).to_string();
        assert!(shown.contains("clock is 90 s behind"), "{shown}");
        let near = blame_clock(refused(), server_time(60), now);
        assert!(matches!(near, Error::GrantRefused { .. }));
        assert!(matches!(blame_clock(refused(), None, now), Error::GrantRefused { .. }));
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
