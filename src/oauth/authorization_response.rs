//! The authorization response (RFC 6749 §4.1.2), and the check of its sender (RFC 9207).
//!
//! Reads the query with which a browser comes back. Does not know whether the loopback listener
//! received it or a person pasted it.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use url::form_urlencoded;

use crate::model::issuer::is_issuer;
use crate::model::jwt;
use crate::oauth::unguessable::Unguessable;
use crate::secret::{AuthorizationCode, SecretText};
use crate::untrusted::printable;

/// The properties by which a response is recognised as the answer to one login.
#[derive(Debug, Clone)]
pub(crate) struct ExpectedResponse {
    /// The `state` of the authorization request.
    pub state: Unguessable,
    /// The issuer identifier of the authorization server that was asked, if it has one.
    pub issuer: Option<String>,
    /// Whether that server promises to name itself in every response
    /// (`authorization_response_iss_parameter_supported`).
    pub issuer_required: bool,
    /// The service's own proof that a response is genuine, if it has one.
    pub check: Option<Arc<dyn Check>>,
}

/// A service's own proof that an authorization response is genuine.
pub(crate) trait Check: fmt::Debug + Send + Sync {
    /// Checks the query of a response that brings a code; the error says what is wrong with it.
    fn check(&self, query: &str) -> Result<(), &'static str>;
}

/// The answer of an authorization server.
#[derive(Debug)]
pub(crate) enum AuthorizationResponse {
    /// The code to redeem at the token endpoint.
    Code(AuthorizationCode),
    /// A refusal (RFC 6749 §4.1.2.1); both texts are safe to print.
    Refused {
        /// The error code, such as `access_denied`.
        error: String,
        /// The server's own description of the error.
        description: Option<String>,
    },
    /// An answer in a JWT (JARM) that holds this login's `state`. Its code or error is not read,
    /// since nobody checks the signature.
    Jwt,
}

/// The reason why a query is not the answer to the login at hand.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// A parameter comes twice, so that two readers could see two different answers.
    #[error("the answer holds `{0}` more than once")]
    Repeated(&'static str),
    /// The query has no `state`: anyone could have made it.
    #[error("the answer has no `state`")]
    MissingState,
    /// The `state` belongs to another login, or was made up.
    #[error("the answer's `state` belongs to no login that is waiting")]
    WrongState,
    /// The server promised to name itself in every response, and did not. The response may hold an
    /// error, safe to print; nobody knows whose it is.
    #[error("the answer doesn't say which authorization server it is from{}", unverified(error.as_deref()))]
    MissingIssuer { error: Option<String> },
    /// Another server answered than the one that was asked: a mix-up, so the code must not be sent
    /// anywhere.
    #[error("the answer is from `{received}`, not from the authorization server that was asked")]
    WrongIssuer {
        /// The issuer that the response names, safe to print.
        received: String,
    },
    /// The service's own proof is wrong.
    #[error("the answer is not the service's: {0}")]
    Unproven(&'static str),
    /// The answer is in a JWT (JARM) that is encrypted, or has another login's `state` or none.
    #[error("the answer is a JWT (JARM), which tokctl does not read")]
    Jwt,
    /// The query has neither a code nor an error.
    #[error("the answer holds neither a code nor an error")]
    Empty,
    /// The query has both a code and an error.
    #[error("the answer holds both a code and an error")]
    Ambiguous,
}

impl Rejection {
    /// Whether the response has the right state but comes from the wrong server. Then the login was
    /// tampered with and must not go on. Any other rejection may be a stranger's request or a
    /// typing error, and the true answer can still come.
    pub(crate) fn is_mix_up(&self) -> bool {
        match self {
            Self::MissingIssuer { .. } | Self::WrongIssuer { .. } | Self::Unproven(_) => true,
            Self::Repeated(_)
            | Self::MissingState
            | Self::WrongState
            | Self::Jwt
            | Self::Empty
            | Self::Ambiguous => false,
        }
    }
}

/// Reads the query of a redirect, without its question mark, and checks that it answers the
/// `expected` login.
///
/// Unknown parameters are ignored, and those without a value count as left out (RFC 6749 §3.1). The
/// code or error is read only once the state and the issuer are right.
pub(crate) fn parse(
    query: &str,
    expected: &ExpectedResponse,
) -> Result<AuthorizationResponse, Rejection> {
    let parameters = Parameters::read(query)?;
    if let Some(answer) = parameters.jwt() {
        return if holds_state(answer, &expected.state) {
            Ok(AuthorizationResponse::Jwt)
        } else {
            Err(Rejection::Jwt)
        };
    }
    let state = parameters.state.as_deref().ok_or(Rejection::MissingState)?;
    if !expected.state.matches(state) {
        return Err(Rejection::WrongState);
    }
    check_issuer(&parameters, expected)?;
    match (parameters.code, parameters.error) {
        (Some(code), None) => {
            if let Some(check) = &expected.check {
                check.check(query).map_err(Rejection::Unproven)?;
            }
            Ok(AuthorizationResponse::Code(AuthorizationCode::from_trusted(code)))
        }
        (None, Some(error)) => Ok(AuthorizationResponse::Refused {
            error: printable(&error),
            description: parameters.error_description.as_deref().map(printable),
        }),
        (None, None) => Err(Rejection::Empty),
        (Some(_), Some(_)) => Err(Rejection::Ambiguous),
    }
}

/// Whether the claims of the JWT `answer`, which nobody vouches for, have the `expected` state.
fn holds_state(answer: &str, expected: &Unguessable) -> bool {
    let claims = jwt::claims(answer);
    let state = claims.as_ref().and_then(|claims| claims.get("state")).and_then(Value::as_str);
    state.is_some_and(|state| expected.matches(state))
}

/// Returns the end of the sentence about a response that nobody vouches for.
fn unverified(error: Option<&str>) -> String {
    error.map_or_else(String::new, |error| format!("; its error, not verified, is {error}"))
}

/// Compares the issuer as a string, in error responses too (RFC 9207 §2.4). If the server has no
/// issuer identifier, there is nothing to compare.
fn check_issuer(parameters: &Parameters, expected: &ExpectedResponse) -> Result<(), Rejection> {
    match (&parameters.iss, &expected.issuer) {
        (None, _) if expected.issuer_required => {
            let error = parameters.error.as_deref().map(|error| {
                let texts = [Some(error), parameters.error_description.as_deref()];
                printable(&texts.into_iter().flatten().collect::<Vec<_>>().join(", "))
            });
            Err(Rejection::MissingIssuer { error })
        }
        (Some(received), Some(issuer)) if !is_issuer(received, issuer) => {
            Err(Rejection::WrongIssuer { received: printable(received) })
        }
        _ => Ok(()),
    }
}

/// The errors that a standard defines for this response (RFC 6749 §4.1.2.1, RFC 8707 §2, OpenID
/// Connect Core 1.0 §3.1.2.6).
const ERRORS: [&str; 17] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "invalid_target",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

/// The content of a query, as far as it matters to a person who waits for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// None of the parameters of an answer.
    Nothing,
    /// An answer without an error.
    Answer,
    /// An error. Its code is told only where a standard has it: anybody may have written another.
    Error(Option<&'static str>),
}

/// Returns the content of a query that was rejected.
pub(crate) fn content(query: &str) -> Content {
    let mut content = Content::Nothing;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "error" => {
                return Content::Error(ERRORS.into_iter().find(|known| *known == value));
            }
            "code" | "state" | "iss" | "response" => content = Content::Answer,
            _ => {}
        }
    }
    content
}

