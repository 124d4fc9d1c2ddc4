//! An authorization response that a person pastes: the address at which their browser ended, or a
//! bare code.
//!
//! Judged like one that the browser brings to the listener. What it is typed into is the caller's
//! business.

use std::io;
use std::os::fd::BorrowedFd;

use url::Url;
use zeroize::Zeroizing;

use super::authorization_response::{self, AuthorizationResponse, Expected, Rejected};
use crate::secret::{AuthorizationCode, SecretText};

/// No code is shorter: what is, was typed by mistake.
const SHORTEST_CODE: usize = 6;

/// Why a line is not the answer that is waited for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It is longer than any address.
    #[error("that is too long for an address")]
    TooLong,
    /// It is no address.
    #[error("that is no address")]
    NotAnAddress,
    /// It is not where this login leads back to.
    #[error("that is not the address at which this login ends")]
    Elsewhere,
    /// It leads back, but is not this login's answer.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

/// Somewhere that a person can paste lines into.
pub(crate) trait Lines {
    /// What to watch: it is readable when something was typed. `None` once nothing can come.
    fn watched(&self) -> Option<BorrowedFd<'_>>;

    /// Takes in what was typed.
    fn receive(&mut self) -> io::Result<()>;

    /// The next whole line that was taken in.
    fn line(&mut self) -> Option<Result<Zeroizing<String>, Unusable>>;

    /// Says why a line was not the answer.
    fn turn_down(&mut self, why: &Unusable);
}

/// The place where a person may paste the answer of one login.
pub(crate) struct PasteInput<'a> {
    lines: &'a mut dyn Lines,
    redirect_uri: String,
    /// Whether a code may come without its address. Only where the server insists on PKCE is it
    /// known, without a `state`, that the code is this login's (RFC 9700 §4.5.3).
    bare_code: bool,
}

impl<'a> PasteInput<'a> {
    pub(crate) fn new(lines: &'a mut dyn Lines, redirect_uri: String, bare_code: bool) -> Self {
        Self { lines, redirect_uri, bare_code }
    }

    /// What to watch beside the network.
    pub(super) fn watched(&self) -> Option<BorrowedFd<'_>> {
        self.lines.watched()
    }

    /// Reads what was typed since. Returns the login's answer if that is among it, or why the login
    /// must not go on; any other line is turned down, and a better one may follow.
    pub(super) fn read_answer(
        &mut self,
        expected: &Expected,
    ) -> io::Result<Option<Result<AuthorizationResponse, Rejected>>> {
        self.lines.receive()?;
        while let Some(line) = self.lines.line() {
            let judged =
                line.and_then(|line| parse(&line, &self.redirect_uri, expected, self.bare_code));
            match judged {
                Ok(response) => return Ok(Some(Ok(response))),
                Err(Unusable::Rejected(rejected)) if rejected.is_mix_up() => {
                    return Ok(Some(Err(rejected)));
                }
                Err(why) => self.lines.turn_down(&why),
            }
        }
        Ok(None)
    }
}

/// Reads one line.
pub(crate) fn parse(
    line: &str,
    redirect_uri: &str,
    expected: &Expected,
    bare_code: bool,
) -> Result<AuthorizationResponse, Unusable> {
    let line = line.trim();
    let redirect_uri = Url::parse(redirect_uri).map_err(|_| Unusable::Elsewhere)?;
    let (place, query) = match line.split_once('?') {
        Some((place, query)) => (place, query.split('#').next().unwrap_or_default()),
        None if bare_code && !expected.issuer_required && could_be_a_code(line) => {
            let code = AuthorizationCode::from_trusted(line.to_owned());
            return Ok(AuthorizationResponse::Code(code));
        }
        None => return Err(Unusable::NotAnAddress),
    };
    // Some browsers hide the scheme.
    let place = if place.contains("://") {
        Zeroizing::new(place.to_owned())
    } else {
        Zeroizing::new(format!("{}://{place}", redirect_uri.scheme()))
    };
    let place = Url::parse(&place).map_err(|_| Unusable::NotAnAddress)?;
    if !is_same_place(&place, &redirect_uri) {
        return Err(Unusable::Elsewhere);
    }
    Ok(authorization_response::parse(query, expected)?)
}

fn is_same_place(place: &Url, redirect_uri: &Url) -> bool {
    let parts = |url: &Url| {
        let (scheme, host) = (url.scheme().to_owned(), url.host_str().map(str::to_owned));
        (scheme, host, url.port_or_known_default(), url.path().to_owned())
    };
    parts(place) == parts(redirect_uri) && place.username().is_empty() && place.password().is_none()
}

