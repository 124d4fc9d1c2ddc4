//! Default paths of tokctl's files, by the XDG Base Directory Specification, on every system.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Returns the default path of the vault: `~/.local/share/tokctl/tokens.db`.
pub(crate) fn vault(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base(&variable, "XDG_DATA_HOME", ".local/share").map(|base| base.join("tokctl/tokens.db"))
}

/// Returns the path of the file with this user's identity in shared vaults:
/// `~/.local/share/tokctl/identity.db`.
pub(crate) fn identity(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base(&variable, "XDG_DATA_HOME", ".local/share").map(|base| base.join("tokctl/identity.db"))
}

/// Returns the path of the file that names the shared vaults which this user joined:
/// `~/.local/share/tokctl/vaults.toml`.
pub(crate) fn joined_vaults(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base(&variable, "XDG_DATA_HOME", ".local/share").map(|base| base.join("tokctl/vaults.toml"))
}

/// Returns the default path of the configuration: `~/.config/tokctl/config.toml`.
pub(crate) fn config(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base(&variable, "XDG_CONFIG_HOME", ".config").map(|base| base.join("tokctl/config.toml"))
}

/// Returns the path of the file in which users of directories are kept:
/// `~/.local/state/tokctl/directories.toml`.
pub(crate) fn directories(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let base = base(&variable, "XDG_STATE_HOME", ".local/state");
    base.map(|base| base.join("tokctl/directories.toml"))
}

/// Returns the directory for what tokctl remembers and can do without: `~/.local/state/tokctl`.
pub(crate) fn state(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base(&variable, "XDG_STATE_HOME", ".local/state").map(|base| base.join("tokctl"))
}

/// Returns the directory of this login session, or the home directory where there is none.
pub(crate) fn session(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base(&variable, "XDG_RUNTIME_DIR", "")
}

/// Returns `path` with `suffix` appended to its name, such as `tokens.db-wal`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Returns the absolute path of what is at `path`, without symbolic links. Fails if nothing is there.
pub(crate) fn resolve(path: &Path) -> io::Result<PathBuf> {
    #[cfg(target_os = "linux")]
    if let Some(found) = kernel_path(path) {
        return Ok(found);
    }
    path.canonicalize()
}

/// Asks the kernel, with three system calls where `canonicalize` makes one for each directory.
///
/// The path is opened with `O_PATH`: to close another descriptor of a SQLite file would drop the
/// locks that SQLite has on it (fcntl(2)).
#[cfg(target_os = "linux")]
fn kernel_path(path: &Path) -> Option<PathBuf> {
    use rustix::fs::{Mode, OFlags};
    use std::os::fd::AsRawFd;
    let opened = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let found = std::fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd())).ok()?;
    // A file that is deleted or out of reach has another text there.
    let is_plain = found.is_absolute() && !found.as_os_str().as_encoded_bytes().ends_with(b")");
    is_plain.then_some(found)
}

/// Returns the directory in the variable `name`, or `fallback` in the home directory. A relative
/// path in a variable is ignored, as the specification says.
fn base(
    variable: &impl Fn(&str) -> Option<OsString>,
    name: &str,
    fallback: &str,
) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(name).or_else(|| absolute("HOME").map(|home| home.join(Path::new(fallback))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xdg_directories_come_before_the_home_directory() {
        let home = |name: &str| (name == "HOME").then(|| OsString::from("/home/x"));
        assert_eq!(vault(home).unwrap(), Path::new("/home/x/.local/share/tokctl/tokens.db"));
        assert_eq!(config(home).unwrap(), Path::new("/home/x/.config/tokctl/config.toml"));
        let xdg = |name: &str| match name {
            "XDG_DATA_HOME" => Some(OsString::from("/data")),
            "XDG_CONFIG_HOME" => Some(OsString::from("relative")),
            _ => home(name),
        };
        assert_eq!(vault(xdg).unwrap(), Path::new("/data/tokctl/tokens.db"));
        assert_eq!(config(xdg).unwrap(), Path::new("/home/x/.config/tokctl/config.toml"));
        assert_eq!(vault(|_: &str| None), None);
        assert_eq!(session(home).unwrap(), Path::new("/home/x/"));
    }

    #[test]
    fn a_path_is_resolved_as_the_standard_library_does() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("real (odd)"), home.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        for name in ["tokens.db", "tokens.db (deleted)"] {
            drop(std::fs::File::create(real.join(name)).unwrap());
            let resolved = resolve(&link.join("..").join("link").join(name)).unwrap();
            assert_eq!(resolved, real.canonicalize().unwrap().join(name));
        }
        assert_eq!(resolve(&link.join("x")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
