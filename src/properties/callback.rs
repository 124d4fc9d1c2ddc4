//! The property of requests to the loopback listener.

use super::input::Setting;
use super::login::Login;
use crate::oauth::listener::request::{self, MAX_BODY, MAX_REQUEST, RequestKind};

/// Checks that a request counts as this login's callback only if it is one. The input is a setting,
/// as in [`Login::new`], and the request.
///
/// # Panics
///
/// If a request is taken for this login's answer and is not.
pub fn callback(data: &[u8]) {
    let Some((setting, head)) = Setting::split(data) else { return };
    let login = Login::new(&setting);
    let mut head = login.fill_in(head);
    head.truncate(MAX_REQUEST);
    let kind = request::classify(&head, &login.redirect_uri);
    // The head may arrive in pieces; each prefix is incomplete or has the same kind.
    for cut in (0..8).map(|part| head.len() * part / 8).chain(head.len().checked_sub(1)) {
        let piece = request::classify(&head[..cut], &login.redirect_uri);
        assert!(piece == RequestKind::Incomplete || piece == kind, "{piece:?}, then {kind:?}");
    }
    match kind {
        RequestKind::Incomplete => assert!(head.len() < MAX_REQUEST),
        RequestKind::Stray(..) => {}
        RequestKind::Callback { query } => {
            if head.trim_ascii_start().starts_with(b"POST ") {
                assert_is_form(&head, query, &login);
            } else {
                assert_is_browser(&head, query, &login);
            }
            let _ = login.parse(query);
        }
    }
}

/// Asserts that the head is that of a browser that follows a redirect to this login's address. The
/// head is read line by line, without the library that the listener uses.
fn assert_is_browser(head: &[u8], query: &str, login: &Login) {
    let uri = login.redirect_uri.to_string();
    let (authority, path) =
        uri["http://".len()..].split_at(uri["http://".len()..].find('/').unwrap_or(0));
    let text = String::from_utf8_lossy(head);
    let mut lines =
        text.trim_start_matches(['\r', '\n']).split('\n').map(|line| line.trim_end_matches('\r'));
    let line = lines.next().unwrap_or_default();
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let words: Vec<&str> = line.split(' ').collect();
    let asked = words.get(1).map(|asked| asked.trim_end_matches('?'));
    assert!(words[0] == "GET" && asked == Some(target.trim_end_matches('?')), "{line:?} is taken");
    assert!(!query.contains(|sign: char| sign.is_ascii_control() || sign == ' '));
    let fields: Vec<_> = lines
        .by_ref()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(':'))
        .collect();
    assert_is_addressed(&fields, authority);
    assert!(!fields.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("sec-purpose") && value.to_ascii_lowercase().contains("prefetch")
    }));
}

/// Asserts that the request is a form that a browser posts to this login's address, and that `query`
/// is all of it.
fn assert_is_form(request: &[u8], query: &str, login: &Login) {
    let uri = login.redirect_uri.to_string();
    let authority = uri["http://".len()..].split('/').next().unwrap_or_default();
    assert!(query.len() <= MAX_BODY, "a body of {} bytes is taken", query.len());
    let text = String::from_utf8_lossy(request);
    let mut lines =
        text.trim_start_matches(['\r', '\n']).split('\n').map(|line| line.trim_end_matches('\r'));
    let line = lines.next().unwrap_or_default();
    let path = line.split(' ').nth(1).and_then(|target| target.split('?').next());
    assert_eq!(path, Some(login.redirect_uri.path()), "{line:?} is taken");
    let fields: Vec<_> =
        lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':')).collect();
    assert_is_addressed(&fields, authority);
    let value = |wanted: &str| -> Vec<&str> {
        let found = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim()).collect()
    };
    assert!(matches!(value("content-length")[..], [length] if length.parse() == Ok(query.len())));
    let types = value("content-type");
    let is_form =
        |kind: &str| kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    assert!(matches!(types[..], [kind] if is_form(kind)), "{types:?} is taken");
    assert!(value("transfer-encoding").is_empty(), "a body in chunks is taken");
}

/// Asserts that there is one `Host`, that of this login.
fn assert_is_addressed(fields: &[(&str, &str)], authority: &str) {
    let hosts: Vec<&str> = fields
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, host)| host.trim())
        .collect();
    let own = |host: &str| {
        host.eq_ignore_ascii_case(authority)
            || authority.strip_suffix(":80").is_some_and(|name| host.eq_ignore_ascii_case(name))
    };
    assert!(matches!(hosts[..], [host] if own(host)), "for {hosts:?}, not for {authority}");
}
