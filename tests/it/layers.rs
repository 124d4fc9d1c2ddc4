//! A module uses only modules declared before it, and only those that its layer may use.
//!
//! The order is that of the `mod` lines in `lib.rs` and in each `mod.rs`. A parent may use all its
//! children; a child uses neither its parent's own items nor a sibling declared after it. Modules
//! written inside a file, unit tests among them, count as part of that file.

mod source;
mod order;

use std::fs;
use std::path::{Path, PathBuf};

use self::order::{Tree, violations};

/// What every module may use that is declared after it.
const FOUNDATION: [&str; 13] = [
    "secret",
    "untrusted",
    "private_file",
    "atomic_file",
    "paths",
    "file_system",
    "boot_clock",
    "name_service",
    "signals",
    "bounded",
    "causes",
    "counted",
    "executable",
];

/// What each layer may use beside the foundation. CONTRIBUTING.md shows it.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("model", &[]),
    ("config", &["model"]),
    ("vault", &[]),
    ("store", &["vault", "model"]),
    ("oauth", &["model"]),
    ("providers", &["oauth", "config", "model"]),
    ("importers", &["model"]),
    ("ops", &["store", "vault", "oauth", "providers", "importers", "config", "model"]),
    ("cli", &["ops", "config", "model"]),
    (
        "properties",
        &["ops", "store", "vault", "oauth", "providers", "importers", "config", "model"],
    ),
];

/// The modules whose code may name `rusqlite`; unit tests may as well.
const KNOWS_SQLITE: [&str; 3] = ["store::sqlite", "importers", "properties"];

#[test]
fn a_module_uses_only_what_stands_before_it_and_skips_no_layer() {
    let violations = violations(&sources());
    assert!(violations.is_empty(), "against the rules of lib.rs:\n  {}\n", violations.join("\n  "));
}

#[test]
fn contributing_shows_what_each_layer_may_use() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    for (layer, below) in MAY_USE.iter().filter(|(layer, _)| *layer != "properties") {
        let cell = below.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let is_row = |line: &&str| {
            line.starts_with(&format!("| `{layer}")) && line.ends_with(&format!("| {cell} |"))
        };
        assert!(text.lines().any(|line| is_row(&line)), "no row of `{layer}` ends with {cell}");
    }
}

#[test]
fn no_source_file_includes_what_lies_among_the_tests() {
    // The published crate has no folder `tests`.
    for (name, text) in sources() {
        let includes = text.lines().filter(|line| line.contains("include_"));
        let outside: Vec<&str> = includes.filter(|line| line.contains("../tests/")).collect();
        assert!(outside.is_empty(), "{}: {outside:?}", name.display());
    }
}

/// The library's source files; `main.rs` is a crate of its own, on top of it.
fn sources() -> Tree {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut tree = Tree::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_owned();
                tree.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    tree.remove(&PathBuf::from("main.rs"));
    tree
}
