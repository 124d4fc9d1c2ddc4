//! What a person pastes.

use super::input::Setting;
use super::login::{Login, told};
use super::shown;
use crate::oauth::authorization_response::AuthorizationResponse;
use crate::oauth::listener::request::{self, MAX_HEAD, RequestKind};
use crate::oauth::pasted::{self, Unusable};
use crate::secret::SecretText;

/// Takes a setting, as [`Login`] has it and `bare` where a bare code will do, and a line.
///
/// # Panics
///
/// Where something else than this login's answer is taken for it.
pub fn pasted(data: &[u8]) {
    let Some((setting, line)) = Setting::split(data) else { return };
    let login = Login::new(&setting);
    let Ok(line) = String::from_utf8(login.fill_in(line)) else { return };
    let uri = login.redirect_uri.to_string();
    let outcome = pasted::parse(&line, &uri, &login.expected, setting.has("bare"));
    let outcome = match outcome {
        Ok(response) => Ok(response),
        Err(Unusable::Rejected(rejected)) => Err(rejected),
        Err(other) => return shown::is_harmless(&other.to_string()),
    };
    let Some((_, query)) = line.trim().split_once('?') else {
        let Ok(AuthorizationResponse::Code(code)) = outcome else { panic!("no code in {line:?}") };
        assert!(setting.has("bare") && !setting.has("promised"), "a bare code is taken");
        assert!(
            code.expose() == line.trim()
                && code.expose().bytes().all(|byte| byte.is_ascii_graphic())
        );
        return;
    };
    let query = query.split('#').next().unwrap_or_default();
    assert_eq!(told(&outcome), told(&login.judge(query)), "judged like a callback");
    // And what a browser can send would have come the same way to the listener.
    let authority = uri["http://".len()..].split('/').next().unwrap_or_default();
    let path = login.redirect_uri.path();
    let head = format!("GET {path}?{query} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    if query.bytes().all(|byte| byte.is_ascii_graphic()) && head.len() < MAX_HEAD {
        let kind = request::classify(head.as_bytes(), &login.redirect_uri);
        assert_eq!(kind, RequestKind::Callback { query });
    }
}
