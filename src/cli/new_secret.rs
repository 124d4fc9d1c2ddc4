//! Secrets for new key slots: taken from the environment, asked for, or generated and shown.

use super::context::Context;
use super::error::{CliError, Kind};
use super::key_material;
use super::keys;
use super::questions::given;
use crate::ops::key_text::RecoveryCode;
use crate::ops::{SlotKind, SlotSecret};
use crate::secret::Passphrase;

/// The hint for giving a new passphrase where no prompt is possible.
const PASSPHRASE_FLAG: &str = "set TOKCTL_NEW_PASSPHRASE";

/// The most characters in a row of a recovery code that is broken into rows: it fits a narrow
/// terminal too.
const WIDEST: usize = 36;

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

/// Returns the new passphrase that the environment gives, if any. Fails if it is too short.
pub(crate) fn passphrase_from_environment(
    context: &Context,
) -> Result<Option<SlotSecret>, CliError> {
    let Some(given) = key_material::new_passphrase(context)? else { return Ok(None) };
    let given = key_material::long_enough(key_material::NEW_PASSPHRASE, given)?;
    Ok(Some(SlotSecret::Passphrase(given)))
}

/// Asks for a new passphrase, twice.
pub(crate) fn ask_passphrase(context: &Context, prompt: &str) -> Result<SlotSecret, CliError> {
    context
        .ui
        .ask_new_secret::<Passphrase>(prompt, PASSPHRASE_FLAG, key_material::check_new_passphrase)
        .map(SlotSecret::Passphrase)
}

/// Generates a recovery code and shows it. At a terminal, the user has to type it back, which does
/// not show: who looks on later sees it nowhere but where it was printed.
pub(crate) fn recovery(context: &Context) -> Result<SlotSecret, CliError> {
    let code = RecoveryCode::generate()?;
    context.ui.always("a recovery code opens the vault and is shown only now: write it down");
    let text = code.text();
    for row in rows(&text, width()) {
        context.ui.line_once(row)?;
    }
    if context.ui.is_interactive() {
        given(context.ui.ask_secret(
            "type the recovery code, or its last three groups",
            "give `--no-input`",
            |typed| {
                let is_right = code.is_confirmed_by(typed);
                is_right.then_some(()).ok_or_else(|| {
                    "that is not what stands above: look for a slip, and type it again".into()
                })
            },
        )?)?;
    }
    Ok(code.into_secret())
}

/// Returns the width of stdout, if it is a terminal that tells one.
fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}

/// Breaks a code at its hyphens into rows that a terminal of this `width` does not break again.
fn rows(code: &str, width: Option<usize>) -> Vec<&str> {
    let mut rows = Vec::new();
    let mut rest = code;
    if width.is_none_or(|width| code.len() < width) {
        return vec![code];
    }
    while rest.len() > WIDEST {
        let end = rest[..WIDEST].rfind('-').map_or(WIDEST, |hyphen| hyphen + 1);
        let (row, after) = rest.split_at(end);
        rows.push(row);
        rest = after;
    }
    rows.push(rest);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_code_again_and_end_between_groups() {
        let code = RecoveryCode::generate().unwrap().text();
        assert_eq!((rows(&code, None), rows(&code, Some(100))), (vec![&**code], vec![&**code]));
        let rows = rows(&code, Some(80));
        assert_eq!(rows.concat(), *code);
        assert!(rows.iter().all(|row| row.len() <= WIDEST));
        assert!(rows[..rows.len() - 1].iter().all(|row| row.ends_with('-')));
    }
}
