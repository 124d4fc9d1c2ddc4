//! The property of a token endpoint's answers.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::input::Setting;
use super::printed_text;
use crate::model::credential::Expiry;
use crate::model::dialect::{Dialect, ExpiryShape};
use crate::model::reach::Reach;
use crate::model::readiness::due_at;
use crate::model::scope::Scopes;
use crate::oauth::device_authorization;
use crate::oauth::http::Answer;
use crate::oauth::token_answer::{self, TokenAnswer};
use crate::oauth::token_error::{Error, Request};
use crate::secret::SecretText;
use crate::untrusted::printable;

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

/// Checks that an answer means no more than it says. The input is a setting, with the HTTP status
/// and the words `expires`, `created_at`, `endless`, `refresh` and `placed` (the token is said to
/// stand at `/result/token`), and a body.
///
/// # Panics
///
/// If an answer is taken for more than it says.
pub fn token_answer(data: &[u8]) {
    let Some((setting, body)) = Setting::split(data) else { return };
    let dialect = Dialect {
        expiry: match (setting.has("expires"), setting.has("created_at")) {
            (true, _) => ExpiryShape::Expires,
            (false, true) => ExpiryShape::CreatedAt,
            (false, false) => ExpiryShape::ExpiresIn,
        },
        endless: setting.has("endless"),
        answer_fields: setting
            .has("placed")
            .then(|| ("access_token".to_owned(), "/result/token".to_owned()))
            .into_iter()
            .collect(),
        grant_errors: vec!["190".into()],
        ..Dialect::default()
    };
    let request = if setting.has("refresh") { Request::Refresh } else { Request::Exchange };
    let answer = Answer {
        authority: "id.example".into(),
        status: setting.number().unwrap_or(200),
        retry_after: Some(Duration::from_secs(7)),
        date: None,
        location: None,
        challenge: None,
        content_type: None,
        body: Zeroizing::new(body.to_vec()),
        reach: Reach::Public,
        sent: crate::oauth::sent_secrets::SentSecrets::default(),
    };
    match token_answer::read(&answer, request, &dialect, NOW) {
        Ok(granted) => assert_is_token(&granted, &answer, &dialect),
        Err(error) => {
            assert_costs_no_token(&answer, &dialect);
            assert_is_verdict(&error, request, &answer);
        }
    }
    if let Ok(device) = device_authorization::read(&answer, &dialect) {
        printed_text::assert_harmless(&device.user_code);
        assert!(!device.user_code.is_empty() && device.expires_in <= Duration::from_secs(3600));
        for address in [Some(&device.verification_uri), device.verification_uri_complete.as_ref()] {
            let Some(address) = address else { continue };
            assert_eq!(printable(address.as_str()), address.as_str());
        }
    }
}

/// The fields of a plain token answer: the rest may be anything, even bytes that are no text.
#[derive(Deserialize)]
struct Given {
    access_token: String,
    #[serde(default)]
    expires_in: Value,
}

/// Asserts that an answer of success which was not taken for a token holds none where it is looked
/// for: beside the other fields (RFC 6749 §5.1), in the one object that has it, in a form, or where
/// the definition says.
fn assert_costs_no_token(answer: &Answer, dialect: &Dialect) {
    let body = answer.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&answer.body);
    if !(200..=299).contains(&answer.status) {
        return;
    }
    let text = |value: &Value| value.as_str().is_some_and(is_visible);
    let is_placed = !dialect.answer_fields.is_empty();
    let Ok(document) = serde_json::from_slice::<Value>(body) else {
        let fields: Vec<_> = url::form_urlencoded::parse(body).collect();
        let is_form = !body.is_empty()
            && body.iter().all(u8::is_ascii_graphic)
            && !body.starts_with(b"[")
            && !body.starts_with(b"{")
            && !body.starts_with(b"\"")
            && !body.starts_with(b"<");
        let tokens: Vec<_> = fields.iter().filter(|(name, _)| name == "access_token").collect();
        let is_token = matches!(tokens[..], [(_, token)] if is_visible(token));
        assert!(is_placed || !is_form || !is_token, "a token in a form was lost");
        return;
    };
    if is_placed {
        let placed = document.pointer("/result/token");
        assert!(!placed.is_some_and(text), "a token was lost where the definition has it");
        return;
    }
    let Value::Object(fields) = &document else { return };
    let holds = |value: &Value| value.get("access_token").is_some_and(text);
    assert!(!holds(&document), "a token was lost");
    let is_anywhere = |value: &&Value| value.to_string().to_ascii_lowercase().contains("token");
    let within: Vec<_> = fields.values().filter(is_anywhere).collect();
    let is_alone = fields.keys().all(|name| !name.to_ascii_lowercase().contains("token"));
    assert!(!(is_alone && matches!(within[..], [one] if holds(one))), "a token within was lost");
}

