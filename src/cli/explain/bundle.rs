//! Explains failures of bundles: not made, not written, or not opened.

use super::file::{is_taken, trust_hint};
use crate::cli::error::{CliError, Kind};
use crate::cli::typed::user_flag;
use crate::ops::error::{BundleClosed, BundleMalformed};
use crate::ops::{BundleError, SlotKind};

pub(super) const RESUME: &str = "tokctl export --resume --output FILE";

const RESUME_ELSEWHERE: &str =
    "name a file that is not there yet: tokctl export --resume --output FILE";

impl From<BundleError> for CliError {
    fn from(error: BundleError) -> Self {
        bundle_error(&error)
    }
}

pub(super) fn bundle_error(error: &BundleError) -> CliError {
    let (kind, hint) = match error {
        BundleError::NothingTravels { account } => (
            Kind::Failed,
            format!(
                "tokctl refresh {} {} first, or move it with `--move`",
                account.provider,
                user_flag(account.user.as_str())
            ),
        ),
        BundleError::Unplaced => (Kind::Failed, RESUME.into()),
        BundleError::NotPlaced { source } if is_taken(source) => {
            (Kind::Failed, RESUME_ELSEWHERE.into())
        }
        BundleError::NotPlaced { .. } => (Kind::Failed, format!("make room, then {RESUME}")),
        BundleError::NothingUnplaced => (Kind::NotFound, "tokctl list".into()),
        BundleError::TooLarge => (Kind::Failed, "export fewer at once".into()),
        BundleError::NotMade { source } => (Kind::Failed, trust_hint(source)),
        BundleError::Malformed(BundleMalformed::Prefix) => {
            (Kind::Usage, "name what `tokctl export` wrote".into())
        }
        BundleError::Malformed(BundleMalformed::Version) => (Kind::Failed, "update tokctl".into()),
        BundleError::Malformed(BundleMalformed::Damaged)
        | BundleError::Closed(BundleClosed::Damaged) => {
            (Kind::Failed, "fetch it once more from where it was made".into())
        }
        BundleError::Closed(BundleClosed::WrongSecret(kind)) => {
            let names = match kind {
                SlotKind::Passphrase => "TOKCTL_BUNDLE_PASSPHRASE to the passphrase",
                SlotKind::Key | SlotKind::Keychain | SlotKind::Recovery => {
                    "TOKCTL_BUNDLE_KEY or TOKCTL_BUNDLE_KEY_FILE to the key"
                }
            };
            (Kind::KeyUnavailable, format!("set {names} that it was sealed for"))
        }
        BundleError::Opened { .. } => {
            (Kind::Failed, "`tokctl list` shows what is there; another needs another export".into())
        }
        BundleError::InTheWay { .. } => (Kind::Failed, "give `--replace` to overwrite it".into()),
        BundleError::Newer { account } => (
            Kind::Failed,
            format!(
                "to take it in all the same, `tokctl delete {} {} --no-revoke` first",
                account.provider,
                user_flag(account.user.as_str())
            ),
        ),
    };
    CliError::of(kind, error).hint(hint)
}
