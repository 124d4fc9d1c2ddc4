//! Opening the vault: with what is set, by the keychain, or by asking.

use std::time::Duration;

use zeroize::Zeroizing;

use super::context::Context;
use super::error::{CliError, Kind};
use super::key_material;
use super::time;
use crate::ops::{self, OpenVault, Unlocking, unlock};
use crate::store::{self, Store, header, slots};
use crate::vault::Key;
use crate::vault::key_string;
use crate::vault::keychain::Patience;
use crate::vault::slot::SlotKind;

/// How to give the passphrase where nobody can be asked.
const PASSPHRASE_FLAG: &str = "set TOKCTL_PASSPHRASE or TOKCTL_PASSPHRASE_FILE";

/// Unlocks the vault in `store`: with what is set and nothing else; with nothing set, by the
/// keychain, then by asking for a passphrase.
pub(crate) fn unlock(context: &Context, store: Store) -> Result<OpenVault, CliError> {
    if let Some(with) = given(context)? {
        return Ok(OpenVault::unlock(store, with)?);
    }
    let kinds: Vec<SlotKind> = slots::read(&*store.read()?)?.iter().map(|slot| slot.kind).collect();
    let may_ask = kinds.contains(&SlotKind::Passphrase) && context.ui.can_ask();
    if may_ask && !kinds.contains(&SlotKind::Keychain) {
        return Ok(OpenVault::unlock(store, ask_passphrase(context)?)?);
    }
    let with = Unlocking::Keychain(patience(context));
    let key =
        context.ui.while_waiting("waiting for the keychain", || unlock::unlock(&store, &with));
    match key {
        Ok(key) => Ok(OpenVault::unlocked(store, with, key)?),
        Err(ops::Error::Keychain { .. }) if may_ask => {
            Ok(OpenVault::unlock(store, ask_passphrase(context)?)?)
        }
        Err(error) => Err(error.into()),
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
        Ok(store) => header::read(&*store.read()?)?.is_some(),
        Err(store::Error::NoVault { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    let with = match slot {
        None if exists => return unlock(context, Store::open(path)?),
        None => given(context)?.unwrap_or_else(|| Unlocking::Keychain(patience(context))),
        Some(SlotKind::Keychain) => Unlocking::Keychain(patience(context)),
        Some(SlotKind::Key) => key_material::key(context)?.ok_or_else(|| {
            CliError::new(Kind::Usage, "a `key` slot needs a key")
                .hint("set TOKCTL_KEY to what `tokctl key generate` prints")
        })?,
        Some(SlotKind::Passphrase) => match key_material::passphrase(context)? {
            Some(with) => with,
            None if exists => ask_passphrase(context)?,
            None => ask_new_passphrase(context)?,
        },
    };
    Ok(context
        .ui
        .while_waiting("opening the vault", || ops::open_or_create(path, with, time::now))?)
}

/// What the environment says; `None` if it says nothing. A key comes before a passphrase.
fn given(context: &Context) -> Result<Option<Unlocking>, CliError> {
    match key_material::key(context)? {
        Some(key) => Ok(Some(key)),
        None => key_material::passphrase(context),
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
    let key = Key::generate().map_err(store::Error::from)?;
    Ok(key_string::encode(&key))
}
