//! The list of tools whose stores can be read.

use std::path::Path;

pub(crate) use crate::importers::Error as SourceError;
pub(crate) use crate::importers::record::Found;
use crate::importers::record::{Fault, Unusable};
use crate::importers::{agentllm, google, pauth, rclone, refresh_service, salla, state_tokens};
use crate::secret::StoreKey;

/// The tool that a store belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Agentllm,
    Salla,
    StateTokens,
    Pauth,
    RefreshService,
    Google,
    Rclone,
}

/// Reads the store of a tool in `file`. `key` opens it if the tool encrypts it. Fails if the store
/// can't be read, or if the key opens nothing in it.
pub(crate) fn read(
    source: Source,
    file: &Path,
    key: Option<&StoreKey>,
) -> Result<Found, SourceError> {
    let found = match source {
        Source::Agentllm => agentllm::read(file, key),
        Source::Salla => salla::read(file),
        Source::StateTokens => state_tokens::read(file, key),
        Source::Pauth => pauth::read(file, key),
        Source::RefreshService => refresh_service::read(file),
        Source::Google => google::read(file),
        Source::Rclone => rclone::read(file),
    }?;
    let is_closed = |one: &Unusable| one.fault == Fault::WrongKey;
    match found.unusable.first() {
        Some(first) if found.records.is_empty() && found.unusable.iter().all(is_closed) => {
            let place = first.label.origin.clone();
            Err(SourceError::WrongKey { path: file.to_owned(), place })
        }
        Some(_) | None => Ok(found),
    }
}
