//! Secrets that seal and open a bundle: a key or a passphrase of the bundle's own, not the vault's.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::context::Context;
use super::error::{CliError, Kind};
use super::key_material;
#[cfg(feature = "postgres")]
use super::member_identity;
use crate::ops::SlotKind;
#[cfg(feature = "postgres")]
use crate::ops::carry;
use crate::ops::export::BundleSecret;

/// The hint for giving the bundle's passphrase where no prompt is possible.
const PASSPHRASE_FLAG: &str = "set TOKCTL_BUNDLE_PASSPHRASE or TOKCTL_BUNDLE_PASSPHRASE_FILE";

/// The kind of secret that a new bundle is sealed for, as `--to` names it.
#[derive(Debug, Clone)]
pub(crate) enum Recipient {
    Passphrase,
    /// The key in the file with this path.
    Key(PathBuf),
    /// Any other text. The text itself is dropped so that no message can repeat it: it may be a key
    /// or a passphrase, and neither belongs on a command line.
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

/// Returns the secret that seals a new bundle; asks for a passphrase if none is set.
pub(crate) fn for_sealing(context: &Context, to: &Recipient) -> Result<BundleSecret, CliError> {
    match to {
        Recipient::Key(file) => key_in(context, file),
        Recipient::Passphrase => match key_material::bundle_passphrase(context)? {
            Some(passphrase) => key_material::long_enough("TOKCTL_BUNDLE_PASSPHRASE", passphrase)
                .map(BundleSecret::Passphrase),
            None => context
                .ui
                .ask_new_secret(
                    "passphrase for the bundle",
                    PASSPHRASE_FLAG,
                    key_material::check_new_passphrase,
                )
                .map(BundleSecret::Passphrase),
        },
        Recipient::Other => Err(CliError::new(
            Kind::Usage,
            "`--to` is one of key:FILE and passphrase, and never takes the secret itself",
        )
        .hint("`tokctl key generate > FILE` makes a key, then `--to key:FILE`")),
    }
}

/// A secret that may open a bundle, and where it came from.
pub(crate) struct Given {
    pub(crate) secret: BundleSecret,
    /// Whether a person typed it, who can be asked again.
    pub(crate) is_typed: bool,
    /// Whether it is that of this user's identity.
    pub(crate) is_of_identity: bool,
}

/// Returns the secret that opens a bundle sealed with a secret of this `kind`.
///
/// The key comes from `key_file` if that is given, else from the environment; a passphrase may be
/// asked for.
pub(crate) fn for_opening(
    context: &Context,
    kind: SlotKind,
    key_file: Option<&Path>,
) -> Result<Given, CliError> {
    let given = |secret, is_typed| Given { secret, is_typed, is_of_identity: false };
    let set = |secret| given(secret, false);
    if let Some(file) = key_file {
        return key_in(context, file).map(set);
    }
    match kind {
        SlotKind::Passphrase => match key_material::bundle_passphrase(context)? {
            Some(passphrase) => Ok(set(BundleSecret::Passphrase(passphrase))),
            None => context
                .ui
                .ask_for_secret("passphrase of the bundle", PASSPHRASE_FLAG)
                .map(|typed| given(BundleSecret::Passphrase(typed), true)),
        },
        SlotKind::Key | SlotKind::Keychain | SlotKind::Recovery => {
            let key = key_material::bundle_key(context)?.map(BundleSecret::Key);
            let own = || Some(Given { is_of_identity: true, ..set(of_identity(context)?) });
            key.map(set).or_else(own).ok_or_else(|| {
                CliError::new(Kind::KeyUnavailable, "the bundle was sealed for a key")
                    .hint(
                        "set TOKCTL_BUNDLE_KEY or TOKCTL_BUNDLE_KEY_FILE, or give `--key-file`; where \
                         a move between vaults was interrupted, the identity of who began it opens it",
                    )
            })
        }
    }
}

/// Returns the secret of what this user carried from one vault to another, if there is an identity
/// here: such a move, when it is interrupted, goes on as a bundle.
#[cfg(feature = "postgres")]
fn of_identity(context: &Context) -> Option<BundleSecret> {
    let identity = member_identity::of_user(context).ok()?;
    Some(carry::secret(&identity))
}

#[cfg(not(feature = "postgres"))]
fn of_identity(_: &Context) -> Option<BundleSecret> {
    None
}

/// Returns the key in a file that the command line names.
///
/// A file without a key is a usage error, because no vault is being unlocked.
fn key_in(context: &Context, file: &Path) -> Result<BundleSecret, CliError> {
    let source = format!("`{}`", file.display());
    let key = key_material::key_in(context, &source, file);
    key.map(BundleSecret::Key).map_err(|error| CliError { kind: Kind::Usage, ..error })
}
