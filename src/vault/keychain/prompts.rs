//! What a keychain may ask a person about: to unlock, to let a program read an entry, to delete one.
//!
//! A prompt is an object on the bus that shows nothing until it is told to. So it is found out
//! without showing it whether one is needed.

use std::time::{Duration, Instant};

use secret_service::blocking::{Collection, Item, SecretService};
use zbus::zvariant::{DynamicType, ObjectPath, OwnedObjectPath};

use super::bus::{Bus, SERVICE, explain};
use super::error::Error;
use super::session_lock::SessionLock;

/// The path that stands for "no prompt is needed".
const NO_PROMPT: &str = "/";

/// The interface of prompts.
const PROMPT: &str = "org.freedesktop.Secret.Prompt";

/// The time after which a prompt counts as one that asks a person.
const UNASKED: Duration = Duration::from_secs(2);

/// A call that may need a person.
pub(super) struct Asking<'a> {
    pub(super) bus: &'a Bus,
    pub(super) service: &'a SecretService<'a>,
    /// Whether there is a person who can answer.
    pub(super) may_prompt: bool,
    /// Released while a prompt is open, which can be long.
    pub(super) session_lock: &'a mut SessionLock,
}

impl Asking<'_> {
    /// Unlocks an item that is reported as locked.
    pub(super) fn unlock_item(&mut self, item: &Item<'_>) -> Result<(), Error> {
        if self.opens_unasked(&item.item_path)? {
            return Ok(());
        }
        let confirms = self.confirms();
        if !self.may_prompt && !self.is_open_wallet() {
            return Err(if confirms { self.confirming() } else { Error::Locked });
        }
        self.session_lock.release();
        match item.unlock().map_err(explain) {
            Err(Error::Locked) if confirms => Err(self.confirming()),
            Ok(()) => {
                if confirms {
                    self.bus.keep();
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Unlocks a collection that is reported as locked.
    pub(super) fn unlock_collection(&mut self, collection: &Collection<'_>) -> Result<(), Error> {
        if self.opens_unasked(&collection.collection_path)? {
            return Ok(());
        }
        if !self.may_prompt && !self.is_open_wallet() {
            return Err(Error::Locked);
        }
        self.session_lock.release();
        collection.unlock().map_err(explain)
    }

    /// Deletes an item that is open.
    pub(super) fn delete(&mut self, item: &Item<'_>) -> Result<(), Error> {
        let prompt: OwnedObjectPath =
            self.call(&item.item_path, "org.freedesktop.Secret.Item", "Delete", &())?;
        if prompt.as_str() == NO_PROMPT {
            return Ok(());
        }
        if self.may_prompt {
            self.dismiss(&prompt);
            self.session_lock.release();
            return item.delete().map_err(explain);
        }
        // KeePassXC has a prompt for each deletion, which ends by itself unless it is to ask.
        let () = self.call(&prompt, PROMPT, "Prompt", &("",))?;
        let begun = Instant::now();
        while item.get_label().is_ok() {
            if begun.elapsed() > UNASKED {
                self.dismiss(&prompt);
                return Err(self.confirming());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Whether `object` is open after a call that asks nobody.
    fn opens_unasked(&self, object: &ObjectPath<'_>) -> Result<bool, Error> {
        let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = self.call(
            &ObjectPath::from_static_str_unchecked("/org/freedesktop/secrets"),
            "org.freedesktop.Secret.Service",
            "Unlock",
            &(vec![object],),
        )?;
        if prompt.as_str() == NO_PROMPT {
            return Ok(true);
        }
        self.dismiss(&prompt);
        Ok(false)
    }

    /// Whether this is an open wallet of `KWallet`, which reports it as locked until a client has
    /// unlocked it once, and whose prompt then ends by itself.
    fn is_open_wallet(&self) -> bool {
        let Some(wallet) = self.service.get_default_collection().ok() else { return false };
        let Ok(name) = wallet.get_label() else { return false };
        ["/modules/kwalletd5", "/modules/kwalletd6"].iter().any(|path| {
            let path = ObjectPath::from_static_str_unchecked(path);
            self.call(&path, "org.kde.KWallet", "isOpen", &(name.as_str(),)).unwrap_or(false)
        })
    }

    /// Whether the keychain is open and keeps its items locked all the same: it asks a person before
    /// a program reads one.
    fn confirms(&self) -> bool {
        let collection = self.service.get_default_collection();
        matches!(collection.map(|collection| collection.is_locked()), Ok(Ok(false)))
    }

    fn confirming(&self) -> Error {
        Error::Confirms { keeper: self.bus.keeper() }
    }

    fn dismiss(&self, prompt: &ObjectPath<'_>) {
        // A prompt that nobody told to show ends with the connection anyway.
        let _: Result<(), _> = self.call(prompt, PROMPT, "Dismiss", &());
    }

    fn call<T>(
        &self,
        object: &ObjectPath<'_>,
        interface: &str,
        method: &str,
        body: &(impl serde::Serialize + DynamicType),
    ) -> Result<T, Error>
    where
        T: serde::de::DeserializeOwned + zbus::zvariant::Type,
    {
        let answer = self
            .bus
            .connection()
            .call_method(Some(SERVICE), object, Some(interface), method, body)
            .map_err(|failure| explain(failure.into()))?;
        answer.body().deserialize().map_err(|failure| explain(failure.into()))
    }
}
