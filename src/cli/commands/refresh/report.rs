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
    error: Option<String>,
}

impl<'a> RefreshResults<'a> {
    pub(super) fn new(
        outcomes: impl IntoIterator<Item = (&'a Account, &'a Result<Done, CliError>)>,
    ) -> Self {
        let (mut tally, mut results) = (Tally::default(), Vec::new());
        for (account, done) in outcomes {
            let (outcome, error) = match done {
                Ok(Done::Refreshed { .. }) => ("refreshed", None),
                Ok(Done::Skipped(_)) => ("skipped", None),
                Ok(Done::NotMeant) => continue,
                Err(error) => ("failed", Some(error.in_one_line())),
            };
            tally.count(done);
            let Account { provider, user } = account;
            let (provider, user) = (provider.as_str(), user.as_str());
            results.push(One { provider, user, outcome, error });
        }
        Self { v: 1, tally, results }
    }
}
