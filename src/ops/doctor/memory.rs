//! Whether this process keeps what it has in memory to itself.

use rustix::process::{Resource, getrlimit};

use super::report::{Check, Remedy, Told};

/// Looks at what the program did for itself when it began.
pub(crate) fn memory() -> Told {
    if getrlimit(Resource::Core).current != Some(0) {
        return Told::finding(
            Check::Memory,
            "the system would write this program's memory to a core file",
            Remedy::Report,
        );
    }
    if is_open_to_debuggers() {
        return Told::finding(
            Check::Memory,
            "other programs of yours can read this program's memory",
            Remedy::Report,
        );
    }
    Told::fine(Check::Memory, "no core file is written, and no debugger let in")
}

#[cfg(target_os = "linux")]
fn is_open_to_debuggers() -> bool {
    use rustix::process::{DumpableBehavior, dumpable_behavior};
    dumpable_behavior() != Ok(DumpableBehavior::NotDumpable)
}

/// There a program is opened to debuggers by how it was signed.
#[cfg(not(target_os = "linux"))]
fn is_open_to_debuggers() -> bool {
    false
}
