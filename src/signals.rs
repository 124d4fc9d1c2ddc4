//! Signals that would end the process, at moments when it must not simply end.

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

/// What a command is told that the program runs, where the program itself is told.
const PASSED_ON: [i32; 9] =
    [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT];

/// The same for those that hardly anybody sends, and that would end the program alone. Those that
/// tell of a fault of its own are not among them, nor SIGXFSZ: see [`survive_file_limit`].
const RARE: [i32; 8] = [SIGABRT, SIGALRM, SIGIO, SIGPROF, SIGSYS, SIGTRAP, SIGVTALRM, SIGXCPU];

/// And for those of Linux alone.
#[cfg(target_os = "linux")]
const LINUX_ONLY: [i32; 2] = [Signal::POWER.as_raw(), Signal::STKFLT.as_raw()];
#[cfg(not(target_os = "linux"))]
const LINUX_ONLY: [i32; 0] = [];

const POLL: Duration = Duration::from_millis(10);

/// What the handlers share. A handler can't be taken away again, so there is one set of them for
/// the whole process, which does what the system does whenever nothing is held.
#[derive(Default)]
struct Shared {
    /// How many hold signals back just now.
    holders: Mutex<usize>,
    free: Arc<AtomicBool>,
    /// The signal that came while it was held, or 0.
    pending: Arc<AtomicUsize>,
    /// Whether signals are somebody else's: see [`take_over`].
    taken_over: AtomicBool,
}

static SHARED: OnceLock<Shared> = OnceLock::new();

/// While one lives, a signal waits; when the last is dropped, the signal ends the process.
pub(crate) struct Hold(&'static Shared);

/// Signals as they come, each with where it came from.
pub(crate) type Received = SignalsInfo<WithOrigin>;

/// Holds signals back. Where one waits already for others that hold it, nothing new is begun.
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
        // The last of them ends the process.
        std::thread::sleep(POLL);
    }
}

/// Does `work`; a signal that comes meanwhile ends the process at once, but after `restore`.
pub(crate) fn restoring<T>(restore: impl Fn() + Send, work: impl FnOnce() -> T) -> io::Result<T> {
    let held = hold()?;
    let mut signals = Signals::new(not_ignored(&TERMINATING))?;
    let handle = signals.handle();
    let done = std::thread::scope(|scope| {
        scope.spawn(move || {
            for signal in signals.forever() {
                restore();
                let _ = low_level::emulate_default_handler(signal);
            }
        });
        let done = work();
        handle.close();
        done
    });
    drop(held);
    Ok(done)
}

/// Holds signals back for good. When one comes, calls `last_words` with its name; then it ends the
/// process as soon as nobody else holds it.
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

/// Takes all signals for a command that the program runs: from now on none of them ends the
/// program, and each is given out with where it came from, as is word of children (SIGCHLD).
pub(crate) fn take_over() -> io::Result<Received> {
    // Before they are held, so that none is missed.
    let passed_on =
        not_ignored(&PASSED_ON).chain(not_ignored(&RARE)).chain(not_ignored(&LINUX_ONLY));
    let signals = SignalsInfo::new(passed_on.chain([SIGCHLD]))?;
    let held = hold()?;
    held.0.taken_over.store(true, Ordering::SeqCst);
    // Never released.
    std::mem::forget(held);
    Ok(signals)
}

/// Whether `signal`, which was taken over, ends a program that has no answer to it.
pub(crate) fn ends_program(signal: i32) -> bool {
    TERMINATING.contains(&signal) || RARE.contains(&signal) || LINUX_ONLY.contains(&signal)
}

/// Makes a write beyond the largest file that the process may make fail as on a full disk: by itself
/// the system ends the process there. Programs that it starts are ended as ever, even where the
/// caller ignores the signal: see [`survive_file_limit_as_the_caller`].
pub(crate) fn survive_file_limit() {
    // Where that can't be had, the program is as useful as before.
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// Does as [`survive_file_limit`] for a process that starts a program in its caller's name. Where
/// the caller ignores the signal, writes fail without any handler, and the program is to inherit
/// that. Reads a file to find out.
pub(crate) fn survive_file_limit_as_the_caller() {
    if not_ignored(&[SIGXFSZ]).next().is_some() {
        survive_file_limit();
    }
}

/// Those of `signals` that whoever started the program does not have it ignore, as `nohup` and
/// shells do: they are to go on ending nothing, here and in programs that are started.
fn not_ignored(signals: &[i32]) -> impl Iterator<Item = i32> {
    static IGNORED: OnceLock<u64> = OnceLock::new();
    let ignored = *IGNORED.get_or_init(read_ignored);
    signals.iter().copied().filter(move |signal| ignored >> (signal - 1) & 1 == 0)
}

/// The signals that are ignored, each a bit; none, where the system does not tell.
fn read_ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

fn register() -> io::Result<Shared> {
    let shared = Shared::default();
    for signal in not_ignored(&TERMINATING) {
        flag::register_conditional_default(signal, Arc::clone(&shared.free))?;
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, Arc::clone(&shared.pending), number)?;
    }
    Ok(shared)
}

impl Hold {
    /// Whether a signal waits: what is not begun yet may as well not be.
    pub(crate) fn is_pending(&self) -> bool {
        self.0.pending.load(Ordering::SeqCst) != 0
    }
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
            // Ends the process as the signal would have done.
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}
