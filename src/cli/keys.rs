//! What opens the vault: from flags, environment, keychain or a prompt.

use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::context::Context;
use super::error::{CliError, Kind, file_error, trust_hint};
use super::program;
use super::time;
use crate::ops::{self, OpenVault, Unlocking};
use crate::private_file::{self, Readers};
use crate::secret::{Passphrase, SecretText};
use crate::store::{Store, slots};
use crate::vault::Key;
use crate::vault::key_string;
use crate::vault::keychain::Patience;
use crate::vault::slot::SlotKind;

/// No key file or passphrase file is larger, in bytes.
const LARGEST: u64 = 64 * 1024;

/// How to give the passphrase where nobody can be asked.
const PASSPHRASE_FLAG: &str = "set TOKCTL_PASSPHRASE or TOKCTL_PASSPHRASE_FILE";

/// Unlocks the vault in `store`: with what is set and nothing else; with nothing set, by the
/// keychain, then by asking for a passphrase.
pub(crate) fn unlock(context: &Context, store: Store) -> Result<OpenVault, CliError> {
    if let Some(with) = given(context)? {
        return Ok(OpenVault::unlock(store, with)?);
    }
    let kinds: Vec<SlotKind> = slots::read(&*store.read()?)?.iter().map(|slot| slot.kind).collect();
    let may_ask = context.ui.can_ask() && kinds.contains(&SlotKind::Passphrase);
    if may_ask && !kinds.contains(&SlotKind::Keychain) {
        return Ok(OpenVault::unlock(store, ask_passphrase(context)?)?);
    }
    let path = store.file().path().to_owned();
    let by_keychain = Unlocking::Keychain(patience(context));
    let opened = context
        .ui
        .while_waiting("waiting for the keychain", || OpenVault::unlock(store, by_keychain));
    match opened {
        Err(ops::Error::Keychain { .. }) if may_ask => {
            let store = Store::open_read_only(&path)?;
            Ok(OpenVault::unlock(store, ask_passphrase(context)?)?)
        }
        // With nothing set there is no wrong secret, only the lack of the right one.
        Err(ops::Error::NoSuchSlot { slots, .. }) => {
            let missing = ops::Error::NoSuchSlot { kind: SlotKind::Keychain, slots };
            Err(missing.into())
        }
        other => Ok(other?),
    }
}

