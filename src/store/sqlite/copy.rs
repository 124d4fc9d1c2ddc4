//! A copy of the vault, and what must not go along into it.

use std::path::Path;

use super::connection::{self, READ_WRITE};
use super::foreign;
use super::schema::{self, CURRENT, Version};
use crate::store::error::Error;
use crate::store::file::VaultFile;

/// Makes the file at `path`, which SQLite copied from a vault, a vault of its own.
///
/// The audit's file stays where it is, so the copy begins one of its own. The keychain's entries
/// that the copied vault means to delete are none of the copy's business: one may be this vault's
/// own by then. What tokctl did not make does not go along either.
pub(super) fn finish(path: &Path) -> Result<(), Error> {
    let copy = connection::open(path, READ_WRITE)?;
    copy.execute_batch("PRAGMA journal_mode = MEMORY")?;
    let Version::Known(version) = schema::version(&copy)? else { return Ok(()) };
    foreign::drop_from(&copy, &VaultFile::locate(path)?)?;
    Ok(copy.execute_batch(if version < CURRENT {
        "DELETE FROM audit; DELETE FROM intents"
    } else {
        "UPDATE vault_2 SET copied_at = unixepoch(); DELETE FROM intents_2"
    })?)
}
