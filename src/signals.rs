//! Signals that would end the process, at moments when it must not simply end.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

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
}

static SHARED: OnceLock<Shared> = OnceLock::new();

/// While one lives, a signal waits; when the last is dropped, the signal ends the process.
pub(crate) struct Held(&'static Shared);

/// Holds signals back. Where one waits already for others that hold it, nothing new is begun.
pub(crate) fn hold() -> io::Result<Held> {
    let shared = if let Some(shared) = SHARED.get() {
        shared
    } else {
        let shared = register()?;
        SHARED.get_or_init(|| shared)
    };
    loop {
        let mut holders = shared.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if *holders == 0 || shared.pending.load(Ordering::SeqCst) == 0 {
            *holders += 1;
            shared.free.store(false, Ordering::SeqCst);
            return Ok(Held(shared));
        }
        drop(holders);
        // The last of them ends the process.
        std::thread::sleep(POLL);
    }
}

/// Does `work`; a signal that comes meanwhile ends the process at once, but after `restore`.
pub(crate) fn restoring<T>(restore: impl Fn() + Send, work: impl FnOnce() -> T) -> io::Result<T> {
    let held = hold()?;
    let mut signals = Signals::new(ENDING)?;
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
    let mut signals = Signals::new(ENDING)?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            last_words(low_level::signal_name(signal).unwrap_or("a signal"));
            drop(held);
        }
    });
    Ok(())
}

/// Makes a write beyond the largest file that the process may make fail as on a full disk: by itself
/// the system ends the process there. Programs that it starts are ended as ever.
pub(crate) fn survive_file_limit() {
    // Where that can't be had, the program is as useful as before.
    let _ = flag::register(SIGXFSZ, Arc::default());
}

fn register() -> io::Result<Shared> {
    let shared = Shared::default();
    for signal in ENDING {
        flag::register_conditional_default(signal, Arc::clone(&shared.free))?;
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, Arc::clone(&shared.pending), number)?;
    }
    Ok(shared)
}

impl Drop for Held {
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
