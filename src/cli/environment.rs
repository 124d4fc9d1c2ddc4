//! The environment variables, read once at the start.

#[cfg(feature = "postgres")]
use std::collections::BTreeMap;
use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

/// Variables that hold or locate a secret that opens the vault, a bundle or another tool's store.
/// Child processes do not inherit them.
const OF_THE_KEY: [&str; 12] = [
    "TOKCTL_KEY",
    "TOKCTL_KEY_FILE",
    "TOKCTL_KEY_COMMAND",
    "TOKCTL_PASSPHRASE",
    "TOKCTL_PASSPHRASE_FILE",
    "TOKCTL_NEW_KEY_FILE",
    "TOKCTL_NEW_PASSPHRASE",
    "TOKCTL_BUNDLE_KEY",
    "TOKCTL_BUNDLE_KEY_FILE",
    "TOKCTL_BUNDLE_PASSPHRASE",
    "TOKCTL_BUNDLE_PASSPHRASE_FILE",
    "TOKCTL_IMPORT_KEY",
];

/// Variables of GitHub Actions that bring an identity token. Child processes do not inherit them.
const OF_IDENTITIES: [&str; 2] = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"];

/// The variable with the directory of a service's credentials (systemd.exec(5)).
pub(crate) const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The name of the vault's key in that directory.
pub(crate) const KEY_CREDENTIAL: &str = "tokctl.key";

/// The stand-in for a value that is not UTF-8: a control character, which no parser accepts.
const NOT_TEXT: &str = "\u{1a}";

/// The environment variables that the program was started with.
///
/// The value of a variable of the key is not kept: it is read again each time it is asked for, so
/// that a process that runs for long has no copy of it.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: HashMap<OsString, Option<OsString>>,
    /// Variables in whose place another one is read.
    #[cfg(feature = "postgres")]
    in_place_of: BTreeMap<&'static str, &'static str>,
    /// Variables that no child gets: the configuration and credentials name them as ones with an
    /// identity token, or with the secret or the key of a client.
    withheld: Arc<Mutex<BTreeSet<String>>>,
}

impl Environment {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn read() -> Self {
        let kept = |(name, value): (OsString, OsString)| {
            if is_of_the_key(&name) {
                drop(Zeroizing::new(value.into_encoded_bytes()));
                return (name, None);
            }
            (name, Some(value))
        };
        Self { variables: std::env::vars_os().map(kept).collect(), ..Self::default() }
    }

    /// Returns a copy for a vault in a file that is used beside the identity of this user. What
    /// `TOKCTL_NEW_KEY_FILE` and `TOKCTL_NEW_PASSPHRASE` hold is the file's. A key that
    /// `is_identity` opens no file.
    #[cfg(feature = "postgres")]
    pub(crate) fn beside_identity(&self, is_identity: bool) -> Self {
        let mut of_file = self.clone();
        let mut take = |names: &[&str], new: Option<(&'static str, &'static str)>| {
            for name in names {
                of_file.variables.remove(OsStr::new(name));
            }
            if let Some((name, new)) = new {
                of_file.in_place_of.insert(name, new);
            }
        };
        let has_key = self.is_set("TOKCTL_NEW_KEY_FILE");
        if has_key || is_identity {
            let new = has_key.then_some(("TOKCTL_KEY_FILE", "TOKCTL_NEW_KEY_FILE"));
            take(&["TOKCTL_KEY", "TOKCTL_KEY_FILE", "TOKCTL_KEY_COMMAND", CREDENTIALS], new);
        }
        if self.is_set("TOKCTL_NEW_PASSPHRASE") {
            let new = Some(("TOKCTL_PASSPHRASE", "TOKCTL_NEW_PASSPHRASE"));
            take(&["TOKCTL_PASSPHRASE", "TOKCTL_PASSPHRASE_FILE"], new);
        }
        of_file
    }

