//! One credential of an open vault, where there has to be one.

use super::error::Error;
use crate::model::account::Account;
use crate::store::{OpenVault, Row};

/// Reads the credential of `account`, with the journal of its refresh.
pub(crate) fn expect(vault: &OpenVault, account: &Account) -> Result<Row, Error> {
    vault.read(account)?.ok_or_else(|| Error::NoCredential { account: account.clone() })
}

/// Reads the credential of `account`, with the answer of a process that could not store it.
/// Whoever calls has a turn that keeps refreshes away.
pub(super) fn expect_whole(vault: &OpenVault, account: &Account) -> Result<Row, Error> {
    let row = expect(vault, account)?;
    if vault.adopt_spill(account, &row)? { expect(vault, account) } else { Ok(row) }
}

/// The error that `account` was handed over, with whether a bundle waits to be put in place.
pub(crate) fn handed_over(vault: &OpenVault, account: &Account) -> Error {
    let unplaced = vault.unplaced_bundle_since().is_ok_and(|since| since.is_some());
    Error::HandedOver { account: account.clone(), unplaced }
}
