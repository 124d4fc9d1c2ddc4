//! The committed completions, man pages and service unit are those that the program
//! generates.
//!
//! `SNAPSHOTS=overwrite cargo test generated` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use snapbox::{Assert, Data};

use crate::env::{TestEnv, stdout};

const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "tokctl.bash"),
    ("zsh", "_tokctl"),
    ("fish", "tokctl.fish"),
    ("powershell", "_tokctl.ps1"),
    ("elvish", "tokctl.elv"),
];

fn committed(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// The files in a folder, without those in folders below it.
fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

fn is_committed(path: &Path, text: String) {
    Assert::new().action_env("SNAPSHOTS").eq(text, Data::read_from(path, None).raw());
}

#[test]
fn completions_are_as_committed() {
    let env = TestEnv::new();
    for (shell, file) in COMPLETIONS {
        let script = stdout(&env.tokctl(["completions", shell]).assert().success());
        is_committed(&committed("completions").join(file), script);
    }
    let expected = COMPLETIONS.map(|(_, file)| file.to_owned());
    assert_eq!(names(&committed("completions")), BTreeSet::from(expected));
}

#[test]
fn the_packaged_unit_is_the_one_that_is_printed() {
    let env = TestEnv::new().unset("XDG_DATA_HOME");
    let unit = stdout(&env.tokctl(["refresh", "--watch", "--print-unit"]).assert().success());
    let (made_by, rest) = unit.split_once("\n\n").unwrap();
    assert!(made_by.lines().all(|line| line.starts_with("# ")), "{made_by}");
    // For the program where the package puts it, and everybody's vault in its usual place. Where
    // nobody has one yet, systemd is to pass its directory over.
    let program = snapbox::cmd::cargo_bin("tokctl");
    let home = env.path("");
    let home = home.to_str().unwrap().trim_end_matches('/');
    let rest = rest
        .replace(program.to_str().unwrap(), "/usr/bin/tokctl")
        .replace(&format!("ReadWritePaths={home}"), "ReadWritePaths=-%h")
        .replace(home, "%h");
    let how_to = "# systemctl --user enable --now tokctl.service\n# For another vault or other \
                  options: tokctl refresh --watch --print-unit";
    is_committed(&committed("packaging").join("tokctl.service"), format!("{how_to}\n\n{rest}"));
}

#[test]
fn man_pages_are_as_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    TestEnv::new().tokctl(["man", path]).assert().success();
    for name in names(folder.path()) {
        let page = fs::read_to_string(folder.path().join(&name)).unwrap();
        is_committed(&committed("man").join(&name), page);
    }
    assert_eq!(names(&committed("man")), names(folder.path()));
}
