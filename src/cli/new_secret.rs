//! Secrets for new key slots: given, asked for, or made and shown.

use super::context::Context;
use super::error::{CliError, Kind};
use super::key_material;
use super::keys;
use crate::ops::key_text::RecoveryCode;
use crate::ops::{SlotKind, SlotSecret};
use crate::secret::Passphrase;

/// How to give a new passphrase where nobody can be asked.
const PASSPHRASE_FLAG: &str = "set TOKCTL_NEW_PASSPHRASE";

/// The secret for a new slot of this kind.
pub(crate) fn of(context: &Context, kind: SlotKind) -> Result<SlotSecret, CliError> {
    match kind {
        SlotKind::Keychain => Ok(SlotSecret::Keychain(keys::patience(context))),
        SlotKind::Key => given_key(context)?.ok_or_else(|| {
            CliError::new(Kind::Usage, "a new `key` slot needs a new key")
                .hint("`tokctl key generate > FILE`, with TOKCTL_NEW_KEY_FILE set to that file")
        }),
        SlotKind::Passphrase => match given_passphrase(context)? {
            Some(secret) => Ok(secret),
            None => ask_passphrase(context, "new passphrase for the vault"),
        },
        SlotKind::Recovery => recovery(context),
    }
}

/// The new key that is set.
pub(crate) fn given_key(context: &Context) -> Result<Option<SlotSecret>, CliError> {
    Ok(key_material::new_key(context)?.map(SlotSecret::Key))
}

/// The new passphrase that is set.
pub(crate) fn given_passphrase(context: &Context) -> Result<Option<SlotSecret>, CliError> {
    Ok(key_material::new_passphrase(context)?.map(SlotSecret::Passphrase))
}

/// Asks for a new passphrase, twice.
pub(crate) fn ask_passphrase(context: &Context, prompt: &str) -> Result<SlotSecret, CliError> {
    context.ui.ask_new_secret::<Passphrase>(prompt, PASSPHRASE_FLAG).map(SlotSecret::Passphrase)
}

/// Makes a recovery code and shows it. Where a person reads it, has it typed back.
pub(crate) fn recovery(context: &Context) -> Result<SlotSecret, CliError> {
    let code = RecoveryCode::generate()?;
    context.ui.always("a recovery code opens the vault and is shown only now: write it down");
    context.ui.line_once(&code.text())?;
    if context.ui.is_read_at_once() {
        while !typed_back(context, &code)? {
            context.ui.warning("that is not what stands above: look for a slip, and type it again");
        }
    }
    Ok(code.into_secret())
}

fn typed_back(context: &Context, code: &RecoveryCode) -> Result<bool, CliError> {
    let typed =
        context.ui.ask("type the recovery code, as you wrote it down", "give `--no-input`")?;
    Ok(code.is(&zeroize::Zeroizing::new(typed)))
}
