//! The head of a request (RFC 9112), and the test whether it is a browser that comes back.
//!
//! Reads the head alone. What its query says is decided in
//! [`authorization_response`](crate::oauth::authorization_response).

use httparse::{Header, Request, Status};

use super::answer::Answer;
use crate::oauth::redirect_uri::RedirectUri;

/// The longest head that is read, in bytes. It leaves room for cookies: browsers share those of
/// `localhost` among all of its ports.
pub(crate) const MAX_HEAD: usize = 16 * 1024;

/// The most headers that are read; browsers send some twenty.
const MAX_HEADERS: usize = 64;

/// The headers by which browsers say that nobody has followed the link yet; the last two are older.
const PREFETCH_HEADERS: [&str; 4] = ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"];

/// The kind of a request, as far as its head was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RequestKind<'head> {
    /// The head is not complete.
    Incomplete,
    /// The request can't be the authorization response, and gets this answer.
    Stray(Answer),
    /// A browser comes back with this query.
    Callback {
        /// The query, without its question mark.
        query: &'head str,
    },
}

/// Classifies the part of a head that was read so far.
pub(crate) fn classify<'head>(head: &'head [u8], redirect_uri: &RedirectUri) -> RequestKind<'head> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(head) {
        Ok(Status::Partial) if head.len() < MAX_HEAD => RequestKind::Incomplete,
        Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            RequestKind::Stray(Answer::HeadTooLarge)
        }
        Err(_) => RequestKind::Stray(Answer::Malformed),
        Ok(Status::Complete(_)) => classify_complete(&request, redirect_uri),
    }
}

/// Classifies a complete head. The host is checked first: a request for another host must learn
/// nothing about the paths here.
fn classify_complete<'head>(
    request: &Request<'_, 'head>,
    redirect_uri: &RedirectUri,
) -> RequestKind<'head> {
    let target = request.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if !is_addressed(request.headers, redirect_uri) {
        RequestKind::Stray(Answer::Misdirected)
    } else if path != redirect_uri.path() {
        RequestKind::Stray(Answer::NotFound)
    } else if request.method != Some("GET") {
        RequestKind::Stray(Answer::MethodNotAllowed)
    } else if request.headers.iter().any(is_prefetch) {
        RequestKind::Stray(Answer::Prefetched)
    } else {
        RequestKind::Callback { query }
    }
}

/// Whether there is exactly one `Host` header and it names the redirect URI's host and port.
fn is_addressed(headers: &[Header<'_>], redirect_uri: &RedirectUri) -> bool {
    let mut hosts = headers.iter().filter(|header| header.name.eq_ignore_ascii_case("Host"));
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => {
            std::str::from_utf8(host.value).is_ok_and(|host| redirect_uri.is_addressed_by(host))
        }
        _ => false,
    }
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
            RequestKind::Stray(answer) => format!("{answer:?}"),
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
            ("GET /callback/acme/?a", "NotFound"),
            ("GET /callback/other?a", "NotFound"),
            ("GET //callback/acme?a", "NotFound"),
            ("GET http://127.0.0.1:4321/callback/acme?a", "NotFound"),
            ("HEAD /callback/acme?a", "MethodNotAllowed"),
            ("POST /callback/acme?a", "MethodNotAllowed"),
            ("OPTIONS /callback/acme?a", "MethodNotAllowed"),
            ("get /callback/acme?a", "MethodNotAllowed"),
            ("", "Malformed"),
        ] {
            assert_eq!(judged(line, HOST), answer, "{line}");
        }
        let hello = RequestKind::Stray(Answer::Malformed);
        assert_eq!(classify(b"\x16\x03\x01\x02\x00", &redirect_uri()), hello, "TLS");
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
        assert_eq!(classify(half, &redirect_uri()), RequestKind::Stray(Answer::HeadTooLarge));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            classify(&bytes, &redirect_uri());
        }
    }
}
