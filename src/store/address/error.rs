//! The reasons why a text is no address of a shared vault.

use std::path::PathBuf;

/// The reason why a text names no database in which a vault can be shared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The engine is one that can't keep a vault, for this reason.
    #[error("{why}")]
    AnotherEngine { why: &'static str },
    #[error("`{scheme}://` is no address of PostgreSQL")]
    UnknownScheme { scheme: String },
    /// The text breaks the rules of a URI or of a list of keywords.
    #[error("the address of the database is malformed: {0}")]
    Malformed(&'static str),
    #[error("the address of the database has a parameter that PostgreSQL does not know: `{0}`")]
    UnknownParameter(String),
    /// The value of a parameter is none that it can have.
    #[error("`{parameter}` can't be `{value}`")]
    Value { parameter: &'static str, value: String },
    #[error("the definition of the service `{name}` was not found")]
    NoService { name: String },
    #[error("`{}` is no file of services: line {line} is malformed", path.display())]
    ServiceFile { path: PathBuf, line: usize },
    #[error("nothing says as which user to log in to the database")]
    NoUser,
    /// Settings that a server keeps for a session, which a transaction pooler does not have.
    #[error("`options` set what a pooler does not keep")]
    Options,
    /// The server would not have to prove who it is.
    #[error("`sslmode={mode}` does not say who the server `{host}` is")]
    WeakMode { mode: String, host: String },
}
