//! The stores of other tools, as their documentation and their programs have them.
//!
//! Reads them and changes nothing: no file, and none beside it. What is in them is parsed whole
//! before any of it is used. That a provider is named there is all that is believed of where
//! secrets go; addresses of token endpoints are not even read.

mod error;
pub(crate) mod record;
mod text;
pub(crate) mod google;

pub(crate) use error::Error;
