//! stub
use super::cipher::Key;
use std::time::Duration;
#[derive(Debug, Clone)]
pub(crate) struct EntryName(String);
impl EntryName {
    pub(crate) fn new(v: &str, s: &str) -> Self {
        Self(format!("{v}/{s}"))
    }
    pub(crate) fn recorded(t: &str) -> Self {
        Self(t.into())
    }
}
impl std::fmt::Display for EntryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    pub(crate) limit: Duration,
    pub(crate) may_prompt: bool,
}
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("none")]
    Absent,
    #[error("none")]
    Locked,
    #[error("m")]
    Missing,
    #[error("n")]
    NoAnswer { limit: Duration },
}
pub(crate) fn read(_: &EntryName, _: &Patience) -> Result<Key, Error> {
    Err(Error::Absent)
}
pub(crate) fn create(_: &EntryName, _: &Key, _: &Patience) -> Result<(), Error> {
    Err(Error::Absent)
}
pub(crate) fn delete(_: &EntryName, _: &Patience) -> Result<(), Error> {
    Err(Error::Absent)
}
