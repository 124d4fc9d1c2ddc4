//! The identity with which this user opens shared vaults: from the environment, else from the file
//! in which `tokctl key public` keeps it.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::context::Context;
use super::error::{CliError, Kind};
use super::slot_choice::SlotChoice;
use super::{key_material, keys, time};
use crate::ops::error::StoreError;
use crate::ops::key_text::Given;
use crate::ops::member_identity::{self, Identity};
use crate::ops::{SlotKind, SlotSecret, Vault};

/// The hint where nothing is at hand under which an identity could be kept.
const MAKE_AN_IDENTITY: &str = "make one with `tokctl key generate --identity > FILE` and set \
    TOKCTL_KEY_FILE to that file, or set TOKCTL_PASSPHRASE to a passphrase that keeps it";

/// Returns the identity. Fails if there is none.
pub(crate) fn of_user(context: &Context) -> Result<Identity, CliError> {
    let given = match key_material::given(context)? {
        Some((_, Given::Identity(key))) => return Ok(Identity::from_key(key)),
        Some((source, Given::Slot(SlotSecret::Key(_)))) => Some(source),
        Some((_, Given::Slot(_))) | None => None,
    };
    let path = path(context)?;
    let vault = match Vault::open_read_only(&path).and_then(Vault::finished) {
        Ok(vault) => vault,
        Err(StoreError::NoVault { .. }) => return Err(none(given)),
        Err(error) => return Err(error.into()),
    };
    let kinds: Vec<SlotKind> = vault.slots()?.iter().map(|slot| slot.kind).collect();
    let vault = keys::unlock(&context.for_file(path.clone()), vault)
        .map_err(|error| does_not_open(context, error, &path, &kinds))?;
    member_identity::read(&vault)?.ok_or_else(|| none(given))
}

/// Returns the identity; makes one where there is none, and keeps it in a file that opens with the
/// key slot `slot`.
pub(crate) fn of_user_or_new(
    context: &Context,
    slot: Option<SlotChoice>,
) -> Result<Identity, CliError> {
    if let Some((_, Given::Identity(key))) = key_material::given(context)? {
        return Ok(Identity::from_key(key));
    }
    let path = path(context)?;
    let kinds: Vec<SlotKind> = match Vault::open_read_only(&path).and_then(Vault::finished) {
        Ok(vault) => vault.slots()?.iter().map(|slot| slot.kind).collect(),
        Err(_) => Vec::new(),
    };
    let vault = keys::open_or_create(&context.for_file(path.clone()), slot)
        .map_err(|error| does_not_open(context, error, &path, &kinds))?;
    Ok(member_identity::read_or_make(&vault, time::now())?)
}

/// Returns `error`, with which the file of the identity at `path` was not opened or made, as one about
/// the identity: what it says else is about a vault and its key. `kinds` are the file's key slots.
fn does_not_open(context: &Context, error: CliError, path: &Path, kinds: &[SlotKind]) -> CliError {
    if error.kind != Kind::KeyUnavailable || key_material::is_of_variable(&error) {
        return error;
    }
    let path = path.display();
    if kinds.is_empty() {
        let what = format!("your identity could not be kept in `{path}`");
        let hint = error.hint.clone().filter(|_| context.ui.can_ask());
        let hint = hint.unwrap_or_else(|| MAKE_AN_IDENTITY.into());
        return CliError { message: what, ..error }.hint(hint);
    }
    let is_given = key_material::key(context).is_ok_and(|key| key.is_some())
        || key_material::passphrase(context).is_ok_and(|passphrase| passphrase.is_some());
    let message = if is_given {
        format!("what is given does not open your identity, in `{path}`")
    } else {
        format!("nothing here opens your identity, in `{path}`")
    };
    let mut ways: Vec<&str> = kinds
        .iter()
        .map(|kind| match kind {
            SlotKind::Keychain => "unlock the keychain",
            SlotKind::Key => "set TOKCTL_KEY or TOKCTL_KEY_FILE to the key of that file",
            SlotKind::Passphrase => "set TOKCTL_PASSPHRASE to the passphrase of that file",
            SlotKind::Recovery => "set TOKCTL_KEY to the recovery code of that file",
        })
        .collect();
    ways.dedup();
    let hint = format!("{}, or TOKCTL_KEY to an identity that an admin added", ways.join(", or "));
    CliError { message, ..error }.hint(hint)
}

/// Generates an identity and returns its text.
pub(crate) fn generate() -> Result<Zeroizing<String>, CliError> {
    Ok(member_identity::generate()?.text())
}

fn path(context: &Context) -> Result<PathBuf, CliError> {
    context.identity_path().ok_or_else(|| {
        CliError::new(Kind::Usage, "neither HOME nor XDG_DATA_HOME says where your identity is")
            .hint("set TOKCTL_KEY to what `tokctl key generate --identity` prints")
    })
}

/// Returns the error for a user without an identity. `slot_key` is the source of a key that opens
/// files, which somebody may have taken for one.
fn none(slot_key: Option<&str>) -> CliError {
    match slot_key {
        Some(source) => {
            let what = format!("{source} holds a key, and a shared vault opens with an identity");
            let takes = key_material::takes(source);
            CliError::new(Kind::KeyUnavailable, what).hint(format!(
                "{takes} what `tokctl key generate --identity` prints, once an admin added it"
            ))
        }
        None => CliError::new(
            Kind::KeyUnavailable,
            "there is no identity here that opens a shared vault",
        )
        .hint("tokctl key public"),
    }
}