fn could_be_a_code(text: &str) -> bool {
    text.len() >= SHORTEST_CODE
        && text.bytes().all(|byte| (0x21..=0x7E).contains(&byte))
        && !text.contains("://")
        && !text.contains('=')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::state::State;

    const REDIRECT_URI: &str = "http://127.0.0.1:4321/callback/acme";

    fn expected() -> Expected {
        Expected {
            state: State::fresh().unwrap(),
            issuer: Some("https://as.example".into()),
            issuer_required: false,
            check: None,
        }
    }

    fn judged(line: &str, bare_code: bool) -> Result<String, Unusable> {
        judged_by(line, &expected(), bare_code)
    }

    /// The code in `line`, in which `STATE` stands for the right one.
    fn judged_by(line: &str, expected: &Expected, bare_code: bool) -> Result<String, Unusable> {
        let line = line.replace("STATE", expected.state.expose());
        parse(&line, REDIRECT_URI, expected, bare_code).map(|response| match response {
            AuthorizationResponse::Code(code) => code.expose().to_owned(),
            AuthorizationResponse::Refused { error, .. } => error,
        })
    }

    #[test]
    fn an_address_is_read_as_the_browser_would_have_sent_it() {
        for line in [
            "http://127.0.0.1:4321/callback/acme?code=made-up&state=STATE",
            "  http://127.0.0.1:4321/callback/acme?state=STATE&code=made%2Dup#_=_ ",
            "127.0.0.1:4321/callback/acme?code=made-up&state=STATE",
            "HTTP://127.0.0.1:4321/callback/acme?code=made-up&state=STATE&iss=https://as.example",
        ] {
            assert_eq!(judged(line, false).as_deref(), Ok("made-up"), "{line}");
        }
        let refused = "http://127.0.0.1:4321/callback/acme?error=access_denied&state=STATE";
        assert_eq!(judged(refused, false).as_deref(), Ok("access_denied"));
    }

    #[test]
    fn an_address_of_another_place_is_not_the_answer() {
        for place in [
            "https://127.0.0.1:4321/callback/acme",
            "http://localhost:4321/callback/acme",
            "http://127.0.0.1:4322/callback/acme",
            "http://127.0.0.1/callback/acme",
            "http://127.0.0.1:4321/callback/other",
            "http://127.0.0.1:4321/callback/acme/",
            "http://user@127.0.0.1:4321/callback/acme",
            "http://127.0.0.1:4321@evil.example/callback/acme",
        ] {
            let line = format!("{place}?code=made-up&state=STATE");
            assert_eq!(judged(&line, true), Err(Unusable::Elsewhere), "{place}");
        }
    }

    #[test]
    fn the_query_is_checked_like_a_callbacks() {
        let at = |query: &str| judged(&format!("{REDIRECT_URI}?{query}"), true);
        let rejected = |why| Err(Unusable::Rejected(why));
        assert_eq!(at("code=made-up"), rejected(Rejected::MissingState));
        assert_eq!(at("code=made-up&state=0"), rejected(Rejected::WrongState));
        assert_eq!(at("code=a&code=b&state=STATE"), rejected(Rejected::Repeated("code")));
        assert!(matches!(
            at("code=made-up&state=STATE&iss=https://evil.example"),
            Err(Unusable::Rejected(Rejected::WrongIssuer { .. }))
        ));
    }

    #[test]
    fn a_bare_code_counts_only_where_the_server_insists_on_pkce() {
        assert_eq!(judged("4/0AX-made_up", true).as_deref(), Ok("4/0AX-made_up"));
        assert_eq!(judged("4/0AX-made_up", false), Err(Unusable::NotAnAddress));
        for line in ["hello", "two words", "code=made-up", "http://127.0.0.1:4321/", ""] {
            assert_eq!(judged(line, true), Err(Unusable::NotAnAddress), "{line}");
        }
        let promised = Expected { issuer_required: true, ..expected() };
        assert_eq!(judged_by("4/0AX-made_up", &promised, true), Err(Unusable::NotAnAddress));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic_or_brings_a_code_without_the_state(
            line in any::<String>(), query in "[ -~]{0,60}"
        ) {
            prop_assert!(judged(&line, false).is_err());
            let stateless = format!("{}?{}", REDIRECT_URI, query.replace("STATE", ""));
            prop_assert!(judged(&stateless, true).is_err());
        }
    }
}
