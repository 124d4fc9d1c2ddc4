//! The clock that operations are given as an argument.

/// A function that returns the current time. Operations take a function and not a time, because
/// they may wait long for a lock or a server.
pub(crate) type Clock = fn() -> jiff::Timestamp;
