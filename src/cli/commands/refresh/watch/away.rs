//! The database of a shared vault that nobody reaches: told once, and once more when it is back.

use jiff::Timestamp;

use super::log::Log;
use super::supervisor;
use crate::cli::error::{CliError, Kind};
use crate::cli::time;
use crate::cli::ui::Verbosity;

/// The time since when the database does not answer.
#[derive(Debug, Default)]
pub(super) struct Away {
    since: Option<Timestamp>,
}

impl Away {
    /// Whether `error` says that the database does not answer, or takes no more at the moment.
    pub(super) fn is_meant(error: &CliError) -> bool {
        matches!(error.kind, Kind::VaultUnreachable | Kind::VaultBusy)
    }

    /// Logs `error`, unless it was told that the database is away.
    pub(super) fn tell(&mut self, log: &Log, error: &CliError, now: Timestamp) {
        supervisor::status(&format!("waiting for the vault: {}", error.in_one_line()));
        if self.since.is_none() {
            self.since = Some(now);
            log.line(Verbosity::Errors, "vault_away", &[("error", error.line().into())]);
        }
    }

    /// Logs that the database is back, if it was told that it is away.
    pub(super) fn end(&mut self, log: &Log, now: Timestamp) {
        if let Some(since) = self.since.take() {
            let lasted = time::length(now.duration_since(since));
            log.line(Verbosity::Status, "vault_back", &[("lasted", lasted.into())]);
        }
    }
}
