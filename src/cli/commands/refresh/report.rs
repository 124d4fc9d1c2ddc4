//! The output of `tokctl refresh --json`, and its counts.

use std::fmt;

use serde::Serialize;

use super::outcome::Done;
use crate::cli::error::CliError;
use crate::model::account::Account;

/// The number of credentials for each result.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(super) struct Tally {
    pub(super) refreshed: usize,
    pub(super) skipped: usize,
    pub(super) failed: usize,
}

impl Tally {
    pub(super) fn count(&mut self, done: &Result<Done, CliError>) {
        match done {
            Ok(Done::Refreshed { .. }) => self.refreshed += 1,
            Ok(Done::Skipped(_)) => self.skipped += 1,
            Ok(Done::NotMeant) => {}
            Err(_) => self.failed += 1,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { refreshed, skipped, failed } = self;
        write!(f, "refreshed {refreshed}, skipped {skipped}, failed {failed}")
    }
}

/// The output of `--json`.
#[derive(Serialize)]
pub(super) struct RefreshResults<'a> {
    v: u8,
    #[serde(flatten)]
    tally: Tally,
    results: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    provider: &'a str,
    user: &'a str,
    outcome: &'static str,
    error: Option<&'a str>,
}

/// The result for one credential as `--json` has it, which takes little memory.
pub(super) struct OneResult {
    outcome: &'static str,
    error: Option<Box<str>>,
}

impl OneResult {
    /// Returns what is told of `done`; `None` for a credential that was not selected.
    pub(super) fn of(done: &Result<Done, CliError>) -> Option<Self> {
        let (outcome, error) = match done {
            Ok(Done::Refreshed { .. }) => ("refreshed", None),
            Ok(Done::Skipped(_)) => ("skipped", None),
            Ok(Done::NotMeant) => return None,
            Err(error) => ("failed", Some(error.in_one_line().into_boxed_str())),
        };
        Some(Self { outcome, error })
    }
}

impl<'a> RefreshResults<'a> {
    pub(super) fn new(
        tally: Tally,
        results: impl IntoIterator<Item = (&'a Account, &'a OneResult)>,
    ) -> Self {
        let one = |(Account { provider, user }, result): (&'a Account, &'a OneResult)| One {
            provider: provider.as_str(),
            user: user.as_str(),
            outcome: result.outcome,
            error: result.error.as_deref(),
        };
        Self { v: 1, tally, results: results.into_iter().map(one).collect() }
    }
}
