//! Keeping what is in memory from others, and giving programs that are started what the caller
//! had.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The largest core dump that the caller allows.
static CALLERS: OnceLock<Rlimit> = OnceLock::new();

/// Keeps secrets out of core dumps and away from debuggers of the same user.
pub(crate) fn keep_private() {
    let callers = CALLERS.get_or_init(|| getrlimit(Resource::Core));
    // Where the system forbids it, the program is as useful as before.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: callers.maximum });
    #[cfg(target_os = "linux")]
    {
        let not_dumpable = rustix::process::DumpableBehavior::NotDumpable;
        let _ = rustix::process::set_dumpable_behavior(not_dumpable);
    }
}

/// Starts another program by `start`, which inherits the caller's limit of core dumps. That the
/// memory can't be dumped is not inherited; on Linux it keeps this one's private meanwhile.
pub(crate) fn as_the_caller<T>(start: impl FnOnce() -> T) -> T {
    if let Some(callers) = CALLERS.get() {
        let _ = setrlimit(Resource::Core, *callers);
    }
    let started = start();
    keep_private();
    started
}
