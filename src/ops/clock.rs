//! Where the time comes from.

/// Tells the time. A function, since an operation may wait long for its turn.
pub(crate) type Clock = fn() -> jiff::Timestamp;
