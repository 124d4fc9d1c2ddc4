//! Explains failures of bundles: not made, not written, or not opened.

use super::file::{is_taken, trust_hint};
use super::vault::store_error;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::typed::command;
use crate::ops::error::{BundleClosed, BundleMalformed};
use crate::ops::{BundleError, SlotKind};

/// The command that puts the bundle of an interrupted move in place.
pub(crate) const RESUME: &str = "tokctl export --resume --output moved.bundle";

const RESUME_ELSEWHERE: &str = "name a file that is not there yet, with `--output`";

impl From<BundleError> for CliError {
    fn from(error: BundleError) -> Self {
        bundle_error(&error)
    }
}

pub(super) fn bundle_error(error: &BundleError) -> CliError {
    let (kind, hint): (Kind, Hint) = match error {
        BundleError::StaysHere { .. } => {
            (Kind::Usage, "log in there with `--method workload-identity`".into())
        }
        BundleError::NothingTravels { account } => {
            (Kind::Failed, command("refresh", account).into())
        }
        BundleError::NotPlaced { source } if is_taken(source) => {
            (Kind::Failed, RESUME_ELSEWHERE.into())
        }
        BundleError::UnderWay { to } => (Kind::Failed, Hint::GoOn(to.clone())),
        BundleError::Unplaced | BundleError::NotPlaced { .. } => (Kind::Failed, RESUME.into()),
        BundleError::NotArrived { source } => {
            let CliError { kind, .. } = store_error(source);
            (kind, Hint::Again(&[]))
        }
        BundleError::NothingUnplaced => (Kind::NotFound, "tokctl list".into()),
        BundleError::TooLarge => (
            Kind::Failed,
            "export fewer at once: one service after the other, each named behind `--all`".into(),
        ),
        BundleError::NotMade { source } => (Kind::Failed, trust_hint(source).into()),
        BundleError::Malformed(BundleMalformed::Empty | BundleMalformed::Prefix) => {
            (Kind::Usage, "name the file that an export wrote".into())
        }
        BundleError::Malformed(BundleMalformed::Version) => (Kind::Failed, "update tokctl".into()),
        BundleError::Malformed(BundleMalformed::Damaged)
        | BundleError::Closed(BundleClosed::Damaged) => {
            (Kind::Usage, "fetch it once more from where it was made".into())
        }
        BundleError::Closed(BundleClosed::WrongSecret(kind)) => {
            let names = match kind {
                SlotKind::Passphrase => "TOKCTL_BUNDLE_PASSPHRASE to the passphrase",
                SlotKind::Key | SlotKind::Keychain | SlotKind::Recovery => {
                    "TOKCTL_BUNDLE_KEY or TOKCTL_BUNDLE_KEY_FILE to the key"
                }
            };
            (Kind::KeyUnavailable, format!("set {names} that it was sealed for").into())
        }
        BundleError::Opened { .. } => (Kind::Failed, "tokctl list".into()),
        BundleError::InTheWay { .. } => (Kind::Failed, Hint::Again(&["--replace"])),
        BundleError::Newer { account } => (Kind::Failed, command("why", account).into()),
    };
    CliError::of(kind, error).hint(hint)
}
