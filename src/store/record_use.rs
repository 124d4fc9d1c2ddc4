//! The audit of an unlocked vault: appending an entry, and verifying the whole file.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::audit::{self, AuditState, Fault, Findings};
use super::engine::Engine;
use super::error::Error;
use super::open_vault::OpenVault;
use super::sqlite::{Origin, Seen, header};
use crate::model::audit::{Action, Event, Mode, OK, Settings};

/// The longest time that an entry waits for those of other processes, too short to be noticed.
const TIMEOUT: Duration = Duration::from_millis(20);

/// The longest time that an entry waits in the mode `required`, where no token is handed out
/// without an entry.
const LONG_TIMEOUT: Duration = Duration::from_secs(5);

/// The interval at which one process checks whether the file has grown too long.
const PRUNE_EVERY: Duration = Duration::from_secs(1);

/// The lock under which the threads of this process write entries, with the time of the last check
/// of the file's length.
static ENTRY_LOCK: Mutex<Option<Instant>> = Mutex::new(None);

/// The outcome of [`OpenVault::record_use`].
#[derive(Debug)]
pub(crate) enum UseRecorded {
    Written,
    /// No entry was written: the audit is off, or the vault has no key for it yet.
    NotKept,
    /// The entry could not be written, and the settings do not require it.
    Missed(Error),
    /// The entry could not be written, and the settings require it.
    Required(Error),
}

/// The result of verifying an audit.
#[derive(Debug)]
pub(crate) struct VerifiedAudit {
    pub(crate) examined: Findings,
    /// The audit's settings; `None` if the vault has no key for it.
    pub(crate) settings: Option<Settings>,
    /// The path of the audit's file.
    pub(crate) path: PathBuf,
    /// The time of the backup, if the vault is a copy that nothing was written to since: it
    /// remembers no entry.
    pub(crate) copied_at: Option<Timestamp>,
}

/// Whether the audit's file beside a vault is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provenance {
    /// The vault was written to where it is.
    Original,
    /// A backup wrote the vault, and nothing was written to it since.
    Copy,
}

impl OpenVault {
    /// Appends one use of a credential, or a change of the keys, to the audit, without flushing it
    /// to the disk. A process that has written to the vault also prunes a file that is too long.
    pub(crate) fn record_use(&self, event: &Event<'_>) -> Result<UseRecorded, Error> {
        let Some(state) = self.audit()? else { return Ok(UseRecorded::NotKept) };
        let (timeout, required) = match state.settings.mode {
            Mode::Off => return Ok(UseRecorded::NotKept),
            Mode::BestEffort => (TIMEOUT, false),
            Mode::Required => (LONG_TIMEOUT, true),
        };
        // A thread waits for the others without a limit: each holds the lock only briefly.
        let mut last_check = ENTRY_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let written = audit::append(self.file(), &state, event, timeout);
        if self.has_written() && written.is_ok() {
            if last_check.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
                // A file that is too long does no harm, and a later write tries again.
                let _ = audit::prune(self.file(), &state, event.at, TIMEOUT);
                *last_check = Some(Instant::now());
            }
            if is_worth_a_commit(event) {
                let _ = self.seal_audit_head();
            }
        }
        Ok(match written {
            Ok(()) => UseRecorded::Written,
            Err(cut @ Error::AuditCut) => return Err(cut),
            Err(source) if required => UseRecorded::Required(source),
            Err(source) => UseRecorded::Missed(source),
        })
    }

    /// Verifies the audit's file: the chain of its lines, and the head that the vault remembers.
    pub(crate) fn verify_audit(&self) -> Result<VerifiedAudit, Error> {
        // The vault is read first, since the file is only ever ahead of the vault.
        let (state, provenance) = self.audit_of_file()?;
        let content = audit::read_content(self.file(), LONG_TIMEOUT)?;
        let (mut examined, settings) = match state {
            Some(state) => (audit::examine(&content, &state), Some(state.settings)),
            None => (audit::examine_without_key(&content), None),
        };
        let copied_at = match self.engine() {
            Engine::Sqlite(file) => file.read(header::copied_at)?,
            #[cfg(feature = "postgres")]
            Engine::Server(_) => None,
        };
        let copied_at = copied_at.filter(|_| provenance == Provenance::Copy);
        if self.is_put_back()? {
            examined.faults.insert(0, Fault::PutBack);
        }
        Ok(VerifiedAudit { examined, settings, path: self.file().audit(), copied_at })
    }

    /// Whether this machine wrote a later vault at this place: then no more can be said of the audit
    /// than that vault and audit may have been put back together.
    fn is_put_back(&self) -> Result<bool, Error> {
        let file = match self.engine() {
            Engine::Sqlite(file) => file,
            // No audit lies beside a shared vault itself.
            #[cfg(feature = "postgres")]
            Engine::Server(_) => return Ok(false),
        };
        let is_earlier = || {
            self.under_key(|key| {
                let counter = file.read(|view| header::counter(view, key))?;
                let seen = Seen::of(self.watermarks(), key.vault);
                Ok(seen.origin(self.location(), counter) == Origin::Earlier)
            })
        };
        if !is_earlier()? {
            return Ok(false);
        }
        // What another process wrote since this view of the vault was taken is no later one.
        self.look_again()?;
        is_earlier()
    }

    /// Begins a new audit in place of one that was tampered with, whose file is renamed.
    pub(crate) fn restart_audit(&self, at: Timestamp) -> Result<(), Error> {
        match self.audit()? {
            Some(state) => audit::restart(self.file(), &state, at, LONG_TIMEOUT),
            None => Ok(()),
        }
    }

    /// Reads what the vault keeps of the audit; `None` if nothing was written since it keeps that.
    fn audit(&self) -> Result<Option<AuditState>, Error> {
        Ok(self.audit_of_file()?.0)
    }

    /// Reads what the vault keeps of the audit, and what the vault is. A mark that says that it is a
    /// copy counts for nothing where this machine wrote this very vault.
    fn audit_of_file(&self) -> Result<(Option<AuditState>, Provenance), Error> {
        let file = match self.engine() {
            Engine::Sqlite(file) => file,
            #[cfg(feature = "postgres")]
            Engine::Server(server) => {
                let state = AuditState::of_machine(server.machine_key(), self.audit_settings());
                return Ok((Some(state), Provenance::Original));
            }
        };
        self.under_key(|key| {
            let (_, contents, is_marked) = file.read(|view| header::open_marked(view, key))?;
            let origin =
                || Seen::of(self.watermarks(), key.vault).origin(self.location(), contents.counter);
            let provenance = match is_marked.then(origin) {
                None | Some(Origin::Here) => Provenance::Original,
                Some(Origin::Earlier | Origin::Unknown) => Provenance::Copy,
            };
            let audit = match provenance {
                Provenance::Original => contents.audit,
                Provenance::Copy => contents.audit.map(AuditState::of_a_copy),
            };
            Ok((audit, provenance))
        })
    }
}

/// Whether the vault should remember an entry at once, which costs a commit: only for rare entries
/// that a person causes.
fn is_worth_a_commit(event: &Event<'_>) -> bool {
    match event.action {
        Action::Login | Action::Delete => true,
        // A failed change of keys leaves the vault as it was.
        Action::RotateKey
        | Action::AddSlot
        | Action::RemoveSlot
        | Action::AddMember
        | Action::RemoveMember
        | Action::SetRole => event.outcome == OK,
        // Import and export touch many credentials: see [`OpenVault::seal_audit_head`].
        Action::Repair
        | Action::Import
        | Action::Export
        | Action::Get
        | Action::Refresh
        | Action::Check => false,
    }
}
