//! Flags that all logins with a user's consent share.

use std::time::{Duration, Instant};

use crate::cli::error::{CliError, Kind};
use crate::model::duration;

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

/// Parses the duration that `--timeout` takes.
fn parse_wait(text: &str) -> Result<Duration, duration::Error> {
    duration::parse(text).map(jiff::SignedDuration::unsigned_abs)
}
