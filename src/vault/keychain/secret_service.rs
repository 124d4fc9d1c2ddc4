//! The keychain of a Linux desktop (freedesktop.org Secret Service API 0.2): GNOME Keyring,
//! KWallet, KeePassXC.
//!
//! The session is `plain`: encryption between us and the service would hide the secret only from
//! those who listen on this user's bus, and they could as well ask for it themselves.

use zeroize::Zeroizing;

use super::bus::{Bus, Serial, unreadable};
use super::entry::{EntryName, Patience, SERVICE};
use super::error::Error;
use super::message::{Call, Message};
use super::wire::{Decoder, Encoder};

const NAME: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const INTERFACE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The path that stands for no object at all.
const NOTHING: &str = "/";

/// What a person sees in the keychain's own window.
const LABEL: &str = "tokctl vault key";

pub(super) fn read(name: &EntryName, patience: &Patience) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut service = Service::connect(patience)?;
    let session = service.open_session();
    let item = service.find(name)?;
    let session = service.session(session)?;
    service.secret(&item, &session)
}

pub(super) fn create(name: &EntryName, text: &str, patience: &Patience) -> Result<(), Error> {
    let mut service = Service::connect(patience)?;
    let session = service.open_session();
    let collection = service.open_collection()?;
    let found = service.search(name)?;
    if !found.open.is_empty() || !found.locked.is_empty() {
        return Err(Error::Exists);
    }
    let session = service.session(session)?;
    service.create_item(&collection, &session, name, text)
}

pub(super) fn delete(name: &EntryName, patience: &Patience) -> Result<(), Error> {
    let mut service = Service::connect(patience)?;
    let item = service.find(name)?;
    let answer = service.call(&item, ITEM, "Delete", "", Encoder::new())?;
    let prompt = read_path(&answer, "o", |_| Some(()))?;
    service.run_prompt(&prompt)
}

/// The paths of the items that a search found.
struct Found {
    open: Vec<String>,
    locked: Vec<String>,
}

struct Service {
    bus: Bus,
    may_prompt: bool,
}

impl Service {
    fn connect(patience: &Patience) -> Result<Self, Error> {
        let bus = Bus::connect(patience.limit)?;
        Ok(Self {
            bus,
            may_prompt: patience.may_prompt,
        })
    }

    /// Finds the one item of this name and sees that it is unlocked.
    fn find(&mut self, name: &EntryName) -> Result<String, Error> {
        let mut found = self.search(name)?;
        if let Some(item) = found.open.pop() {
            return Ok(item);
        }
        if let Some(item) = found.locked.pop() {
            self.unlock(&item)?;
            return Ok(item);
        }
        // Nothing was found, which proves something only if the collection exists and is open:
        // KeePassXC does not even show that there are items in a locked one.
        self.open_collection()?;
        self.search(name)?.open.pop().ok_or(Error::Missing)
    }

