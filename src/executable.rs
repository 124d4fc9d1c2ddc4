//! The file that a program's name stands for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Returns the file of the program `name` as the shell would find it: `name` itself if it holds a
/// slash, otherwise the first match in the directories of `path` (as in `$PATH`). Only a file that
/// this process may execute counts.
pub(crate) fn find(name: &OsStr, path: Option<&OsStr>) -> Option<PathBuf> {
    if name.as_encoded_bytes().contains(&b'/') {
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
        let path = Some(OsStr::new("/nonexistent:/bin:/usr/bin"));
        let found = |name: &str, path| find(OsStr::new(name), path).is_some();
        assert!(found("sh", path));
        assert!(found("/bin/sh", None));
        assert!(!found("sh", None));
        assert!(!found("no-such-program", path));
        assert!(!found("/etc/passwd", None));
        assert!(!found("/bin", None));
    }
}
