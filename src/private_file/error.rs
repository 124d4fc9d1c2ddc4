//! The reasons why a file can't be trusted or used.

use std::io;
use std::path::{Path, PathBuf};

/// The reason why a file or directory can't be trusted or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Other users can change these paths: their owner has to take that permission away.
    #[error("{} can be written by others", listed(paths))]
    WritableByOthers { paths: Vec<PathBuf> },
    /// The directory is one for everybody, such as `/tmp`: private files need another one.
    #[error("`{}` is a directory for everybody", path.display())]
    Shared { path: PathBuf },
    /// The file belongs to another user, who can change it. That user has the `name`, if one is
    /// known.
    #[error("`{}` belongs to another user", path.display())]
    ForeignOwner { path: PathBuf, owner: u32, name: Option<String> },
    /// The path names something else than a plain file.
    #[error("`{}` is not a plain file", path.display())]
    NotAFile { path: PathBuf },
    /// The permissions of the file keep the user out.
    #[error("permission to use `{}` is denied", path.display())]
    Denied { path: PathBuf },
    /// The file is larger than the caller's limit, in bytes.
    #[error("`{}` is larger than {limit} bytes", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    /// The operating system reported an error.
    #[error("can't use `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

fn listed(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    shown.join(" and ")
}

/// Returns a function that makes an [`Error`] of an I/O error on `path`, for `map_err`.
pub(crate) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { path: path.to_owned(), source }
}
