//! Opening the vault: with what is set, by the keychain, or by asking.

use std::time::Duration;

use zeroize::Zeroizing;

use super::context::Context;
use super::error::{CliError, Kind};
use super::key_material;
use super::time;
use crate::ops::error::StoreError;
use crate::ops::key_slots::Patience;
use crate::ops::key_text::{self, Malformed};
use crate::ops::{self, OpenVault, SlotKind, SlotSecret, Vault};
use crate::paths;
use crate::secret::{Passphrase, SecretText};

/// How to give the passphrase where nobody can be asked.
const PASSPHRASE_FLAG: &str = "set TOKCTL_PASSPHRASE or TOKCTL_PASSPHRASE_FILE";

/// How to give a recovery code where nobody can be asked.
const RECOVERY_FLAG: &str = "set TOKCTL_KEY or TOKCTL_KEY_FILE to a recovery code";

/// Unlocks the vault in `store`: with what is set and nothing else; with nothing set, by the
/// keychain, then by asking for a passphrase or a recovery code.
pub(crate) fn unlock(context: &Context, store: Vault) -> Result<OpenVault, CliError> {
    if let Some(with) = given(context)? {
        return Ok(store.unlock(with)?);
    }
    let kinds: Vec<SlotKind> = store.slots()?.iter().map(|slot| slot.kind).collect();
    let typed = Typed::of(&kinds).filter(|_| context.ui.can_ask());
    if let Some(typed) = typed
        && !kinds.contains(&SlotKind::Keychain)
    {
        return Ok(store.unlock(typed.ask(context)?)?);
    }
    let with = SlotSecret::Keychain(patience(context));
    let opened = context.ui.while_waiting("waiting for the keychain", || store.unlock(with));
    match (opened, typed) {
        (Ok(vault), _) => Ok(vault),
        (Err(locked), Some(typed)) if matches!(locked.error, StoreError::Keychain { .. }) => {
            Ok(locked.vault.unlock(typed.ask(context)?)?)
        }
        (Err(locked), _) => Err(locked.into()),
    }
}

/// Opens the vault for writing, made with a first slot if there is none: of the kind that `slot`
/// names, else of the kind that is set, else in the keychain.
pub(crate) fn open_or_create(
    context: &Context,
    slot: Option<SlotKind>,
) -> Result<OpenVault, CliError> {
    let path = context.vault()?;
    let exists = match Vault::open_read_only(path) {
        Ok(store) => store.is_finished()?,
        Err(StoreError::NoVault { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    let with = match slot {
        None if exists => return unlock(context, Vault::open(path)?),
        None => given(context)?.unwrap_or_else(|| SlotSecret::Keychain(patience(context))),
        Some(SlotKind::Keychain) => SlotSecret::Keychain(patience(context)),
        Some(kind @ SlotKind::Key) => set_key(context, kind)?.ok_or_else(|| {
            CliError::new(Kind::Usage, "a `key` slot needs a key")
                .hint("set TOKCTL_KEY to what `tokctl key generate` prints")
        })?,
        Some(SlotKind::Passphrase) => match key_material::passphrase(context)? {
            Some(with) => with,
            None if exists => Typed::Passphrase.ask(context)?,
            None => ask_new_passphrase(context)?,
        },
        Some(kind @ SlotKind::Recovery) => match set_key(context, kind)? {
            None if exists => Typed::Recovery.ask(context)?,
            with => with.ok_or_else(no_first_recovery)?,
        },
    };
    if !exists && with.kind() == SlotKind::Recovery {
        return Err(no_first_recovery());
    }
    Ok(context
        .ui
        .while_waiting("opening the vault", || ops::open_or_create(path, with, time::now))?)
}

/// What the environment says; `None` if it says nothing. A key comes before a passphrase.
fn given(context: &Context) -> Result<Option<SlotSecret>, CliError> {
    match key_material::key(context)? {
        Some(key) => Ok(Some(key)),
        None => key_material::passphrase(context),
    }
}

/// The key that is set, if it is for a slot of this kind.
fn set_key(context: &Context, kind: SlotKind) -> Result<Option<SlotSecret>, CliError> {
    Ok(key_material::key(context)?.filter(|with| with.kind() == kind))
}

fn no_first_recovery() -> CliError {
    CliError::new(Kind::Usage, "a vault can't begin with a recovery code")
        .hint("choose another `--key-slot`, then `tokctl key add recovery`")
}

/// What a person can type to open the vault.
#[derive(Debug, Clone, Copy)]
enum Typed {
    Passphrase,
    Recovery,
    Either,
}

impl Typed {
    fn of(slots: &[SlotKind]) -> Option<Self> {
        let has = |kind| slots.contains(&kind);
        match (has(SlotKind::Passphrase), has(SlotKind::Recovery)) {
            (true, true) => Some(Self::Either),
            (true, false) => Some(Self::Passphrase),
            (false, true) => Some(Self::Recovery),
            (false, false) => None,
        }
    }

    fn ask(self, context: &Context) -> Result<SlotSecret, CliError> {
        let (what, flag) = match self {
            Self::Passphrase => ("passphrase of the vault", PASSPHRASE_FLAG),
            Self::Recovery => ("recovery code of the vault", RECOVERY_FLAG),
            Self::Either => ("passphrase or recovery code of the vault", PASSPHRASE_FLAG),
        };
        loop {
            let typed: Passphrase = context.ui.ask_secret(what, flag)?;
            match (self, key_text::slot_secret(typed.expose())) {
                (Self::Passphrase, _) | (Self::Either, Err(Malformed::Prefix)) => {
                    return Ok(SlotSecret::Passphrase(typed));
                }
                (Self::Recovery | Self::Either, Ok(code @ SlotSecret::Recovery(_))) => {
                    return Ok(code);
                }
                (Self::Recovery | Self::Either, _) => {
                    context
                        .ui
                        .warning("that is no recovery code: look for a slip, and type it again");
                }
            }
        }
    }
}

fn ask_new_passphrase(context: &Context) -> Result<SlotSecret, CliError> {
    context
        .ui
        .ask_new_secret("new passphrase for the vault", PASSPHRASE_FLAG)
        .map(SlotSecret::Passphrase)
}

/// How long the keychain may take: where a person can answer its prompt, long enough for that.
pub(crate) fn patience(context: &Context) -> Patience {
    let patience = patience_without_prompt(context);
    if !context.ui.can_ask() {
        return patience;
    }
    Patience { limit: Duration::from_mins(1), may_prompt: true, ..patience }
}

/// The same where nobody is asked to unlock it, terminal or not.
pub(crate) fn patience_without_prompt(context: &Context) -> Patience {
    let session = paths::session(|name| context.environment.get(name));
    Patience { limit: Duration::from_secs(10), may_prompt: false, session }
}

/// A new key's text form.
pub(crate) fn generate() -> Result<Zeroizing<String>, CliError> {
    Ok(key_text::generate()?)
}
