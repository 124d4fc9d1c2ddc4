//! Default paths of tokctl's files, by the XDG Base Directory Specification, on every system.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Returns the default path of the vault: `~/.local/share/tokctl/tokens.db`.
pub(crate) fn vault(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base(&variable, "XDG_DATA_HOME", ".local/share").map(|base| base.join("tokctl/tokens.db"))
}

/// Returns the default path of the configuration: `~/.config/tokctl/config.toml`.
pub(crate) fn config(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base(&variable, "XDG_CONFIG_HOME", ".config").map(|base| base.join("tokctl/config.toml"))
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
}
