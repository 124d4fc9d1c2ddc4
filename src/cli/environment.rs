//! The environment variables, read once.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

/// Variables that hold what opens the vault, or say where it is: no child gets them.
const OF_THE_KEY: [&str; 7] = [
    "TOKCTL_KEY",
    "TOKCTL_KEY_FILE",
    "TOKCTL_KEY_COMMAND",
    "TOKCTL_PASSPHRASE",
    "TOKCTL_PASSPHRASE_FILE",
    "TOKCTL_NEW_KEY_FILE",
    "TOKCTL_NEW_PASSPHRASE",
];

/// Stands for a value that is not UTF-8: a control character, which nothing takes.
const NOT_TEXT: &str = "\u{1a}";

/// The variables that the program was started with.
#[derive(Default)]
pub(crate) struct Environment(HashMap<OsString, OsString>);

impl Environment {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn read() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// A variable that is set to something.
    pub(crate) fn get(&self, name: &str) -> Option<OsString> {
        self.0.get(OsStr::new(name)).filter(|value| !value.is_empty()).cloned()
    }

    /// The same as text. What is no text becomes text that is no key, name or passphrase: it must
    /// not count as unset.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.into_string().unwrap_or_else(|_| NOT_TEXT.to_owned()))
    }

    /// Whether a switch is on: set, and not to `0` or `false`.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| !matches!(value.as_str(), "0" | "false"))
    }

    /// The variables that are text, with their values.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    }

    /// The variables that a child process must not inherit: those that open the vault, and client
    /// secrets.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &OsStr> {
        self.0.keys().map(OsString::as_os_str).filter(|name| {
            name.to_str().is_some_and(|name| {
                OF_THE_KEY.contains(&name)
                    || (name.starts_with("TOKCTL_") && name.ends_with("_CLIENT_SECRET"))
            })
        })
    }
}

#[cfg(test)]
impl From<&[(&str, &str)]> for Environment {
    fn from(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_off_when_it_says_so() {
        for (value, on) in
            [("1", true), ("true", true), ("0", false), ("false", false), ("", false)]
        {
            assert_eq!(Environment::from(&[("CI", value)][..]).is_on("CI"), on, "{value}");
        }
        assert!(!Environment::default().is_on("CI"));
    }

    #[test]
    fn children_get_no_secret() {
        let environment = Environment::from(
            &[
                ("TOKCTL_KEY", "x"),
                ("TOKCTL_ACME_CLIENT_SECRET", "x"),
                ("TOKCTL_VAULT", "x"),
                ("PATH", "x"),
            ][..],
        );
        let mut secrets: Vec<_> = environment.secrets().collect();
        secrets.sort();
        assert_eq!(secrets, ["TOKCTL_ACME_CLIENT_SECRET", "TOKCTL_KEY"]);
    }
}
