//! Secrets for new key slots: taken from the environment, asked for, or generated and shown.

use super::context::Context;
use super::error::{CliError, Kind};
use super::key_material;
use super::keys;
use crate::ops::key_text::RecoveryCode;
use crate::ops::{SlotKind, SlotSecret};
use crate::secret::Passphrase;

/// The hint for giving a new passphrase where no prompt is possible.
const PASSPHRASE_FLAG: &str = "set TOKCTL_NEW_PASSPHRASE";

/// Returns the secret for a new slot of this `kind`.
pub(crate) fn for_slot(context: &Context, kind: SlotKind) -> Result<SlotSecret, CliError> {
    match kind {
        SlotKind::Keychain => Ok(SlotSecret::Keychain(keys::patience(context))),
        SlotKind::Key => key_from_environment(context)?.ok_or_else(|| {
            CliError::new(Kind::Usage, "a new `key` slot needs a new key")
                .hint("`tokctl key generate > FILE`, with TOKCTL_NEW_KEY_FILE set to that file")
        }),
        SlotKind::Passphrase => match passphrase_from_environment(context)? {
            Some(secret) => Ok(secret),
            None => ask_passphrase(context, "new passphrase for the vault"),
        },
        SlotKind::Recovery => recovery(context),
    }
}

/// Returns the new key that the environment gives, if any.
pub(crate) fn key_from_environment(context: &Context) -> Result<Option<SlotSecret>, CliError> {
    Ok(key_material::new_key(context)?.map(SlotSecret::Key))
}

/// Returns the new passphrase that the environment gives, if any.
pub(crate) fn passphrase_from_environment(
    context: &Context,
) -> Result<Option<SlotSecret>, CliError> {
    Ok(key_material::new_passphrase(context)?.map(SlotSecret::Passphrase))
}

/// Asks for a new passphrase, twice.
pub(crate) fn ask_passphrase(context: &Context, prompt: &str) -> Result<SlotSecret, CliError> {
    context.ui.ask_new_secret::<Passphrase>(prompt, PASSPHRASE_FLAG).map(SlotSecret::Passphrase)
}

/// Generates a recovery code and shows it. At a terminal, the user has to type it back.
pub(crate) fn recovery(context: &Context) -> Result<SlotSecret, CliError> {
    let code = RecoveryCode::generate()?;
    context.ui.always("a recovery code opens the vault and is shown only now: write it down");
    context.ui.line_once(&code.text())?;
    if context.ui.is_interactive() {
        while !confirm_typed(context, &code)? {
            context.ui.warning("that is not what stands above: look for a slip, and type it again");
        }
    }
    Ok(code.into_secret())
}

fn confirm_typed(context: &Context, code: &RecoveryCode) -> Result<bool, CliError> {
    let typed =
        context.ui.ask("type the recovery code, as you wrote it down", "give `--no-input`")?;
    Ok(code.is(&zeroize::Zeroizing::new(typed)))
}
