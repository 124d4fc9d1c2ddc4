//! Whether a program that is going to be started is there.

use std::ffi::OsStr;

use super::report::{Check, Remedy, Told};
use crate::executable;
use crate::untrusted::printable;

/// Looks for `name`, which is started as `what`, as the system would: along `path`, unless there
/// is a slash in it.
pub(crate) fn program(check: Check, what: &str, name: &str, path: Option<&OsStr>) -> Told {
    let shown = printable(name);
    match executable::find(OsStr::new(name), path) {
        Some(_) => Told::fine(check, format!("`{shown}`, {what}, is there")),
        None => Told::finding(
            check,
            format!("`{shown}`, {what}, is no program that can be started"),
            if check == Check::Browser { Remedy::SetBrowser } else { Remedy::InstallProgram },
        ),
    }
}
