//! The end of an address that a person has to open within a time (RFC 9126 §2.2).

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::cli::ui::Ui;

/// A watch over an address that was printed. It ends when this value is dropped.
pub(super) struct LinkEnd {
    _ends_when_dropped: Option<Sender<()>>,
}

impl LinkEnd {
    /// Tells once `within` has passed that the address opens no more. Whoever opened it in time may
    /// still log in, so the wait for the browser goes on.
    pub(super) fn watch(ui: &Ui, within: Option<Duration>) -> Self {
        let begin = |within| {
            let (sender, ended) = mpsc::channel::<()>();
            let ui = ui.clone();
            let watch = move || {
                if ended.recv_timeout(within) == Err(RecvTimeoutError::Timeout) {
                    ui.warning(
                        "that address opens no more: if it was not opened in time, press Ctrl-C and \
                         run the command again",
                    );
                }
            };
            // Without it nobody is told, and the login goes on all the same.
            let begun = thread::Builder::new().spawn(watch);
            begun.is_ok().then_some(sender)
        };
        Self { _ends_when_dropped: within.and_then(begin) }
    }
}
