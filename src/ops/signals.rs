//! Signals held back while a refresh token may be spent and its answer is not yet stored.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level;
use signal_hook::{SigId, flag};

/// While it lives, a signal that would end the process waits; when it is dropped, it ends it.
pub(super) struct Held {
    free: Arc<AtomicBool>,
    pending: Arc<AtomicUsize>,
    handlers: Vec<SigId>,
}

impl Held {
    pub(super) fn hold() -> io::Result<Self> {
        let mut held = Self { free: Arc::default(), pending: Arc::default(), handlers: Vec::new() };
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            // A handler can't be taken away again, only emptied; so one stays behind for good
            // that does what the system does, whenever nothing is held.
            flag::register_conditional_default(signal, Arc::clone(&held.free))?;
            let number = usize::try_from(signal).unwrap_or_default();
            held.handlers.push(flag::register_usize(signal, Arc::clone(&held.pending), number)?);
        }
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.free.store(true, Ordering::SeqCst);
        for handler in self.handlers.drain(..) {
            low_level::unregister(handler);
        }
        let pending = self.pending.load(Ordering::SeqCst);
        if let Ok(signal @ 1..) = i32::try_from(pending) {
            // Ends the process as the signal would have done.
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}
