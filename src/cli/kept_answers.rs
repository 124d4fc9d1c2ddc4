//! Answers to refreshes that only this machine has: each command stores them first.

use super::context::Context;
use crate::ops::Vault;
use crate::ops::shared;

/// Stores the answers that only this machine has, and says so. A failure stops no command: what this
/// is about lies sealed on the disk, and the next command tries again.
pub(crate) fn store_first(context: &Context, vault: &Vault) {
    match shared::store_kept_answers(vault) {
        Ok(stored) => {
            for account in stored {
                context.ui.status(&format!(
                    "stored the new token for `{account}` in the database: only this machine had it"
                ));
            }
        }
        Err(error) => log::debug!("an answer that this machine keeps was not stored: {error}"),
    }
}