    fn search(&mut self, name: &EntryName) -> Result<Found, Error> {
        let mut attributes = Encoder::new();
        attributes.dictionary(&[("service", SERVICE), ("username", name.as_str())]);
        let answer = self.call(ROOT, INTERFACE, "SearchItems", "a{ss}", attributes)?;
        let paths = |decoder: &mut Decoder<'_>| -> Option<Vec<String>> {
            Some(decoder.strings()?.into_iter().map(str::to_owned).collect())
        };
        let mut decoder = answer.arguments("aoao").ok_or_else(unreadable)?;
        let open = paths(&mut decoder).ok_or_else(unreadable)?;
        let locked = paths(&mut decoder).ok_or_else(unreadable)?;
        Ok(Found { open, locked })
    }

    /// The default collection, unlocked. One that does not exist is never created: that is a
    /// choice of the person whose desktop this is.
    fn open_collection(&mut self) -> Result<String, Error> {
        let mut alias = Encoder::new();
        alias.string("default");
        let answer = self.call(ROOT, INTERFACE, "ReadAlias", "s", alias)?;
        let collection = read_path(&answer, "o", |_| Some(()))?;
        if collection == NOTHING {
            return Err(Error::NoCollection);
        }
        let mut property = Encoder::new();
        property.string(COLLECTION).string("Locked");
        let answer = self.call(&collection, PROPERTIES, "Get", "ss", property)?;
        if read_locked(&answer).ok_or_else(unreadable)? {
            self.unlock(&collection)?;
        }
        Ok(collection)
    }

    fn unlock(&mut self, object: &str) -> Result<(), Error> {
        if !self.may_prompt {
            return Err(Error::Locked);
        }
        let mut objects = Encoder::new();
        objects.array(4, |array| {
            array.string(object);
        });
        let answer = self.call(ROOT, INTERFACE, "Unlock", "ao", objects)?;
        let prompt = read_path(&answer, "aoo", |decoder| decoder.strings().map(drop))?;
        self.run_prompt(&prompt)
    }

    /// Asks the person at the screen, if there is something to ask.
    fn run_prompt(&mut self, prompt: &str) -> Result<(), Error> {
        if prompt == NOTHING {
            return Ok(());
        }
        if !self.may_prompt {
            return Err(Error::Locked);
        }
        self.bus.subscribe(&format!(
            "type='signal',sender='{NAME}',interface='{PROMPT}',member='Completed',path='{prompt}'"
        ));
        let mut window = Encoder::new();
        window.string("");
        self.call(prompt, PROMPT, "Prompt", "s", window)?;
        let completed = self.bus.signal(prompt, "Completed")?;
        let dismissed = completed
            .arguments("bv")
            .as_mut()
            .and_then(Decoder::boolean);
        if dismissed.ok_or_else(unreadable)? {
            Err(Error::Locked)
        } else {
            Ok(())
        }
    }

    /// Asks for a session; the answer is taken by [`Self::session`] when it is needed.
    fn open_session(&mut self) -> Serial {
        let mut arguments = Encoder::new();
        arguments.string("plain").signature("s").string("");
        self.bus
            .send(&to_service(ROOT, INTERFACE, "OpenSession", "sv", arguments))
    }

    fn session(&mut self, opened: Serial) -> Result<String, Error> {
        let answer = self.bus.answer(opened)?;
        // What the service contributes to a plain session is empty text.
        read_path(&answer, "vo", |decoder| match decoder.signature()? {
            "s" => decoder.string().map(drop),
            "ay" => decoder.bytes().map(drop),
            _ => None,
        })
    }

    fn secret(&mut self, item: &str, session: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut arguments = Encoder::new();
        arguments.string(session);
        let answer = self.call(item, ITEM, "GetSecret", "o", arguments)?;
        let mut decoder = answer.arguments("(oayays)").ok_or_else(unreadable)?;
        let secret = read_secret(&mut decoder).ok_or_else(unreadable)?;
        Ok(Zeroizing::new(secret.to_vec()))
    }

    fn create_item(
        &mut self,
        collection: &str,
        session: &str,
        name: &EntryName,
        text: &str,
    ) -> Result<(), Error> {
        let mut arguments = Encoder::new();
        arguments.array(8, |properties| {
            properties
                .string("org.freedesktop.Secret.Item.Label")
                .signature("s")
                .string(LABEL);
            properties
                .align(8)
                .string("org.freedesktop.Secret.Item.Attributes");
            let attributes = [("service", SERVICE), ("username", name.as_str())];
            properties.signature("a{ss}").dictionary(&attributes);
        });
        arguments
            .align(8)
            .string(session)
            .bytes(b"")
            .bytes(text.as_bytes())
            .string("text/plain");
        arguments.boolean(false);
        let answer = self.call(
            collection,
            COLLECTION,
            "CreateItem",
            "a{sv}(oayays)b",
            arguments,
        )?;
        let prompt = read_path(&answer, "oo", |decoder| decoder.string().map(drop))?;
        self.run_prompt(&prompt)
    }

    fn call(
        &mut self,
        path: &str,
        interface: &str,
        method: &str,
        signature: &str,
        arguments: Encoder,
    ) -> Result<Message, Error> {
        self.bus
            .call(&to_service(path, interface, method, signature, arguments))
    }
}

fn to_service<'a>(
    path: &'a str,
    interface: &'a str,
    method: &'a str,
    signature: &'a str,
    arguments: Encoder,
) -> Call<'a> {
    Call {
        destination: NAME,
        path,
        interface,
        method,
        signature,
        arguments,
    }
}

/// The object path in an answer, after what `skip` passes over.
fn read_path(
    answer: &Message,
    signature: &str,
    skip: impl FnOnce(&mut Decoder<'_>) -> Option<()>,
) -> Result<String, Error> {
    let mut decoder = answer.arguments(signature).ok_or_else(unreadable)?;
    skip(&mut decoder).ok_or_else(unreadable)?;
    decoder.string().map(str::to_owned).ok_or_else(unreadable)
}

fn read_locked(answer: &Message) -> Option<bool> {
    let mut decoder = answer.arguments("v")?;
    (decoder.signature()? == "b").then_some(())?;
    decoder.boolean()
}

/// The third part of a secret: before it come its session and the cipher's parameters.
fn read_secret<'a>(decoder: &mut Decoder<'a>) -> Option<&'a [u8]> {
    decoder.align(8).string()?;
    decoder.bytes()?;
    decoder.bytes()
}
