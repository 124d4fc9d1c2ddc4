//! One look after the other: none takes for ever, and a long one says what it is about.

use std::time::Duration;

use super::remedy::row_of;
use super::row::{Row, Verdict};
use super::words;
use crate::bounded::{self, Unfinished};
use crate::cli::context::Context;
use crate::ops;
use crate::ops::doctor::{Check, Finding};

/// A look has this long. Opening 100,000 credentials takes seconds.
const LIMIT: Duration = Duration::from_mins(1);

/// The looks so far.
pub(super) struct Rounds<'a> {
    pub(super) context: &'a Context,
    pub(super) rows: Vec<Row>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, rows: Vec::new() }
    }

    pub(super) fn add(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.rows.extend(rows);
    }

    /// Does `work` for `check`; gives it up after a minute, says so, and returns nothing.
    pub(super) fn bounded<T: Send + 'static>(
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

    /// Looks at `subject`, and returns it unless the look was given up.
    pub(super) fn look_at<S: Send + 'static>(
        &mut self,
        check: Check,
        mut subject: S,
        look: impl FnOnce(&mut S) -> Result<Vec<Finding>, ops::Error> + Send + 'static,
    ) -> Option<S> {
        let (subject, findings) = self.bounded(check, move || {
            let findings = look(&mut subject);
            (subject, findings)
        })?;
        let findings = findings.unwrap_or_else(|error| vec![Finding::failure(check, error)]);
        self.add(findings.into_iter().map(row_of));
        Some(subject)
    }
}
