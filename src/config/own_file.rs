//! Files in TOML that tokctl keeps for itself: what `tokctl use` and `tokctl vault join` remember.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::private_file;

/// The greatest size of such a file, in bytes.
pub(super) const LARGEST: u64 = 256 * 1024;

/// The reason why such a file can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    File(#[from] private_file::Error),
    /// The file is not as tokctl wrote it.
    #[error("`{}`: {message}", path.display())]
    Malformed { path: PathBuf, message: String },
}

/// Reads the file at `path`; a missing one is empty. Fails if others can write it.
pub(super) fn load<T: Default + DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let bytes = match private_file::read_trusted_plain(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(private_file::Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(T::default());
        }
        Err(error) => return Err(error.into()),
    };
    parse(&bytes).map_err(|message| Error::Malformed { path: path.to_owned(), message })
}

/// Replaces the file at `path`, whose directory is made if it is missing.
pub(super) fn store<T: Serialize>(path: &Path, content: &T) -> Result<(), Error> {
    if let Some(directory) = path.parent() {
        private_file::create_directory(directory)?;
    }
    let text = toml::to_string(content)
        .map_err(|error| Error::Malformed { path: path.to_owned(), message: error.to_string() })?;
    private_file::replace_private(path, text.as_bytes())
        .map_err(|source| private_file::Error::Io { path: path.to_owned(), source }.into())
}

/// Reads the TOML in `bytes`; fails with what is wrong with it.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        format!("line {line}: {}", error.message())
    })
}
