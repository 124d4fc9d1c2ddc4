//! The reasons why a store of another tool can't be read.

use std::path::PathBuf;

use crate::private_file;

/// The reason why a store of another tool can't be read. It names places in the store, never
/// values.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    File(#[from] private_file::Error),
    /// The file is of another kind than it was said to be.
    #[error("`{}` is {what}", path.display())]
    OtherKind {
        path: PathBuf,
        what: &'static str,
        /// The command to type instead, if one helps.
        instead: Option<String>,
    },
    /// A place in the store is malformed, so that nothing behind it can be read.
    #[error("`{}`, {place}: {what}", path.display())]
    Malformed { path: PathBuf, place: String, what: String },
    /// The store is encrypted, and no key was given.
    #[error("`{}` is encrypted", path.display())]
    NeedsKey { path: PathBuf },
    /// The text that was given is no key of this kind.
    #[error("that is no key of `{}`: {what}", path.display())]
    NoSuchKey { path: PathBuf, what: &'static str },
    /// The key opens nothing in the store.
    #[error("`{}`, {place}: the key that was given does not open it", path.display())]
    WrongKey { path: PathBuf, place: String },
}
