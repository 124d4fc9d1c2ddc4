//! Importing credentials from the stores of other tools, or from the bundle of another vault.
//!
//! An import makes no request and does not change its source. It reads a [`Source`] or opens a
//! bundle, makes [`Incoming`] credentials of it, and stores them with [`take_in`]. How the store of
//! another tool is read is not known here.

mod source;
mod incoming;
mod assembly;
mod selection;
mod bundle;
mod taking_in;

pub(crate) use assembly::Service;
#[cfg(any(test, fuzzing))]
pub(crate) use assembly::assemble;
pub(crate) use bundle::{BundleId, LONGEST_BUNDLE, OpenedBundle, open, read_bundle};
pub(crate) use incoming::{Incoming, LeftOut};
pub(crate) use selection::{Overrides, Selection, Skipped, select, services};
pub(crate) use source::{Found, Source, SourceError, read};
pub(crate) use taking_in::{Outcome, Placed, Terms, preview, take_in, written_accounts};
