//! Telling once, among all processes, that a credential's standing changed.

use super::error::Error;
use super::open_vault::OpenVault;
use crate::model::account::Account;
use crate::model::credential_health::CredentialHealth;
use crate::store::standings;

/// Takes down how `account` stands now, and returns what this caller, and no other, has to tell.
pub(crate) fn note(
    vault: &mut OpenVault,
    account: &Account,
    now: CredentialHealth,
) -> Result<Option<CredentialHealth>, Error> {
    // Nearly always there is nothing to write.
    let told = vault.look(|connection| standings::read(connection, account))?;
    if now.told_after(told) == told {
        return Ok(None);
    }
    vault.write(|transaction, _| {
        let told = standings::read(transaction, account)?;
        standings::put(transaction, account, now.told_after(told))?;
        Ok(now.news(told))
    })
}
