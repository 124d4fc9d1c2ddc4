//! The authorization response (RFC 6749 §4.1.2), and who sent it (RFC 9207).
//!
//! Judges the query with which a browser comes back, however it came: to the loopback listener
//! or pasted by a person. Doesn't know which.

use std::fmt;
use std::sync::Arc;

use url::form_urlencoded;

use crate::oauth::state::State;
use crate::secret::{AuthorizationCode, SecretText};
use crate::untrusted::printable;

/// What makes a response the answer to one login.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// The `state` of the authorization request.
    pub state: State,
    /// The issuer identifier of the authorization server that was asked, where it has one.
    pub issuer: Option<String>,
    /// Whether that server promises to name itself in every response
    /// (`authorization_response_iss_parameter_supported`).
    pub issuer_required: bool,
    /// What else makes it the server's, where the service has something of the kind.
    pub check: Option<Arc<dyn Check>>,
}

/// A service's own proof that an answer is from it.
pub(crate) trait Check: fmt::Debug + Send + Sync {
    /// Looks at the query of an answer that brings a code, and says what is wrong with it.
    fn check(&self, query: &str) -> Result<(), &'static str>;
}

/// What an authorization server answered.
#[derive(Debug)]
pub(crate) enum AuthorizationResponse {
    /// The code to redeem at the token endpoint.
    Code(AuthorizationCode),
    /// A refusal (RFC 6749 §4.1.2.1); both texts are safe to print.
    Refused {
        /// The error code, such as `access_denied`.
        error: String,
        /// The server's own words on it.
        description: Option<String>,
    },
}

