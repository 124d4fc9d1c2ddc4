//! Whether a program that is going to be started is there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::report::{Check, Remedy, Told};
use crate::untrusted::printable;

/// Looks for `name`, which is started as `what`, as the system would: along `path`, unless there
/// is a slash in it.
pub(crate) fn program(check: Check, what: &str, name: &str, path: Option<&OsStr>) -> Told {
    let shown = printable(name);
    match find(name, path) {
        Some(_) => Told::fine(check, format!("`{shown}`, {what}, is there")),
        None => Told::finding(
            check,
            format!("`{shown}`, {what}, is no program that can be started"),
            if check == Check::Browser { Remedy::SetBrowser } else { Remedy::InstallProgram },
        ),
    }
}

fn find(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|file| is_executable(file));
    }
    std::env::split_paths(path.unwrap_or_default())
        .map(|directory| directory.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_as_the_system_does() {
        let path = OsStr::new("/nonexistent:/bin:/usr/bin");
        assert!(find("sh", Some(path)).is_some());
        assert!(find("/bin/sh", None).is_some());
        assert!(find("sh", None).is_none());
        assert!(find("no-such-program", Some(path)).is_none());
        assert!(find("/etc/passwd", None).is_none());
        assert!(find("/bin", None).is_none());
    }
}
