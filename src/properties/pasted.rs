//! The property of pasted lines.

use super::input::Setting;
use super::login::{Login, describe};
use super::printed_text;
use crate::oauth::authorization_response::AuthorizationResponse;
use crate::oauth::listener::request::{self, MAX_HEAD, RequestKind};
use crate::oauth::pasted::{self, Unusable};
use crate::secret::SecretText;

/// Checks that a pasted line counts as this login's answer only if it is one. The input is a
/// setting, as in [`Login::new`], with the word `bare` if a bare code is accepted, and the line.
///
/// # Panics
///
/// If a line is taken for this login's answer and is not.
pub fn pasted(data: &[u8]) {
    let Some((setting, line)) = Setting::split(data) else { return };
    let login = Login::new(&setting);
    let Ok(line) = String::from_utf8(login.fill_in(line)) else { return };
    let uri = login.redirect_uri.to_string();
    let outcome = pasted::parse(&line, &uri, &login.expected, setting.has("bare"));
    let outcome = match outcome {
        Ok(response) => Ok(response),
        Err(Unusable::Rejected(rejected)) => Err(rejected),
        Err(other) => return printed_text::assert_harmless(&other.to_string()),
    };
    let Some(start) = line.trim().find(['?', '#']) else {
        let Ok(AuthorizationResponse::Code(code)) = outcome else { panic!("no code in {line:?}") };
        assert!(setting.has("bare") && !setting.has("promised"), "a bare code is taken");
        assert!(
            code.expose() == line.trim()
                && code.expose().bytes().all(|byte| byte.is_ascii_graphic())
        );
        return;
    };
    let (_, rest) = line.trim().split_at(start);
    let (query, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let query = query.trim_start_matches('?');
    // The answer may stand in the fragment, where the query has none.
    let either = [query, fragment].map(|text| describe(&login.parse(text)));
    assert!(either.contains(&describe(&outcome)), "judged like a callback");
    if describe(&outcome) != either[0] {
        return;
    }
    // An address that a browser can send is read in the same way by the listener.
    let authority = uri["http://".len()..].split('/').next().unwrap_or_default();
    let path = login.redirect_uri.path();
    let head = format!("GET {path}?{query} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    if query.bytes().all(|byte| byte.is_ascii_graphic()) && head.len() < MAX_HEAD {
        let kind = request::classify(head.as_bytes(), &login.redirect_uri);
        assert_eq!(kind, RequestKind::Callback { query });
    }
}
