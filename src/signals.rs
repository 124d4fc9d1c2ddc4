//! Signals that would end the process while it must not end: while an answer is not saved yet, or
//! while the terminal is in another mode.
//!
//! Owns the signal handlers of the whole process. Knows neither what the work is that a signal
//! waits for nor what a person is told.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

#[cfg(target_os = "linux")]
use rustix::process::Signal;
use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGSYS, SIGTERM,
    SIGTRAP, SIGTSTP, SIGUSR1, SIGUSR2, SIGVTALRM, SIGWINCH, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::{Signals, SignalsInfo};
use signal_hook::{flag, low_level};

const TERMINATING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// The signals that `tokctl run` passes on to the command that it runs.
const PASSED_ON: [i32; 9] =
    [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT];

/// Rare signals that `tokctl run` passes on too, since they would end tokctl and leave the command
/// behind. Signals for a fault in tokctl itself (SIGSEGV and others) are not in the list, nor is
/// SIGXFSZ: see [`survive_file_limit`].
const RARE: [i32; 8] = [SIGABRT, SIGALRM, SIGIO, SIGPROF, SIGSYS, SIGTRAP, SIGVTALRM, SIGXCPU];

/// Rare signals that `tokctl run` passes on and only Linux has.
#[cfg(target_os = "linux")]
const LINUX_ONLY: [i32; 2] = [Signal::POWER.as_raw(), Signal::STKFLT.as_raw()];
#[cfg(not(target_os = "linux"))]
const LINUX_ONLY: [i32; 0] = [];

const POLL: Duration = Duration::from_millis(10);

/// The state of the process's signal handlers.
///
/// A handler can't be removed again, so one set of them serves the whole process. While no
/// [`Hold`] lives, it does what the system does by default.
#[derive(Default)]
struct Shared {
    /// The number of living [`Hold`]s.
    holders: Mutex<usize>,
    /// Whether no [`Hold`] lives: a signal ends the process at once.
    free: Arc<AtomicBool>,
    /// The number of a signal that waits, or 0.
    pending: Arc<AtomicUsize>,
    /// Whether [`take_over`] was called: signals then go to its caller.
    taken_over: AtomicBool,
}

static SHARED: OnceLock<Shared> = OnceLock::new();

/// A guard that makes signals wait. When the last guard is dropped, a signal that came meanwhile
/// ends the process.
pub(crate) struct Hold(&'static Shared);

/// A stream of signals, each with its sender.
pub(crate) type Received = SignalsInfo<WithOrigin>;

/// Makes signals wait until the returned guard is dropped. If a signal waits already, this blocks:
/// no new work begins, and the process ends when the last guard is dropped.
pub(crate) fn hold() -> io::Result<Hold> {
    let shared = if let Some(shared) = SHARED.get() {
        shared
    } else {
        let shared = register()?;
        SHARED.get_or_init(|| shared)
    };
    loop {
        let mut holders = shared.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on = *holders == 0
            || shared.pending.load(Ordering::SeqCst) == 0
            || shared.taken_over.load(Ordering::SeqCst);
        if goes_on {
            *holders += 1;
            shared.free.store(false, Ordering::SeqCst);
            return Ok(Hold(shared));
        }
        drop(holders);
        // Dropping the last of the other guards ends the process.
        std::thread::sleep(POLL);
    }
}

/// Runs `work`. A signal that arrives meanwhile first runs `restore`, then ends the process.
pub(crate) fn restoring<T>(restore: impl Fn() + Send, work: impl FnOnce() -> T) -> io::Result<T> {
    let held = hold()?;
    let mut signals = Signals::new(not_ignored(&TERMINATING))?;
    let handle = signals.handle();
    let done = std::thread::scope(|scope| {
        scope.spawn(move || {
            for signal in signals.forever() {
                restore();
                end_process_by(signal);
            }
        });
        let done = work();
        handle.close();
        done
    });
    drop(held);
    Ok(done)
}

/// Calls `last_words` with a signal's name, such as `SIGTERM`, before that signal ends the process.
/// The process ends as soon as no [`Hold`] lives.
pub(crate) fn announce(last_words: impl FnOnce(&'static str) + Send + 'static) -> io::Result<()> {
    let held = hold()?;
    let mut signals = Signals::new(not_ignored(&TERMINATING))?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            last_words(low_level::signal_name(signal).unwrap_or("a signal"));
            drop(held);
        }
    });
    Ok(())
}

