//! Judges a tree of source files by the order in which they declare each other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Tree;
use super::source::{self, Source};

/// The names that lead to a module, from below the crate's root.
type ModulePath = Vec<String>;

/// Every use that goes against the order, each as a sentence with its file and line.
pub(super) fn violations(tree: &Tree) -> Vec<String> {
    let modules: Modules = tree
        .iter()
        .map(|(file, text)| (module_path(file), (file.clone(), Source::read(text))))
        .collect();
    let mut violations = undeclared(&modules);
    for (module, (file, source)) in &modules {
        for path in &source.paths {
            if let Some(fault) = judge(module, path, &modules) {
                let path_text = path.segments.join("::");
                violations.push(format!(
                    "src/{}:{}: `{path_text}`: {fault}",
                    file.display(),
                    path.line
                ));
            }
        }
    }
    violations
}

type Modules = BTreeMap<ModulePath, (PathBuf, Source)>;

/// Files that no `mod` line names: nothing orders them.
fn undeclared(modules: &Modules) -> Vec<String> {
    let declared: BTreeSet<ModulePath> = modules
        .iter()
        .flat_map(|(module, (_, source))| {
            let child = |name: &String| [module.as_slice(), std::slice::from_ref(name)].concat();
            source.children.iter().map(child)
        })
        .collect();
    modules
        .iter()
        .filter(|(module, _)| !module.is_empty() && !declared.contains(*module))
        .map(|(_, (file, _))| format!("src/{}: no `mod` line names it", file.display()))
        .collect()
}

/// What is wrong with `path` in the file of `module`, if anything is.
fn judge(module: &[String], path: &source::Path, modules: &Modules) -> Option<String> {
    let target = target(module, path, modules)?;
    let module = without_tests(module, modules);
    let shared = module.iter().zip(&target).take_while(|(own, other)| own == other).count();
    if shared == module.len() {
        // The file itself, or what lies below it.
        return None;
    }
    if shared == target.len() {
        let parent = if target.is_empty() {
            "the crate's root".to_owned()
        } else {
            format!("`{}`", target.join("::"))
        };
        return Some(format!("uses an item of {parent}, which it is a part of"));
    }
    let (_, parent) = &modules[&module[..shared]];
    let position = |name: &String| parent.children.iter().position(|child| child == name);
    let (own, other) = (&module[shared], &target[shared]);
    (position(other) >= position(own)).then(|| format!("`{other}` is declared after `{own}`"))
}

/// The module that judges a file: unit tests in a file of their own count as part of the module
/// that they try.
fn without_tests<'a>(module: &'a [String], modules: &Modules) -> &'a [String] {
    match module.split_last() {
        Some((name, parent))
            if modules
                .get(parent)
                .is_some_and(|(_, source)| source.test_children.contains(name)) =>
        {
            parent
        }
        _ => module,
    }
}

/// The module that `path` leads into. `None` where it stays inside the file.
fn target(module: &[String], path: &source::Path, modules: &Modules) -> Option<ModulePath> {
    let mut segments = path.segments.as_slice();
    let mut at = module.to_vec();
    // Modules written inside the file are left first, by as many `super`.
    let mut depth = path.depth;
    while let [first, tail @ ..] = segments {
        match first.as_str() {
            "crate" => {
                at.clear();
                depth = 0;
            }
            "self" => {}
            "super" if depth > 0 => depth -= 1,
            "super" => {
                at.pop();
            }
            _ => break,
        }
        segments = tail;
    }
    if depth > 0 {
        return None;
    }
    for segment in segments {
        at.push(segment.clone());
        if !modules.contains_key(&at) {
            at.pop();
            break;
        }
    }
    Some(at)
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

    const LIB: (&str, &str) = ("lib.rs", "mod low;\nmod high;\npub use high::run;");

    #[test]
    fn a_later_module_may_use_an_earlier_one() {
        let found = judged(&[LIB, ("low.rs", ""), ("high.rs", "use crate::low::X;")]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn an_earlier_module_may_not_use_a_later_one() {
        let found = judged(&[LIB, ("low.rs", "\nuse crate::high::X;"), ("high.rs", "")]);
        assert_eq!(found, ["src/low.rs:2: `crate::high::X`: `high` is declared after `low`"]);
    }

    #[test]
    fn the_order_holds_from_folder_to_folder() {
        let found = judged(&[
            LIB,
            ("low/mod.rs", "mod deep;"),
            ("low/deep.rs", "fn f() { crate::high::part::g() }"),
            ("high/mod.rs", "mod part;"),
            ("high/part.rs", ""),
        ]);
        assert_eq!(
            found,
            ["src/low/deep.rs:1: `crate::high::part::g`: `high` is declared after `low`"]
        );
    }

    #[test]
    fn siblings_in_a_folder_have_an_order_too() {
        let found = judged(&[
            ("lib.rs", "mod store;"),
            ("store/mod.rs", "mod rows; mod locks;"),
            ("store/rows.rs", "use super::locks::Lock;"),
            ("store/locks.rs", "use super::rows::Row;\nuse crate::store::rows;"),
        ]);
        assert_eq!(
            found,
            ["src/store/rows.rs:1: `super::locks::Lock`: `locks` is declared after `rows`"]
        );
    }

    #[test]
    fn a_child_may_not_use_its_parent() {
        let found = judged(&[
            ("lib.rs", "mod store;"),
            ("store/mod.rs", "mod rows;\npub struct Store;"),
            ("store/rows.rs", "use super::Store;\nuse crate::store::Store as S;\nuse crate::run;"),
        ]);
        assert_eq!(
            found,
            [
                "src/store/rows.rs:1: `super::Store`: uses an item of `store`, which it is a part of",
                "src/store/rows.rs:2: `crate::store::Store`: uses an item of `store`, which it is a part of",
                "src/store/rows.rs:3: `crate::run`: uses an item of the crate's root, which it is a part of",
            ]
        );
    }

    #[test]
    fn a_parent_may_use_all_its_children() {
        let found = judged(&[
            ("lib.rs", "mod store;"),
            ("store/mod.rs", "mod rows; mod locks; use self::locks::Lock; use rows::Row;"),
            ("store/rows.rs", ""),
            ("store/locks.rs", ""),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn modules_inside_a_file_are_part_of_it() {
        let found = judged(&[
            LIB,
            (
                "low.rs",
                "mod sealed { mod option { use super::super::T; use super::x; } }\n\
                 #[cfg(test)] mod tests { use super::*; }",
            ),
            ("high.rs", ""),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn unit_tests_in_a_file_of_their_own_are_part_of_what_they_try() {
        let found = judged(&[
            LIB,
            ("low/mod.rs", "#[cfg(test)] mod tests;"),
            ("low/tests.rs", "use super::*;\nuse crate::high::X;"),
            ("high.rs", ""),
        ]);
        assert_eq!(found, ["src/low/tests.rs:2: `crate::high::X`: `high` is declared after `low`"]);
    }

    #[test]
    fn unit_tests_keep_the_order_too() {
        let found = judged(&[
            LIB,
            ("low.rs", "#[cfg(test)] mod tests { use super::super::high; }"),
            ("high.rs", ""),
        ]);
        assert_eq!(found, ["src/low.rs:1: `super::super::high`: `high` is declared after `low`"]);
    }

    #[test]
    fn a_file_that_nobody_declares_is_found() {
        let found = judged(&[("lib.rs", ""), ("lost.rs", "")]);
        assert_eq!(found, ["src/lost.rs: no `mod` line names it"]);
    }
}
