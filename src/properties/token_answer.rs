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
use crate::model::readiness::due_at;
use crate::model::scope::Scopes;
use crate::oauth::device_authorization;
use crate::oauth::http::Answer;
use crate::oauth::token_answer::{self, TokenAnswer};
use crate::oauth::token_error::{self, Error, Request};
use crate::secret::SecretText;
use crate::untrusted::printable;

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

/// Checks that an answer means no more than it says. The input is a setting, with the HTTP status
/// and the words `expires`, `created_at`, `endless` and `refresh`, and a body.
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
        grant_errors: vec!["190".into()],
        ..Dialect::default()
    };
    let request = if setting.has("refresh") { Request::Refresh } else { Request::Exchange };
    let answer = Answer {
        authority: "id.example".into(),
        status: setting.number().unwrap_or(200),
        retry_after: Some(Duration::from_secs(7)),
        date: None,
        body: Zeroizing::new(body.to_vec()),
        sent: crate::oauth::sent_secrets::SentSecrets::default(),
    };
    match token_error::read(&answer, request, &dialect.grant_errors) {
        Some(error) => assert_is_verdict(&error, &answer, &dialect),
        None => match token_answer::parse(&answer, &dialect, NOW) {
            Ok(granted) => assert_is_token(&granted, &answer, &dialect),
            Err(error) => {
                assert!(matches!(error, Error::NoVerdict { .. }), "{error:?}");
                check_message(&error);
            }
        },
    }
    if let Ok(device) = device_authorization::read(&answer) {
        printed_text::assert_harmless(&device.user_code);
        assert!(!device.user_code.is_empty() && device.expires_in <= Duration::from_hours(1));
        for address in [Some(&device.verification_uri), device.verification_uri_complete.as_ref()] {
            let Some(address) = address else { continue };
            assert_eq!(printable(address.as_str()), address.as_str());
        }
    }
}

/// The fields of an error that count: the rest may be anything, even bytes that are no text.
#[derive(Deserialize)]
struct Sent {
    error: Value,
}

/// The fields of a token that count.
#[derive(Deserialize)]
struct Given {
    access_token: String,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    expires: Value,
    #[serde(default)]
    created_at: Value,
}

/// Asserts that only an OAuth error body ends a grant or blames the settings, whatever the status
/// is.
fn assert_is_verdict(error: &Error, answer: &Answer, dialect: &Dialect) {
    check_message(error);
    if answer.status == 429 {
        return assert!(matches!(error, Error::TooManyRequests { .. }), "{error:?}");
    }
    let sent: Sent = serde_json::from_slice(&answer.body).expect("a verdict is read from JSON");
    let code = match &sent.error {
        Value::Object(error) => match &error["code"] {
            Value::String(code) => code.clone(),
            other => other.to_string(),
        },
        error => error.as_str().unwrap_or_default().to_owned(),
    };
    match error {
        Error::GrantRefused { error, .. } => {
            assert!(!code.is_empty() && *error == printable(&code));
            let own = dialect.grant_errors.contains(&code);
            assert!(own || !token_error::is_about_the_client(&code), "{code} ends the grant");
        }
        Error::ClientRefused { error, .. } => {
            assert!(!code.is_empty() && *error == printable(&code) && code != "invalid_grant");
        }
        Error::NoVerdict { error, .. } => {
            assert!(error.is_some() && code != "invalid_grant" && code != "invalid_client");
        }
        Error::TooManyRequests { .. } | Error::NotSigned(_) | Error::Fault(_) => {
            panic!("{error:?} is no answer")
        }
    }
}

fn check_message(error: &Error) {
    printed_text::assert_harmless(&error.to_string());
    printed_text::assert_harmless(error.code().unwrap_or_default());
    let final_word = matches!(error, Error::GrantRefused { .. } | Error::ClientRefused { .. });
    assert!(!final_word || !(error.is_worth_retrying() || error.is_ambiguous()));
    assert!(!error.is_worth_retrying() || error.was_not_processed(), "{error:?} is sent again");
}

/// Asserts that what is stored and handed out is a token, and that its end is the one that the
/// server stated.
fn assert_is_token(granted: &TokenAnswer, answer: &Answer, dialect: &Dialect) {
    let sent: Given = serde_json::from_slice(&answer.body).expect("a token is read from JSON");
    assert!((200..=299).contains(&answer.status));
    let visible =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| (0x21..=0x7E).contains(&byte));
    assert!(
        visible(granted.access_token.expose())
            && sent.access_token == granted.access_token.expose()
    );
    assert!(granted.refresh_token.as_ref().is_none_or(|token| visible(token.expose())));
    assert!(visible(&granted.token_type) && !granted.token_type.contains([':', '"', ',']));
    let scopes = granted.scopes.iter().flat_map(Scopes::iter);
    scopes.for_each(|scope| assert!(visible(scope) && !scope.contains([' ', ','])));
    assert!(granted.refresh_expires_at.is_none_or(|at| at > NOW));
    let absolute = match dialect.expiry {
        ExpiryShape::ExpiresIn => None,
        ExpiryShape::Expires => Some(&sent.expires),
        ExpiryShape::CreatedAt => Some(&sent.created_at),
    };
    match granted.expiry {
        // The end is past only if the server itself named a moment that is past.
        Expiry::Known(at) => {
            let stated = absolute.is_some_and(|at| !at.is_null());
            assert!(at >= NOW || stated, "{at} is past");
            let due = due_at(NOW, granted.expiry, None).expect("what ends is due before");
            assert!(due <= at);
            if let (ExpiryShape::ExpiresIn, Some(life)) = (dialect.expiry, sent.expires_in.as_i64())
            {
                assert_eq!(at.as_second(), NOW.as_second() + life.max(0));
            }
        }
        Expiry::None => {
            assert!(dialect.endless && sent.expires_in.is_null() && sent.expires.is_null());
        }
        Expiry::Unknown => assert!(due_at(NOW, granted.expiry, None).is_none()),
    }
}
