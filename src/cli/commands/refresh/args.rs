//! Arguments of `tokctl refresh`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::ArgGroup;
use jiff::SignedDuration;

use crate::cli::choice::Choice;
use crate::model::duration;

/// The largest number of threads.
const MOST_JOBS: usize = 256;

/// Refresh a token now, due or not
///
/// If another process refreshes it at the same time, that counts. With `--all`, what can't be
/// refreshed is skipped, and the exit code tells the gravest single failure.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("several").args(["all", "watch"]).multiple(true)))]
#[command(after_help = "\
Examples:
  tokctl refresh jira/alice@example.com
  tokctl refresh --all --expiring-within 1h
  printf %s \"$token\" | tokctl refresh jira --if-token-is -
  tokctl refresh --watch --print-unit > ~/.config/systemd/user/tokctl.service")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) choice: Choice,

    /// Refresh all that can be; PROVIDER and `--user` narrow it
    #[arg(long)]
    pub(super) all: bool,

    /// Only tokens that end, or are due, within this time, such as 10m or 1h
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    #[arg(conflicts_with = "watch")]
    pub(super) expiring_within: Option<SignedDuration>,

    /// How many to refresh at once, up to 256
    #[arg(long, value_name = "N", default_value = "8", value_parser = jobs, requires = "several")]
    pub(super) jobs: NonZeroUsize,

    /// Only if the token on stdin is still the current one: for a script that was refused with it
    #[arg(long, value_name = "-", conflicts_with_all = ["several", "expiring_within"])]
    pub(super) if_token_is: Option<String>,

    /// Stay, and refresh all tokens before they are due
    #[arg(long, help_heading = "As a service")]
    pub(super) watch: bool,

    /// How often to look what is due
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = interval)]
    #[arg(requires = "watch", help_heading = "As a service")]
    pub(super) every: SignedDuration,

    /// Write counters here, in the text format of Prometheus
    #[arg(long, value_name = "FILE", requires = "watch", help_heading = "As a service")]
    pub(super) metrics: Option<PathBuf>,

    /// Print a systemd user unit for the service
    #[arg(long, requires = "watch", help_heading = "As a service")]
    pub(super) print_unit: bool,
}

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .ok()
        .filter(|jobs: &NonZeroUsize| jobs.get() <= MOST_JOBS)
        .ok_or_else(|| format!("it is no number from 1 to {MOST_JOBS}"))
}

fn interval(text: &str) -> Result<SignedDuration, String> {
    let every = duration::parse(text).map_err(|error| error.to_string())?;
    let sensible = SignedDuration::from_secs(1)..=SignedDuration::from_hours(24);
    if sensible.contains(&every) { Ok(every) } else { Err("it is not between 1s and 24h".into()) }
}
