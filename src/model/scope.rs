//! Scopes: what a token is allowed to do (RFC 6749 §3.3).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Scopes in the order in which they were given, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Scopes(Vec<String>);

/// The scope that brings a refresh token (OpenID Connect Core 1.0 §11).
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

impl Scopes {
    /// Reads a `scope` value as servers write it: separated by spaces (RFC 6749 §3.3), or by commas
    /// as GitHub and Shopify do. Characters that no scope can have are left out.
    pub(crate) fn parse(text: &str) -> Self {
        let mut seen = BTreeSet::new();
        let scopes = text
            .split([' ', ','])
            .map(|scope| scope.replace(|character: char| !character.is_ascii_graphic(), ""))
            .filter(|scope| !scope.is_empty() && seen.insert(scope.clone()))
            .collect();
        Self(scopes)
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

    /// Adds `scope`, unless it is there already.
    pub(crate) fn add(&mut self, scope: &str) {
        if !self.contains(scope) {
            self.0.push(scope.to_owned());
        }
    }

    /// Returns the scopes of `self` that are not in `other`.
    pub(crate) fn without(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|scope| !other.contains(scope)).cloned().collect())
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
        assert_eq!(Scopes::parse("read write,admin  read").to_string(), "read write admin");
        assert!(Scopes::parse(" , ").is_empty());
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again() {
        let scopes = Scopes::parse("a\u{1b}[31m b\u{a0}c \u{7}");
        assert_eq!(scopes.to_string(), "a[31m bc");
        assert_eq!(Scopes::parse(&scopes.to_string()), scopes);
    }
}
