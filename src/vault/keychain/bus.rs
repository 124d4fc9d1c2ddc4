//! The connection to the session's bus, and through it to the program that keeps the secrets.

use std::sync::{Mutex, PoisonError};

use secret_service::blocking::SecretService;
use secret_service::{EncryptionType, Error as Failure};
use zbus::blocking::Connection;
use zbus::names::BusName;

use super::error::Error;
use crate::name_service;
use crate::untrusted::printable;

/// The well-known name of the Secret Service.
pub(super) const SERVICE: &str = "org.freedesktop.secrets";

/// The connection that a person allowed to read an entry. KeePassXC asks for each connection anew,
/// so the process goes on with this one.
static ALLOWED: Mutex<Option<Connection>> = Mutex::new(None);

/// A connection that is closed as soon as it is dropped, and so before the lock of the login session
/// under which it was made; unless a person allowed it to read.
pub(super) struct Bus(Connection);

impl Bus {
    /// Connects to the bus of this session. Fails with [`Error::NoService`] if there is none.
    pub(super) fn connect() -> Result<Self, Error> {
        if let Some(connection) = allowed().clone() {
            return Ok(Self(connection));
        }
        // The bus' address may hold a host name, hence the name service.
        name_service::use_built_in_services();
        Connection::session().map(Self).map_err(|failure| Error::no_service(&failure))
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.0
    }

    /// Returns the Secret Service on this bus. Fails with [`Error::NoService`] if it does not answer.
    pub(super) fn service<'a>(&self) -> Result<SecretService<'a>, Error> {
        // If the first call fails, there is no usable keychain, whatever the reason.
        SecretService::connect_with_existing(EncryptionType::Plain, self.0.clone())
            .map_err(|failure| Error::no_service(&failure))
    }

    /// Returns the name of the program that owns the Secret Service's name on this bus; `None` where
    /// that is not known.
    pub(super) fn keeper(&self) -> Option<String> {
        let bus = zbus::blocking::fdo::DBusProxy::new(&self.0).ok()?;
        let name = BusName::from_static_str(SERVICE).ok()?;
        let process = bus.get_connection_unix_process_id(name).ok()?;
        let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
        let name = name.trim_end();
        // The kernel cuts names to 15 bytes; the command has the whole one.
        let command =
            std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let program = command.split('\0').next().and_then(|path| path.rsplit('/').next());
        let name = program.filter(|program| program.starts_with(name)).unwrap_or(name);
        Some(printable(name)).filter(|name| !name.is_empty())
    }

    /// Keeps this connection for the rest of the process.
    pub(super) fn keep(&self) {
        *allowed() = Some(self.0.clone());
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        if allowed().is_none() {
            let _ = self.0.clone().close();
        }
    }
}

fn allowed() -> std::sync::MutexGuard<'static, Option<Connection>> {
    ALLOWED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Turns a failure of the library into one with a next step.
pub(super) fn explain(failure: Failure) -> Error {
    match failure {
        Failure::Locked | Failure::Prompt => Error::Locked,
        Failure::Unavailable => Error::no_service(&failure),
        Failure::Zbus(zbus::Error::MethodError(name, text, _)) => match name.as_str() {
            // A daemon that has not read the entries again since another one wrote them.
            "org.freedesktop.DBus.Error.UnknownMethod"
            | "org.freedesktop.DBus.Error.UnknownObject"
            | "org.freedesktop.Secret.Error.NoSuchObject" => Error::OutOfDate { keeper: None },
            "org.freedesktop.Secret.Error.IsLocked" => Error::Locked,
            name => Error::Other(printable(&text.unwrap_or_else(|| name.to_owned()))),
        },
        // The library's list of failures may grow.
        other => Error::Other(printable(&other.to_string())),
    }
}
