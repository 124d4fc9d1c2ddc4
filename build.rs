//! Links the unwinder into the program.
//!
//! As a shared library it is loaded, relocated and initialised at every start, which is a notable
//! part of what `tokctl get` costs, and needed only when something panics.

#![allow(
    clippy::disallowed_methods,
    reason = "cargo talks to a build script through the environment"
)]

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    if !target.ends_with("-linux-gnu") || target != std::env::var("HOST").unwrap_or_default() {
        return;
    }
    // Where the compiler has no such archive, the shared library serves as well.
    let Ok(found) = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output() else { return };
    let Ok(path) = String::from_utf8(found.stdout) else { return };
    let path = Path::new(path.trim());
    if let (true, true, Some(folder)) = (path.is_absolute(), path.exists(), path.parent()) {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:+whole-archive=gcc_eh");
    }
}