/// Takes over all signals on behalf of a command that tokctl runs. From now on no signal ends
/// tokctl; each arrives in the returned stream, as does SIGCHLD.
pub(crate) fn take_over() -> io::Result<Received> {
    // The stream exists before signals are made to wait, so that none is lost.
    let passed_on =
        not_ignored(&PASSED_ON).chain(not_ignored(&RARE)).chain(not_ignored(&LINUX_ONLY));
    let signals = SignalsInfo::new(passed_on.chain([SIGCHLD]))?;
    let held = hold()?;
    held.0.taken_over.store(true, Ordering::SeqCst);
    // The guard lives as long as the process.
    std::mem::forget(held);
    Ok(signals)
}

/// Does what `signal` does by default. The first process of a container, which the system ends by no
/// signal of its own, exits with the code that a shell tells for it.
pub(crate) fn end_process_by(signal: i32) {
    if is_first_process() && ends_program(signal) {
        low_level::exit(128 + signal);
    }
    let _ = low_level::emulate_default_handler(signal);
}

fn is_first_process() -> bool {
    std::process::id() == 1
}

/// Whether `signal`, one of those of [`take_over`], ends a program that does not handle it.
pub(crate) fn ends_program(signal: i32) -> bool {
    TERMINATING.contains(&signal) || RARE.contains(&signal) || LINUX_ONLY.contains(&signal)
}

/// Makes a write beyond the file size limit (`ulimit -f`) fail with an error, as on a full disk,
/// instead of ending the process with SIGXFSZ.
///
/// Programs that tokctl starts get the default, even if tokctl's caller ignores the signal: see
/// [`survive_file_limit_as_the_caller`].
pub(crate) fn survive_file_limit() {
    // Without the handler the program works as well, as long as the limit is not reached.
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// Does what [`survive_file_limit`] does, unless tokctl's caller ignores SIGXFSZ. In that case
/// writes fail without a handler, and a program that tokctl starts inherits that. Reads
/// `/proc/self/status` to find out.
pub(crate) fn survive_file_limit_as_the_caller() {
    if not_ignored(&[SIGXFSZ]).next().is_some() {
        survive_file_limit();
    }
}

/// Returns those of `signals` that tokctl's caller did not set to be ignored, as `nohup` and shells
/// do. An ignored signal stays ignored, here and in programs that are started.
fn not_ignored(signals: &[i32]) -> impl Iterator<Item = i32> {
    static IGNORED: OnceLock<u64> = OnceLock::new();
    let ignored = *IGNORED.get_or_init(read_ignored);
    signals.iter().copied().filter(move |signal| ignored >> (signal - 1) & 1 == 0)
}

/// Returns the set of ignored signals, bit 0 for signal 1; 0 where the system does not tell.
fn read_ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

fn register() -> io::Result<Shared> {
    let shared = Shared::default();
    for signal in not_ignored(&TERMINATING) {
        let free = Arc::clone(&shared.free);
        if is_first_process() {
            flag::register_conditional_shutdown(signal, 128 + signal, free)?;
        } else {
            flag::register_conditional_default(signal, free)?;
        }
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, Arc::clone(&shared.pending), number)?;
    }
    Ok(shared)
}

/// Whether a signal waits for a [`Hold`] to be dropped: what has not begun yet should not begin.
pub(crate) fn is_pending() -> bool {
    SHARED.get().is_some_and(|shared| shared.pending.load(Ordering::SeqCst) != 0)
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut holders = self.0.holders.lock().unwrap_or_else(PoisonError::into_inner);
        *holders -= 1;
        if *holders > 0 {
            return;
        }
        self.0.free.store(true, Ordering::SeqCst);
        let pending = self.0.pending.swap(0, Ordering::SeqCst);
        if let Ok(signal @ 1..) = i32::try_from(pending) {
            end_process_by(signal);
        }
    }
}
