//! How a token endpoint departs from RFC 6749.
//!
//! A credential keeps it, so that a refresh speaks to its server as the login did, whatever the
//! configuration says by then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Stands for the login's redirect URI.
const REDIRECT_URI: &str = "{redirect_uri}";

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
    /// Further parameters of a request that renews a token. `{redirect_uri}` is filled in at login
    /// with the one that was used; a login without one leaves such a parameter out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) refresh_params: BTreeMap<String, String>,
}

impl Dialect {
    /// The same after a login whose browser came back to `redirect_uri`.
    pub(crate) fn after_login(&self, redirect_uri: Option<&str>) -> Self {
        let fill = |value: &String| match (value.contains(REDIRECT_URI), redirect_uri) {
            (false, _) => Some(value.clone()),
            (true, Some(redirect_uri)) => Some(value.replace(REDIRECT_URI, redirect_uri)),
            (true, None) => None,
        };
        let params = self.refresh_params.iter();
        let refresh_params =
            params.filter_map(|(name, value)| Some((name.clone(), fill(value)?))).collect();
        Self { refresh_params, ..self.clone() }
    }

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
    fn what_names_a_redirect_uri_is_sent_only_where_there_was_one() {
        let written = "refresh_params = { a = 'b', c = '{redirect_uri}' }";
        let dialect: Dialect = toml::from_str(written).unwrap();
        let after = |redirect_uri| dialect.after_login(redirect_uri).refresh_params;
        assert_eq!(after(Some("http://x"))["c"], "http://x");
        assert_eq!(after(None).into_keys().collect::<Vec<_>>(), ["a"]);
    }

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
