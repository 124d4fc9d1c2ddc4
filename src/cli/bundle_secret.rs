//! What a bundle is sealed for, and opened with: a key or a passphrase of its own, not the vault's.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::context::Context;
use super::error::{CliError, Kind};
use super::key_material;
use crate::ops::SlotKind;
use crate::ops::export::BundleSecret;

/// How to give the passphrase where nobody can be asked.
const PASSPHRASE_FLAG: &str = "set TOKCTL_BUNDLE_PASSPHRASE or TOKCTL_BUNDLE_PASSPHRASE_FILE";

/// What a bundle is to be sealed for, as the command line says it.
#[derive(Debug, Clone)]
pub(crate) enum Recipient {
    Passphrase,
    /// The key in this file.
    Key(PathBuf),
    /// Anything else. It is not kept, so that no message can repeat it: it may be a key or a
    /// passphrase, which has no place on a command line.
    Other,
}

impl FromStr for Recipient {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_prefix("key:") {
            Some(file) if !file.is_empty() && !file.starts_with("tokctl-") => {
                Self::Key(file.into())
            }
            None if text == "passphrase" => Self::Passphrase,
            Some(_) | None => Self::Other,
        })
    }
}

/// The secret to seal a new bundle for.
pub(crate) fn sealing(context: &Context, to: &Recipient) -> Result<BundleSecret, CliError> {
    match to {
        Recipient::Key(file) => key_in(context, file),
        Recipient::Passphrase => match key_material::bundle_passphrase(context)? {
            Some(passphrase) => Ok(BundleSecret::Passphrase(passphrase)),
            None => context
                .ui
                .ask_new_secret("passphrase for the bundle", PASSPHRASE_FLAG)
                .map(BundleSecret::Passphrase),
        },
        Recipient::Other => Err(CliError::new(
            Kind::Usage,
            "`--to` is one of key:FILE and passphrase, and never takes the secret itself",
        )
        .hint("`tokctl key generate > FILE` makes a key, then `--to key:FILE`")),
    }
}

/// The secret that opens a bundle of this kind; a key from `key_file`, if that is named.
pub(crate) fn opening(
    context: &Context,
    kind: SlotKind,
    key_file: Option<&Path>,
) -> Result<BundleSecret, CliError> {
    if let Some(file) = key_file {
        return key_in(context, file);
    }
    match kind {
        SlotKind::Passphrase => match key_material::bundle_passphrase(context)? {
            Some(passphrase) => Ok(BundleSecret::Passphrase(passphrase)),
            None => context
                .ui
                .ask_secret("passphrase of the bundle", PASSPHRASE_FLAG)
                .map(BundleSecret::Passphrase),
        },
        SlotKind::Key | SlotKind::Keychain | SlotKind::Recovery => {
            key_material::bundle_key(context)?.map(BundleSecret::Key).ok_or_else(|| {
                CliError::new(Kind::KeyUnavailable, "the bundle was sealed for a key")
                    .hint("set TOKCTL_BUNDLE_KEY or TOKCTL_BUNDLE_KEY_FILE, or give `--key-file`")
            })
        }
    }
}

/// The key in a file that the command line names. Where there is none in it, the call is wrong:
/// nothing is to be unlocked.
fn key_in(context: &Context, file: &Path) -> Result<BundleSecret, CliError> {
    let source = format!("`{}`", file.display());
    let key = key_material::key_in(context, &source, file);
    key.map(BundleSecret::Key).map_err(|error| CliError { kind: Kind::Usage, ..error })
}
