//! What all logins with a user's consent share: their flags, and how the browser is opened.

use std::time::{Duration, Instant};

use crate::cli::browser::Browser;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::model::duration;
use crate::untrusted::printable;

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Print the address instead of opening it
    #[arg(long, help_heading = "In the browser, or with a code")]
    pub(super) no_browser: bool,

    /// How long to wait for the person [default: 5m, or as long as a code counts]
    #[arg(long, value_name = "DURATION", value_parser = parse_wait,
        help_heading = "In the browser, or with a code")]
    pub(super) timeout: Option<Duration>,
}

impl Args {
    /// Returns whether a flag of this group was given.
    pub(super) fn is_given(&self) -> bool {
        self.no_browser || self.timeout.is_some()
    }

    /// Returns the end of the wait: after `--timeout`, or after `usual` if that was not given.
    pub(super) fn deadline(&self, usual: Duration) -> Result<Instant, CliError> {
        Instant::now().checked_add(self.timeout.unwrap_or(usual)).ok_or_else(|| {
            CliError::new(Kind::Usage, "that is too long to wait")
                .hint("give a shorter `--timeout`")
        })
    }
}

/// Opens an address in the browser; warns and returns false if that can't be started.
pub(super) fn is_opened(context: &Context, browser: &Browser, address: &url::Url) -> bool {
    match browser.open(&context.environment, address) {
        Ok(()) => true,
        Err(error) => {
            let program = printable(browser.program());
            context.ui.warning(&format!("the browser `{program}` can't be started: {error}"));
            false
        }
    }
}

/// Says that another client is registered for this login.
pub(super) fn tell_new_client(context: &Context, why: &str) {
    context.ui.status(&format!("registering another client for this login: {why}"));
}

/// Parses the duration that `--timeout` takes.
fn parse_wait(text: &str) -> Result<Duration, duration::Error> {
    duration::parse(text).map(jiff::SignedDuration::unsigned_abs)
}
