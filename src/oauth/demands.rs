//! What an authorization server demands and tokctl does not have, by the words of its errors.

use super::refusal::normalised;

/// The words for a server that answered in a JWT without having been asked to.
pub(crate) const ANSWERS_IN_JWTS: &str = "it answers in JWTs (JARM), which tokctl does not read: set `authorization_params = { response_mode = \"query\" }` in config.toml, or register the client without JARM";

/// A demand that no request of tokctl meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Tokens that are bound to a key (RFC 9449).
    Dpop,
    /// Authorization requests in signed JWTs (RFC 9101).
    RequestObjects,
    /// Authorization requests that were pushed before (RFC 9126), which a definition can ask for.
    PushedRequests,
    /// Answers in JWTs (JARM).
    Jarm,
}

impl Demand {
    /// Returns the demand that the error `code`, or its `description`, tells of.
    pub(crate) fn of_error(code: &str, description: Option<&str>) -> Option<Self> {
        match normalised(code).as_str() {
            "use_dpop_nonce" | "invalid_dpop_proof" => return Some(Self::Dpop),
            _ => {}
        }
        let words = description?.to_lowercase();
        let has = |any: &[&str]| any.iter().any(|word| words.contains(word));
        if has(&["dpop"]) {
            return Some(Self::Dpop);
        }
        let demands = has(&["required", "must ", "missing", "not present", "only", "expected"]);
        if !demands {
            return None;
        }
        if has(&["pushed authorization", "pushed_authorization", "(par)", "par is", "use par"]) {
            return Some(Self::PushedRequests);
        }
        if has(&["request object", "request_object", "request parameter must be a jwt"]) {
            return Some(Self::RequestObjects);
        }
        has(&["jarm", "response_mode"]).then_some(Self::Jarm)
    }

    /// Returns what the server demands, for a sentence that ends there.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Dpop => "it demands DPoP (RFC 9449), which tokctl does not have",
            Self::RequestObjects => {
                "it demands signed request objects (RFC 9101), which tokctl does not have"
            }
            Self::PushedRequests => {
                "it demands pushed requests (RFC 9126): set `require_pushed_authorization_requests` and `pushed_authorization_request_endpoint` in config.toml"
            }
            Self::Jarm => "it demands answers as JWTs (JARM), which tokctl does not have",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_is_known_by_the_words_of_servers() {
        for (code, description, demand) in [
            ("invalid_dpop_proof", None, Demand::Dpop),
            ("use_dpop_nonce", Some("Authorization server requires nonce"), Demand::Dpop),
            ("invalid_request", Some("DPoP proof is missing"), Demand::Dpop),
            // Keycloak, and oidc-provider.
            (
                "invalid_request",
                Some("Pushed Authorization Request is only allowed."),
                Demand::PushedRequests,
            ),
            (
                "invalid_request",
                Some("Pushed Authorization Request must be used"),
                Demand::PushedRequests,
            ),
            (
                "invalid_request",
                Some("Request Object must be used by this client: it is required"),
                Demand::RequestObjects,
            ),
            ("invalid_request", Some("response_mode jwt is required"), Demand::Jarm),
        ] {
            assert_eq!(Demand::of_error(code, description), Some(demand), "{description:?}");
        }
        for description in [None, Some("the scope is missing"), Some("request object is fine")] {
            assert_eq!(Demand::of_error("invalid_request", description), None);
        }
    }
}