/// The parameters of the query that have a meaning, each at most once.
#[derive(Default)]
struct Parameters {
    state: Option<String>,
    iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    error_uri: Option<String>,
    response: Option<String>,
}

impl Parameters {
    /// Returns the JWT that stands in place of an answer.
    fn jwt(&self) -> Option<&str> {
        let is_plain = self.code.is_some() || self.error.is_some();
        self.response.as_deref().filter(|_| !is_plain)
    }

    fn read(query: &str) -> Result<Self, Rejection> {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let (name, slot) = match &*name {
                "state" => ("state", &mut read.state),
                "iss" => ("iss", &mut read.iss),
                "code" => ("code", &mut read.code),
                "error" => ("error", &mut read.error),
                "error_description" => ("error_description", &mut read.error_description),
                "error_uri" => ("error_uri", &mut read.error_uri),
                "response" => ("response", &mut read.response),
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(Rejection::Repeated(name));
            }
        }
        for slot in [
            &mut read.state,
            &mut read.iss,
            &mut read.code,
            &mut read.error,
            &mut read.error_description,
            &mut read.error_uri,
            &mut read.response,
        ] {
            slot.take_if(|value| value.is_empty());
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use proptest::prelude::*;

    use super::*;

    fn expected() -> ExpectedResponse {
        ExpectedResponse {
            state: Unguessable::random().unwrap(),
            issuer: Some("https://as.example".into()),
            issuer_required: false,
            check: None,
        }
    }

    fn parse_with_state(
        rest: &str,
        expected: &ExpectedResponse,
    ) -> Result<AuthorizationResponse, Rejection> {
        parse(&format!("state={}&{rest}", expected.state.expose()), expected)
    }

    fn code(response: Result<AuthorizationResponse, Rejection>) -> String {
        match response.unwrap() {
            AuthorizationResponse::Code(code) => code.expose().to_owned(),
            other => panic!("no code: {other:?}"),
        }
    }

    #[test]
    fn an_answer_in_a_jwt_counts_if_it_has_the_state() {
        let expected = expected();
        let jwt = |state: &str| {
            let claims = format!(r#"{{"code":"x","iss":"https://as.example","state":"{state}"}}"#);
            format!("response=e30.{}.c2ln", BASE64URL_NOPAD.encode(claims.as_bytes()))
        };
        let own = jwt(expected.state.expose());
        let answer = parse(&own, &expected);
        assert!(matches!(answer, Ok(AuthorizationResponse::Jwt)), "{answer:?}");
        for other in [jwt("0"), jwt(""), "response=a.b.c.d.e".into(), "response=x".into()] {
            assert_eq!(parse(&other, &expected).unwrap_err(), Rejection::Jwt, "{other}");
        }
        // Beside a code it is one of the parameters that nobody knows.
        assert_eq!(code(parse_with_state(&format!("code=y&{own}"), &expected)), "y");
    }

    #[test]
    fn a_code_is_form_decoded_and_unknown_parameters_are_ignored() {
        let query = "code=4%2F0a+b%3D&scope=x&scope=y&session_state=";
        assert_eq!(code(parse_with_state(query, &expected())), "4/0a b=");
    }

    #[test]
    fn a_refusal_is_safe_to_print() {
        let query = "error=access_denied&error_description=The+user%1B%5B31m+said%0Ano&error_uri=x";
        match parse_with_state(query, &expected()).unwrap() {
            AuthorizationResponse::Refused { error, description } => {
                assert_eq!(error, "access_denied");
                assert_eq!(description.as_deref(), Some("The user [31m said no"));
            }
            other => panic!("no refusal: {other:?}"),
        }
    }

    #[test]
    fn without_the_right_state_nothing_counts() {
        let expected = expected();
        for (query, rejected) in [
            ("code=x", Rejection::MissingState),
            ("code=x&state=", Rejection::MissingState),
            ("code=x&state=0", Rejection::WrongState),
            ("error=access_denied", Rejection::MissingState),
            ("error=access_denied&state=0&iss=https://evil.example", Rejection::WrongState),
        ] {
            assert_eq!(parse(query, &expected).unwrap_err(), rejected, "{query}");
        }
    }

    #[test]
    fn a_known_parameter_comes_once() {
        let expected = expected();
        for (query, name) in [
            ("code=x&code=y", "code"),
            ("code=x&code=x", "code"),
            ("code=x&code=", "code"),
            ("code=x&c%6fde=y", "code"),
            ("code=x&state=0", "state"),
            ("code=x&iss=a&iss=a", "iss"),
            ("error=x&error=y", "error"),
        ] {
            let rejected = parse_with_state(query, &expected).unwrap_err();
            assert_eq!(rejected, Rejection::Repeated(name), "{query}");
            assert!(!rejected.is_mix_up());
        }
    }

    #[test]
    fn an_answer_is_either_a_code_or_an_error() {
        let expected = expected();
        assert_eq!(parse_with_state("", &expected).unwrap_err(), Rejection::Empty);
        assert_eq!(parse_with_state("code=", &expected).unwrap_err(), Rejection::Empty);
        assert_eq!(
            parse_with_state("code=x&error=y", &expected).unwrap_err(),
            Rejection::Ambiguous
        );
    }

    #[test]
    fn another_issuer_is_a_mix_up() {
        for answer in ["code=x", "error=access_denied"] {
            // A trailing slash makes another issuer: the comparison is one of strings.
            for issuer in ["https://evil.example", "https%3A%2F%2Fas.example%2F"] {
                let rejected =
                    parse_with_state(&format!("{answer}&iss={issuer}"), &expected()).unwrap_err();
                assert!(matches!(rejected, Rejection::WrongIssuer { .. }), "{answer} {issuer}");
                assert!(rejected.is_mix_up());
            }
        }
        let query = "code=x&iss=https%3A%2F%2Fas.example";
        assert_eq!(code(parse_with_state(query, &expected())), "x");
    }

    #[test]
    fn a_promised_issuer_must_be_there() {
        let expected = ExpectedResponse { issuer_required: true, ..expected() };
        for query in ["code=x", "error=access_denied", "code=x&iss="] {
            let rejected = parse_with_state(query, &expected).unwrap_err();
            assert!(matches!(rejected, Rejection::MissingIssuer { .. }), "{query}");
            assert!(rejected.is_mix_up());
            let shows_error = rejected.to_string().ends_with("not verified, is access_denied");
            assert_eq!(shows_error, query.starts_with("error"), "{query}");
        }
    }

    #[test]
    fn an_issuer_is_ignored_where_none_is_known() {
        let expected = ExpectedResponse { issuer: None, ..expected() };
        assert_eq!(code(parse_with_state("code=x&iss=anything", &expected)), "x");
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in any::<String>()) {
            let _ = parse(&query, &expected());
        }

        #[test]
        fn a_query_that_does_not_hold_the_state_is_never_accepted(
            parameters in prop::collection::vec(
                ("(state|code|iss|error|error_description|response|[a-z]{0,3})", "[0-9a-f]{0,32}|[ -~]{0,9}"),
                0..8,
            )
        ) {
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&parameters)
                .finish();
            let rejected = parse(&query, &expected()).unwrap_err();
            prop_assert!(!rejected.is_mix_up());
        }
    }
}