/// Why a query is not the answer to the login at hand.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// A parameter comes twice, so that two readers could see two different answers.
    #[error("the answer holds `{0}` more than once")]
    Repeated(&'static str),
    /// No `state`: anyone could have made it.
    #[error("the answer has no `state`")]
    MissingState,
    /// The `state` of another login, or a made-up one.
    #[error("the answer's `state` belongs to no login that is waiting")]
    WrongState,
    /// The server promised to name itself and didn't.
    #[error("the answer doesn't say which authorization server it is from")]
    MissingIssuer,
    /// Another server answered than was asked: a mix-up, so the code must not be sent anywhere.
    #[error("the answer is from `{received}`, not from the authorization server that was asked")]
    WrongIssuer {
        /// Who it says it is from, safe to print.
        received: String,
    },
    /// The service's own proof is wrong.
    #[error("the answer is not the service's: {0}")]
    Unproven(&'static str),
    /// Neither a code nor an error.
    #[error("the answer holds neither a code nor an error")]
    Empty,
    /// Both a code and an error.
    #[error("the answer holds both a code and an error")]
    Ambiguous,
}

impl Rejected {
    /// Whether the response has the right state, but comes from the wrong server: the login has
    /// been tampered with and must not go on. Everything else may be a stranger's doing, or a
    /// slip of the hand, and the true answer can still come.
    pub(crate) fn is_mix_up(&self) -> bool {
        match self {
            Self::MissingIssuer | Self::WrongIssuer { .. } | Self::Unproven(_) => true,
            Self::Repeated(_)
            | Self::MissingState
            | Self::WrongState
            | Self::Empty
            | Self::Ambiguous => false,
        }
    }
}

/// Reads the query of a redirect, without its question mark.
///
/// Unknown parameters are ignored, and those without a value count as left out (RFC 6749 §3.1).
/// What the server says is judged only once the state is right.
pub(crate) fn parse(query: &str, expected: &Expected) -> Result<AuthorizationResponse, Rejected> {
    let parameters = Parameters::read(query)?;
    let state = parameters.state.ok_or(Rejected::MissingState)?;
    if !expected.state.is(&state) {
        return Err(Rejected::WrongState);
    }
    check_issuer(parameters.iss, expected)?;
    match (parameters.code, parameters.error) {
        (Some(code), None) => {
            if let Some(check) = &expected.check {
                check.check(query).map_err(Rejected::Unproven)?;
            }
            Ok(AuthorizationResponse::Code(AuthorizationCode::from_trusted(code)))
        }
        (None, Some(error)) => Ok(AuthorizationResponse::Refused {
            error: printable(&error),
            description: parameters.error_description.as_deref().map(printable),
        }),
        (None, None) => Err(Rejected::Empty),
        (Some(_), Some(_)) => Err(Rejected::Ambiguous),
    }
}

/// RFC 9207 §2.4: simple string comparison, and of error responses too. A server that is not
/// known by any issuer identifier leaves nothing to compare with.
fn check_issuer(received: Option<String>, expected: &Expected) -> Result<(), Rejected> {
    match (received, &expected.issuer) {
        (None, _) if expected.issuer_required => Err(Rejected::MissingIssuer),
        (Some(received), Some(issuer)) if received != *issuer => {
            Err(Rejected::WrongIssuer { received: printable(&received) })
        }
        _ => Ok(()),
    }
}

/// The parameters that mean something, each at most once.
#[derive(Default)]
struct Parameters {
    state: Option<String>,
    iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    error_uri: Option<String>,
}

impl Parameters {
    fn read(query: &str) -> Result<Self, Rejected> {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let (name, place) = match &*name {
                "state" => ("state", &mut read.state),
                "iss" => ("iss", &mut read.iss),
                "code" => ("code", &mut read.code),
                "error" => ("error", &mut read.error),
                "error_description" => ("error_description", &mut read.error_description),
                "error_uri" => ("error_uri", &mut read.error_uri),
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(Rejected::Repeated(name));
            }
        }
        for place in [
            &mut read.state,
            &mut read.iss,
            &mut read.code,
            &mut read.error,
            &mut read.error_description,
            &mut read.error_uri,
        ] {
            place.take_if(|value| value.is_empty());
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expected() -> Expected {
        Expected {
            state: State::fresh().unwrap(),
            issuer: Some("https://as.example".into()),
            issuer_required: false,
            check: None,
        }
    }

    fn parse_with_state(
        rest: &str,
        expected: &Expected,
    ) -> Result<AuthorizationResponse, Rejected> {
        parse(&format!("state={}&{rest}", expected.state.expose()), expected)
    }

    fn code(response: Result<AuthorizationResponse, Rejected>) -> String {
        match response.unwrap() {
            AuthorizationResponse::Code(code) => code.expose().to_owned(),
            AuthorizationResponse::Refused { error, .. } => panic!("refused: {error}"),
        }
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
            AuthorizationResponse::Code(_) => panic!("no code was sent"),
        }
    }

    #[test]
    fn without_the_right_state_nothing_counts() {
        let expected = expected();
        for (query, rejected) in [
            ("code=x", Rejected::MissingState),
            ("code=x&state=", Rejected::MissingState),
            ("code=x&state=0", Rejected::WrongState),
            ("error=access_denied", Rejected::MissingState),
            ("error=access_denied&state=0&iss=https://evil.example", Rejected::WrongState),
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
            assert_eq!(rejected, Rejected::Repeated(name), "{query}");
            assert!(!rejected.is_mix_up());
        }
    }

    #[test]
    fn an_answer_is_either_a_code_or_an_error() {
        let expected = expected();
        assert_eq!(parse_with_state("", &expected).unwrap_err(), Rejected::Empty);
        assert_eq!(parse_with_state("code=", &expected).unwrap_err(), Rejected::Empty);
        assert_eq!(parse_with_state("code=x&error=y", &expected).unwrap_err(), Rejected::Ambiguous);
    }

    #[test]
    fn another_issuer_is_a_mix_up() {
        for answer in ["code=x", "error=access_denied"] {
            // A trailing slash makes another issuer: the comparison is one of strings.
            for issuer in ["https://evil.example", "https%3A%2F%2Fas.example%2F"] {
                let rejected =
                    parse_with_state(&format!("{answer}&iss={issuer}"), &expected()).unwrap_err();
                assert!(matches!(rejected, Rejected::WrongIssuer { .. }), "{answer} {issuer}");
                assert!(rejected.is_mix_up());
            }
        }
        let query = "code=x&iss=https%3A%2F%2Fas.example";
        assert_eq!(code(parse_with_state(query, &expected())), "x");
    }

    #[test]
    fn a_promised_issuer_must_be_there() {
        let expected = Expected { issuer_required: true, ..expected() };
        for query in ["code=x", "error=access_denied", "code=x&iss="] {
            let rejected = parse_with_state(query, &expected).unwrap_err();
            assert_eq!(rejected, Rejected::MissingIssuer, "{query}");
            assert!(rejected.is_mix_up());
        }
    }

    #[test]
    fn an_issuer_is_ignored_where_none_is_known() {
        let expected = Expected { issuer: None, ..expected() };
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
                ("(state|code|iss|error|error_description|[a-z]{0,3})", "[0-9a-f]{0,32}|[ -~]{0,9}"),
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
