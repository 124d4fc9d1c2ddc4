//! The service that refreshes all tokens before they are due.

mod log;
mod metrics;
mod outages;
mod schedule;
mod supervisor;
mod troubles;
mod unit;
mod rounds;
mod away;
mod start;
#[cfg(feature = "postgres")]
mod kept;
mod service;

pub(super) use self::service::run;
pub(super) use self::unit::print as print_unit;
