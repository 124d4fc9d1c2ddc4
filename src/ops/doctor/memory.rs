//! The check that no other program can read this process's memory.

use rustix::process::{Resource, getrlimit};

use super::facts::MemoryFact;
use super::finding::{Fact, Finding, Remedy};

/// Checks the protections that the program switches on when it starts.
pub(crate) fn memory() -> Finding {
    if getrlimit(Resource::Core).current != Some(0) {
        return Finding::to_mend(Fact::Memory(MemoryFact::CoreFile), Remedy::ReportBug);
    }
    if is_open_to_debuggers() {
        return Finding::to_mend(Fact::Memory(MemoryFact::OpenToDebuggers), Remedy::ReportBug);
    }
    Finding::fine(Fact::Memory(MemoryFact::Kept))
}

#[cfg(target_os = "linux")]
fn is_open_to_debuggers() -> bool {
    use rustix::process::{DumpableBehavior, dumpable_behavior};
    dumpable_behavior() != Ok(DumpableBehavior::NotDumpable)
}

/// Returns `false`: on other systems the program's signature decides about debuggers.
#[cfg(not(target_os = "linux"))]
fn is_open_to_debuggers() -> bool {
    false
}
