//! Taking credentials in from elsewhere: from the stores of other tools, or from another vault.
//!
//! Makes no request: what comes in is stored as it is, and what it was taken from is not changed.

mod source;
mod incoming;
mod assembly;
mod selection;
mod bundle;
mod place;

pub(crate) use assembly::Service;
#[cfg(any(test, fuzzing))]
pub(crate) use assembly::assemble;
pub(crate) use bundle::{BundleId, LONGEST_BUNDLE, Opened, open, read_bundle};
pub(crate) use incoming::{Incoming, LeftOut};
pub(crate) use place::{Outcome, Placed, Terms, foresee, place, written};
pub(crate) use selection::{BadName, Selection, Skipped, Wishes, select, services};
pub(crate) use source::{Found, Source, SourceError, read};
