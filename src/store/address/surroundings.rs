//! The environment in which an address is read.

use std::ffi::OsString;
use std::path::PathBuf;

/// The means by which an address finds variables and files.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// Returns a variable of the environment.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Surroundings<'_> {
    /// Returns a variable of the environment that is set and not empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name)?.into_string().ok().filter(|text| !text.is_empty())
    }

    /// Returns the user's home directory, as `HOME` names it.
    pub(super) fn home(&self) -> Option<PathBuf> {
        (self.variable)("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
    }
}
