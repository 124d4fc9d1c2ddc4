//! All tokens, for as long as the service runs.

mod log;
mod metrics;
mod schedule;
mod supervisor;
mod troubles;
mod unit;
mod rounds;
mod service;

pub(super) use self::service::run;
pub(super) use self::unit::print as print_unit;
