//! Why a store of another tool can't be read.

use std::path::PathBuf;

use crate::private_file;

/// Why a store of another tool can't be read. Names places in it, never values.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    File(#[from] private_file::Error),
    /// It is something else than it was said to be.
    #[error("`{}` is {what}", path.display())]
    OtherKind {
        path: PathBuf,
        what: &'static str,
        /// What to type instead, if anything helps.
        instead: Option<String>,
    },
    /// A place in it is not as it should be. Nothing is taken from a file that is read in part.
    #[error("`{}`, {place}: {what}", path.display())]
    Malformed { path: PathBuf, place: String, what: String },
    /// What is in it is encrypted, and no key was given.
    #[error("`{}` is encrypted", path.display())]
    NeedsKey { path: PathBuf },
    /// The text that was given is no key of this kind.
    #[error("that is no key of `{}`: {what}", path.display())]
    NoSuchKey { path: PathBuf, what: &'static str },
    /// The key is another's, or the place was damaged: nothing tells which.
    #[error("`{}`, {place}: the key that was given does not open it", path.display())]
    WrongKey { path: PathBuf, place: String },
}
