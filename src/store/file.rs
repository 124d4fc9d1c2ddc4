//! Where the vault's file is, what lies beside it, and whether it can be trusted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::Error;
use crate::file_system;
use crate::model::account::{Account, ProviderName, UserName};
use crate::paths;
use crate::private_file::{self, Readers};

/// The vault's file with symbolic links resolved, so that every process names locks alike.
#[derive(Debug, Clone)]
pub(crate) struct VaultFile {
    path: PathBuf,
}

impl VaultFile {
    /// Finds the file at `path`.
    pub(crate) fn find(path: &Path) -> Result<Self, Error> {
        let no_vault = || Error::NoVault { path: path.to_owned() };
        match path.canonicalize() {
            Ok(resolved) => {
                if resolved != path {
                    private_file::check(path)?;
                }
                Ok(Self { path: resolved })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(no_vault()),
            Err(source) => Err(private_file::Error::Io { path: path.to_owned(), source }.into()),
        }
    }

    /// Finds the file at `path`, or makes its directory and an empty file.
    pub(crate) fn find_or_create(path: &Path) -> Result<Self, Error> {
        let not_a_file = || private_file::Error::NotAFile { path: path.to_owned() };
        if path.file_name().is_none() {
            return Err(not_a_file().into());
        }
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            private_file::create_directory(directory)?;
            private_file::check(directory)?;
        }
        match private_file::create_new(path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => {
                return Err(private_file::Error::Io { path: path.to_owned(), source }.into());
            }
        }
        Self::find(path).map_err(|error| match error {
            // Something is there that leads nowhere.
            Error::NoVault { .. } => not_a_file().into(),
            other => other,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of locks and spill files, made if it is not there.
    pub(super) fn ensure_sidecar(&self) -> Result<PathBuf, Error> {
        let directory = self.sidecar_path();
        match private_file::check(&directory) {
            Err(private_file::Error::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                private_file::create_directory(&directory)?;
                private_file::check(&directory)?;
            }
            found => drop(found?),
        }
        Ok(directory)
    }

    /// The same directory, which may not be there yet.
    pub(super) fn sidecar_path(&self) -> PathBuf {
        self.with_suffix(".d")
    }

    /// The file with those that SQLite keeps beside it, as far as they are there.
    pub(crate) fn parts(&self) -> Vec<PathBuf> {
        let mut parts = vec![self.path.clone(), self.with_suffix("-wal"), self.with_suffix("-shm")];
        parts.retain(|path| path.symlink_metadata().is_ok());
        parts
    }

    /// The audit's file. Its directory may not be there yet.
    pub(crate) fn audit(&self) -> PathBuf {
        self.sidecar_path().join("audit.jsonl")
    }

    /// A file name of its own for each account, which tells nothing of it.
    pub(super) fn name_of(account: &Account) -> String {
        Self::name_of_login(&account.provider, Some(&account.user))
    }

    /// The same for a login whose user may not be known yet.
    pub(super) fn name_of_login(provider: &ProviderName, user: Option<&UserName>) -> String {
        let digest = Sha256::new()
            .chain_update(provider.as_str())
            .chain_update([0])
            .chain_update(user.map(UserName::as_str).unwrap_or_default())
            .finalize();
        data_encoding::HEXLOWER.encode(&digest[..16])
    }

    /// Checks that nobody else can change the file or put another in its place, and tells who can
    /// read it.
    pub(super) fn check(&self) -> Result<Readers, Error> {
        if let Some(directory) = self.path.parent() {
            private_file::check(directory)?;
        }
        let readers = private_file::check_file(&self.path)?;
        if file_system::lacks_shared_memory(&self.path) {
            return Err(Error::NetworkFileSystem { path: self.path.clone() });
        }
        Ok(readers)
    }

    /// Takes the vault out of others' sight, now that it is known to be one: it is sealed, but its
    /// clear columns are nobody's business.
    pub(super) fn make_private(&self, readers: Readers) {
        if readers == Readers::OwnerOnly {
            return;
        }
        for path in [self.path.clone(), self.with_suffix("-wal"), self.with_suffix("-shm")] {
            // On a read-only disk, or when root owns the file, it stays as it is.
            let _ = private_file::make_private(&path);
        }
    }

    /// Whether the write-ahead log holds anything that is not yet in the file itself.
    pub(super) fn has_log(&self) -> bool {
        self.log_length() > 0
    }

    /// The length of the write-ahead log, in bytes.
    pub(crate) fn log_length(&self) -> u64 {
        fs::metadata(self.with_suffix("-wal")).map_or(0, |log| log.len())
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        paths::with_suffix(&self.path, suffix)
    }
}
