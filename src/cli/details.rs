//! The details that `-v` and `-vv` show: what the layers below tell through the crate `log`.
//!
//! They tell only what may be read by anybody who reads a log. What libraries tell is not shown,
//! because nobody has seen to that there.

use std::sync::atomic::{AtomicBool, Ordering};

use log::{LevelFilter, Log, Metadata, Record};
use serde_json::json;

use super::stderr;
use super::ui::Verbosity;

/// Shows each detail as a line, or as an object in JSON where data and errors are JSON.
struct Details {
    json: AtomicBool,
}

static DETAILS: Details = Details { json: AtomicBool::new(false) };

impl Log for Details {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = record.args().to_string();
        if self.json.load(Ordering::Relaxed) {
            let level = record.level().as_str().to_ascii_lowercase();
            let detail = json!({ "level": level, "event": "detail", "message": message });
            stderr::json(&detail.to_string());
        } else {
            stderr::line("tokctl: ", &message);
        }
    }

    fn flush(&self) {}
}

/// Shows the details that belong to `verbosity` from now on, as `json` if that is asked for.
pub(crate) fn show(verbosity: Verbosity, json: bool) {
    let level = match verbosity {
        // Costs nothing: this is the level at the start.
        Verbosity::Errors | Verbosity::Warnings | Verbosity::Status => return,
        Verbosity::Details => LevelFilter::Debug,
        Verbosity::Decisions => LevelFilter::Trace,
    };
    DETAILS.json.store(json, Ordering::Relaxed);
    // Fails only if it was set already.
    if log::set_logger(&DETAILS).is_ok() {
        log::set_max_level(level);
    }
}
