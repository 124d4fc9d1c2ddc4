//! What becomes of the provider's answer: stored in its row, or kept where it can be found.

use crate::model::account::Account;
use crate::model::attempt::Attempt;
use crate::model::credential::Credential;
use crate::ops::access_token::{Handed, hand_out};
use crate::ops::error::Error;
use crate::ops::open_vault::OpenVault;
use crate::store::journal::{self, Journal};
use crate::store::spill::Spill;
use crate::store::{attempts, credentials};

/// Commits the answer, or puts it where the next process finds it.
pub(super) fn save(
    vault: &mut OpenVault,
    account: &Account,
    credential: Credential,
    journal: &Journal,
    spill: &Spill,
    attempt: &Attempt,
) -> Result<Handed, Error> {
    match store(vault, account, &credential, journal.revision, Some(attempt)) {
        Ok(true) => Ok(hand_out(credential, true)),
        // Deleted or replaced meanwhile, by somebody who knew what they did.
        Ok(false) => Ok(hand_out(vault.expect(account)?.stored.credential, false)),
        Err(source) => {
            let (account, source) = (account.clone(), Box::new(source));
            let place = (journal.revision, &journal.attempt);
            match spill.write(vault.key(), &account, place, &credential) {
                Ok(()) => Err(Error::Spilled { account, source }),
                Err(_) => Err(Error::Lost { account, source }),
            }
        }
    }
}

/// Stores `credential` over the row at `revision`, and over no other; clears the journal, and
/// writes down how it came about. Returns whether it did.
pub(super) fn store(
    vault: &mut OpenVault,
    account: &Account,
    credential: &Credential,
    revision: u64,
    attempt: Option<&Attempt>,
) -> Result<bool, Error> {
    let (account, credential) = (account.clone(), credential.clone());
    let attempt = attempt.cloned();
    vault.write_in_group(move |transaction, key| {
        let stored = credentials::replace(transaction, key, &account, &credential, revision)?;
        if stored {
            journal::remove(transaction, &account)?;
            match &attempt {
                Some(attempt) => attempts::put(transaction, &account, attempt)?,
                None => attempts::remove(transaction, &account)?,
            }
        }
        Ok(stored)
    })
}
