//! Users of directories: those that `tokctl use` keeps, and those that a `.tokctl.toml` names.
//!
//! Both fill in the user of a provider that was named, and never name a provider. A `.tokctl.toml`
//! comes with a project and so may be somebody else's: it counts only after it was allowed, at its
//! place and with its exact content. What was kept and allowed is in a file of the user's own.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::own_file::{self, LARGEST, parse};
use crate::model::account::{ProviderName, UserName};
use crate::private_file;

/// The name of a project's file.
pub(crate) const FILE: &str = ".tokctl.toml";

/// The reason why a file of users can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    File(#[from] private_file::Error),
    /// The file is not what it should be. A project's file names a user for each provider, and
    /// nothing else.
    #[error("`{}`: {message}", path.display())]
    Malformed { path: PathBuf, message: String },
    /// No project's file is in this directory or above it.
    #[error("there is no {FILE} in `{}` or above it", directory.display())]
    NoFile { directory: PathBuf },
}

impl From<own_file::Error> for Error {
    fn from(error: own_file::Error) -> Self {
        match error {
            own_file::Error::File(error) => Self::File(error),
            own_file::Error::Malformed { path, message } => Self::Malformed { path, message },
        }
    }
}

/// The file in which `tokctl use` keeps the users of all directories.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// The users of each directory, by provider.
    #[serde(default)]
    directories: BTreeMap<PathBuf, BTreeMap<String, String>>,
    /// The project's files that count, each with the SHA-256 of the content that was allowed.
    #[serde(default)]
    allowed: BTreeMap<PathBuf, String>,
}

/// A project's file, as it is now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProjectFile {
    pub(crate) path: PathBuf,
    pub(crate) users: BTreeMap<ProviderName, UserName>,
    digest: String,
}

/// The origin of a directory's user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// `tokctl use`, in this directory.
    Kept(PathBuf),
    /// A project's file that was allowed.
    Project(PathBuf),
    /// A project's file that does not count, since it was not allowed with this content.
    NotAllowed(PathBuf),
}

/// A user of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DirectoryUser {
    pub(crate) provider: ProviderName,
    pub(crate) user: UserName,
    pub(crate) source: Source,
}

impl Kept {
    /// Reads the file at `path`; a missing one is empty. Fails if others can write it.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        Ok(own_file::load(path)?)
    }

    /// Replaces the file at `path`, whose directory is made if it is missing.
    pub(crate) fn store(&self, path: &Path) -> Result<(), Error> {
        Ok(own_file::store(path, self)?)
    }

    /// Makes `user` the user of `provider` in `directory` and below it.
    pub(crate) fn keep(&mut self, directory: &Path, provider: &ProviderName, user: &UserName) {
        let users = self.directories.entry(directory.to_owned()).or_default();
        users.insert(provider.as_str().to_owned(), user.as_str().to_owned());
    }

    /// Forgets the user of `provider` in `directory`, or all of its users. Returns how many.
    pub(crate) fn forget(&mut self, directory: &Path, provider: Option<&ProviderName>) -> usize {
        let Some(users) = self.directories.get_mut(directory) else { return 0 };
        let before = users.len();
        users.retain(|name, _| provider.is_some_and(|provider| provider.as_str() != name));
        let forgotten = before - users.len();
        if users.is_empty() {
            self.directories.remove(directory);
        }
        forgotten
    }

    /// Allows a project's file to count, until its content changes.
    pub(crate) fn allow(&mut self, file: &ProjectFile) {
        self.allowed.insert(file.path.clone(), file.digest.clone());
    }

    /// Takes back that the file at `path` counts. Returns whether it did.
    pub(crate) fn deny(&mut self, path: &Path) -> bool {
        self.allowed.remove(path).is_some()
    }

    /// Returns the users that hold in `directory`, the nearest first: for each provider one that
    /// counts, and those that would if their file was allowed.
    ///
    /// What `tokctl use` keeps comes before the project's file of the same directory. A project's
    /// file that can't be read as one counts for nothing.
    pub(crate) fn users(&self, directory: &Path) -> Vec<DirectoryUser> {
        let (mut found, mut decided) = (Vec::new(), BTreeSet::new());
        for directory in directory.ancestors() {
            for (provider, user) in self.directories.get(directory).into_iter().flatten() {
                let (Ok(provider), Ok(user)) = (provider.parse(), user.parse()) else { continue };
                let source = Source::Kept(directory.to_owned());
                found.push(DirectoryUser { provider, user, source });
            }
            if let Ok(Some(file)) = ProjectFile::read(directory) {
                let counts = self.allowed.get(&file.path) == Some(&file.digest);
                for (provider, user) in file.users {
                    let path = file.path.clone();
                    let source =
                        if counts { Source::Project(path) } else { Source::NotAllowed(path) };
                    found.push(DirectoryUser { provider, user, source });
                }
            }
        }
        // Of what counts, the nearest decides; what is behind that would not count anyway.
        found.retain(|one| {
            !decided.contains(&one.provider)
                && (matches!(one.source, Source::NotAllowed(_))
                    || decided.insert(one.provider.clone()))
        });
        found
    }
}

