//! The property of requests to the loopback listener.

use super::input::Setting;
use super::login::Login;
use crate::oauth::listener::request::{self, MAX_HEAD, RequestKind};

/// Checks that the head of a request counts as this login's callback only if it is one. The input
/// is a setting, as in [`Login::new`], and the head.
///
/// # Panics
///
/// If a request is taken for this login's answer and is not.
pub fn callback(data: &[u8]) {
    let Some((setting, head)) = Setting::split(data) else { return };
    let login = Login::new(&setting);
    let mut head = login.fill_in(head);
    head.truncate(MAX_HEAD);
    let kind = request::classify(&head, &login.redirect_uri);
    // The head may arrive in pieces; each prefix is incomplete or has the same kind.
    for cut in (0..8).map(|part| head.len() * part / 8).chain(head.len().checked_sub(1)) {
        let piece = request::classify(&head[..cut], &login.redirect_uri);
        assert!(piece == RequestKind::Incomplete || piece == kind, "{piece:?}, then {kind:?}");
    }
    match kind {
        RequestKind::Incomplete => assert!(head.len() < MAX_HEAD),
        RequestKind::Stray(_) => {}
        RequestKind::Callback { query } => {
            assert_is_browser(&head, query, &login);
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
    let fields = || {
        lines.clone().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'))
    };
    let hosts: Vec<&str> = fields()
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, host)| host.trim())
        .collect();
    let own = |host: &str| {
        host.eq_ignore_ascii_case(authority)
            || authority.strip_suffix(":80").is_some_and(|name| host.eq_ignore_ascii_case(name))
    };
    assert!(matches!(hosts[..], [host] if own(host)), "for {hosts:?}, not for {authority}");
    assert!(!fields().any(|(name, value)| {
        name.eq_ignore_ascii_case("sec-purpose") && value.to_ascii_lowercase().contains("prefetch")
    }));
}
