//! Reading one credential that has to exist.

use super::error::Error;
#[cfg(feature = "postgres")]
use super::shared;
use crate::model::account::Account;
use crate::model::credential::Credential;
use crate::store::{Adopted, OpenVault, Row};

/// Reads the credential of `account`, with the journal of an unfinished refresh. Fails with
/// [`Error::NoCredential`] if there is none.
pub(crate) fn expect(vault: &OpenVault, account: &Account) -> Result<Row, Error> {
    let mut row =
        vault.read(account)?.ok_or_else(|| Error::NoCredential { account: account.clone() })?;
    row.stored.credential = row.stored.credential.with_status_of_today();
    Ok(row)
}

/// Reads the credential of `account` after storing the answer in its spill file, if there is one.
/// The caller holds a lock that keeps refreshes away. Fails with [`Error::NoCredential`] if there
/// is no credential.
pub(super) fn expect_whole(vault: &OpenVault, account: &Account) -> Result<Row, Error> {
    let row = expect(vault, account)?;
    match vault.adopt_spill(account, &row)? {
        Adopted::Nothing => Ok(row),
        Adopted::Stored | Adopted::StoredAgain => expect(vault, account),
    }
}

/// Returns [`Error::HandedOver`] for `account`, whose `credential` has that status, with whether the
/// vault keeps a bundle of this member that may not have reached its target.
pub(crate) fn handed_over(vault: &OpenVault, account: &Account, credential: &Credential) -> Error {
    let moved_by = other_mover(vault, credential).unwrap_or_default();
    let unplaced =
        moved_by.is_none() && vault.unplaced_bundle_since().is_ok_and(|since| since.is_some());
    let moved_to = credential.moved_to.clone();
    Error::HandedOver { account: account.clone(), moved_to, moved_by, unplaced }
}

/// Returns the label of the member of a shared vault who moved `credential` out, if that is another one
/// than this.
#[cfg(feature = "postgres")]
pub(super) fn other_mover(
    vault: &OpenVault,
    credential: &Credential,
) -> Result<Option<String>, Error> {
    let Some(way) = credential.moved_out.as_ref().filter(|_| vault.is_shared()) else {
        return Ok(None);
    };
    if shared::own_id(vault)?.hex() == way.by {
        return Ok(None);
    }
    Ok(shared::label_of(&shared::roster(vault)?, &way.by).map(ToString::to_string))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unnecessary_wraps, reason = "of shared vaults")]
pub(super) fn other_mover(_: &OpenVault, _: &Credential) -> Result<Option<String>, Error> {
    Ok(None)
}
