//! Signals held back while a refresh token may be spent and its answer is not yet stored.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::store;

/// What the handlers share. A handler can't be taken away again, so there is one set of them for
/// the whole process, which does what the system does whenever nothing is held.
#[derive(Default)]
struct Shared {
    free: Arc<AtomicBool>,
    /// The signal that came while it was held, or 0.
    pending: Arc<AtomicUsize>,
}

static SHARED: OnceLock<Shared> = OnceLock::new();

/// While it lives, a signal that would end the process waits; when it is dropped, it ends it.
pub(super) struct Held(&'static Shared);

/// Holds signals back.
pub(super) fn hold() -> Result<Held, store::Error> {
    let failed = |source| store::Error::Io { doing: "watch signals over", source };
    let shared = if let Some(shared) = SHARED.get() {
        shared
    } else {
        let shared = register().map_err(failed)?;
        SHARED.get_or_init(|| shared)
    };
    shared.free.store(false, Ordering::SeqCst);
    Ok(Held(shared))
}

fn register() -> io::Result<Shared> {
    let shared = Shared::default();
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        flag::register_conditional_default(signal, Arc::clone(&shared.free))?;
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, Arc::clone(&shared.pending), number)?;
    }
    Ok(shared)
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.free.store(true, Ordering::SeqCst);
        let pending = self.0.pending.swap(0, Ordering::SeqCst);
        if let Ok(signal @ 1..) = i32::try_from(pending) {
            // Ends the process as the signal would have done.
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}
