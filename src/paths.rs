//! Where things live, by the XDG base directory specification, on every system alike.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where the vault is unless the caller says otherwise.
pub(crate) fn vault(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base(&variable, "XDG_DATA_HOME", ".local/share").map(|base| base.join("tokctl/tokens.db"))
}

/// Where the configuration is unless the caller says otherwise.
pub(crate) fn config(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base(&variable, "XDG_CONFIG_HOME", ".config").map(|base| base.join("tokctl/config.toml"))
}

/// The directory of this login session, or of the user where there is none.
pub(crate) fn session(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    base(&variable, "XDG_RUNTIME_DIR", "")
}

/// The path beside `path` whose name is longer by `suffix`, as SQLite names its log.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The directory that `name` gives, or `fallback` in the home directory. A relative path is to be
/// ignored, the specification says.
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