/// Asserts that only words of the server end a grant or blame the settings, and that a request which
/// may have spent a token is not called unsent.
fn assert_is_verdict(error: &Error, request: Request, answer: &Answer) {
    check_message(error);
    match error {
        Error::GrantRefused { error, .. } => {
            let plain = [
                "invalid_grant",
                "bad_refresh_token",
                "bad_verification_code",
                "incorrect_device_code",
                "unauthorized_client",
                "190",
            ];
            assert!(!error.is_empty() && answer.status != 429);
            assert!(
                answer.status < 500 && request == Request::Refresh || plain.contains(&&**error),
                "{error} ends the grant"
            );
        }
        Error::ClientRefused { error, .. } => {
            assert!(!error.is_empty() && error != "invalid_grant");
        }
        Error::NoVerdict { error: code, status, .. } => {
            assert_eq!(*status, answer.status);
            let is_busy = code.as_deref() == Some("temporarily_unavailable");
            // An answer of success, of a broken server, or of a proxy that no longer waits.
            let may_be_spent =
                (200..=299).contains(status) || *status >= 500 || [408, 499].contains(status);
            assert!(is_busy || !may_be_spent || !error.was_not_processed());
        }
        Error::TooManyRequests { .. } => assert_eq!(answer.status, 429),
        Error::ClockRefused { .. }
        | Error::UnusableToken { .. }
        | Error::IdentityRefused { .. }
        | Error::NotSigned(_)
        | Error::NoIdentity(_)
        | Error::Fault(_) => {
            panic!("{error:?} is no answer")
        }
    }
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| (0x21..=0x7E).contains(&byte))
}

fn check_message(error: &Error) {
    printed_text::assert_harmless(&error.to_string());
    printed_text::assert_harmless(error.code().unwrap_or_default());
    let final_word = matches!(error, Error::GrantRefused { .. } | Error::ClientRefused { .. });
    assert!(!final_word || !(error.is_worth_retrying() || error.is_ambiguous()));
    assert!(!error.is_worth_retrying() || error.was_not_processed(), "{error:?} is sent again");
}

/// Asserts that what is stored and handed out is a token of this answer, and that its end is the one
/// that the server stated.
fn assert_is_token(granted: &TokenAnswer, answer: &Answer, dialect: &Dialect) {
    assert!((200..=299).contains(&answer.status));
    let token = granted.access_token.expose();
    assert!(is_visible(token));
    assert!(granted.refresh_token.as_ref().is_none_or(|token| is_visible(token.expose())));
    assert!(is_visible(granted.token_type.word()) && granted.token_type.word().len() <= 64);
    let scopes = granted.scopes.iter().flat_map(Scopes::iter);
    scopes.for_each(|scope| assert!(is_visible(scope) && !scope.contains([' ', ','])));
    assert!(granted.refresh_expires_at.is_none_or(|at| at > NOW));
    if dialect.answer_fields.is_empty()
        && let Ok(given) = serde_json::from_slice::<Given>(&answer.body)
        && is_visible(&given.access_token)
    {
        assert_eq!(token, given.access_token);
        if let (ExpiryShape::ExpiresIn, Some(life), Expiry::Known(at)) =
            (dialect.expiry, given.expires_in.as_i64(), granted.expiry)
        {
            assert_eq!(at.as_second(), NOW.as_second() + life.max(0));
        }
    }
    match granted.expiry {
        Expiry::Known(at) => {
            assert!(due_at(NOW, granted.expiry, None).expect("what ends is due before") <= at);
        }
        Expiry::None => assert!(dialect.endless),
        Expiry::Unknown => assert!(due_at(NOW, granted.expiry, None).is_none()),
    }
}