impl ProjectFile {
    /// Returns the project's file that is nearest to `directory`: in it or above it.
    pub(crate) fn find(directory: &Path) -> Result<Self, Error> {
        for above in directory.ancestors() {
            if let Some(file) = Self::read(above)? {
                return Ok(file);
            }
        }
        Err(Error::NoFile { directory: directory.to_owned() })
    }

    /// Returns why project's files in `directory` and above it can't be read as such.
    pub(crate) fn faults(directory: &Path) -> Vec<Error> {
        directory.ancestors().filter_map(|above| Self::read(above).err()).collect()
    }

    /// Reads the project's file in `directory`, if there is one.
    fn read(directory: &Path) -> Result<Option<Self>, Error> {
        let path = directory.join(FILE);
        let bytes = match private_file::read_plain(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(private_file::Error::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let malformed = |message| Error::Malformed { path: path.clone(), message };
        let texts: BTreeMap<String, String> = parse(&bytes).map_err(malformed)?;
        let mut users = BTreeMap::new();
        for (provider, user) in texts {
            let name = |error: crate::model::account::Error| malformed(error.to_string());
            users.insert(provider.parse().map_err(name)?, user.parse().map_err(name)?);
        }
        let digest = HEXLOWER.encode(&Sha256::digest(&bytes));
        Ok(Some(Self { path, users, digest }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(kept: &Kept, directory: &Path) -> Vec<(String, String, bool)> {
        let counts = |source: &Source| !matches!(source, Source::NotAllowed(_));
        let found = kept.users(directory).into_iter();
        found
            .map(|one| (one.provider.to_string(), one.user.to_string(), counts(&one.source)))
            .collect()
    }

    #[test]
    fn the_nearest_user_counts_and_a_foreign_file_only_as_it_was_allowed() {
        let home = tempfile::tempdir().unwrap();
        let (above, below) = (home.path().to_owned(), home.path().join("below"));
        std::fs::create_dir(&below).unwrap();
        let mut kept = Kept::default();
        let name = |text: &str| text.parse::<ProviderName>().unwrap();
        kept.keep(&above, &name("acme"), &"far".parse().unwrap());
        #[expect(clippy::disallowed_methods, reason = "a project's file is nothing private")]
        let write = |text: &str| std::fs::write(below.join(FILE), text).unwrap();
        write("acme = 'near'\n");
        let far = ("acme".to_owned(), "far".to_owned(), true);
        assert_eq!(users(&kept, &below), [("acme".into(), "near".into(), false), far.clone()]);
        kept.allow(&ProjectFile::find(&below).unwrap());
        assert_eq!(users(&kept, &below), [("acme".into(), "near".into(), true)]);
        write("acme = 'other'\n");
        assert_eq!(users(&kept, &below), [("acme".into(), "other".into(), false), far.clone()]);
        write("acme = 'near'\n[providers.acme]\nissuer = 'https://evil.example'\n");
        assert!(matches!(ProjectFile::find(&below), Err(Error::Malformed { .. })));
        assert_eq!(users(&kept, &below), [far]);
        kept.keep(&below, &name("acme"), &"own".parse().unwrap());
        assert_eq!(users(&kept, &below), [("acme".into(), "own".into(), true)]);
        assert_eq!((kept.forget(&below, Some(&name("jira"))), kept.forget(&below, None)), (0, 1));
        let path = above.join("state/directories.toml");
        kept.store(&path).unwrap();
        assert_eq!(Kept::load(&path).unwrap(), kept);
    }
}
