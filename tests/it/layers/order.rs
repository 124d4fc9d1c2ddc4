//! Judges a tree of source files by the order in which they declare each other, and by which
//! layers may use which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::source::{Named, Source};
use super::{FOUNDATION, KNOWS_SQLITE, MAY_USE};

/// The text of each source file, by its path below `src/`.
pub(super) type Tree = BTreeMap<PathBuf, String>;

/// The names that lead to a module, from below the crate's root.
type ModulePath = Vec<String>;

type Modules = BTreeMap<ModulePath, (PathBuf, Source)>;

/// Every use that goes against the rules, each as a sentence with its file.
pub(super) fn violations(tree: &Tree) -> Vec<String> {
    let modules: Modules = tree
        .iter()
        .map(|(file, text)| (module_path(file), (file.clone(), Source::read(text))))
        .collect();
    let mut found = Vec::new();
    let declared: BTreeSet<ModulePath> = modules
        .iter()
        .flat_map(|(parent, (_, source))| {
            source
                .children
                .iter()
                .map(|name| [parent.as_slice(), std::slice::from_ref(name)].concat())
        })
        .collect();
    for (module, (file, source)) in &modules {
        let file = file.display();
        if !module.is_empty() && !declared.contains(module) {
            found.push(format!("src/{file}: no `mod` line names it"));
        }
        found.extend(source.paths.iter().filter_map(|path| {
            let fault = judge(module, path, &modules)?;
            Some(format!("src/{file}: `{}`: {fault}", path.segments.join("::")))
        }));
    }
    found
}

/// What is wrong with `path` in the file of `module`, if anything is.
fn judge(module: &[String], path: &Named, modules: &Modules) -> Option<String> {
    let parent = module.split_last().and_then(|(name, parent)| {
        let (_, source) = modules.get(parent)?;
        source.test_children.contains(name).then_some(parent)
    });
    if path.segments[0] == "rusqlite" {
        let own = format!("{}::", module.join("::"));
        let knows = |known: &&str| own.starts_with(&format!("{known}::"));
        let may = path.in_tests || parent.is_some() || KNOWS_SQLITE.iter().any(knows);
        return (!may).then(|| format!("only {} may use SQLite", KNOWS_SQLITE.join(", ")));
    }
    let target = target(module, path, modules)?;
    // Unit tests in a file of their own count as part of the module that they try.
    let module = parent.unwrap_or(module);
    let shared = module.iter().zip(&target).take_while(|(own, other)| own == other).count();
    if shared == module.len() {
        // The file itself, or what lies below it.
        return None;
    }
    let Some(other) = target.get(shared) else {
        return Some(match target.join("::").as_str() {
            "" => "uses an item of the crate's root, which it is a part of".to_owned(),
            parent => format!("uses an item of `{parent}`, which it is a part of"),
        });
    };
    let (_, parent) = &modules[&module[..shared]];
    let position = |name: &String| parent.children.iter().position(|child| child == name);
    let own = &module[shared];
    if position(other) >= position(own) {
        return Some(format!("`{other}` is declared after `{own}`"));
    }
    let may = shared > 0
        || FOUNDATION.contains(&other.as_str())
        || MAY_USE.iter().any(|(layer, below)| layer == own && below.contains(&other.as_str()));
    (!may).then(|| format!("`{own}` may not use `{other}`"))
}

/// The module that `path` leads into. `None` where it stays inside the file, or leaves the crate.
fn target(module: &[String], path: &Named, modules: &Modules) -> Option<ModulePath> {
    let mut at = module.to_vec();
    // Modules written inside the file are left first, by as many `super`.
    let mut depth = path.depth;
    let is_root = |segment: &&String| matches!(segment.as_str(), "crate" | "self" | "super");
    let roots = path.segments.iter().take_while(is_root).count();
    if roots == 0 {
        return None;
    }
    for segment in &path.segments[..roots] {
        match segment.as_str() {
            "crate" => (at, depth) = (Vec::new(), 0),
            "super" if depth > 0 => depth -= 1,
            "super" => drop(at.pop()),
            _ => {}
        }
    }
    for segment in &path.segments[roots..] {
        at.push(segment.clone());
        if !modules.contains_key(&at) {
            at.pop();
            break;
        }
    }
    (depth == 0).then_some(at)
}

