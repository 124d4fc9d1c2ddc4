//! What a person does who can't believe a database.

/// The hint where the database of a shared vault shows something that no member wrote.
pub(crate) const COMPARE: &str = "compare heads with another member, as `tokctl help shared` says, and ask who runs the database";