    /// Returns the name of the variable that is read for `name`: the one that the user set.
    #[cfg(feature = "postgres")]
    pub(crate) fn own_name<'a>(&self, name: &'a str) -> &'a str {
        self.in_place_of.get(name).copied().unwrap_or(name)
    }

    /// Returns the name of the variable that is read for `name`.
    #[cfg(not(feature = "postgres"))]
    #[expect(clippy::unused_self, reason = "no variable is read in the place of another")]
    pub(crate) fn own_name<'a>(&self, name: &'a str) -> &'a str {
        name
    }

    /// Whether a variable is set and not empty.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        // It may be the key, so it is wiped.
        self.get(name).map(|value| Zeroizing::new(value.into_encoded_bytes())).is_some()
    }

    /// Whether a variable is set to nothing.
    pub(crate) fn is_empty(&self, name: &str) -> bool {
        self.variables.contains_key(OsStr::new(self.own_name(name))) && !self.is_set(name)
    }

    /// Returns the value of a variable, or `None` if it is unset or empty.
    pub(crate) fn get(&self, name: &str) -> Option<OsString> {
        let name = self.own_name(name);
        let value = match self.variables.get(OsStr::new(name))? {
            Some(value) => Some(value.clone()),
            None => read_again(name),
        };
        value.filter(|value| !value.is_empty())
    }

    /// Returns the value of a variable as text, or `None` if it is unset or empty.
    ///
    /// A value that is not UTF-8 becomes a text that is no key, name or passphrase, so that it does
    /// not count as unset.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.into_string().unwrap_or_else(|_| NOT_TEXT.to_owned()))
    }

    /// Returns whether a switch is on: set, and not to `0` or `false`.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| !matches!(value.as_str(), "0" | "false"))
    }

    /// Returns the names and values of all variables that are UTF-8.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .filter_map(|(name, value)| Some((name.to_str()?, value.as_ref()?.to_str()?)))
    }

    /// Whether the service manager's directory of credentials holds the vault's key.
    pub(crate) fn has_key_among_credentials(&self) -> bool {
        let directory = self.get(CREDENTIALS).map(PathBuf::from);
        directory.is_some_and(|directory| directory.join(KEY_CREDENTIAL).symlink_metadata().is_ok())
    }

    /// Whether a variable names a file in that directory as one with a key or a passphrase.
    fn has_key_file_in_credentials(&self) -> bool {
        let Some(directory) = self.get(CREDENTIALS).map(PathBuf::from) else { return false };
        let files = OF_THE_KEY.into_iter().filter(|name| name.ends_with("_FILE"));
        files.filter_map(|name| self.get(name)).any(|file| Path::new(&file).starts_with(&directory))
    }

    /// Keeps the variable `name`, which holds a secret, from every child that starts from now on.
    pub(crate) fn withhold(&self, name: &str) {
        let mut withheld = self.withheld.lock().unwrap_or_else(PoisonError::into_inner);
        withheld.insert(name.to_owned());
    }

    /// Gives `child` these variables and no others, except those that open the vault, or locate
    /// what does, the secrets and keys of clients, and what was withheld.
    ///
    /// The standard library would copy all of them, and not wipe the copies.
    pub(crate) fn give_to(&self, child: &mut Command) {
        let locates_the_key =
            self.has_key_among_credentials() || self.has_key_file_in_credentials();
        let withheld = self.withheld.lock().unwrap_or_else(PoisonError::into_inner);
        let is_kept = |name: &OsStr| {
            let name = name.to_string_lossy();
            (name == CREDENTIALS && locates_the_key)
                || withheld.contains(name.as_ref())
                || OF_IDENTITIES.contains(&name.as_ref())
                || (name.starts_with("TOKCTL_")
                    && ["_CLIENT_SECRET", "_CLIENT_KEY"].iter().any(|end| name.ends_with(end)))
        };
        let given = self.variables.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        child.env_clear().envs(given.filter(|(name, _)| !is_kept(name)));
    }
}

/// Returns whether the variable `name` holds or locates a secret that opens something.
pub(crate) fn is_of_the_key(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| OF_THE_KEY.contains(&name))
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn read_again(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
impl From<&[(&str, &str)]> for Environment {
    fn from(variables: &[(&str, &str)]) -> Self {
        let given = variables.iter().map(|(name, value)| (name.into(), Some(value.into())));
        Self { variables: given.collect(), ..Self::default() }
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
        let mut environment = Environment::from(
            &[
                ("TOKCTL_ACME_CLIENT_SECRET", "x"),
                ("TOKCTL_ACME_CLIENT_KEY", "x"),
                ("TOKCTL_VAULT", "x"),
                ("PATH", "x"),
                ("CI_TOKEN", "x"),
            ][..],
        );
        environment.withhold("CI_TOKEN");
        environment.variables.insert("TOKCTL_KEY".into(), None);
        let mut child = Command::new("true");
        environment.give_to(&mut child);
        let given: Vec<_> = child.get_envs().map(|(name, _)| name).collect();
        assert_eq!(given, ["PATH", "TOKCTL_VAULT"]);
    }
}
