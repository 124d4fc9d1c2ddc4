//! Writing to the audit, reading its entries, and verifying its chain.

use std::time::Duration;

use super::error::Error;
use crate::model::audit::{Entry, Settings, Use};
pub(crate) use crate::store::Verified;
pub(crate) use crate::store::audit::Fault;
use crate::store::{self, Entered, OpenVault, Vault};

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
pub(crate) fn record(vault: &OpenVault, used: &Use<'_>) -> Result<Recorded, Error> {
    match vault.enter(used)? {
        Entered::Written => Ok(Recorded::Written),
        Entered::NotKept => Ok(Recorded::NotKept),
        Entered::Missed(error) => Ok(Recorded::Missed(error)),
        Entered::Required(source) => Err(Error::Unrecorded { source }),
    }
}

/// Writes the current end of the audit's chain to the vault. Needed after many entries that were
/// recorded without doing so.
pub(crate) fn remember(vault: &OpenVault) -> Result<(), Error> {
    Ok(vault.touch_audit()?)
}

/// Returns the entries in the audit's file, oldest first, without verifying them, and the number of
/// lines that are not entries.
pub(crate) fn entries(vault: &Vault) -> Result<(Vec<Entry>, usize), Error> {
    Ok(vault.audit_entries(PATIENCE)?)
}

/// Verifies the chain of the audit's entries, and compares its end with the one in the vault.
pub(crate) fn verify(vault: &OpenVault) -> Result<Verified, Error> {
    Ok(vault.verify_audit()?)
}

/// Applies `settings` to the audit from now on.
pub(crate) fn put_in_force(vault: &OpenVault, settings: Settings) -> Result<(), Error> {
    vault.open_for_writing()?;
    vault.keep_audit_as(settings);
    Ok(vault.touch_audit()?)
}
