//! A request (RFC 9112), and the test whether it is a browser that comes back.
//!
//! The answer stands in the query of a GET, or in the body of a POST where the login asked for that
//! (OAuth 2.0 Form Post Response Mode). What it says is decided in
//! [`authorization_response`](crate::oauth::authorization_response).

use httparse::{Header, Request, Status};

use super::answer::Answer;
use super::stray::{Stray, is_answer};
use crate::oauth::redirect_uri::RedirectUri;

/// The longest head that is read, in bytes. It leaves room for cookies: browsers share those of
/// `localhost` among all of its ports.
pub(crate) const MAX_HEAD: usize = 16 * 1024;

/// The longest body that is read, in bytes. A code that is a signed token is a few thousand.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// The longest request that is read, in bytes.
pub(crate) const MAX_REQUEST: usize = MAX_HEAD + MAX_BODY;

/// The most headers that are read; browsers send some twenty.
const MAX_HEADERS: usize = 64;

/// The headers by which browsers say that nobody has followed the link yet; the last two are older.
const PREFETCH_HEADERS: [&str; 4] = ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"];

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// The kind of a request, as far as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RequestKind<'request> {
    /// The request is not complete.
    Incomplete,
    /// The request can't be the authorization response, and gets this answer. If it looks like one,
    /// the person is told.
    Stray(Answer, Option<Stray>),
    /// A browser comes back with this query.
    Callback {
        /// The query without its question mark, or the form of a POST.
        query: &'request str,
    },
}

impl RequestKind<'_> {
    fn stray(answer: Answer) -> Self {
        Self::Stray(answer, None)
    }
}

/// Classifies the part of a request that was read so far.
pub(crate) fn classify<'request>(
    bytes: &'request [u8],
    redirect_uri: &RedirectUri,
) -> RequestKind<'request> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(Status::Partial) if bytes.len() < MAX_HEAD => RequestKind::Incomplete,
        Ok(Status::Complete(head)) if head <= MAX_HEAD => {
            classify_complete(&request, &bytes[head..], redirect_uri)
        }
        Ok(Status::Partial | Status::Complete(_)) | Err(httparse::Error::TooManyHeaders) => {
            RequestKind::stray(Answer::HeadTooLarge)
        }
        Err(_) => RequestKind::stray(Answer::Malformed),
    }
}

/// Classifies a complete head, with the part of the `body` that was read. The host is checked first:
/// a request for another host must learn nothing about the paths here.
fn classify_complete<'request>(
    request: &Request<'_, 'request>,
    body: &'request [u8],
    redirect_uri: &RedirectUri,
) -> RequestKind<'request> {
    let target = request.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let stray = |answer, kind: Stray| {
        let is_told = is_answer(query) || kind == Stray::TrailingSlash;
        RequestKind::Stray(answer, is_told.then_some(kind))
    };
    if !is_addressed(request.headers, redirect_uri) {
        return stray(Answer::Misdirected, Stray::OtherHost);
    }
    if path != redirect_uri.path() {
        let without_slash = |path: &'_ str| path.trim_end_matches('/').to_owned();
        let is_slash = without_slash(path) == without_slash(redirect_uri.path());
        let kind = if is_slash { Stray::TrailingSlash } else { Stray::OtherPath };
        return stray(Answer::NotFound, kind);
    }
    match request.method {
        Some("GET") if request.headers.iter().any(is_prefetch) => {
            RequestKind::stray(Answer::Prefetched)
        }
        Some("GET") => RequestKind::Callback { query },
        Some("POST") => classify_form(request.headers, body),
        Some(_) | None => RequestKind::stray(Answer::MethodNotAllowed),
    }
}

/// Classifies a POST by its headers and the part of its body that was read.
fn classify_form<'request>(headers: &[Header<'_>], body: &'request [u8]) -> RequestKind<'request> {
    let unreadable = |answer| RequestKind::Stray(answer, Some(Stray::Unreadable));
    let is_form = |value: &str| {
        value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM))
    };
    if !only(headers, "Content-Type").is_some_and(is_form) {
        return unreadable(Answer::MethodNotAllowed);
    }
    let is_chunked =
        headers.iter().any(|header| header.name.eq_ignore_ascii_case("Transfer-Encoding"));
    let digits = only(headers, "Content-Length")
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(digits) = digits.filter(|_| !is_chunked) else {
        return unreadable(Answer::LengthRequired);
    };
    let Some(length) = digits.parse().ok().filter(|length| *length <= MAX_BODY) else {
        return unreadable(Answer::BodyTooLarge);
    };
    match body.get(..length) {
        None => RequestKind::Incomplete,
        Some(form) => match std::str::from_utf8(form) {
            Ok(query) => RequestKind::Callback { query },
            Err(_) => unreadable(Answer::Malformed),
        },
    }
}

/// Returns the value of the header `name`, if there is exactly one and it is a text.
fn only<'a>(headers: &[Header<'a>], name: &str) -> Option<&'a str> {
    let mut found = headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
    match (found.next(), found.next()) {
        (Some(header), None) => std::str::from_utf8(header.value).ok().map(str::trim),
        (_, _) => None,
    }
}

