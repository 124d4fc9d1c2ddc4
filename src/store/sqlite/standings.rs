//! The table `standings`: what was last told of a credential's health, where it is not good.

use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::model::account::Account;
use crate::model::credential_health::CredentialHealth;
use crate::store::error::Error;

/// The health that was last told of one credential. A word that can't be read counts as nothing told.
pub(crate) fn read(connection: &Connection, account: &Account) -> Result<CredentialHealth, Error> {
    let told: Option<Option<String>> = connection
        .prepare_cached("SELECT told FROM standings WHERE provider = ?1 AND user = ?2")?
        .query_row((account.provider.as_str(), account.user.as_str()), |row| Ok(row.get(0).ok()))
        .optional()?;
    Ok(told.flatten().and_then(|told| from_word(&told)).unwrap_or(CredentialHealth::Good))
}

/// Writes down the health that was told of one credential.
pub(crate) fn put(
    transaction: &Transaction<'_>,
    account: &Account,
    told: CredentialHealth,
) -> Result<(), Error> {
    if told == CredentialHealth::Good {
        return remove(transaction, account);
    }
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO standings (provider, user, told) VALUES (?1, ?2, ?3)",
        )?
        .execute((account.provider.as_str(), account.user.as_str(), word(told)))?;
    Ok(())
}

/// The word in the column `told`.
fn word(told: CredentialHealth) -> &'static str {
    match told {
        CredentialHealth::Good => "good",
        CredentialHealth::RefreshFailed => "refresh_failed",
        CredentialHealth::LoginRequired => "login_required",
    }
}

fn from_word(found: &str) -> Option<CredentialHealth> {
    [CredentialHealth::Good, CredentialHealth::RefreshFailed, CredentialHealth::LoginRequired]
        .into_iter()
        .find(|told| word(*told) == found)
}

/// Forgets the health that was told of one credential.
pub(super) fn remove(transaction: &Transaction<'_>, account: &Account) -> Result<(), Error> {
    transaction
        .prepare_cached("DELETE FROM standings WHERE provider = ?1 AND user = ?2")?
        .execute((account.provider.as_str(), account.user.as_str()))?;
    Ok(())
}
