//! The thread of the service that stores what only this machine has.
//!
//! An answer that the database of a shared vault could not take is stored within a second of the
//! moment when it can: until then nobody else has the token.

use std::io;
use std::thread::{self, Builder, Scope};
use std::time::Duration;

use super::log::Log;
use crate::cli::ui::Verbosity;
use crate::ops::{OpenVault, Opener, shared};

/// The pause between two looks.
const EACH: Duration = Duration::from_secs(1);

/// Starts the thread, if `opener` is of a shared vault. It ends with the process.
pub(super) fn start<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    opener: &'env Opener,
    log: Log,
) -> io::Result<()> {
    if !opener.is_shared() {
        return Ok(());
    }
    let work = move || {
        let Ok(vault) = opener.open() else { return };
        loop {
            thread::sleep(EACH);
            store(&vault, &log);
        }
    };
    Builder::new().spawn_scoped(scope, work).map(drop)
}

fn store(vault: &OpenVault, log: &Log) {
    if !vault.has_waiting_answers() {
        return;
    }
    match shared::store_kept_answers(vault) {
        Ok(stored) => {
            for account in stored {
                let facts = [
                    ("provider", account.provider.as_str().into()),
                    ("user", account.user.as_str().into()),
                ];
                log.line(Verbosity::Status, "stored", &facts);
            }
        }
        Err(error) => log::debug!("an answer that this machine keeps was not stored: {error}"),
    }
}
