//! The committed completions and man pages are those that the program generates.
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

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
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
