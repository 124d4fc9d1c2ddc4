//! The answers of the listener: whole HTTP responses, all of them fixed but for the name of who
//! logged in.
//!
//! No part of a request gets into an answer; no answer runs a script or makes the browser fetch
//! anything. Which answer a request gets is not decided here.

use std::fmt::Write as _;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// The marks in the circle of a page, as SVG paths.
const TICK: &str = "M7.5 12.5l3 3 6-6.5";
const CROSS: &str = "M8.5 8.5l7 7m0-7l-7 7";
const DASH: &str = "M8 12h8";

/// An answer of the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The login is done and stored.
    LoggedIn,
    /// The login has failed.
    NotLoggedIn,
    /// The request is an authorization response, but not the answer to this login.
    NotThisLogin,
    /// The browser came back with nothing in the query. The answer may be in the fragment of the
    /// address, which a browser sends to nobody.
    NothingSent,
    /// The request is an authorization response, but the login has had its answer.
    AlreadyAnswered,
    /// The browser prefetched the page. It asks again when the person really goes there.
    Prefetched,
    /// The request is not HTTP.
    Malformed,
    /// The path is not that of the callback, such as `/favicon.ico`.
    NotFound,
    /// The method is neither GET nor that of a form.
    MethodNotAllowed,
    /// The request has a body of unknown length.
    LengthRequired,
    /// The body is longer than any authorization response.
    BodyTooLarge,
    /// The request is meant for another host or port.
    Misdirected,
    /// The head is longer than any browser sends.
    HeadTooLarge,
}

impl Answer {
    /// Returns the response as bytes of HTTP.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        self.response(&self.body())
    }

    /// Returns the response to a login that is done, with a page that says `who` logged in, such as
    /// "acme as alice".
    pub(super) fn logged_in_as(who: &str) -> Vec<u8> {
        let text = format!(
            "You are logged in to {}. You can close this window and go back to the terminal.",
            escaped(who)
        );
        Self::LoggedIn.response(&page("good", TICK, "Logged in", &text))
    }

    fn response(self, body: &str) -> Vec<u8> {
        let mut response = format!("HTTP/1.1 {}\r\n", self.status());
        response.push_str(
            "Cache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Connection: close\r\n",
        );
        response.push_str(&content_security_policy());
        if self == Self::MethodNotAllowed {
            response.push_str("Allow: GET, POST\r\n");
        }
        if !body.is_empty() {
            response.push_str("Content-Type: text/html; charset=utf-8\r\n");
        }
        // A 204 has no body and must not say how long it is (RFC 9110 §8.6).
        if self != Self::Prefetched {
            let _ = write!(response, "Content-Length: {}\r\n", body.len());
        }
        response.push_str("\r\n");
        response.push_str(body);
        response.into_bytes()
    }

    const fn status(self) -> &'static str {
        match self {
            Self::LoggedIn => "200 OK",
            Self::Prefetched => "204 No Content",
            Self::NotLoggedIn | Self::NotThisLogin | Self::NothingSent | Self::Malformed => {
                "400 Bad Request"
            }
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::AlreadyAnswered => "410 Gone",
            Self::LengthRequired => "411 Length Required",
            Self::BodyTooLarge => "413 Content Too Large",
            Self::Misdirected => "421 Misdirected Request",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
        }
    }

    /// Returns a page where a person looks, and nothing where a program asks (so a HEAD request
    /// gets the same answer).
    fn body(self) -> String {
        match self {
            Self::LoggedIn => page(
                "good",
                TICK,
                "Logged in",
                "You can close this window and go back to the terminal.",
            ),
            Self::NotLoggedIn => page("bad", CROSS, "Not logged in", "The terminal says why."),
            Self::NotThisLogin => page(
                "plain",
                DASH,
                "Not this login",
                "What you followed is not the answer that the terminal waits for.",
            ),
            Self::NothingSent => page(
                "plain",
                DASH,
                "Nothing came",
                "If the address of this page has a # in it, the answer is behind that: copy the whole \
                 address and paste it into the terminal.",
            ),
            Self::AlreadyAnswered => {
                page("plain", DASH, "Already answered", "The terminal says how the login went.")
            }
            Self::Prefetched
            | Self::Malformed
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::LengthRequired
            | Self::BodyTooLarge
            | Self::Misdirected
            | Self::HeadTooLarge => String::new(),
        }
    }
}

/// Returns a text that an HTML page shows as it is, and in which a browser finds no mark-up.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn page(mood: &str, mark: &str, title: &str, text: &str) -> String {
    PAGE.replace("{style}", STYLE)
        .replace("{mood}", mood)
        .replace("{mark}", mark)
        .replace("{title}", title)
        .replace("{text}", text)
}

/// Returns a policy that allows only the page's own style and its empty icon, which keeps browsers
/// from asking for `/favicon.ico`.
fn content_security_policy() -> String {
    format!(
        "Content-Security-Policy: default-src 'none'; style-src 'sha256-{}'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n",
        BASE64.encode(&Sha256::digest(STYLE))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Answer; 13] = [
        Answer::LoggedIn,
        Answer::NotLoggedIn,
        Answer::NotThisLogin,
        Answer::NothingSent,
        Answer::AlreadyAnswered,
        Answer::LengthRequired,
        Answer::BodyTooLarge,
        Answer::Prefetched,
        Answer::Malformed,
        Answer::NotFound,
        Answer::MethodNotAllowed,
        Answer::Misdirected,
        Answer::HeadTooLarge,
    ];

    #[test]
    fn every_answer_is_one_response_of_the_length_that_it_says() {
        for answer in ALL {
            let response = String::from_utf8(answer.to_bytes()).unwrap();
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 "), "{answer:?}");
            assert!(head.contains("\r\nCache-Control: no-store\r\n"), "{answer:?}");
            assert!(head.contains("\r\nConnection: close\r\n"), "{answer:?}");
            let length = format!("\r\nContent-Length: {}", body.len());
            assert_eq!(head.contains(&length), answer != Answer::Prefetched, "{answer:?}");
            assert_eq!(head.contains("\r\nAllow: GET"), answer == Answer::MethodNotAllowed);
        }
    }

    #[test]
    fn a_name_on_a_page_is_text() {
        let shown = String::from_utf8(Answer::logged_in_as("a as <b>'&\"")).unwrap();
        assert!(shown.contains("logged in to a as &lt;b&gt;&#39;&amp;&quot;."), "{shown}");
        let (head, body) = shown.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{head}");
    }

    #[test]
    fn a_page_is_finished_and_fetches_nothing() {
        for answer in ALL {
            let body = answer.body();
            for unwanted in ["{title}", "{text}", "{style}", "{mark}", "{mood}", "<script", "http"]
            {
                assert!(!body.contains(unwanted), "{answer:?} holds {unwanted}");
            }
        }
    }

    #[test]
    fn the_policy_allows_the_style_that_the_page_brings() {
        let body = Answer::LoggedIn.body();
        let (_, style) = body.split_once("<style>").unwrap();
        let (style, _) = style.split_once("</style>").unwrap();
        let hash = BASE64.encode(&Sha256::digest(style));
        assert!(content_security_policy().contains(&format!("'sha256-{hash}'")));
    }
}
