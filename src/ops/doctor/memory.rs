//! The check that no other program can read this process's memory.

use rustix::process::{Resource, getrlimit};

use super::facts::MemoryFact;
use super::finding::{Fact, Finding, Remedy};

/// Checks the protections that the program switches on when it starts.
pub(crate) fn memory() -> Finding {
    // No core dump is made of a process that is closed to debuggers.
    if cfg!(target_os = "linux") && !is_open_to_debuggers() {
        return Finding::fine(Fact::Memory(MemoryFact::Kept));
    }
    let fact = match getrlimit(Resource::Core).current {
        Some(0) if is_open_to_debuggers() => MemoryFact::OpenToDebuggers,
        Some(0) => return Finding::fine(Fact::Memory(MemoryFact::Kept)),
        Some(_) | None => MemoryFact::CoreFile,
    };
    Finding::to_mend(Fact::Memory(fact), Remedy::ReportBug)
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