/// Whether there is exactly one `Host` header and it names the redirect URI's host and port.
fn is_addressed(headers: &[Header<'_>], redirect_uri: &RedirectUri) -> bool {
    only(headers, "Host").is_some_and(|host| redirect_uri.is_addressed_by(host))
}

fn is_prefetch(header: &Header<'_>) -> bool {
    let value = header.value.to_ascii_lowercase();
    PREFETCH_HEADERS.iter().any(|name| header.name.eq_ignore_ascii_case(name))
        && ["prefetch", "prerender", "preview"]
            .iter()
            .any(|purpose| value.windows(purpose.len()).any(|part| part == purpose.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOST: &str = "Host: 127.0.0.1:4321\r\n";

    fn redirect_uri() -> RedirectUri {
        "http://127.0.0.1:4321/callback/acme".parse().unwrap()
    }

    fn judged(line: &str, headers: &str) -> String {
        let head = format!("{line} HTTP/1.1\r\n{headers}\r\n");
        match classify(head.as_bytes(), &redirect_uri()) {
            RequestKind::Incomplete => "incomplete".into(),
            RequestKind::Stray(answer, None) => format!("{answer:?}"),
            RequestKind::Stray(answer, Some(stray)) => format!("{answer:?} {stray:?}"),
            RequestKind::Callback { query } => format!("query {query}"),
        }
    }

    #[test]
    fn a_get_of_the_path_is_a_callback() {
        assert_eq!(judged("GET /callback/acme?a=b?c", HOST), "query a=b?c");
        assert_eq!(judged("GET /callback/acme", HOST), "query ");
    }

    #[test]
    fn everything_else_is_astray() {
        for (line, answer) in [
            ("GET /", "NotFound"),
            ("GET /favicon.ico", "NotFound"),
            ("GET /callback/acme/?a", "NotFound TrailingSlash"),
            ("GET /callback/other?code=a", "NotFound OtherPath"),
            ("GET /callback/other?a", "NotFound"),
            ("GET //callback/acme?a", "NotFound"),
            ("GET http://127.0.0.1:4321/callback/acme?a", "NotFound"),
            ("HEAD /callback/acme?a", "MethodNotAllowed"),
            ("POST /callback/acme?a", "MethodNotAllowed Unreadable"),
            ("OPTIONS /callback/acme?a", "MethodNotAllowed"),
            ("get /callback/acme?a", "MethodNotAllowed"),
            ("", "Malformed"),
        ] {
            assert_eq!(judged(line, HOST), answer, "{line}");
        }
        let hello = RequestKind::Stray(Answer::Malformed, None);
        assert_eq!(classify(b"\x16\x03\x01\x02\x00", &redirect_uri()), hello, "TLS");
    }

    #[test]
    fn a_form_is_a_callback_once_it_is_whole() {
        let form = "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n";
        let post = |headers: &str, body: &str| {
            let text = format!("POST /callback/acme HTTP/1.1\r\n{HOST}{headers}\r\n{body}");
            match classify(text.as_bytes(), &redirect_uri()) {
                RequestKind::Incomplete => "incomplete".into(),
                RequestKind::Stray(answer, stray) => format!("{answer:?} {stray:?}"),
                RequestKind::Callback { query } => format!("query {query}"),
            }
        };
        let length = |length: &str| format!("{form}Content-Length: {length}\r\n");
        assert_eq!(post(&length("5"), "a=b&c"), "query a=b&c");
        assert_eq!(post(&length("5"), "a=b"), "incomplete");
        assert_eq!(post(&length("3"), "a=b&c"), "query a=b");
        for (headers, answer) in [
            (length("65537"), "BodyTooLarge"),
            (length("99999999999999999999"), "BodyTooLarge"),
            (length("-1"), "LengthRequired"),
            (length("+3"), "LengthRequired"),
            (form.to_owned(), "LengthRequired"),
            (format!("{}Transfer-Encoding: chunked\r\n", length("3")), "LengthRequired"),
            (format!("{}Content-Length: 5\r\n", length("3")), "LengthRequired"),
            ("Content-Type: text/plain\r\nContent-Length: 3\r\n".to_owned(), "MethodNotAllowed"),
        ] {
            assert_eq!(post(&headers, "a=b"), format!("{answer} Some(Unreadable)"), "{headers}");
        }
    }

    #[test]
    fn a_request_for_another_host_is_misdirected() {
        for headers in [
            "",
            "Host: 127.0.0.1\r\n",
            "Host: localhost:4321\r\n",
            "Host: rebound.example:4321\r\n",
            "Host: 127.0.0.1:4321\r\nHost: 127.0.0.1:4321\r\n",
            "Host: \u{e9}\r\n",
        ] {
            assert_eq!(judged("GET /callback/acme?a", headers), "Misdirected", "{headers}");
            assert_eq!(judged("GET /", headers), "Misdirected", "{headers}");
        }
    }

    #[test]
    fn looking_ahead_consumes_nothing() {
        for header in [
            "Sec-Purpose: prefetch",
            "sec-purpose: prefetch;prerender",
            "Purpose: Prefetch",
            "X-Purpose: preview",
            "X-moz: prefetch",
        ] {
            let headers = format!("{HOST}{header}\r\n");
            assert_eq!(judged("GET /callback/acme?a", &headers), "Prefetched", "{header}");
        }
        let headers = format!("{HOST}Accept: prefetch\r\n");
        assert_eq!(judged("GET /callback/acme?a", &headers), "query a");
    }

    #[test]
    fn a_head_has_an_end() {
        let many = format!("{HOST}{}", "A: b\r\n".repeat(MAX_HEADERS));
        assert_eq!(judged("GET /", &many), "HeadTooLarge");
        let half = format!("GET / HTTP/1.1\r\nA: {}", "b".repeat(MAX_HEAD));
        let (half, _) = half.as_bytes().split_at(MAX_HEAD);
        assert_eq!(classify(&half[..half.len() - 1], &redirect_uri()), RequestKind::Incomplete);
        assert_eq!(classify(half, &redirect_uri()), RequestKind::Stray(Answer::HeadTooLarge, None));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            classify(&bytes, &redirect_uri());
        }
    }
}
