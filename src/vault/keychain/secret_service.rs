//! The keychain of a Linux desktop (freedesktop.org Secret Service API 0.2): GNOME Keyring,
//! KWallet, KeePassXC.
//!
//! The session is plain. Encryption between tokctl and the service would hide the secret only from
//! programs that listen on this user's bus, and those could ask for the secret themselves.

use std::collections::HashMap;

use secret_service::blocking::{Collection, Item, SecretService};
use secret_service::{EncryptionType, Error as Failure};
use zbus::blocking::Connection;
use zbus::names::BusName;
use zeroize::Zeroizing;

use super::bounded::within;
use super::entry::{EntryName, Patience, SERVICE};
use super::error::Error;
use super::session_lock::SessionLock;
use crate::name_service;
use crate::untrusted::printable;

/// The label of an entry in the keychain's own window.
const LABEL: &str = "tokctl vault key";

/// Returns the texts of all entries of this name: a person, or a keychain that synchronises with
/// another, can make a second one.
pub(super) fn read(
    name: &EntryName,
    patience: &Patience,
) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
    let (name, Patience { may_prompt, session, .. }) = (name.clone(), patience.clone());
    within(patience, move || {
        let mut session_lock = SessionLock::take(session.as_deref());
        let bus = Bus::connect()?;
        let service = bus.service()?;
        let items = find(&service, &name, may_prompt, &mut session_lock)?;
        items.iter().map(|item| item.get_secret().map(Zeroizing::new).map_err(explain)).collect()
    })
}

pub(super) fn create(name: &EntryName, text: &str, patience: &Patience) -> Result<(), Error> {
    let (name, Patience { may_prompt, session, .. }) = (name.clone(), patience.clone());
    let text = Zeroizing::new(text.to_owned());
    within(patience, move || {
        let mut session_lock = SessionLock::take(session.as_deref());
        let bus = Bus::connect()?;
        let service = bus.service()?;
        let collection = open_collection(&service, may_prompt, &mut session_lock)?;
        let found = service.search_items(attributes(&name)).map_err(explain)?;
        if !found.unlocked.is_empty() || !found.locked.is_empty() {
            return Err(Error::Exists);
        }
        collection
            .create_item(LABEL, attributes(&name), text.as_bytes(), false, "text/plain")
            .map(drop)
            .map_err(explain)
    })
}

pub(super) fn delete(name: &EntryName, patience: &Patience) -> Result<usize, Error> {
    let (name, Patience { may_prompt, session, .. }) = (name.clone(), patience.clone());
    within(patience, move || {
        let mut session_lock = SessionLock::take(session.as_deref());
        let bus = Bus::connect()?;
        let service = bus.service()?;
        let items = find(&service, &name, may_prompt, &mut session_lock)?;
        items.iter().try_for_each(|item| item.delete().map_err(explain))?;
        Ok(items.len())
    })
}

pub(super) fn entries(patience: &Patience) -> Result<Option<Vec<String>>, Error> {
    let session = patience.session.clone();
    within(patience, move || {
        let _session_lock = SessionLock::take(session.as_deref());
        let bus = Bus::connect()?;
        let service = bus.service()?;
        let found = service.search_items(HashMap::from([("service", SERVICE)])).map_err(explain)?;
        let mut names = Vec::new();
        for item in found.unlocked.iter().chain(&found.locked) {
            let mut attributes = item.get_attributes().map_err(explain)?;
            names.extend(attributes.remove("username"));
        }
        names.sort();
        Ok(Some(names))
    })
}

/// Returns the name of the program that owns the Secret Service's name on this bus.
pub(super) fn backend(patience: &Patience) -> Result<Option<String>, Error> {
    within(patience, || {
        let failed = |failure: zbus::Error| Error::Other(failure.to_string());
        let bus = session().map_err(failed)?;
        let bus = zbus::blocking::fdo::DBusProxy::new(&bus).map_err(failed)?;
        let name = BusName::from_static_str("org.freedesktop.secrets")
            .map_err(|failure| failed(failure.into()))?;
        let process =
            bus.get_connection_unix_process_id(name).map_err(|failure| failed(failure.into()))?;
        let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        Ok(Some(printable(&name)).filter(|name| !name.is_empty()))
    })
}

/// Connects to the session's bus. Its address may hold a host name, hence the name service.
fn session() -> Result<Connection, zbus::Error> {
    name_service::use_built_in_services();
    Connection::session()
}

/// A connection to the session's bus that is closed as soon as it is dropped, and so before the
/// [`SessionLock`] under which it was made.
struct Bus(Connection);

impl Bus {
    fn connect() -> Result<Self, Error> {
        session().map(Self).map_err(|failure| Error::NoService(failure.to_string()))
    }

    fn service<'a>(&self) -> Result<SecretService<'a>, Error> {
        // If the first call fails, there is no usable keychain, whatever the reason.
        SecretService::connect_with_existing(EncryptionType::Plain, self.0.clone())
            .map_err(|failure| Error::NoService(failure.to_string()))
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.0.clone().close();
    }
}

/// Returns the attributes of an entry, with the names that the `keyring` libraries use.
fn attributes(name: &EntryName) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", name.as_str())])
}

/// Returns the items of this name, at least one. Those that are locked are unlocked, if need be and
/// none is open.
fn find<'a>(
    service: &'a SecretService<'a>,
    name: &EntryName,
    may_prompt: bool,
    session_lock: &mut SessionLock,
) -> Result<Vec<Item<'a>>, Error> {
    let found = service.search_items(attributes(name)).map_err(explain)?;
    if !found.unlocked.is_empty() {
        return Ok(found.unlocked);
    }
    if !found.locked.is_empty() {
        if !may_prompt {
            return Err(Error::Locked);
        }
        session_lock.release();
        for item in &found.locked {
            item.unlock().map_err(explain)?;
        }
        return Ok(found.locked);
    }
    // Nothing was found. That proves something only if the collection exists and is unlocked:
    // KeePassXC hides the items of a locked one.
    open_collection(service, may_prompt, session_lock)?;
    let found = service.search_items(attributes(name)).map_err(explain)?;
    if found.unlocked.is_empty() { Err(Error::Missing) } else { Ok(found.unlocked) }
}

/// Returns the default collection and unlocks it if need be. A missing collection is not created:
/// that is the user's own choice.
fn open_collection<'a>(
    service: &'a SecretService<'a>,
    may_prompt: bool,
    session_lock: &mut SessionLock,
) -> Result<Collection<'a>, Error> {
    let collection = service.get_default_collection().map_err(|failure| match failure {
        Failure::NoResult => Error::NoCollection,
        other => explain(other),
    })?;
    if collection.is_locked().map_err(explain)? {
        if !may_prompt {
            return Err(Error::Locked);
        }
        session_lock.release();
        collection.unlock().map_err(explain)?;
    }
    Ok(collection)
}

fn explain(failure: Failure) -> Error {
    match failure {
        Failure::Locked | Failure::Prompt => Error::Locked,
        Failure::Unavailable => Error::NoService(failure.to_string()),
        // The library's list of failures may grow.
        other => Error::Other(other.to_string()),
    }
}
