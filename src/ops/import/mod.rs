//! Taking credentials in from elsewhere: from the stores of other tools, or from another vault.
//!
//! Makes no request: what comes in is stored as it is, and what it was taken from is not changed.

mod incoming;
mod assembly;
mod bundle;
mod place;

pub(crate) use assembly::{Service, assemble};
pub(crate) use bundle::{Opened, open};
pub(crate) use incoming::{Incoming, LeftOut};
pub(crate) use place::{Outcome, Placed, Terms, foresee, place, written};
