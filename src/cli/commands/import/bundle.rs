//! Bundles that another vault sealed.

use std::path::Path;

use crate::cli::bundle_secret;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::explain::untrusted_file;
use crate::cli::stdin;
use crate::ops::error::BundleClosed;
use crate::ops::import::{self, BundleId, LONGEST_BUNDLE, OpenedBundle};
use crate::ops::{self, BundleError};
use crate::private_file;

/// The number of times that a person may type the passphrase of a bundle.
const TRIES: usize = 3;

/// A bundle that was opened.
pub(super) struct Bundle {
    pub(super) id: BundleId,
    pub(super) opened: OpenedBundle,
    /// Whether this user's identity opens it, so that a move between vaults was interrupted.
    pub(super) is_of_identity: bool,
}

/// Reads and opens the bundle in `file`, or on stdin if `file` is `-`.
pub(super) fn open(
    context: &Context,
    file: &Path,
    key_file: Option<&Path>,
) -> Result<Bundle, CliError> {
    let text = if file.as_os_str() == "-" {
        stdin::text(LONGEST_BUNDLE)?
    } else {
        let bytes = private_file::read(file, LONGEST_BUNDLE)
            .map_err(|error| untrusted_file(Kind::Failed, &error))?;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let bundle = import::read_bundle(&text)?;
    let mut left = TRIES;
    loop {
        let given = bundle_secret::for_opening(context, bundle.kind(), key_file)?;
        left -= 1;
        match import::open(&bundle, &given.secret) {
            Err(ops::Error::Bundle(BundleError::Closed(BundleClosed::WrongSecret(_))))
                if given.is_typed && left > 0 =>
            {
                let slip = "that does not open the bundle: look for a slip, and type it again";
                context.ui.warning(slip);
            }
            opened => {
                let is_of_identity = given.is_of_identity;
                return Ok(Bundle { id: bundle.id(), opened: opened?, is_of_identity });
            }
        }
    }
}
