//! The keychain of macOS: generic passwords in the user's own keychain file, as a rule `login`.
//!
//! What lies in that file does not roam: iCloud synchronises another keychain, which only programs
//! with an entitlement can write to. A locked keychain asks its question within the call, so only the
//! time limit ends a question that nobody answers. Where nobody can answer, the system is told to ask
//! nothing.

use std::collections::HashMap;
use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;
use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error as Failure};
use security_framework::os::macos::keychain::{KeychainUserInteractionLock, SecKeychain};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::bounded::within;
use super::entry::{Deleted, EntryName, Patience, SERVICE, Trial};
use super::error::Error;

/// The name of this keychain.
const KEEPER: &str = "macOS Keychain";

/// The codes of Keychain Services for a question that the user declined, for one that nobody could be
/// asked, and for a wrong password of the keychain (`userCanceledErr`, `errSecInteractionNotAllowed`,
/// `errSecAuthFailed`).
const DECLINED: i32 = -128;
const NOBODY_TO_ASK: i32 = -25_308;
const WRONG_PASSWORD: i32 = -25_293;

/// Returns the text of the entry of this name: here there is one at most.
pub(super) fn read(
    name: &EntryName,
    patience: &Patience,
) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
    let name = name.clone();
    connected(patience, move |store| {
        let text = entry(store, &name)?.get_secret().map_err(explain)?;
        Ok(vec![Zeroizing::new(text)])
    })
}

/// Does nothing: this keychain tells only with the first entry whether it takes one.
#[expect(clippy::unnecessary_wraps, reason = "other systems' keychains can fail here")]
pub(super) fn prepare(_patience: &Patience) -> Result<(), Error> {
    Ok(())
}

/// Creates an entry and reads it back. What reads back as something else is deleted again.
pub(super) fn create(name: &EntryName, text: &str, patience: &Patience) -> Result<(), Error> {
    let name = name.clone();
    let text = Zeroizing::new(text.to_owned());
    connected(patience, move |store| put(store, &name, &text).map(drop))
}

/// Creates an entry, reads it back and deletes it.
pub(super) fn try_out(name: &EntryName, text: &str, patience: &Patience) -> Result<Trial, Error> {
    let name = name.clone();
    let text = Zeroizing::new(text.to_owned());
    connected(patience, move |store| {
        let deleted = put(store, &name, &text)?.delete_credential().is_ok();
        let gone = deleted && names(store, Some(&name))?.is_empty();
        Ok(if gone { Trial::Works } else { Trial::KeepsDeleted })
    })
}

pub(super) fn delete(name: &EntryName, patience: &Patience) -> Result<Deleted, Error> {
    let name = name.clone();
    connected(patience, move |store| {
        entry(store, &name)?.delete_credential().map_err(explain)?;
        Ok(Deleted { count: 1, in_recycle_bin: false })
    })
}

pub(super) fn entries(patience: &Patience) -> Result<Vec<String>, Error> {
    connected(patience, |store| names(store, None))
}

#[expect(clippy::unnecessary_wraps, reason = "other systems' keychains can fail here")]
pub(super) fn keeper(_patience: &Patience) -> Result<Option<String>, Error> {
    Ok(Some(KEEPER.to_owned()))
}

/// Does `work` on the user's keychain, within the patience, and without a question to anybody where
/// none may appear.
fn connected<T: Send + 'static>(
    patience: &Patience,
    work: impl FnOnce(&Arc<Store>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let may_prompt = patience.may_prompt;
    within(patience, move || {
        let _quiet = if may_prompt { None } else { Some(without_prompts()?) };
        work(&Store::new().map_err(explain)?)
    })
}

/// Keeps the keychain from asking, as long as the returned guard lives.
fn without_prompts() -> Result<KeychainUserInteractionLock, Error> {
    SecKeychain::disable_user_interaction().map_err(|error| Error::Other(error.to_string()))
}

fn entry(store: &Arc<Store>, name: &EntryName) -> Result<Entry, Error> {
    store.build(SERVICE, name.as_str(), None).map_err(explain)
}

/// Returns the names of tokctl's entries, in order: of all, or of the one with this name.
fn names(store: &Arc<Store>, name: Option<&EntryName>) -> Result<Vec<String>, Error> {
    let mut wanted = HashMap::from([("service", SERVICE)]);
    wanted.extend(name.map(|name| ("user", name.as_str())));
    let found = store.search(&wanted).map_err(explain)?;
    let mut names: Vec<String> =
        found.iter().filter_map(Entry::get_specifiers).map(|(_, name)| name).collect();
    names.sort();
    Ok(names)
}

fn put(store: &Arc<Store>, name: &EntryName, text: &str) -> Result<Entry, Error> {
    // The library would overwrite it.
    if !names(store, Some(name))?.is_empty() {
        return Err(Error::Exists);
    }
    let entry = entry(store, name)?;
    entry.set_secret(text.as_bytes()).map_err(explain)?;
    let kept = entry.get_secret().map(Zeroizing::new);
    if kept.as_ref().is_ok_and(|kept| bool::from(kept.ct_eq(text.as_bytes()))) {
        return Ok(entry);
    }
    // Nothing depends on it yet.
    let _ = entry.delete_credential();
    Err(kept.err().map_or(Error::Mismatch, explain))
}

fn explain(failure: Failure) -> Error {
    match failure {
        Failure::NoEntry => Error::Missing { keeper: Some(KEEPER.to_owned()) },
        Failure::NoStorageAccess(_) => Error::Locked,
        Failure::PlatformFailure(ref source) => match source.downcast_ref() {
            Some(error) => {
                explain_code(*error).unwrap_or_else(|| Error::Other(failure.to_string()))
            }
            None => Error::Other(failure.to_string()),
        },
        // These two errors carry the stored bytes, which are wiped here.
        Failure::BadEncoding(bytes) | Failure::BadDataFormat(bytes, _) => {
            drop(Zeroizing::new(bytes));
            Error::Malformed
        }
        // The library's list of failures may grow.
        other => Error::Other(other.to_string()),
    }
}

/// Returns what a failure of Keychain Services means, if that is known.
fn explain_code(error: security_framework::base::Error) -> Option<Error> {
    match error.code() {
        DECLINED => Some(Error::Confirms { keeper: Some(KEEPER.to_owned()) }),
        NOBODY_TO_ASK | WRONG_PASSWORD => Some(Error::Locked),
        _ => None,
    }
}
