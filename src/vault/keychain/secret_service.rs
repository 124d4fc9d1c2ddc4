//! The keychain of a free desktop (freedesktop.org Secret Service API 0.2): GNOME Keyring,
//! KWallet, KeePassXC.
//!
//! The session is plain. Encryption between tokctl and the service would hide the secret only from
//! programs that listen on this user's bus, and those could ask for the secret themselves.

use std::collections::HashMap;

use secret_service::Error as Failure;
use secret_service::blocking::{Collection, Item};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::bounded::within;
use super::bus::{Bus, explain};
use super::entry::{Deleted, EntryName, Patience, SERVICE, Trial};
use super::error::Error;
use super::prompts::Asking;
use super::session_lock::SessionLock;

/// Returns the texts of all entries of this name: a person, or a keychain that synchronises with
/// another, can make a second one.
pub(super) fn read(
    name: &EntryName,
    patience: &Patience,
) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
    let name = name.clone();
    connected(patience, move |mut asking| {
        let items = find(&mut asking, &name)?;
        items.iter().map(|item| item.get_secret().map(Zeroizing::new).map_err(explain)).collect()
    })
}

/// Opens the collection that a new entry goes to.
pub(super) fn prepare(patience: &Patience) -> Result<(), Error> {
    connected(patience, |mut asking| open_collection(&mut asking).map(drop))
}

/// Creates an entry and reads it back: a connection may read what it made, without asking anybody.
/// What can't be read back, or as something else, is deleted again.
pub(super) fn create(name: &EntryName, text: &str, patience: &Patience) -> Result<(), Error> {
    let name = name.clone();
    let text = Zeroizing::new(text.to_owned());
    connected(patience, move |mut asking| put(&mut asking, &name, &text).map(drop))
}

/// Deletes all entries of this name.
pub(super) fn delete(name: &EntryName, patience: &Patience) -> Result<Deleted, Error> {
    let name = name.clone();
    connected(patience, move |mut asking| {
        let items = find(&mut asking, &name)?;
        items.iter().try_for_each(|item| asking.delete(item))?;
        Ok(Deleted { count: items.len(), in_recycle_bin: has_recycle_bin(asking.bus) })
    })
}

/// Creates an entry, reads it back and deletes it, all on one connection.
pub(super) fn try_out(name: &EntryName, text: &str, patience: &Patience) -> Result<Trial, Error> {
    let name = name.clone();
    let text = Zeroizing::new(text.to_owned());
    connected(patience, move |mut asking| {
        if has_recycle_bin(asking.bus) {
            return open_collection(&mut asking).map(|_| Trial::Open);
        }
        let item = put(&mut asking, &name, &text)?;
        let deleted = asking.delete(&item).is_ok();
        let found = asking.service.search_items(attributes(&name)).map_err(explain)?;
        let gone = deleted && found.unlocked.is_empty() && found.locked.is_empty();
        Ok(if gone { Trial::Works } else { Trial::KeepsDeleted })
    })
}

pub(super) fn entries(patience: &Patience) -> Result<Vec<String>, Error> {
    connected(patience, move |asking| {
        let attributes = HashMap::from([("service", SERVICE)]);
        let found = asking.service.search_items(attributes).map_err(explain)?;
        let mut names = Vec::new();
        for item in found.unlocked.iter().chain(&found.locked) {
            let mut attributes = item.get_attributes().map_err(explain)?;
            names.extend(attributes.remove("username"));
        }
        names.sort();
        Ok(names)
    })
}

/// Returns the name of the program that keeps the secrets.
pub(super) fn keeper(patience: &Patience) -> Result<Option<String>, Error> {
    within(patience, || Ok(Bus::connect()?.keeper()))
}

/// Whether the keychain keeps what is deleted: KeePassXC moves it to a group of the database, unless
/// the database was told not to.
fn has_recycle_bin(bus: &Bus) -> bool {
    bus.keeper().is_some_and(|keeper| keeper == "keepassxc")
}

/// Does `work` on a connection to the service, within the patience.
fn connected<T: Send + 'static>(
    patience: &Patience,
    work: impl FnOnce(Asking<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let Patience { may_prompt, session, .. } = patience.clone();
    within(patience, move || {
        let mut session_lock = SessionLock::take(session.as_deref());
        let bus = Bus::connect()?;
        let service = bus.service()?;
        let asking =
            Asking { bus: &bus, service: &service, may_prompt, session_lock: &mut session_lock };
        work(asking).map_err(|error| match error {
            Error::Missing { .. } => Error::Missing { keeper: bus.keeper() },
            Error::OutOfDate { .. } => Error::OutOfDate { keeper: bus.keeper() },
            other => other,
        })
    })
}

/// Returns the attributes of an entry, with the names that the `keyring` libraries use.
fn attributes(name: &EntryName) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", name.as_str())])
}

fn put<'a>(asking: &mut Asking<'a>, name: &EntryName, text: &str) -> Result<Item<'a>, Error> {
    let collection = open_collection(asking)?;
    let found = asking.service.search_items(attributes(name)).map_err(explain)?;
    if !found.unlocked.is_empty() || !found.locked.is_empty() {
        return Err(Error::Exists);
    }
    collection
        .create_item(&name.label(), attributes(name), text.as_bytes(), false, "text/plain")
        .map_err(explain)?;
    let found = asking.service.search_items(attributes(name)).map_err(explain)?;
    let Some(item) = found.unlocked.into_iter().chain(found.locked).next() else {
        return Err(Error::Mismatch);
    };
    let kept = item.get_secret().map(Zeroizing::new);
    if kept.as_ref().is_ok_and(|kept| bool::from(kept.ct_eq(text.as_bytes()))) {
        return Ok(item);
    }
    // Nothing depends on it yet.
    let _ = asking.delete(&item);
    Err(kept.err().map_or(Error::Mismatch, explain))
}

/// Returns the items of this name, at least one. Those that are locked are unlocked, if none is open.
fn find<'a>(asking: &mut Asking<'a>, name: &EntryName) -> Result<Vec<Item<'a>>, Error> {
    let found = asking.service.search_items(attributes(name)).map_err(explain)?;
    if !found.unlocked.is_empty() {
        return Ok(found.unlocked);
    }
    if !found.locked.is_empty() {
        found.locked.iter().try_for_each(|item| asking.unlock_item(item))?;
        return Ok(found.locked);
    }
    // Nothing was found. That proves something only if the collection exists and is unlocked:
    // KeePassXC hides the items of a locked one.
    open_collection(asking)?;
    let found = asking.service.search_items(attributes(name)).map_err(explain)?;
    if !found.unlocked.is_empty() {
        return Ok(found.unlocked);
    }
    found.locked.iter().try_for_each(|item| asking.unlock_item(item))?;
    if found.locked.is_empty() { Err(Error::Missing { keeper: None }) } else { Ok(found.locked) }
}

/// Returns the default collection and unlocks it if need be. A missing collection is not created:
/// that is the user's own choice.
fn open_collection<'a>(asking: &mut Asking<'a>) -> Result<Collection<'a>, Error> {
    let collection = asking.service.get_default_collection().map_err(|failure| match failure {
        Failure::NoResult => Error::NoCollection,
        other => explain(other),
    })?;
    if collection.is_locked().map_err(explain)? {
        asking.unlock_collection(&collection)?;
    }
    Ok(collection)
}
