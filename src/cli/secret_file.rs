//! Files that hold a secret: keys, passphrases, and what proves a client.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use super::context::Context;
use super::environment::CREDENTIALS;
use super::error::{CliError, Kind};
use super::explain::untrusted_file;
use super::typed::quoted;
use crate::private_file::{self, Readers};

/// The mode bits of users that are neither the owner nor in the group.
const ALL_OTHERS: u32 = 0o007;

/// The hint at what keeps the other users of a pod from reading a file of a Secret.
pub(super) const POD_REMEDY: &str =
    "set `defaultMode: 0400` for the Secret's volume, and `fsGroup` if the pod is not root's";

/// The files that this process warned of already: one command may read a file more than once.
static WARNED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Reads a file of at most `limit` bytes that holds a secret, as text; one that is a pipe is waited
/// for as long as `patience`. A file that can't be used gets an error of `kind`.
///
/// Warns if other users can read the file, except where the system keeps such files.
pub(super) fn read(
    context: &Context,
    path: &Path,
    limit: u64,
    patience: impl FnOnce() -> Duration,
    kind: Kind,
) -> Result<Zeroizing<String>, CliError> {
    let (bytes, readers) = private_file::read_trusted(path, limit, patience)
        .map_err(|error| untrusted_file(kind, &error))?;
    let bytes = Zeroizing::new(bytes);
    if readers == Readers::Others && !is_open_on_purpose(context, path) {
        warn(context, path);
    }
    let Ok(text) = std::str::from_utf8(&bytes) else {
        let what = format!("`{}` holds something that is not text", path.display());
        return Err(CliError::new(kind, what));
    };
    Ok(Zeroizing::new(text.to_owned()))
}

/// Whether other users may read the file as it lies there: it is a device such as `/dev/null` and holds
/// nothing, nobody can change its mode, or the others are a pod's group, to which `fsGroup` gives it.
pub(super) fn is_open_on_purpose(context: &Context, path: &Path) -> bool {
    let credentials = context.environment.get(CREDENTIALS);
    let holds_nothing = fs::metadata(path).is_ok_and(|found| {
        let kind = found.file_type();
        kind.is_char_device() || kind.is_block_device()
    });
    holds_nothing
        || path.starts_with("/run/secrets")
        || private_file::is_read_only(path)
        || credentials.is_some_and(|directory| path.starts_with(directory))
        || (is_of_kubernetes(path)
            && fs::metadata(path).is_ok_and(|found| found.mode() & ALL_OTHERS == 0))
}

/// Warns once that others can read the file, with what keeps them out.
fn warn(context: &Context, path: &Path) {
    let Ok(found) = fs::metadata(path) else { return };
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    if warned.iter().any(|other| other == path) {
        return;
    }
    warned.push(path.to_owned());
    let own = rustix::process::geteuid();
    let shown = quoted(&path.to_string_lossy());
    let closing = if is_of_kubernetes(path) {
        POD_REMEDY.to_owned()
    } else if own.is_root() || found.uid() == own.as_raw() {
        format!("chmod 600 {shown}")
    } else {
        format!("sudo chmod go= {shown}")
    };
    context.ui.warning(&format!("`{}` can be read by others: {closing}", path.display()));
}

/// Whether Kubernetes put the file there: it keeps each version of a volume in a directory such as
/// `..2026_11_28_14_00_00.1234567890`, to which a link leads.
pub(super) fn is_of_kubernetes(path: &Path) -> bool {
    path.canonicalize().is_ok_and(|found| {
        found.components().any(|part| {
            matches!(part, Component::Normal(name) if name.to_string_lossy().starts_with(".."))
        })
    })
}
