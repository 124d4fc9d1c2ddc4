//! How a token endpoint departs from RFC 6749.
//!
//! A credential keeps it, so that a refresh speaks to its server as the login did, whatever the
//! configuration says by then.

use serde::{Deserialize, Serialize};

/// The ways of one token endpoint; those of the RFC where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Dialect {
    /// What requests are written in (RFC 6749 §4.1.3: a form).
    #[serde(skip_serializing_if = "is_usual")]
    pub(crate) request: Encoding,
    /// Where the answer says when the token ends.
    #[serde(skip_serializing_if = "is_usual")]
    pub(crate) expiry: ExpiryShape,
    /// Whether a token of which no end is told has none. Usually that is unknown.
    #[serde(skip_serializing_if = "is_usual")]
    pub(crate) endless: bool,
    /// Further codes with which the server says that a grant is over. Where `error` is an object,
    /// as Facebook has it, its `code` is what counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) grant_errors: Vec<String>,
}

impl Dialect {
    /// Whether it departs in nothing.
    pub(crate) fn is_usual(&self) -> bool {
        is_usual(self)
    }
}

fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a token request is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// `application/x-www-form-urlencoded`.
    #[default]
    Form,
    /// A JSON object of texts.
    Json,
}

/// Where a token answer says when the token ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExpiryShape {
    /// `expires_in`, in seconds from now (RFC 6749 §5.1).
    #[default]
    ExpiresIn,
    /// `expires`, in seconds since 1970; without it, `expires_in`.
    Expires,
    /// `created_at`, in seconds since 1970, and `expires_in` from then on; without it, from now.
    CreatedAt,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_that_was_sealed_is_read_back_and_the_usual_one_takes_no_room() {
        let written = "request = 'json'\nexpiry = 'created_at'\ngrant_errors = ['190']";
        let dialect: Dialect = toml::from_str(written).unwrap();
        assert_eq!(dialect.expiry, ExpiryShape::CreatedAt);
        let sealed = serde_json::to_string(&dialect).unwrap();
        assert_eq!(serde_json::from_str::<Dialect>(&sealed).unwrap(), dialect);
        assert_eq!(serde_json::to_string(&Dialect::default()).unwrap(), "{}");
        assert!(toml::from_str::<Dialect>("expiry = 'soon'").is_err());
    }
}
