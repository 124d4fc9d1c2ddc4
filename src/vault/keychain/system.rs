//! The keychain of a system other than Linux: macOS Keychain Services, Windows Credential Manager.
//!
//! These systems don't tell beforehand whether the keychain is locked. Only the time limit ends a
//! prompt that nobody answers. Where no prompt may appear, macOS is told so; Windows shows none.

use keyring::v1::{Entry, Error as Failure};
#[cfg(target_os = "macos")]
use security_framework::os::macos::keychain::{KeychainUserInteractionLock, SecKeychain};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::bounded::within;
use super::entry::{Deleted, EntryName, Patience, SERVICE, Trial};
use super::error::Error;

/// Returns the text of the entry of this name: here there is one at most.
pub(super) fn read(
    name: &EntryName,
    patience: &Patience,
) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
    call(patience, name, |entry| entry.get_password().map(|text| vec![Zeroizing::new(text.into())]))
}

/// Does nothing: these keychains tell only with the first entry whether they take one.
#[expect(clippy::unnecessary_wraps, reason = "other systems' keychains can fail here")]
pub(super) fn prepare(_patience: &Patience) -> Result<(), Error> {
    Ok(())
}

/// Creates an entry and reads it back. What reads back as something else is deleted again.
pub(super) fn create(name: &EntryName, text: &str, patience: &Patience) -> Result<(), Error> {
    let text = Zeroizing::new(text.to_owned());
    call(patience, name, move |entry| {
        match entry.get_password() {
            Ok(present) => {
                drop(Zeroizing::new(present));
                return Ok(Err(Error::Exists));
            }
            Err(Failure::NoEntry) => entry.set_password(&text)?,
            Err(failure) => return Err(failure),
        }
        let kept = Zeroizing::new(entry.get_password()?);
        if bool::from(kept.as_bytes().ct_eq(text.as_bytes())) {
            return Ok(Ok(()));
        }
        let _ = entry.delete_credential();
        Ok(Err(Error::Mismatch))
    })?
}

/// Creates an entry, reads it back and deletes it.
pub(super) fn try_out(name: &EntryName, text: &str, patience: &Patience) -> Result<Trial, Error> {
    create(name, text, patience)?;
    let deleted = delete(name, patience).is_ok();
    let gone = deleted && matches!(read(name, patience), Err(Error::Missing { .. }));
    Ok(if gone { Trial::Works } else { Trial::KeepsDeleted })
}

pub(super) fn delete(name: &EntryName, patience: &Patience) -> Result<Deleted, Error> {
    call(patience, name, Entry::delete_credential)?;
    Ok(Deleted { count: 1, in_recycle_bin: false })
}

/// Always `None`: these keychains can only be searched by the exact name.
#[expect(clippy::unnecessary_wraps, reason = "other systems' keychains can fail here")]
pub(super) fn entries(_patience: &Patience) -> Result<Option<Vec<String>>, Error> {
    Ok(None)
}

#[expect(clippy::unnecessary_wraps, reason = "other systems' keychains can fail here")]
pub(super) fn keeper(_patience: &Patience) -> Result<Option<String>, Error> {
    Ok(Some(if cfg!(target_os = "macos") { "macOS Keychain" } else { "the system" }.to_owned()))
}

fn call<T: Send + 'static>(
    patience: &Patience,
    name: &EntryName,
    work: impl FnOnce(&Entry) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Error> {
    let (name, may_prompt) = (name.clone(), patience.may_prompt);
    within(patience, move || {
        let _quiet = if may_prompt { None } else { Some(without_prompts()?) };
        Entry::new(SERVICE, name.as_str()).and_then(|entry| work(&entry)).map_err(explain)
    })
}

/// Keeps the keychain from asking, as long as the returned guard lives: what is locked is an error
/// then.
#[cfg(target_os = "macos")]
fn without_prompts() -> Result<KeychainUserInteractionLock, Error> {
    SecKeychain::disable_user_interaction().map_err(|error| Error::Other(error.to_string()))
}

/// Does nothing, since these keychains never ask.
#[cfg(not(target_os = "macos"))]
#[expect(clippy::unnecessary_wraps, reason = "macOS can refuse it")]
fn without_prompts() -> Result<(), Error> {
    Ok(())
}

fn explain(failure: Failure) -> Error {
    match failure {
        Failure::NoEntry => Error::Missing { keeper: None },
        Failure::NoStorageAccess(_) => Error::Locked,
        Failure::NoDefaultStore => Error::no_service(&failure),
        // These two errors carry the stored bytes, which are wiped here.
        Failure::BadEncoding(bytes) | Failure::BadDataFormat(bytes, _) => {
            drop(Zeroizing::new(bytes));
            Error::Malformed
        }
        // The library's list of failures may grow.
        other => Error::Other(other.to_string()),
    }
}