/// Opens the vault for writing, made with a first slot if there is none: of the kind that `slot`
/// names, else of the kind that is set, else in the keychain.
pub(crate) fn open_or_create(
    context: &Context,
    slot: Option<SlotKind>,
) -> Result<OpenVault, CliError> {
    let path = context.vault()?;
    let exists = match Store::open_read_only(path) {
        Ok(store) => crate::store::header::read(&*store.read()?)?.is_some(),
        Err(crate::store::Error::NoVault { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    if exists && slot.is_none() {
        return Ok(unlock(context, Store::open(path)?)?.writable()?);
    }
    let with = match (slot, given(context)?) {
        (Some(SlotKind::Keychain), _) | (None, None) => Unlocking::Keychain(patience(context)),
        (Some(SlotKind::Key), Some(with @ Unlocking::Key(_)))
        | (Some(SlotKind::Passphrase), Some(with @ Unlocking::Passphrase(_)))
        | (None, Some(with)) => with,
        (Some(SlotKind::Passphrase), _) if exists => ask_passphrase(context)?,
        (Some(SlotKind::Passphrase), _) => ask_new_passphrase(context)?,
        (Some(SlotKind::Key), _) => {
            return Err(CliError::new(Kind::Usage, "a `key` slot needs a key")
                .hint("set TOKCTL_KEY to what `tokctl key generate` prints"));
        }
    };
    Ok(context
        .ui
        .while_waiting("opening the vault", || ops::open_or_create(path, with, time::now))?)
}

/// What the environment says; `None` if it says nothing.
fn given(context: &Context) -> Result<Option<Unlocking>, CliError> {
    let environment = &context.environment;
    let set: Vec<&str> = ["TOKCTL_KEY", "TOKCTL_KEY_FILE", "TOKCTL_KEY_COMMAND"]
        .into_iter()
        .filter(|name| environment.get(name).is_some())
        .collect();
    if let [one, other, ..] = set[..] {
        return Err(CliError::new(Kind::Usage, format!("both {one} and {other} are set"))
            .hint(format!("unset {other}")));
    }
    if let Some(name) = set.first().copied() {
        let value = environment.text(name).map(Zeroizing::new).ok_or_else(|| not_a_key(name))?;
        let text = match name {
            "TOKCTL_KEY" => value,
            "TOKCTL_KEY_FILE" => read_secret_file(context, Path::new(value.as_str()), true)?,
            _ => {
                let command = shell_words::split(&value).map_err(|error| {
                    CliError::new(Kind::Usage, "TOKCTL_KEY_COMMAND is no command").caused_by(&error)
                })?;
                program::output(&command, environment, Kind::KeyUnavailable)?
            }
        };
        return key(name, &text).map(Some);
    }
    if let Some(directory) = environment.get("CREDENTIALS_DIRECTORY") {
        let path = Path::new(&directory).join("tokctl.key");
        if path.exists() {
            let text = read_secret_file(context, &path, false)?;
            return key("$CREDENTIALS_DIRECTORY/tokctl.key", &text).map(Some);
        }
    }
    if let Some(passphrase) = environment.text("TOKCTL_PASSPHRASE") {
        return Ok(Some(Unlocking::Passphrase(Passphrase::from_trusted(passphrase))));
    }
    if let Some(path) = environment.get("TOKCTL_PASSPHRASE_FILE") {
        let text = read_secret_file(context, Path::new(&path), true)?;
        // One line end belongs to the file, not to the passphrase.
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        return Ok(Some(Unlocking::Passphrase(Passphrase::from_trusted(text.to_owned()))));
    }
    Ok(None)
}

fn key(source: &str, text: &str) -> Result<Unlocking, CliError> {
    key_string::decode(text)
        .map(Unlocking::Key)
        .map_err(|error| not_a_key(source).caused_by(&error))
}

fn not_a_key(source: &str) -> CliError {
    CliError::new(Kind::KeyUnavailable, format!("{source} holds no key"))
        .hint("set it to what `tokctl key generate` prints; a password goes to TOKCTL_PASSPHRASE")
}

/// Reads a file with a secret. Who else can read it is told, but where the system keeps such files.
fn read_secret_file(
    context: &Context,
    path: &Path,
    warn: bool,
) -> Result<Zeroizing<String>, CliError> {
    let refused = |error: private_file::Error| {
        let hint = trust_hint(&error);
        file_error(Kind::KeyUnavailable, &error).hint(hint)
    };
    let readers = private_file::check(path).map_err(refused)?;
    if readers == Readers::Others && warn && !path.starts_with("/run/secrets") {
        context.ui.warning(&format!(
            "`{}` can be read by others: chmod 600 {}",
            path.display(),
            shell_words::quote(&path.to_string_lossy())
        ));
    }
    let bytes = Zeroizing::new(private_file::read(path, LARGEST).map_err(refused)?);
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(CliError::new(
            Kind::KeyUnavailable,
            format!("`{}` holds something that is not text", path.display()),
        )),
    }
}

fn ask_passphrase(context: &Context) -> Result<Unlocking, CliError> {
    context.ui.ask_secret("passphrase of the vault", PASSPHRASE_FLAG).map(Unlocking::Passphrase)
}

fn ask_new_passphrase(context: &Context) -> Result<Unlocking, CliError> {
    context
        .ui
        .ask_new_secret("new passphrase for the vault", PASSPHRASE_FLAG)
        .map(Unlocking::Passphrase)
}

/// How long the keychain may take: where a person can answer its prompt, long enough for that.
fn patience(context: &Context) -> Patience {
    let may_prompt = context.ui.can_ask();
    Patience { limit: Duration::from_secs(if may_prompt { 60 } else { 10 }), may_prompt }
}

/// A new key's text form.
pub(crate) fn generate() -> Result<Zeroizing<String>, CliError> {
    let key = Key::generate().map_err(crate::store::Error::from)?;
    Ok(key_string::encode(&key))
}
