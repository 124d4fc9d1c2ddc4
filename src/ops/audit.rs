//! Keeping the audit, and finding out whether it is whole.

use std::time::Duration;

use super::error::Error;
use crate::model::audit::{Entry, Event, Settings};
pub(crate) use crate::store::VerifiedAudit;
pub(crate) use crate::store::audit::Fault;
use crate::store::{self, OpenVault, UseRecorded, Vault};

/// How long whoever reads the entries waits for somebody who writes one.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of an entry.
#[derive(Debug)]
pub(crate) enum Recorded {
    Written,
    /// No audit is kept, or nothing was written to the vault since it keeps one.
    NotKept,
    /// It could not be written, and nobody requires it.
    Missed(store::Error),
}

/// Writes down one use of a credential, or a change of the keys.
///
/// Fails with [`Error::Unrecorded`] where it can't be written and has to be.
pub(crate) fn record(vault: &OpenVault, used: &Event<'_>) -> Result<Recorded, Error> {
    match vault.record_use(used)? {
        UseRecorded::Written => Ok(Recorded::Written),
        UseRecorded::NotKept => Ok(Recorded::NotKept),
        UseRecorded::Missed(error) => Ok(Recorded::Missed(error)),
        UseRecorded::Required(source) => Err(Error::Unrecorded { source }),
    }
}

/// Makes the vault remember how far the audit reaches, after many entries that did not by themselves.
pub(crate) fn remember(vault: &OpenVault) -> Result<(), Error> {
    Ok(vault.seal_audit_head()?)
}

/// The entries as they stand in the file, oldest first, nothing of them verified; and how many
/// lines are none.
pub(crate) fn entries(vault: &Vault) -> Result<(Vec<Entry>, usize), Error> {
    Ok(vault.audit_entries(PATIENCE)?)
}

/// Compares the file with itself and with what the vault remembers of it.
pub(crate) fn verify(vault: &OpenVault) -> Result<VerifiedAudit, Error> {
    Ok(vault.verify_audit()?)
}

/// Keeps the audit as `settings` say from now on.
pub(crate) fn put_in_force(vault: &OpenVault, settings: Settings) -> Result<(), Error> {
    vault.open_for_writing()?;
    vault.set_audit_settings(settings);
    Ok(vault.seal_audit_head()?)
}
