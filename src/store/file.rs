//! The path of the vault's file, the paths of the files beside it, and the check of whether they
//! can be trusted.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::error::Error;
use crate::file_system;
use crate::model::account::{Account, ProviderName, UserName};
use crate::paths;
use crate::private_file::{self, Content, Readers};

/// The path of a vault's file, with symbolic links resolved, so that all processes use the same
/// locks.
#[derive(Debug, Clone)]
pub(crate) struct VaultFile {
    path: PathBuf,
    /// The file or directory at the path, if the way there was judged.
    found: Option<Metadata>,
    /// Whether the file was created just now.
    is_new: bool,
    /// The paths that others can write: the file or directories on the way to it, see
    /// [`private_file::Found::loose`].
    loose: Vec<PathBuf>,
}

/// The size in bytes of a database without a table: its first page.
const EMPTY: u64 = 4096;

impl VaultFile {
    /// Finds the vault's file at `path`, to which only the user and root may have the way; fails
    /// with [`Error::NoVault`] if there is none.
    pub(crate) fn find(path: &Path) -> Result<Self, Error> {
        match private_file::find(path, Content::Sealed) {
            Ok(found) => {
                let (path, found, loose) = (found.path, Some(found.metadata), found.loose);
                Ok(Self { path, found, is_new: false, loose })
            }
            Err(private_file::Error::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Err(Error::NoVault { path: path.to_owned() })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Finds the vault's file at `path`, whoever can change it; fails with [`Error::NoVault`] if
    /// there is none.
    pub(crate) fn locate(path: &Path) -> Result<Self, Error> {
        match paths::resolve(path) {
            Ok(path) => Ok(Self { path, found: None, is_new: false, loose: Vec::new() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::NoVault { path: path.to_owned() })
            }
            Err(source) => Err(private_file::Error::Io { path: path.to_owned(), source }.into()),
        }
    }

    /// Finds the vault's file at `path`, or creates an empty file and its directory.
    pub(crate) fn find_or_create(path: &Path) -> Result<Self, Error> {
        let not_a_file = || private_file::Error::NotAFile { path: path.to_owned() };
        if path.file_name().is_none() {
            return Err(not_a_file().into());
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = parent.unwrap_or(Path::new("."));
        private_file::create_directory(directory)?;
        private_file::find(directory, Content::Sealed)?.refuse_if_for_everybody()?;
        let is_new = match private_file::create_new(path) {
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(source) => {
                return Err(private_file::Error::Io { path: path.to_owned(), source }.into());
            }
        };
        let file = Self::find(path).map_err(|error| match error {
            // A symbolic link is there whose target is missing.
            Error::NoVault { .. } => not_a_file().into(),
            other => other,
        })?;
        Ok(Self { is_new, ..file })
    }

    /// Returns the place on this machine for what belongs to a vault that lies elsewhere: there is no
    /// file at `path`, only a directory beside it.
    #[cfg(feature = "postgres")]
    pub(super) fn of_state(path: PathBuf) -> Self {
        Self { path, found: None, is_new: false, loose: Vec::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the sidecar directory, which holds locks, spill files and the audit; creates it if it
    /// is missing.
    pub(super) fn ensure_sidecar(&self) -> Result<PathBuf, Error> {
        let directory = self.sidecar_path();
        match private_file::check_as(&directory, Content::Sealed) {
            Err(private_file::Error::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                private_file::create_directory(&directory)?;
                private_file::check_as(&directory, Content::Sealed)?;
            }
            found => drop(found?),
        }
        Ok(directory)
    }

    /// Returns the path of the sidecar directory, which may not exist yet.
    pub(super) fn sidecar_path(&self) -> PathBuf {
        self.with_suffix(".d")
    }

    /// Returns the existing files of the database: the vault's file and SQLite's files beside it.
    pub(crate) fn parts(&self) -> Vec<PathBuf> {
        let mut parts = vec![self.path.clone(), self.with_suffix("-wal"), self.with_suffix("-shm")];
        parts.retain(|path| path.symlink_metadata().is_ok());
        parts
    }

    /// Whether the file is empty, and what lies beside it shows that there was a vault in it.
    pub(super) fn is_emptied(&self) -> bool {
        let has_content = |path: &Path| path.metadata().is_ok_and(|found| found.len() > 0);
        // Looked at in this order: a first login that is under way fills the vault before the audit.
        !self.is_new
            && has_content(&self.audit())
            && !has_content(&self.with_suffix("-wal"))
            && !has_content(&self.path)
    }

    /// Returns the path of the audit's file. Its directory may not exist yet.
    pub(crate) fn audit(&self) -> PathBuf {
        self.sidecar_path().join("audit.jsonl")
    }

    /// Returns a file name for `account`, a hash that does not reveal the account.
    pub(super) fn name_of(account: &Account) -> String {
        Self::name_of_login(&account.provider, Some(&account.user))
    }

    /// Returns a file name for a login whose user may not be known yet, a hash like
    /// [`Self::name_of`].
    pub(super) fn name_of_login(provider: &ProviderName, user: Option<&UserName>) -> String {
        let digest = Sha256::new()
            .chain_update(provider.as_str())
            .chain_update([0])
            .chain_update(user.map(UserName::as_str).unwrap_or_default())
            .finalize();
        data_encoding::HEXLOWER.encode(&digest[..16])
    }

    /// Whether `text` is a name as [`Self::name_of`] makes them.
    pub(super) fn is_name(text: &str) -> bool {
        text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// Checks that the file is a plain one, that no other user can change what lies beside it, and
    /// that its file system is safe for SQLite; returns who can read it.
    pub(super) fn check(&self) -> Result<Readers, Error> {
        let not_a_file = || private_file::Error::NotAFile { path: self.path.clone() };
        let found = self.found.as_ref().ok_or_else(not_a_file)?;
        if !found.is_file() {
            return Err(not_a_file().into());
        }
        for suffix in ["-wal", ".d"] {
            match private_file::check_as(&self.with_suffix(suffix), Content::Sealed) {
                Ok(_) => {}
                Err(private_file::Error::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        if file_system::may_be_remote(found) && file_system::lacks_shared_memory(&self.path) {
            return Err(Error::NetworkFileSystem { path: self.path.clone() });
        }
        Ok(private_file::readers(found))
    }

    /// Refuses a rollback journal beside the vault: tokctl writes none, and SQLite would play the old
    /// pages in it into the file.
    ///
    /// SQLite itself makes one for a moment, while a new file or a backup is switched to the
    /// write-ahead log. So a journal is refused if it stays; but not beside a file without a table,
    /// as a first login that was killed leaves it: else nobody could log in there again.
    pub(super) fn refuse_rollback_journal(&self) -> Result<(), Error> {
        const MOMENT: Duration = Duration::from_millis(500);
        let path = self.with_suffix("-journal");
        let found_at = Instant::now();
        while path.symlink_metadata().is_ok() {
            if self.path.metadata().is_ok_and(|file| file.len() <= EMPTY) {
                break;
            }
            if found_at.elapsed() > MOMENT {
                return Err(Error::RollbackJournal { path });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Sets the mode of the database's files to 0600 if others can read them. The caller knows by
    /// now that the file is a vault. Credentials are sealed, but account names are not.
    ///
    /// A group that gained permissions, as at each mount in Kubernetes, loses them in the sidecar
    /// directory as well, and that to write in the vault's directory.
    pub(super) fn make_private(&self, readers: Readers) {
        // What follows fails on a read-only disk and for what is root's, and is not needed to go on.
        if readers == Readers::Others {
            for path in [self.path.clone(), self.with_suffix("-wal"), self.with_suffix("-shm")] {
                let _ = private_file::make_private(&path);
            }
            private_file::make_content_private(&self.sidecar_path());
        }
        if self.loose.is_empty() && readers == Readers::OwnerOnly {
            return;
        }
        for directory in [self.path.parent().map(Path::to_owned), Some(self.sidecar_path())] {
            let Some(directory) = directory else { continue };
            if let Err(private_file::Error::WritableByOthers { .. }) =
                private_file::check(&directory)
            {
                let _ = private_file::keep_writers_out(&directory);
            }
        }
    }

    /// Returns what others can still write, and the user can't mend.
    pub(crate) fn still_loose(&self) -> Vec<PathBuf> {
        let is_loose = |path: &&PathBuf| {
            matches!(
                private_file::check(path),
                Err(private_file::Error::WritableByOthers { .. }
                    | private_file::Error::Shared { .. })
            )
        };
        self.loose.iter().filter(is_loose).cloned().collect()
    }

    /// Whether SQLite's write-ahead log is not empty.
    pub(super) fn has_log(&self) -> bool {
        self.log_length() > 0
    }

    /// Returns the length of SQLite's write-ahead log in bytes; 0 if there is none.
    pub(crate) fn log_length(&self) -> u64 {
        fs::metadata(self.with_suffix("-wal")).map_or(0, |log| log.len())
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        paths::with_suffix(&self.path, suffix)
    }
}
