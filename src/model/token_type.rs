//! The type of an access token, by which a client knows how to use it (RFC 6749 §7.1).

use super::credential::ApiAuth;

/// The word for a bearer token in an `Authorization` header (RFC 6750 §2.1).
pub(crate) const BEARER: &str = "Bearer";

/// The types under which servers issue tokens that are used as bearer tokens, in lower case: the
/// standard's own, the ways in which it is misspelt, and the words of Slack and of eBay for whose token
/// it is.
const BEARER_WORDS: [&str; 7] = [
    "bearer",
    "bearertoken",
    "bearer_token",
    "user",
    "bot",
    "user access token",
    "application access token",
];

/// The longest part of a type that is shown or kept.
const LONGEST: usize = 64;

/// The type of an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenType {
    /// Whoever has the token may use it (RFC 6750).
    Bearer,
    /// The server's own word for another type, such as `DPoP` or `mac`.
    Other(String),
}

impl TokenType {
    /// Returns the type that a server `sent`. A missing one is a bearer token: many servers leave it
    /// out. `own_words` are those with which this server names bearer tokens. Case does not count
    /// (RFC 6749 §5.1).
    pub(crate) fn parse(sent: Option<&str>, own_words: &[String]) -> Self {
        let word = sent.unwrap_or_default().trim();
        let is_own = own_words.iter().any(|own| own.eq_ignore_ascii_case(word));
        if is_own || word.is_empty() || BEARER_WORDS.contains(&&*word.to_ascii_lowercase()) {
            return Self::Bearer;
        }
        let kept = word.chars().map(|char| if char.is_ascii_graphic() { char } else { '?' });
        Self::Other(kept.take(LONGEST).collect())
    }

    /// Whether an API that wants its tokens as `auth` can be used with a token of this type. An API
    /// with a header of its own takes what the server issues for it, whatever its type is called.
    pub(crate) fn suits(&self, auth: &ApiAuth) -> bool {
        match (self, auth) {
            (Self::Bearer, _) | (Self::Other(_), ApiAuth::Basic | ApiAuth::Header(_)) => true,
            (Self::Other(_), ApiAuth::Bearer) => false,
        }
    }

    /// Returns the word for the type, as it is kept with the token.
    pub(crate) fn word(&self) -> &str {
        match self {
            Self::Bearer => BEARER,
            Self::Other(word) => word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_has_several_names_and_any_other_name_is_another_type() {
        let own = ["JWT".to_owned()];
        for sent in [None, Some(""), Some("bearer"), Some(" BEARER "), Some("user"), Some("jwt")] {
            assert_eq!(TokenType::parse(sent, &own), TokenType::Bearer, "{sent:?}");
        }
        for (sent, word) in [
            ("DPoP", "DPoP"),
            ("mac", "mac"),
            ("N_A", "N_A"),
            ("https://as.example/types/mac", "https://as.example/types/mac"),
            ("x\r\nSet-Cookie: y", "x??Set-Cookie:?y"),
        ] {
            assert_eq!(TokenType::parse(Some(sent), &own).word(), word);
        }
        assert_eq!(TokenType::parse(Some(&"x".repeat(500)), &own).word().len(), LONGEST);
    }
}
