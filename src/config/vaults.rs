//! Names of vaults: those in the table `[vaults]` of `config.toml`, and those that `tokctl vault join`
//! keeps in a file of its own.
//!
//! Both say where a vault is and at which entry of its roster this machine begins to trust; so both
//! are files that nobody else may write.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::own_file;
pub(crate) use super::own_file::Error;

/// The most characters of a vault's name.
const LONGEST_NAME: usize = 64;

/// The vaults that this user joined.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Joined {
    /// The name of the vault that counts where no other is named, and there is no file.
    default: Option<String>,
    #[serde(default)]
    vaults: BTreeMap<String, JoinedVault>,
}

/// A vault that was joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinedVault {
    /// The address of its database, without a pin.
    pub(crate) address: String,
    /// The number and hash of the entry at which this machine begins to trust.
    pub(crate) pin: String,
    /// The files of this machine from which credentials were moved into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) took_from: Vec<PathBuf>,
}

/// Whether `text` can be the name of a vault: up to 64 lower-case letters, digits, `-` and `_`, the
/// first a letter or digit. A path that looks so is written as `./name`.
pub(crate) fn is_name(text: &str) -> bool {
    let is_plain = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit();
    text.len() <= LONGEST_NAME
        && text.starts_with(is_plain)
        && text.chars().all(|one| is_plain(one) || one == '-' || one == '_')
}

/// Splits `text` into the address of a vault and the pin behind `#`.
pub(crate) fn split_pin(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('#') {
        Some((address, pin)) => (address, Some(pin)),
        None => (text, None),
    }
}

impl Joined {
    /// Reads the file at `path`; a missing one is empty. Fails if others can write it.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        own_file::load(path)
    }

    /// Replaces the file at `path`, whose directory is made if it is missing.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    pub(crate) fn store(&self, path: &Path) -> Result<(), Error> {
        own_file::store(path, self)
    }

    /// Keeps the vault at `address` under `name`, in the place of another one of that name. The first
    /// that is kept becomes the default.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    pub(crate) fn keep(&mut self, name: &str, address: String, pin: &str) {
        let earlier = self.vaults.remove(name).filter(|earlier| earlier.address == address);
        let took_from = earlier.map(|earlier| earlier.took_from).unwrap_or_default();
        let vault = JoinedVault { address, pin: pin.to_owned(), took_from };
        self.vaults.insert(name.to_owned(), vault);
        self.default.get_or_insert_with(|| name.to_owned());
    }

    /// Notes that the vault called `name` takes credentials over from `file`. Returns whether that is
    /// news.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    pub(crate) fn note_taking(&mut self, name: &str, file: &Path) -> bool {
        let Some(vault) = self.vaults.get_mut(name) else { return false };
        let is_new = !vault.took_from.iter().any(|known| known == file);
        if is_new {
            vault.took_from.push(file.to_owned());
        }
        is_new
    }

    /// Returns the names of the vaults that took credentials over from `file`.
    pub(crate) fn takers_of(&self, file: &Path) -> impl Iterator<Item = &str> {
        let took = move |vault: &JoinedVault| vault.took_from.iter().any(|known| known == file);
        self.vaults.iter().filter(move |(_, vault)| took(vault)).map(|(name, _)| name.as_str())
    }

    /// Returns all, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &JoinedVault)> {
        self.vaults.iter().map(|(name, vault)| (name.as_str(), vault))
    }

    /// Returns the vault called `name`.
    pub(crate) fn named(&self, name: &str) -> Option<&JoinedVault> {
        self.vaults.get(name)
    }

    /// Returns the first vault, by name, that was joined at `address`.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    pub(crate) fn at(&self, address: &str) -> Option<(&str, &JoinedVault)> {
        self.all_at(address).next()
    }

    /// Returns the vaults that were joined at `address`, by name: a database can have several.
    pub(crate) fn all_at(&self, address: &str) -> impl Iterator<Item = (&str, &JoinedVault)> {
        self.all().filter(move |(_, vault)| vault.address == address)
    }

    /// Whether `name` is that of the vault that counts where no other is named.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    pub(crate) fn is_usual(&self, name: &str) -> bool {
        self.default.as_deref() == Some(name)
    }

    /// Returns the vault that counts where no other is named.
    pub(crate) fn usual(&self) -> Option<&JoinedVault> {
        self.named(self.default.as_ref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(address: &str) -> JoinedVault {
        JoinedVault { address: address.into(), pin: "7.x".into(), took_from: Vec::new() }
    }

    #[test]
    fn what_was_kept_is_found_by_name_and_address() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("data/vaults.toml");
        let mut joined = Joined::load(&path).unwrap();
        assert!(joined.usual().is_none());
        joined.keep("team", "postgres://a/x".into(), "7.x");
        joined.keep("ops", "postgres://b/y".into(), "7.x");
        let file = Path::new("/x/tokens.db");
        assert!(joined.note_taking("ops", file) && !joined.note_taking("ops", file));
        joined.keep("ops", "postgres://b/y".into(), "8.x");
        joined.store(&path).unwrap();
        let joined = Joined::load(&path).unwrap();
        assert_eq!(joined.usual(), Some(&vault("postgres://a/x")));
        assert_eq!(joined.takers_of(file).collect::<Vec<_>>(), ["ops"]);
        assert_eq!(joined.takers_of(Path::new("/y")).count(), 0);
        assert_eq!(joined.at("postgres://b/y").unwrap().0, "ops");
        assert!(joined.named("x").is_none() && joined.at("postgres://b").is_none());
    }

    #[test]
    fn a_name_is_no_path_and_no_address() {
        for name in ["team", "ops-2", "a_b", "7"] {
            assert!(is_name(name), "{name}");
        }
        for text in ["", "-x", "a.db", "./team", "/x", "Team", "postgres://a", &"a".repeat(65)] {
            assert!(!is_name(text), "{text}");
        }
        assert_eq!(split_pin("postgres://a/b#7.x"), ("postgres://a/b", Some("7.x")));
        assert_eq!(split_pin("postgres://a/b"), ("postgres://a/b", None));
    }
}
