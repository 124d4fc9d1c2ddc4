//! A module uses only modules declared before it.
//!
//! The order is that of the `mod` lines in `lib.rs` and in each `mod.rs`. A parent may use all its
//! children; a child uses neither its parent's own items nor a sibling declared after it. Modules
//! written inside a file, unit tests among them, count as part of that file.

mod order;
mod source;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use self::order::violations;

/// Source files by their path below `src/`.
type Tree = BTreeMap<PathBuf, String>;

#[test]
fn a_module_uses_only_modules_declared_before_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut tree = Tree::new();
    read_into(&mut tree, &root, &root);
    // The program is a crate of its own, on top of the library.
    tree.remove(Path::new("main.rs"));
    let violations = violations(&tree);
    assert!(
        violations.is_empty(),
        "modules that use what is declared after them (the `mod` lines of lib.rs and of each \
         mod.rs are the order):\n  {}\n",
        violations.join("\n  ")
    );
}

fn read_into(tree: &mut Tree, root: &Path, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_into(tree, root, &path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root).unwrap().to_owned();
            tree.insert(relative, fs::read_to_string(&path).unwrap());
        }
    }
}
