//! One more entry in the audit, and whether the audit is whole.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::audit::{self, AuditState, Findings};
use super::error::Error;
use super::open_vault::OpenVault;
use super::sqlite;
use crate::model::audit::{Action, Event, Mode, OK, Settings};

/// How long an entry waits for those of other processes: nobody is to notice it.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long an entry waits where there is no token without one.
pub(super) const LONG_PATIENCE: Duration = Duration::from_secs(5);

/// How often one process looks whether the file has grown too long.
const PRUNE_EVERY: Duration = Duration::from_secs(1);

/// Whose turn it is to write an entry, among the threads of this process; and when one of them
/// last looked how long the file is.
static TURN: Mutex<Option<Instant>> = Mutex::new(None);

/// What became of an entry.
#[derive(Debug)]
pub(crate) enum UseRecorded {
    Written,
    /// No audit is kept, or nothing was written to the vault since it keeps one.
    NotKept,
    /// It could not be written, and nobody requires it.
    Missed(Error),
    /// It could not be written, and has to be.
    Required(Error),
}

/// How far an audit is whole.
#[derive(Debug)]
pub(crate) struct VerifiedAudit {
    pub(crate) examined: Findings,
    /// How it is kept; `None` where the vault has no key for it.
    pub(crate) settings: Option<Settings>,
    /// The file.
    pub(crate) path: PathBuf,
}

impl OpenVault {
    /// Appends one use of a credential, or a change of the keys, to the audit: a line, and nothing
    /// flushed to the disk. Where the vault was written before, the file is shortened too if it has
    /// grown too long.
    pub(crate) fn record_use(&self, used: &Event<'_>) -> Result<UseRecorded, Error> {
        let Some(sealed) = self.audit()? else { return Ok(UseRecorded::NotKept) };
        let (patience, required) = match sealed.settings.mode {
            Mode::Off => return Ok(UseRecorded::NotKept),
            Mode::BestEffort => (PATIENCE, false),
            Mode::Required => (LONG_PATIENCE, true),
        };
        // Among the threads of one process nobody gives up.
        let mut looked_at = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let written = audit::append(self.file(), &sealed, used, patience);
        if self.has_written() && written.is_ok() {
            if looked_at.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
                // One that is too long does no harm, and a later write tries again.
                let _ = audit::prune(self.file(), &sealed, used.at, PATIENCE);
                *looked_at = Some(Instant::now());
            }
            if is_worth_a_commit(used) {
                let _ = self.seal_audit_head();
            }
        }
        Ok(match written {
            Ok(()) => UseRecorded::Written,
            Err(source) if required => UseRecorded::Required(source),
            Err(source) => UseRecorded::Missed(source),
        })
    }

    /// Compares the audit's file with itself and with what the vault remembers of it.
    pub(crate) fn verify_audit(&self) -> Result<VerifiedAudit, Error> {
        // First what the vault remembers: the file only ever gets ahead of it.
        let sealed = self.audit()?;
        let content = audit::read_content(self.file(), LONG_PATIENCE)?;
        let (examined, settings) = match sealed {
            Some(sealed) => (audit::examine(&content, &sealed), Some(sealed.settings)),
            None => (audit::examine_without_key(&content), None),
        };
        Ok(VerifiedAudit { examined, settings, path: self.file().audit() })
    }

    /// What the vault keeps of the audit; `None` where nothing was written since it keeps that.
    fn audit(&self) -> Result<Option<AuditState>, Error> {
        self.under_key(|key| self.file_engine().read(|view| sqlite::audit::read(view, key)))
    }
}

/// Whether the vault is to remember an entry at once: those that are rare, and made by a person.
fn is_worth_a_commit(used: &Event<'_>) -> bool {
    match used.action {
        Action::Login | Action::Delete => true,
        // Keys that could not be changed leave the vault as it was.
        Action::RotateKey | Action::AddSlot | Action::RemoveSlot => used.outcome == OK,
        // Credentials come and go many at once: see [`OpenVault::seal_audit_head`].
        Action::Import | Action::Export | Action::Get | Action::Refresh | Action::Check => false,
    }
}