/// `store/locks.rs` and `store/locks/mod.rs` are both `store::locks`.
fn module_path(file: &Path) -> ModulePath {
    let mut path: ModulePath =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let last = path.last().map(String::as_str);
    if last == Some("mod") || (path.len() == 1 && last == Some("lib")) {
        path.pop();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(files: &[(&str, &str)]) -> Vec<String> {
        let tree =
            files.iter().map(|(file, text)| (PathBuf::from(file), (*text).to_owned())).collect();
        violations(&tree)
    }

    const LIB: (&str, &str) = ("lib.rs", "mod model;\nmod store;\nmod ops;\npub use ops::run;");

    #[test]
    fn a_later_module_may_use_an_earlier_one_and_not_the_other_way() {
        let store = ("store.rs", "use crate::model::X;");
        let found = judged(&[LIB, ("model.rs", "use crate::store::X;"), store, ("ops.rs", "")]);
        assert_eq!(found, ["src/model.rs: `crate::store::X`: `store` is declared after `model`"]);
    }

    #[test]
    fn the_order_holds_from_folder_to_folder() {
        let found = judged(&[
            LIB,
            ("model/mod.rs", "mod deep;"),
            ("model/deep.rs", "fn f() { format!(\"{}\", crate::ops::part::g()) }"),
            ("ops/mod.rs", "mod part;"),
            ("ops/part.rs", ""),
        ]);
        assert_eq!(
            found,
            ["src/model/deep.rs: `crate::ops::part::g`: `ops` is declared after `model`"]
        );
    }

    #[test]
    fn siblings_in_a_folder_have_an_order_too() {
        let found = judged(&[
            ("lib.rs", "mod store;"),
            ("store/mod.rs", "mod rows; mod locks; use self::locks::Lock; use rows::Row;"),
            ("store/rows.rs", "use super::locks::Lock;"),
            ("store/locks.rs", "use super::rows::Row;\nuse crate::store::rows;"),
        ]);
        assert_eq!(
            found,
            ["src/store/rows.rs: `super::locks::Lock`: `locks` is declared after `rows`"]
        );
    }

    #[test]
    fn a_child_may_not_use_its_parent() {
        let found = judged(&[
            ("lib.rs", "mod store;"),
            ("store/mod.rs", "mod rows;\npub struct Store;"),
            ("store/rows.rs", "use super::Store;\nuse crate::run;"),
        ]);
        assert_eq!(
            found,
            [
                "src/store/rows.rs: `super::Store`: uses an item of `store`, which it is a part of",
                "src/store/rows.rs: `crate::run`: uses an item of the crate's root, which it is a part of",
            ]
        );
    }

    #[test]
    fn no_layer_is_skipped() {
        let lib = ("lib.rs", "mod secret;\nmod store;\nmod ops;\nmod cli;\nmod other;");
        let other = ("other.rs", "use crate::ops::Z;");
        let cli = ("cli.rs", "use crate::{ops::Z, secret::X};\nfn f() { crate::store::open() }");
        let found = judged(&[lib, ("secret.rs", ""), ("store.rs", ""), ("ops.rs", ""), cli, other]);
        assert_eq!(
            found,
            [
                "src/cli.rs: `crate::store::open`: `cli` may not use `store`",
                "src/other.rs: `crate::ops::Z`: `other` may not use `ops`",
            ]
        );
    }

    #[test]
    fn sqlite_is_known_in_few_places_and_in_tests() {
        let uses = "use rusqlite::Connection;";
        let tests = "#[cfg(test)] mod tests { use rusqlite::Connection; }";
        let found = judged(&[
            LIB,
            ("model.rs", uses),
            ("store/mod.rs", "mod sqlite;"),
            ("store/sqlite.rs", uses),
            ("ops.rs", tests),
        ]);
        assert_eq!(
            found,
            [
                "src/model.rs: `rusqlite::Connection`: only store::sqlite, importers, properties may use SQLite"
            ]
        );
    }

    #[test]
    fn modules_inside_a_file_are_part_of_it_and_keep_the_order() {
        let inside = "mod sealed { mod option { use super::super::T; use super::x; } }\n\
                      #[cfg(test)] mod tests { use super::*; use super::super::ops; }";
        let found = judged(&[LIB, ("model.rs", inside), ("store.rs", ""), ("ops.rs", "")]);
        assert_eq!(found, ["src/model.rs: `super::super::ops`: `ops` is declared after `model`"]);
    }

    #[test]
    fn unit_tests_in_a_file_of_their_own_are_part_of_what_they_try() {
        let found = judged(&[
            LIB,
            ("model/mod.rs", "#[cfg(test)] mod tests;"),
            ("model/tests.rs", "use super::*;\nuse rusqlite::Row;\nuse crate::ops::X;"),
            ("store.rs", ""),
            ("ops.rs", ""),
        ]);
        assert_eq!(found, ["src/model/tests.rs: `crate::ops::X`: `ops` is declared after `model`"]);
    }

    #[test]
    fn a_file_that_nobody_declares_is_found() {
        assert_eq!(
            judged(&[("lib.rs", ""), ("lost.rs", "")]),
            ["src/lost.rs: no `mod` line names it"]
        );
    }
}
