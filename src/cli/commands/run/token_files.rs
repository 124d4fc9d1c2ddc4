//! Files that hold tokens while a command runs.
//!
//! They lie in a directory of their own with mode 0700, which is locked while tokctl lives. A
//! directory whose lock is free was left behind, and the next `run` removes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::variable::Variable;
use crate::cli::environment::Environment;
use crate::private_file::{self, Content, Found};

/// The prefix of the directories' names.
const PREFIX: &str = "tokctl-run-";

/// The name of the lock file, which no variable can have.
const LOCK: &str = ".lock";

/// The number of names to try. A try fails only when another process sweeps at that moment.
const TRIES: usize = 10;

/// The directory with the files, which is removed when dropped.
pub(super) struct TokenFiles {
    directory: PathBuf,
    _lock: File,
    contents: BTreeMap<Variable, Zeroizing<String>>,
}

impl TokenFiles {
    /// Creates the directory, and removes those that others left behind.
    pub(super) fn create(environment: &Environment) -> io::Result<Self> {
        let base = base(environment);
        // Whoever could exchange a directory on the way there would read the tokens.
        private_file::find(&base, Content::Believed).map_err(io::Error::other)?;
        sweep(&base);
        for _ in 0..TRIES {
            let mut name = [0; 8];
            getrandom::fill(&mut name).map_err(io::Error::other)?;
            let directory = base.join(format!("{PREFIX}{}", HEXLOWER.encode(&name)));
            match claim(&directory) {
                Ok(Some(lock)) => {
                    return Ok(Self { directory, _lock: lock, contents: BTreeMap::new() });
                }
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Returns the path of the file for `variable`.
    pub(super) fn path(&self, variable: &Variable) -> PathBuf {
        self.directory.join(variable.as_str())
    }

    /// Replaces the file for `variable` by one with `content`, atomically.
    pub(super) fn put(
        &mut self,
        variable: &Variable,
        content: Zeroizing<String>,
    ) -> io::Result<()> {
        private_file::replace_private(&self.path(variable), content.as_bytes())?;
        self.contents.insert(variable.clone(), content);
        Ok(())
    }

    /// Returns whether `content` was the last that was written for `variable`.
    pub(super) fn holds(&self, variable: &Variable, content: &str) -> bool {
        self.contents.get(variable).is_some_and(|held| held.as_str() == content)
    }

    /// Removes the files and their directory.
    pub(super) fn remove(&self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl Drop for TokenFiles {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Returns the base directory: the in-memory one of the user's session, else the one for temporary
/// files.
fn base(environment: &Environment) -> PathBuf {
    directory(environment, "XDG_RUNTIME_DIR")
        .filter(|path| {
            private_file::find(path, Content::Believed)
                .and_then(Found::refuse_if_for_everybody)
                .is_ok_and(|found| found.metadata.is_dir())
        })
        .or_else(|| directory(environment, "TMPDIR"))
        .unwrap_or_else(|| "/tmp".into())
}

/// Returns the directory that a variable names.
fn directory(environment: &Environment, name: &str) -> Option<PathBuf> {
    environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Returns the directories whose lock is free, in every possible base directory.
pub(super) fn find_abandoned(environment: &Environment) -> Vec<PathBuf> {
    let temporary = directory(environment, "TMPDIR").unwrap_or_else(|| "/tmp".into());
    let places: BTreeSet<PathBuf> =
        directory(environment, "XDG_RUNTIME_DIR").into_iter().chain([temporary]).collect();
    let is_free = |directory: &PathBuf| {
        private_file::open_plain(&directory.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
    };
    places.iter().flat_map(|place| own(place)).filter(is_free).collect()
}

/// Creates and locks `directory`; `None` if another process swept it away before the lock.
fn claim(directory: &Path) -> io::Result<Option<File>> {
    private_file::create_new_directory(directory)?;
    let path = directory.join(LOCK);
    let lock = match private_file::create_new(&path) {
        Ok(lock) => lock,
        // Other processes see an empty, unlocked directory as one that was left behind.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let own = lock.metadata()?;
    let is_same = fs::symlink_metadata(&path)
        .is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino()));
    Ok(is_same.then_some(lock))
}

/// Removes the user's own directories that are not locked, and ignores failures.
fn sweep(base: &Path) {
    for directory in own(base) {
        let _ = take_away(&directory);
    }
}

/// Returns the user's own directories in `base`.
fn own(base: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(base) else { return Vec::new() };
    let own = rustix::process::geteuid().as_raw();
    let is_ours = |entry: &fs::DirEntry| {
        entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
            && entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == own)
    };
    entries.flatten().filter(is_ours).map(|entry| entry.path()).collect()
}

fn take_away(directory: &Path) -> io::Result<()> {
    let path = directory.join(LOCK);
    if fs::symlink_metadata(&path).is_err() {
        // The process that made it died before locking it, or is about to lock it and will notice.
        return fs::remove_dir(directory);
    }
    let lock = private_file::open_or_create(&path)?;
    match lock.try_lock() {
        Ok(()) => fs::remove_dir_all(directory),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(base: &Path) -> usize {
        fs::read_dir(base).unwrap().count()
    }

    #[test]
    fn what_is_in_use_is_left_and_what_was_left_behind_is_taken_away() {
        let home = tempfile::tempdir().unwrap();
        let base = home.path().to_str().unwrap();
        let environment = Environment::from(&[("TMPDIR", base)][..]);
        let variable: Variable = "TOKEN".parse().unwrap();
        let mut files = TokenFiles::create(&environment).unwrap();
        files.put(&variable, Zeroizing::new("made-up".into())).unwrap();
        assert!(files.holds(&variable, "made-up") && !files.holds(&variable, "other"));
        let path = files.path(&variable);
        assert!(
            private_file::check(&path)
                .is_ok_and(|readers| readers == private_file::Readers::OwnerOnly)
        );

        // One directory left behind with its files, and one from before it was locked.
        let left = home.path().join("tokctl-run-left");
        private_file::create_new_directory(&left).unwrap();
        private_file::create_new(&left.join(LOCK)).unwrap();
        private_file::create_new(&left.join("TOKEN")).unwrap();
        private_file::create_new_directory(&home.path().join("tokctl-run-empty")).unwrap();
        private_file::create_new_directory(&home.path().join("other")).unwrap();
        assert_eq!(
            find_abandoned(&environment),
            [left],
            "one has nothing in it, and one is in use"
        );
        let others = TokenFiles::create(&environment).unwrap();
        assert!(find_abandoned(&environment).is_empty());
        assert_eq!(entries(home.path()), 3, "two in use, and one that is none of ours");
        assert_eq!(fs::read_to_string(&path).unwrap(), "made-up");
        drop((files, others));
        assert_eq!(entries(home.path()), 1);
    }

    #[test]
    fn a_runtime_directory_that_others_can_write_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let run = home.path().to_str().unwrap();
        let environment = Environment::from(&[("XDG_RUNTIME_DIR", run), ("TMPDIR", "/tmp")][..]);
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(base(&environment), home.path());
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(base(&environment), Path::new("/tmp"));
        assert_eq!(base(&Environment::default()), Path::new("/tmp"));
    }
}
