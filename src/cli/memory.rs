//! Protection of this process's memory, and the caller's limits for the programs that it starts.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The core dump limit that this program inherited from its caller, if it had to be changed.
static CALLERS: OnceLock<Rlimit> = OnceLock::new();

/// Keeps secrets out of core dumps and away from debuggers of the same user.
pub(crate) fn keep_private() {
    // Linux makes no core dump of such a process, whatever the limit is.
    #[cfg(target_os = "linux")]
    {
        let not_dumpable = rustix::process::DumpableBehavior::NotDumpable;
        if rustix::process::set_dumpable_behavior(not_dumpable).is_ok() {
            return;
        }
    }
    let callers = CALLERS.get_or_init(|| getrlimit(Resource::Core));
    if callers.current != Some(0) {
        // Where the system forbids it, the program works all the same.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: callers.maximum });
    }
}

/// Starts another program with `start`, which inherits the caller's core dump limit.
///
/// "Not dumpable" is not inherited on Linux, so it keeps this program's memory private meanwhile.
pub(crate) fn as_the_caller<T>(start: impl FnOnce() -> T) -> T {
    if let Some(callers) = CALLERS.get() {
        let _ = setrlimit(Resource::Core, *callers);
    }
    let started = start();
    keep_private();
    started
}
