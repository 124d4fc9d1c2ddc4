//! Scopes: what a token is allowed to do (RFC 6749 §3.3).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Scopes in the order in which they were given, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Scopes(Vec<String>);

impl Scopes {
    pub(crate) fn new(scopes: impl IntoIterator<Item = String>) -> Self {
        let mut seen = BTreeSet::new();
        Self(
            scopes
                .into_iter()
                .filter(|scope| seen.insert(scope.clone()))
                .collect(),
        )
    }

    /// Reads a `scope` value as servers write it: by spaces (RFC 6749 §3.3), or by commas as
    /// GitHub and Shopify do.
    pub(crate) fn parse(text: &str) -> Self {
        Self::new(
            text.split([' ', ','])
                .filter(|scope| !scope.is_empty())
                .map(crate::untrusted::printable),
        )
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|own| own == scope)
    }

    /// Those of `self` that `other` has not.
    pub(crate) fn without(&self, other: &Self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|scope| !other.contains(scope))
                .cloned()
                .collect(),
        )
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_come_by_spaces_or_commas_and_once_each() {
        assert_eq!(
            Scopes::parse("read write,admin  read").to_string(),
            "read write admin"
        );
        assert!(Scopes::parse(" , ").is_empty());
    }
}
