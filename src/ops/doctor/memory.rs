//! Whether this process keeps what it has in memory to itself.

use rustix::process::{Resource, getrlimit};

use super::facts::MemoryFact;
use super::finding::{Fact, Finding, Remedy};

/// Looks at what the program did for itself when it began.
pub(crate) fn memory() -> Finding {
    if getrlimit(Resource::Core).current != Some(0) {
        return Finding::to_mend(Fact::Memory(MemoryFact::CoreFile), Remedy::Report);
    }
    if is_open_to_debuggers() {
        return Finding::to_mend(Fact::Memory(MemoryFact::OpenToDebuggers), Remedy::Report);
    }
    Finding::fine(Fact::Memory(MemoryFact::Kept))
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
