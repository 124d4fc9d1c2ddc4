//! Keeping the audit, and finding out whether it is whole.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;
use super::open_vault::OpenVault;
use crate::model::audit::{Action, Entry, Mode, OK, Settings, Use};
use crate::store::audit::{self, Examined};
use crate::store::{self, Store};

/// How long an entry waits for those of other processes: nobody is to notice it.
const PATIENCE: Duration = Duration::from_millis(20);

/// The same where there is no token without an entry.
const LONG_PATIENCE: Duration = Duration::from_secs(5);

/// How often one process looks whether the file has grown too long.
const PRUNE_EVERY: Duration = Duration::from_secs(1);

/// Whose turn it is to write an entry, among the threads of this process; and when one of them
/// last looked how long the file is.
static TURN: Mutex<Option<Instant>> = Mutex::new(None);

/// What became of an entry.
#[derive(Debug)]
pub(crate) enum Recorded {
    Written,
    /// No audit is kept, or nothing was written to the vault since it keeps one.
    NotKept,
    /// It could not be written, and nobody requires it.
    Missed(store::Error),
}

/// How far an audit is whole.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) examined: Examined,
    /// How it is kept; `None` where the vault has no key for it.
    pub(crate) settings: Option<Settings>,
    /// The file.
    pub(crate) path: PathBuf,
}

/// Writes down one use of a credential, or a change of the keys: a line appended, and nothing flushed to the disk. Where the
/// vault was written before, the file is shortened too if it has grown too long.
///
/// Fails with [`Error::Unrecorded`] where it can't be written and has to be.
pub(crate) fn record(vault: &mut OpenVault, used: &Use<'_>) -> Result<Recorded, Error> {
    let Some(sealed) = vault.audit()? else { return Ok(Recorded::NotKept) };
    let (patience, required) = match sealed.settings.mode {
        Mode::Off => return Ok(Recorded::NotKept),
        Mode::BestEffort => (PATIENCE, false),
        Mode::Required => (LONG_PATIENCE, true),
    };
    // Among the threads of one process nobody gives up.
    let mut looked_at = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let written = audit::append(vault.file(), &sealed, used, patience);
    if vault.has_written() && written.is_ok() {
        if looked_at.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
            // One that is too long does no harm, and a later write tries again.
            let _ = audit::prune(vault.file(), &sealed, used.at, PATIENCE);
            *looked_at = Some(Instant::now());
        }
        match used.action {
            // Rare, and by a person: worth a commit of its own, so that the vault remembers it.
            Action::Login | Action::Delete => drop(vault.write(|_, _| Ok(()))),
            Action::RotateKey | Action::AddSlot | Action::RemoveSlot if used.outcome == OK => {
                drop(vault.write(|_, _| Ok(())));
            }
            // Keys that could not be changed leave the vault as it was; credentials come and go many
            // at once, see [`remember`].
            Action::RotateKey
            | Action::AddSlot
            | Action::RemoveSlot
            | Action::Import
            | Action::Export
            | Action::Get
            | Action::Refresh
            | Action::Check => {}
        }
    }
    match written {
        Ok(()) => Ok(Recorded::Written),
        Err(source) if required => Err(Error::Unrecorded { source }),
        Err(source) => Ok(Recorded::Missed(source)),
    }
}

/// Makes the vault remember how far the audit reaches, after many entries that did not by themselves.
pub(crate) fn remember(vault: &mut OpenVault) -> Result<(), Error> {
    vault.write(|_, _| Ok(()))
}

/// The entries as they stand in the file, oldest first, nothing of them verified; and how many
/// lines are none.
pub(crate) fn entries(store: &Store) -> Result<(Vec<Entry>, usize), Error> {
    Ok(audit::entries(store.file(), LONG_PATIENCE)?)
}

/// Compares the file with itself and with what the vault remembers of it.
pub(crate) fn verify(vault: &mut OpenVault) -> Result<Verified, Error> {
    // First what the vault remembers: the file only ever gets ahead of it.
    let sealed = vault.audit()?;
    let content = audit::content(vault.file(), LONG_PATIENCE)?;
    let (examined, settings) = match sealed {
        Some(sealed) => (audit::examine(&content, &sealed), Some(sealed.settings)),
        None => (audit::examine_without_key(&content), None),
    };
    Ok(Verified { examined, settings, path: vault.file().audit() })
}

/// Keeps the audit as `settings` say from now on.
pub(crate) fn put_in_force(vault: &mut OpenVault, settings: Settings) -> Result<(), Error> {
    vault.open_for_writing()?;
    vault.keep_audit_as(settings);
    vault.write(|_, _| Ok(()))
}
