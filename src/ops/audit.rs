//! Writing to the audit, reading its entries, and verifying its chain.

use std::time::Duration;

use jiff::Timestamp;

use super::error::Error;
use crate::model::audit::{Entry, Event, Settings};
pub(crate) use crate::store::VerifiedAudit;
pub(crate) use crate::store::audit::Fault;
use crate::store::{self, OpenVault, UseRecorded, Vault};

/// The time that a reader of the entries waits for a process that writes one.
const PATIENCE: Duration = Duration::from_secs(5);

/// The outcome of writing an entry to the audit.
#[derive(Debug)]
pub(crate) enum Recorded {
    Written,
    /// No audit is kept, or nothing was written to the vault since it keeps one.
    NotKept,
    /// The entry could not be written, and the configuration does not require it.
    Missed(store::Error),
}

/// Writes one use of a credential, or a change of the keys, to the audit.
///
/// Fails with [`Error::Unrecorded`] if the entry can't be written and the configuration requires it.
pub(crate) fn record(vault: &OpenVault, used: &Event<'_>) -> Result<Recorded, Error> {
    match vault.record_use(used)? {
        UseRecorded::Written => Ok(Recorded::Written),
        UseRecorded::NotKept => Ok(Recorded::NotKept),
        UseRecorded::Missed(error) => Ok(Recorded::Missed(error)),
        UseRecorded::Required(source) => Err(Error::Unrecorded { source }),
    }
}

/// Writes the current end of the audit's chain to the vault. Needed after many entries that were
/// recorded without doing so.
pub(crate) fn remember(vault: &OpenVault) -> Result<(), Error> {
    Ok(vault.seal_audit_head()?)
}

/// Returns the entries in the audit's file, oldest first, without verifying them, and the number of
/// lines that are not entries.
pub(crate) fn entries(vault: &Vault) -> Result<(Vec<Entry>, usize), Error> {
    Ok(vault.audit_entries(PATIENCE)?)
}

/// Verifies the chain of the audit's entries, and compares its end with the one in the vault.
pub(crate) fn verify(vault: &OpenVault) -> Result<VerifiedAudit, Error> {
    Ok(vault.verify_audit()?)
}

/// Begins a new audit in place of one that was tampered with. Its file is renamed.
pub(crate) fn restart(vault: &OpenVault, at: Timestamp) -> Result<(), Error> {
    Ok(vault.restart_audit(at)?)
}

/// Applies `settings` to the audit from now on.
pub(crate) fn put_in_force(vault: &OpenVault, settings: Settings) -> Result<(), Error> {
    vault.open_for_writing()?;
    vault.set_audit_settings(settings);
    Ok(vault.seal_audit_head()?)
}
