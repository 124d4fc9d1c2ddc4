//! The seal of a row in `credentials_2`: which one a row may have, what it covers, and what is under it.

use rusqlite::Row;

use super::clear::{BEHIND_CLEAR, covered, summary};
use super::header::Form;
use crate::model::account::Account;
use crate::model::credential::Credential;
use crate::model::summary::Summary;
use crate::store::error::Error;
use crate::store::record::Stored;
use crate::vault::plaintext;
use crate::vault::seal::{DataKey, RowSeal, SealContext};

/// The number of the column of the revision, behind [`CLEAR`](super::clear::CLEAR), and of what is
/// sealed, behind it.
pub(super) const REVISION: usize = BEHIND_CLEAR;
pub(super) const SEALED: usize = REVISION + 1;

/// The number of the first column of the evidence, behind what is sealed.
pub(super) const BEHIND_SEALED: usize = SEALED + 1;

/// Whether a row may have `seal` in a vault of `form`. A row from before all of them were sealed
/// anew was put back.
pub(super) fn belongs(seal: RowSeal, form: Form) -> bool {
    match (form, seal) {
        (Form::Sealed, RowSeal::BesideEvidence)
        | (Form::Earlier, RowSeal::Comparing | RowSeal::Covering) => true,
        (Form::Sealed, RowSeal::Comparing | RowSeal::Covering)
        | (Form::Earlier, RowSeal::BesideEvidence) => false,
    }
}

/// The credential in a row that begins with [`CLEAR`](super::clear::CLEAR), if it is the one of
/// `account`.
pub(super) fn opened(
    row: &Row<'_>,
    key: &DataKey,
    form: Form,
    account: &Account,
) -> Result<Stored, Error> {
    let tampered = || Error::Tampered { account: account.clone() };
    let revision = u64::try_from(row.get::<_, i64>(REVISION)?).map_err(|_| tampered())?;
    let sealed = row.get_ref(SEALED)?.as_blob().map_err(|_| tampered())?;
    let seal = RowSeal::of(sealed);
    if !belongs(seal, form) {
        return Err(tampered());
    }
    let credential = if seal == RowSeal::Comparing {
        let clear = summary(row).map_err(|_| tampered())?;
        let context = seal_context(seal, account, revision, &[]);
        let text = key.open(context, sealed).map_err(|_| tampered())?;
        compared(clear, &text)?.1
    } else {
        let clear = covered(row)?;
        let context = seal_context(seal, account, revision, &clear);
        let text = key.open(context, sealed).map_err(|_| tampered())?;
        parsed(&text).ok_or_else(tampered)?
    };
    Ok(Stored { credential, revision })
}

/// The credential that was under a seal.
pub(super) fn parsed(text: &[u8]) -> Option<Credential> {
    // All of it is checked for UTF-8 at once, and not each text in it.
    serde_json::from_str(str::from_utf8(text).ok()?).ok()
}

/// The credential that was under a seal that does not cover the clear copy, and its true clear copy,
/// if `clear` agrees with it.
///
/// Fails with [`Error::Tampered`] if not.
pub(super) fn compared(mut clear: Summary, text: &[u8]) -> Result<(Summary, Credential), Error> {
    let Some(credential) = parsed(text) else {
        return Err(Error::Tampered { account: clear.account });
    };
    let sealed = Summary::of(&clear.account, &credential);
    // A row from before this column was kept has nothing in it, which says nothing wrong.
    clear.login_by = clear.login_by.or(sealed.login_by);
    if clear == sealed {
        Ok((sealed, credential))
    } else {
        Err(Error::Tampered { account: clear.account })
    }
}

/// Seals a credential in `context`.
pub(in crate::store) fn seal(
    key: &DataKey,
    context: SealContext<'_>,
    credential: &Credential,
) -> Result<Vec<u8>, Error> {
    let text = plaintext::to_json(credential)
        .map_err(|_| Error::Inconsistent("a credential that can't be written down"))?;
    Ok(key.seal(context, &text)?)
}

/// The context of a row's seal of one form. `clear` are the columns that the seal covers.
pub(super) fn seal_context<'a>(
    seal: RowSeal,
    account: &'a Account,
    revision: u64,
    clear: &'a [u8],
) -> SealContext<'a> {
    let Account { provider, user } = account;
    let (provider, user) = (provider.as_str(), user.as_str());
    match seal {
        RowSeal::Comparing => SealContext::Credential { provider, user, revision },
        RowSeal::Covering => SealContext::EarlierRow { provider, user, revision, clear },
        RowSeal::BesideEvidence => SealContext::Row { provider, user, revision, clear },
    }
}
