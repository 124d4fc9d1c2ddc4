//! The authorization response that a person pastes: the address at which their browser ended, or a
//! bare code.
//!
//! It is checked like a response that the browser brings to the listener. The terminal that it is
//! typed into is the caller's business.

use std::io;
use std::os::fd::BorrowedFd;

use url::Url;
use zeroize::Zeroizing;

use super::authorization_response::{
    self, AuthorizationResponse, Content, ExpectedResponse, Rejection, content,
};
use crate::secret::{AuthorizationCode, SecretText};

/// The shortest text that is taken for a code: a shorter one was typed by mistake.
const MIN_CODE_LENGTH: usize = 6;

/// The reason why a pasted line is not the answer to the login.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// The line is longer than any address.
    #[error("that is too long for an address")]
    TooLong,
    /// The line is no address.
    #[error("that is no address")]
    NotAnAddress,
    /// The address is not the redirect URI of this login.
    #[error("that is not the address at which this login ends")]
    Elsewhere,
    /// The address is the redirect URI, but its query is not this login's answer.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

/// A source of lines that a person pastes, such as a terminal.
pub(crate) trait Lines {
    /// Returns the descriptor that becomes readable when something was typed; `None` once nothing
    /// more can come.
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;

    /// Reads what was typed so far.
    fn receive(&mut self) -> io::Result<()>;

    /// Returns the next whole line that was read.
    fn line(&mut self) -> Option<Result<Zeroizing<String>, Unusable>>;

    /// Tells the person why a line is not the answer.
    fn reject(&mut self, why: &Unusable);
}

/// The pasted lines of one login, and the rule for what counts as its answer.
pub(crate) struct PasteInput<'a> {
    lines: &'a mut dyn Lines,
    redirect_uri: String,
    /// Whether a code may come without its address. A bare code has no `state`; only a server that
    /// insists on PKCE ensures that it is this login's (RFC 9700 §4.5.3).
    bare_code: bool,
}

impl<'a> PasteInput<'a> {
    /// Reads from `lines` the answer to a login whose redirect URI is `redirect_uri`.
    pub(crate) fn new(lines: &'a mut dyn Lines, redirect_uri: String, bare_code: bool) -> Self {
        Self { lines, redirect_uri, bare_code }
    }

    /// Returns the descriptor to poll together with the network, see [`Lines::descriptor`].
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.lines.descriptor()
    }

    /// Reads what was typed, and returns the answer if it came, or the reason why the login must
    /// not go on. Any other line is rejected, and the person may paste another.
    pub(super) fn read_answer(
        &mut self,
        expected: &ExpectedResponse,
    ) -> io::Result<Option<Result<AuthorizationResponse, Rejection>>> {
        self.lines.receive()?;
        while let Some(line) = self.lines.line() {
            let outcome =
                line.and_then(|line| parse(&line, &self.redirect_uri, expected, self.bare_code));
            match outcome {
                Ok(response) => return Ok(Some(Ok(response))),
                Err(Unusable::Rejected(rejected)) if rejected.is_mix_up() => {
                    return Ok(Some(Err(rejected)));
                }
                Err(why) => self.lines.reject(&why),
            }
        }
        Ok(None)
    }
}

/// Reads one pasted line as the answer to the `expected` login.
pub(crate) fn parse(
    line: &str,
    redirect_uri: &str,
    expected: &ExpectedResponse,
    bare_code: bool,
) -> Result<AuthorizationResponse, Unusable> {
    let line = line.trim();
    let redirect_uri = Url::parse(redirect_uri).map_err(|_| Unusable::Elsewhere)?;
    let (address, query) = match parts(line) {
        Some(parts) => parts,
        None if bare_code && !expected.issuer_required && could_be_a_code(line) => {
            let code = AuthorizationCode::from_trusted(line.to_owned());
            return Ok(AuthorizationResponse::Code(code));
        }
        None => return Err(Unusable::NotAnAddress),
    };
    // Some browsers hide the scheme.
    let address = if address.contains("://") {
        Zeroizing::new(address.to_owned())
    } else {
        Zeroizing::new(format!("{}://{address}", redirect_uri.scheme()))
    };
    let address = Url::parse(&address).map_err(|_| Unusable::NotAnAddress)?;
    if !is_same_address(&address, &redirect_uri) {
        return Err(Unusable::Elsewhere);
    }
    Ok(authorization_response::parse(query, expected)?)
}

