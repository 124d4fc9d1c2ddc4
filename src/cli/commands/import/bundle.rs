//! Bundles that another vault sealed.

use std::path::Path;

use crate::cli::bundle_secret;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::explain::untrusted_file;
use crate::cli::stdin;
use crate::ops::import::{self, BundleId, LONGEST_BUNDLE, OpenedBundle};
use crate::private_file;

/// Reads and opens the bundle in `file`, or on stdin if `file` is `-`.
pub(super) fn open(
    context: &Context,
    file: &Path,
    key_file: Option<&Path>,
) -> Result<(BundleId, OpenedBundle), CliError> {
    let text = if file.as_os_str() == "-" {
        stdin::text(LONGEST_BUNDLE)?
    } else {
        let bytes = private_file::read(file, LONGEST_BUNDLE)
            .map_err(|error| untrusted_file(Kind::Failed, &error))?;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let bundle = import::read_bundle(&text)?;
    let secret = bundle_secret::for_opening(context, bundle.kind(), key_file)?;
    Ok((bundle.id(), import::open(&bundle, &secret)?))
}
