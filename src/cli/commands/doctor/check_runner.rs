//! Checks that run one after the other, each with a time limit and a spinner.

use std::time::Duration;

use super::remedy::row_of;
use super::row::{Row, Verdict};
use super::words;
use crate::bounded::{self, Unfinished};
use crate::cli::context::Context;
use crate::ops;
use crate::ops::doctor::{Check, Finding};

/// The time limit of a check. Opening 100,000 credentials takes seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// The results of the checks so far.
pub(super) struct CheckRunner<'a> {
    pub(super) context: &'a Context,
    pub(super) rows: Vec<Row>,
}

impl<'a> CheckRunner<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, rows: Vec::new() }
    }

    pub(super) fn add(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.rows.extend(rows);
    }

    /// Runs `work` for `check` and returns its result.
    ///
    /// Work that takes longer than a minute is abandoned: a row of the report says so, and the
    /// result is `None`.
    pub(super) fn run<T: Send + 'static>(
        &mut self,
        check: Check,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let doing = words::doing(check);
        let done = self.context.ui.while_waiting(doing, || bounded::within(LIMIT, work));
        let message = match done {
            Ok(done) => return Some(done),
            Err(Unfinished::TimedOut) => {
                format!("it took longer than {} s, and was given up", LIMIT.as_secs())
            }
            Err(Unfinished::BrokeOff) => "the look broke off".to_owned(),
        };
        self.rows.push(Row::new(check, Verdict::Unknown, message));
        None
    }

    /// Runs a check on `subject` and returns `subject`, or `None` if the check was abandoned.
    pub(super) fn run_on<S: Send + 'static>(
        &mut self,
        check: Check,
        mut subject: S,
        look: impl FnOnce(&mut S) -> Result<Vec<Finding>, ops::Error> + Send + 'static,
    ) -> Option<S> {
        let (subject, findings) = self.run(check, move || {
            let findings = look(&mut subject);
            (subject, findings)
        })?;
        let findings = findings.unwrap_or_else(|error| vec![Finding::failure(check, error)]);
        self.add(findings.into_iter().map(row_of));
        Some(subject)
    }
}
