//! Additional parameters of a request to an authorization server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The placeholder for the redirect URI of the login.
const REDIRECT_URI: &str = "{redirect_uri}";

/// Additional parameters of a request, by name. One with several values is sent once for each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct RequestParams(BTreeMap<String, ParamValues>);

/// The values of one parameter: a text, or a list of texts. An empty list sends nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a parameter has a text or a list of texts")]
pub(crate) enum ParamValues {
    One(String),
    Several(Vec<String>),
}

impl RequestParams {
    /// Returns the parameters that tell for which service a token is: `audience`, as some servers
    /// want it, and `resource` (RFC 8707).
    pub(crate) fn of_target(
        audience: Option<&ParamValues>,
        resource: Option<&ParamValues>,
    ) -> Self {
        let both = [("audience", audience), ("resource", resource)];
        let given =
            both.into_iter().filter_map(|(name, values)| Some((name.into(), values?.clone())));
        Self(given.collect())
    }

    /// Returns these parameters and another one, which replaces the one of its name.
    pub(crate) fn with(mut self, name: &str, value: String) -> Self {
        self.0.insert(name.to_owned(), ParamValues::One(value));
        self
    }

    /// Returns these parameters and those of `over`, which replace the ones of their name.
    pub(crate) fn overlaid(mut self, over: &Self) -> Self {
        self.0.extend(over.0.clone());
        self
    }

    /// Returns each name with each of its values, in the order in which they are sent.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(name, values)| {
            values.as_slice().iter().map(move |value| (name.as_str(), value.as_str()))
        })
    }

    /// Whether a parameter is called `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets the parameter `name` to one value.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), ParamValues::One(value.to_owned()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the parameters with `redirect_uri`, to which the browser came back, filled in for
    /// `{redirect_uri}`. Without one, such a parameter is left out.
    pub(crate) fn filled(&self, redirect_uri: Option<&str>) -> Self {
        let fill = |value: &String| match (value.contains(REDIRECT_URI), redirect_uri) {
            (false, _) => Some(value.clone()),
            (true, Some(redirect_uri)) => Some(value.replace(REDIRECT_URI, redirect_uri)),
            (true, None) => None,
        };
        let filled = self.0.iter().filter_map(|(name, values)| {
            let values = match values {
                ParamValues::One(value) => ParamValues::One(fill(value)?),
                ParamValues::Several(values) => {
                    ParamValues::Several(values.iter().filter_map(fill).collect())
                }
            };
            Some((name.clone(), values))
        });
        Self(filled.collect())
    }
}

impl ParamValues {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Several(values) => values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> RequestParams {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_nearer_setting_replaces_the_farther_one_by_name() {
        let far = params("resource = ['https://a', 'https://b']\naudience = 'x'");
        let sent = far.overlaid(&params("resource = 'https://c'\naudience = []"));
        assert_eq!(sent.pairs().collect::<Vec<_>>(), [("resource", "https://c")]);
    }

    #[test]
    fn what_names_a_redirect_uri_is_sent_only_where_there_was_one() {
        let written = params("a = 'b'\nc = '{redirect_uri}'");
        let with = written.filled(Some("http://x"));
        assert_eq!(with.pairs().collect::<Vec<_>>(), [("a", "b"), ("c", "http://x")]);
        let without = written.filled(None);
        assert_eq!(without.pairs().collect::<Vec<_>>(), [("a", "b")]);
    }

    #[test]
    fn a_value_of_another_kind_is_refused_in_words() {
        let error = toml::from_str::<RequestParams>("a = 1").unwrap_err().to_string();
        assert!(error.contains("a text or a list of texts"), "{error}");
    }
}