/// Returns the address in `line` and its query, or its fragment where that alone has an answer: some
/// servers put it there (OAuth 2.0 Multiple Response Types 1.0, `response_mode=fragment`).
fn parts(line: &str) -> Option<(&str, &str)> {
    let (address, rest) = line.split_at(line.find(['?', '#'])?);
    let (query, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let query = query.strip_prefix('?').unwrap_or(query);
    let is_answer = |text: &str| content(text) != Content::Nothing;
    let answer = if !is_answer(query) && is_answer(fragment) { fragment } else { query };
    Some((address, answer))
}

fn is_same_address(address: &Url, redirect_uri: &Url) -> bool {
    let parts = |url: &Url| {
        let (scheme, host) = (url.scheme().to_owned(), url.host_str().map(str::to_owned));
        (scheme, host, url.port_or_known_default(), url.path().to_owned())
    };
    parts(address) == parts(redirect_uri)
        && address.username().is_empty()
        && address.password().is_none()
}

fn could_be_a_code(text: &str) -> bool {
    text.len() >= MIN_CODE_LENGTH
        && text.bytes().all(|byte| (0x21..=0x7E).contains(&byte))
        && !text.contains("://")
        && !text.contains('=')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::unguessable::Unguessable;

    const REDIRECT_URI: &str = "http://127.0.0.1:4321/callback/acme";

    fn expected() -> ExpectedResponse {
        ExpectedResponse {
            state: Unguessable::random().unwrap(),
            issuer: Some("https://as.example".into()),
            issuer_required: false,
            check: None,
        }
    }

    fn outcome(line: &str, bare_code: bool) -> Result<String, Unusable> {
        judged_by(line, &expected(), bare_code)
    }

    /// Returns the code in `line`, in which `STATE` stands for the right one.
    fn judged_by(
        line: &str,
        expected: &ExpectedResponse,
        bare_code: bool,
    ) -> Result<String, Unusable> {
        let line = line.replace("STATE", expected.state.expose());
        parse(&line, REDIRECT_URI, expected, bare_code).map(|response| match response {
            AuthorizationResponse::Code(code) => code.expose().to_owned(),
            AuthorizationResponse::Refused { error, .. } => error,
            AuthorizationResponse::Jwt => "a JWT".to_owned(),
        })
    }

    #[test]
    fn an_address_is_read_as_the_browser_would_have_sent_it() {
        for line in [
            "http://127.0.0.1:4321/callback/acme?code=made-up&state=STATE",
            "  http://127.0.0.1:4321/callback/acme?state=STATE&code=made%2Dup#_=_ ",
            "127.0.0.1:4321/callback/acme?code=made-up&state=STATE",
            "http://127.0.0.1:4321/callback/acme#code=made-up&state=STATE",
            "http://127.0.0.1:4321/callback/acme?lang=en#state=STATE&code=made-up",
            "HTTP://127.0.0.1:4321/callback/acme?code=made-up&state=STATE&iss=https://as.example",
        ] {
            assert_eq!(outcome(line, false).as_deref(), Ok("made-up"), "{line}");
        }
        let refused = "http://127.0.0.1:4321/callback/acme?error=access_denied&state=STATE";
        assert_eq!(outcome(refused, false).as_deref(), Ok("access_denied"));
    }

    #[test]
    fn an_address_of_another_place_is_not_the_answer() {
        for address in [
            "https://127.0.0.1:4321/callback/acme",
            "http://localhost:4321/callback/acme",
            "http://127.0.0.1:4322/callback/acme",
            "http://127.0.0.1/callback/acme",
            "http://127.0.0.1:4321/callback/other",
            "http://127.0.0.1:4321/callback/acme/",
            "http://user@127.0.0.1:4321/callback/acme",
            "http://127.0.0.1:4321@evil.example/callback/acme",
        ] {
            let line = format!("{address}?code=made-up&state=STATE");
            assert_eq!(outcome(&line, true), Err(Unusable::Elsewhere), "{address}");
        }
    }

    #[test]
    fn the_query_is_checked_like_a_callbacks() {
        let at = |query: &str| outcome(&format!("{REDIRECT_URI}?{query}"), true);
        let rejected = |why| Err(Unusable::Rejected(why));
        assert_eq!(at("code=made-up"), rejected(Rejection::MissingState));
        assert_eq!(at("code=made-up&state=0"), rejected(Rejection::WrongState));
        assert_eq!(at("code=a&code=b&state=STATE"), rejected(Rejection::Repeated("code")));
        assert_eq!(at("response=a.b.c.d.e#_=_"), rejected(Rejection::Jwt));
        let fragment = outcome(&format!("{REDIRECT_URI}#response=a.b.c.d.e"), false);
        assert_eq!(fragment, rejected(Rejection::Jwt));
        assert!(matches!(
            at("code=made-up&state=STATE&iss=https://evil.example"),
            Err(Unusable::Rejected(Rejection::WrongIssuer { .. }))
        ));
    }

    #[test]
    fn a_bare_code_counts_only_where_the_server_insists_on_pkce() {
        assert_eq!(outcome("4/0AX-made_up", true).as_deref(), Ok("4/0AX-made_up"));
        assert_eq!(outcome("4/0AX-made_up", false), Err(Unusable::NotAnAddress));
        for line in ["hello", "two words", "code=made-up", "http://127.0.0.1:4321/", "a/b", ""] {
            assert_eq!(outcome(line, true), Err(Unusable::NotAnAddress), "{line}");
        }
        let promised = ExpectedResponse { issuer_required: true, ..expected() };
        assert_eq!(judged_by("4/0AX-made_up", &promised, true), Err(Unusable::NotAnAddress));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic_or_brings_a_code_without_the_state(
            line in any::<String>(), query in "[ -~]{0,60}"
        ) {
            prop_assert!(outcome(&line, false).is_err());
            let stateless = format!("{}?{}", REDIRECT_URI, query.replace("STATE", ""));
            prop_assert!(outcome(&stateless, true).is_err());
        }
    }
}
